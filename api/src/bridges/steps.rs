//! The arithmetic of a bridge: from our counts to theirs, one difference after the other. Pure.

use avow_warehouse::query::{BridgeCounts, Tally};
use serde::Serialize;
use utoipa::ToSchema;

use super::definition::{Definition, Fraction};

/// A difference, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Our counts under their definition.
    Denominator,
    /// Bots counted as they count them.
    Bots,
    /// The days of their time zone.
    Timezone,
    /// Events that were sent again: how far they can move it.
    Repeats,
    /// Prompts that visitors opened themselves.
    Prompts,
    /// Decisions made by a signal or a program.
    Automatic,
    /// What none of these explains.
    Remainder,
}

impl Step {
    pub const ALL: [Self; 7] =
        [Self::Denominator, Self::Bots, Self::Timezone, Self::Repeats, Self::Prompts, Self::Automatic, Self::Remainder];

    /// What it does, in a sentence.
    pub const fn words(self, they: Besides) -> &'static str {
        match (self, they) {
            (Self::Denominator, _) => "Our counts, divided as they divide.",
            (Self::Bots, Besides { bots: true, .. }) => "Bots are counted too, declared and suspected ones.",
            (Self::Bots, _) => "Bots are left out, declared and suspected ones.",
            (Self::Timezone, _) => "Days begin and end in their time zone.",
            (Self::Repeats, _) => {
                "Events that were sent again count once with us. The books say how many there were, not what they said: the number stays, and the range is how far they can move it."
            }
            (Self::Prompts, Besides { opened: true, .. }) => {
                "Banners that visitors opened themselves are counted too, and what they decided there."
            }
            (Self::Prompts, _) => "They leave out banners that visitors opened themselves, as we do.",
            (Self::Automatic, Besides { automatic: true, .. }) => {
                "Decisions by a signal (Global Privacy Control) or a program are counted too."
            }
            (Self::Automatic, _) => "They leave out decisions by a signal or a program, as we do.",
            (Self::Remainder, _) => "What none of these steps explains.",
        }
    }
}

/// What they count that we leave out of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Besides {
    pub bots: bool,
    pub opened: bool,
    pub automatic: bool,
}

/// What is counted once a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub step: Step,
    pub tally: Tally,
    /// Whether the caller may not see it.
    pub withheld: bool,
}

/// Our counts with bots or without, and after each step but the last.
pub fn states(counts: &BridgeCounts, our_bots: bool, they: Besides) -> (Tally, Vec<State>) {
    let of = |side: &avow_warehouse::query::ByBot, bots: bool| match bots {
        true => side.people + side.bots,
        false => side.people,
    };
    let ours = of(&counts.ours, our_bots);
    let in_their_days = of(&counts.theirs, they.bots);
    let with_opened = match they.opened {
        true => in_their_days + of(&counts.opened, they.bots),
        false => in_their_days,
    };
    let with_automatic = match they.automatic {
        true => with_opened + of(&counts.automatic, they.bots),
        false => with_opened,
    };
    let state = |step, tally| State { step, tally, withheld: false };
    let states = vec![
        state(Step::Denominator, ours),
        state(Step::Bots, of(&counts.ours, they.bots)),
        state(Step::Timezone, in_their_days),
        state(Step::Repeats, in_their_days),
        state(Step::Prompts, with_opened),
        state(Step::Automatic, with_automatic),
    ];
    (ours, states)
}

/// The number after a step, and how far the step moved it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    pub step: Step,
    /// None of the last step, which ends at their number, and of one that is withheld.
    pub fraction: Option<Fraction>,
    pub after: Option<f64>,
    /// From the last number that there was; none where there is nothing to divide by.
    pub moved: Option<f64>,
    pub withheld: bool,
}

/// Takes every step from our number to theirs. What is moved adds up to the difference.
pub fn taken(ours: Option<f64>, states: &[State], definition: &Definition, theirs: f64) -> Vec<Taken> {
    let mut before = ours;
    let mut take = |step, withheld, fraction: Option<Fraction>, after: Option<f64>| {
        let moved = after.zip(before).map(|(after, before)| after - before);
        before = after.or(before);
        Taken { step, fraction, after, moved, withheld }
    };
    let mut steps: Vec<Taken> = Vec::with_capacity(Step::ALL.len());
    for state in states {
        let fraction = (!state.withheld).then(|| definition.of(&state.tally));
        steps.push(take(state.step, state.withheld, fraction, fraction.and_then(Fraction::rate)));
    }
    steps.push(take(Step::Remainder, false, None, Some(theirs)));
    steps
}

