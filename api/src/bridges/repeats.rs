//! How far repeats can move a rate. The books know how many events of a site were sent again, not what they said.

use avow_warehouse::query::Tally;

use super::definition::Definition;

/// The lowest and the highest rate that there is if any number of `repeats` events, up to all of them, were counted once more,
/// whatever they were. None where there is nothing to divide by, either way.
///
/// A rate of sums moves furthest if all that are counted are of one kind, and all of them are.
pub fn reach(tally: &Tally, definition: &Definition, repeats: u64, most_pairs: u64) -> Option<(f64, f64)> {
    let with = |kind: Tally| definition.of(&(*tally + kind.times(repeats))).rate();
    let rates = definition.of(tally).rate().into_iter().chain(kinds(most_pairs).into_iter().filter_map(with));
    rates.fold(None, |range: Option<(f64, f64)>, rate| {
        let (low, high) = range.unwrap_or((rate, rate));
        Some((low.min(rate), high.max(rate)))
    })
}

/// What one event can add.
fn kinds(most_pairs: u64) -> Vec<Tally> {
    let mut kinds = vec![Tally { shown: 1, ..Tally::default() }];
    let one = Tally { decisions: 1, ..Tally::default() };
    let methods = [Tally { accept_all: 1, ..one }, Tally { reject_all: 1, ..one }, Tally { custom: 1, ..one }, one];
    for method in methods {
        for (granted, denied) in [(0, 0), (most_pairs, 0), (0, most_pairs)] {
            for opted_in in [0, 1] {
                kinds.push(Tally { granted, denied, opted_in, ..method });
            }
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_repeats_move_sixty_of_a_hundred_to_between_these() {
        let tally = Tally { decisions: 100, accept_all: 60, ..Tally::default() };
        let (low, high) = reach(&tally, &Definition::parse("accept_all / decisions").unwrap(), 10, 0).unwrap();
        assert_eq!((low, high), (60.0 / 110.0, 70.0 / 110.0));
    }

    proptest! {
        #[test]
        fn no_repeats_that_there_can_be_lie_outside(
            (shown, accepted, rejected) in (1_u64..500, 0_u64..500, 0_u64..500), more in prop::collection::vec(0_usize..4, 0..30), text in
            prop::sample::select(vec!["accept_all / decisions", "decisions / shown", "opted_in / (opted_in + opted_out)", "granted / (granted + denied)"]),
        ) {
            let one = Tally { decisions: 1, ..Tally::default() };
            let of = [
                Tally { shown: 1, ..Tally::default() },
                Tally { accept_all: 1, opted_in: 1, granted: 3, ..one },
                Tally { reject_all: 1, denied: 3, ..one },
                Tally { custom: 1, opted_in: 1, granted: 1, denied: 2, ..one },
            ];
            let tally = of[0].times(shown) + of[1].times(accepted) + of[2].times(rejected);
            let definition = Definition::parse(text).unwrap();
            let repeated = more.iter().fold(tally, |tally, kind| tally + of[*kind]);
            if let (Some((low, high)), Some(rate)) =
                (reach(&tally, &definition, more.len() as u64, 3), definition.of(&repeated).rate())
            {
                prop_assert!(low - 1e-12 <= rate && rate <= high + 1e-12, "{low} {rate} {high}");
            }
        }
    }
}
