//! Which cells a caller may not see, because so few decisions would show single persons; and which others, because the first
//! could be worked out from them and a total.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::rollup::{Counts, Key};
use super::spec::{Dimension, QuerySpec};

/// The places of an answer that are withheld.
///
/// A cell of 1 to `below - 1` decisions is. If it is the only one among those that differ from it in one dimension, the one with
/// the fewest decisions of these goes with it: their sum less all the others would be it. That holds within one answer.
/// Whoever asks several questions of ranges or filters that differ by one cell can still subtract; no rule about single
/// answers prevents it.
pub(super) fn withheld(spec: &QuerySpec, totals: &BTreeMap<Key, Counts>) -> HashSet<Key> {
    let Some(suppression) = &spec.suppression else { return HashSet::new() };
    let site = spec.plain_dimensions().position(|dimension| dimension == Dimension::Site);
    let below = |key: &Key| {
        let site = site.and_then(|at| key.plain.get(at));
        site.and_then(|site| suppression.below.get(site.as_str())).copied().unwrap_or(suppression.largest)
    };
    let decided: BTreeMap<&Key, u64> =
        totals.iter().filter(|(_, counts)| counts.decisions > 0).map(|(key, counts)| (key, counts.decisions)).collect();
    let mut withheld: HashSet<&Key> =
        decided.iter().filter(|(key, decisions)| **decisions < u64::from(below(key))).map(|(key, _)| *key).collect();
    if withheld.is_empty() {
        return HashSet::new();
    }
    // A companion may stand alone along another dimension.
    while let Some(found) = companions(&decided, &withheld) {
        withheld.extend(found);
    }
    withheld.into_iter().cloned().collect()
}

/// What goes with a cell that stands alone along some dimension; none where no cell does.
fn companions<'a>(decided: &BTreeMap<&'a Key, u64>, withheld: &HashSet<&'a Key>) -> Option<Vec<&'a Key>> {
    let dimensions = decided.keys().next().map_or(0, |key| key.plain.len());
    // The last one is time.
    let found: Vec<&Key> = (0..=dimensions).flat_map(|dimension| alone(decided, withheld, dimension)).collect();
    (!found.is_empty()).then_some(found)
}

/// A group of cells that differ in one dimension alone.
#[derive(Default)]
struct Group<'a> {
    withheld: usize,
    smallest: Option<(u64, &'a Key)>,
}

fn alone<'a>(decided: &BTreeMap<&'a Key, u64>, withheld: &HashSet<&'a Key>, dimension: usize) -> Vec<&'a Key> {
    let mut groups: HashMap<Key, Group<'a>> = HashMap::new();
    for (key, decisions) in decided {
        let mut others = (*key).clone();
        match others.plain.get_mut(dimension) {
            Some(value) => value.clear(),
            None => others.bucket = 0,
        }
        let group = groups.entry(others).or_default();
        if withheld.contains(key) {
            group.withheld += 1;
        } else if group.smallest.is_none_or(|smallest| (*decisions, *key) < smallest) {
            group.smallest = Some((*decisions, key));
        }
    }
    let alone = groups.into_values().filter(|group| group.withheld == 1);
    alone.filter_map(|group| group.smallest.map(|(_, key)| key)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spec::Suppression;
    use super::super::tests::question;
    use super::*;

    fn table(cells: &[(&str, &str, u64)]) -> BTreeMap<Key, Counts> {
        let cells = cells.iter().map(|(country, device, decisions)| {
            let key = Key { plain: vec![(*country).to_owned(), (*device).to_owned()], bucket: 0 };
            (key, Counts { decisions: *decisions, ..Counts::default() })
        });
        cells.collect()
    }

    fn names(cells: &BTreeMap<Key, Counts>) -> Vec<String> {
        let mut spec = question(&[Dimension::Country, Dimension::Device], &[], None);
        spec.suppression = Some(Suppression { below: HashMap::new(), largest: 5 });
        let mut names: Vec<String> = withheld(&spec, cells).iter().map(|key| key.plain.concat()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_smallest_other_goes_with_a_cell_that_stands_alone() {
        let cells = table(&[("DE", "m", 3), ("FR", "m", 8), ("IT", "m", 90), ("ES", "m", 0)]);
        assert_eq!(names(&cells), ["DEm", "FRm"]);
        let two = table(&[("DE", "m", 3), ("FR", "m", 4), ("IT", "m", 90)]);
        assert_eq!(names(&two), ["DEm", "FRm"]);
        assert!(names(&table(&[("DE", "m", 5), ("FR", "m", 0)])).is_empty());
    }

    #[test]
    fn along_every_dimension_and_for_companions_too() {
        let cells = table(&[
            ("DE", "d", 50),
            ("DE", "m", 3),
            ("FR", "d", 30),
            ("FR", "m", 20),
            ("IT", "d", 70),
            ("IT", "m", 90),
        ]);
        // DEm takes DEd (along device) and FRm (along country); each of these then takes FRd.
        assert_eq!(names(&cells), ["DEd", "DEm", "FRd", "FRm"]);
    }

    proptest! {
        #[test]
        fn no_withheld_cell_stands_alone(decisions in prop::collection::vec(0_u64..40, 20)) {
            let cells: Vec<(String, String, u64)> = decisions.iter().enumerate()
                .map(|(i, decisions)| ((i % 5).to_string(), (i / 5).to_string(), *decisions)).collect();
            let cells: Vec<(&str, &str, u64)> = cells.iter().map(|(a, b, n)| (a.as_str(), b.as_str(), *n)).collect();
            let names = names(&table(&cells));
            for along in [0, 1] {
                for value in 0..5 {
                    let value = value.to_string();
                    let line: Vec<_> = cells.iter().filter(|(a, b, n)| *n > 0 && *[a, b][along] == value).collect();
                    let hidden = line.iter().filter(|(a, b, _)| names.contains(&format!("{a}{b}"))).count();
                    prop_assert!(hidden != 1 || line.len() == 1, "{line:?} {names:?}");
                    let shown = line.iter().find(|(a, b, n)| *n < 5 && !names.contains(&format!("{a}{b}")));
                    prop_assert_eq!(shown, None);
                }
            }
        }
    }
}