/// Whether so many decisions would show single persons.
pub fn is_small(decisions: u64, below: u32) -> bool {
    decisions > 0 && decisions < u64::from(below)
}

/// Withholds the states that differ from one before, not withheld itself, by 1 to `below - 1` decisions: whoever has both
/// numbers could work out those few. What such a step moves is in the next one's.
pub fn withhold(states: &mut [State], below: u32) {
    let mut seen: Vec<u64> = Vec::new();
    for state in states {
        let decisions = state.tally.decisions;
        state.withheld = seen.iter().any(|other| is_small(decisions.abs_diff(*other), below));
        if !state.withheld {
            seen.push(decisions);
        }
    }
}

#[cfg(test)]
mod tests {
    use avow_warehouse::query::ByBot;
    use proptest::prelude::*;

    use super::*;

    fn tally() -> impl Strategy<Value = Tally> {
        prop::array::uniform8(0_u64..1_000).prop_map(
            |[shown, accept_all, reject_all, custom, opted, _, granted, denied]| {
                let decisions = accept_all + reject_all + custom;
                Tally {
                    shown,
                    decisions,
                    accept_all,
                    reject_all,
                    custom,
                    opted_in: opted.min(decisions),
                    granted,
                    denied,
                }
            },
        )
    }

    fn side() -> impl Strategy<Value = ByBot> {
        (tally(), tally()).prop_map(|(people, bots)| ByBot { people, bots })
    }

    proptest! {
        #[test]
        fn what_is_moved_adds_up_to_the_difference(
            (ours, theirs, opened, automatic) in (side(), side(), side(), side()), number in 0.0_f64..=1.0,
            (our_bots, bots, with_opened, with_automatic) in any::<(bool, bool, bool, bool)>(), text in prop::sample::select(vec![
                "accept_all / decisions", "granted / (granted + denied)", "opted_in / shown", "no_choice / shown",
            ]),
        ) {
            let counts = BridgeCounts { ours, theirs, opened, automatic, most_pairs: 3 };
            let they = Besides { bots, opened: with_opened, automatic: with_automatic };
            let (start, states) = states(&counts, our_bots, they);
            let definition = Definition::parse(text).unwrap();
            let own = Definition::parse("opted_in / decisions").unwrap().of(&start).rate();
            let steps = taken(own, &states, &definition, number);
            prop_assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), Step::ALL);
            prop_assert_eq!(steps.last().unwrap().after, Some(number));
            if let Some(own) = own {
                let moved: f64 = steps.iter().filter_map(|step| step.moved).sum();
                prop_assert!((moved - (number - own)).abs() < 1e-9, "{moved} {own} {number}");
            }
        }
    }

    #[test]
    fn what_differs_by_few_decisions_is_withheld() {
        let of = |decisions: &[u64]| -> Vec<bool> {
            let tally = |decisions: &u64| Tally { decisions: *decisions, ..Tally::default() };
            let state = |decisions| State { step: Step::Bots, tally: tally(decisions), withheld: false };
            let mut states: Vec<State> = decisions.iter().map(state).collect();
            withhold(&mut states, 5);
            states.iter().map(|state| state.withheld).collect()
        };
        assert_eq!(of(&[100, 100, 105]), [false, false, false]);
        assert_eq!(of(&[100, 104, 106]), [false, true, false]);
        assert_eq!(of(&[100, 120, 102]), [false, false, true]);
    }

    #[test]
    fn what_a_withheld_step_moves_is_in_the_next() {
        let tally = |decisions, accept_all| Tally { decisions, accept_all, ..Tally::default() };
        let state = |step, tally, withheld| State { step, tally, withheld };
        let states = [
            state(Step::Denominator, tally(100, 50), false),
            state(Step::Prompts, tally(102, 52), true),
            state(Step::Automatic, tally(200, 120), false),
        ];
        let steps = taken(Some(0.5), &states, &Definition::parse("accept_all / decisions").unwrap(), 0.75);
        let seen: Vec<_> = steps.iter().map(|step| (step.after, step.moved)).collect();
        let moved = 0.6 - 0.5;
        assert_eq!(
            seen,
            [(Some(0.5), Some(0.0)), (None, None), (Some(0.6), Some(moved)), (Some(0.75), Some(0.75 - 0.6))]
        );
    }
}
