//! What putting entries would change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Context;
use avow_schemas::catalog::Service;
use serde_json::Value;

/// Lines of each kind that are shown; the rest is counted.
const SHOWN: usize = 40;
/// Of an entry that is otherwise the same, what makes no change worth putting: the day it was looked at, and where.
const PASSING: [&str; 2] = ["checked_on", "sources"];

/// New, changed and gone entries, by slug.
pub struct Diff {
    new: BTreeMap<String, String>,
    /// With the fields that differ.
    changed: BTreeMap<String, Vec<String>>,
    /// Entries of another origin, a shipped one among them, that are put out of force.
    covered: BTreeMap<String, String>,
    unchanged: usize,
    /// Of the same origin, and not among the new ones.
    pub gone: Vec<String>,
}

impl Diff {
    /// Between what a server has (lines of `/api/v1/services?entries=true`) and entries of one origin.
    ///
    /// # Errors
    /// A line that the server does not write.
    pub fn between(known: &[Value], services: &[Service], origin: &str) -> anyhow::Result<Self> {
        let known: BTreeMap<&str, &Value> =
            known.iter().map(|line| Some((line["slug"].as_str()?, line))).collect::<Option<_>>().context("no slug")?;
        let mut diff = Self {
            new: BTreeMap::new(),
            changed: BTreeMap::new(),
            covered: BTreeMap::new(),
            unchanged: 0,
            gone: Vec::new(),
        };
        for service in services {
            let slug = service.slug.to_string();
            let Some(line) = known.get(slug.as_str()) else {
                diff.new.insert(slug, service.name.clone());
                continue;
            };
            let fields = differing(&line["entry"], &serde_json::to_value(service)?);
            if line["origin"] != origin {
                diff.covered.insert(slug.clone(), line["origin"].as_str().unwrap_or_default().to_owned());
            } else if fields.is_empty() {
                diff.unchanged += 1;
                continue;
            }
            diff.changed.insert(slug, fields);
        }
        let named: BTreeSet<&str> = services.iter().map(|service| service.slug.as_str()).collect();
        let same_origin = known.iter().filter(|(_, line)| line["origin"] == origin);
        diff.gone =
            same_origin.map(|(slug, _)| (*slug).to_owned()).filter(|slug| !named.contains(slug.as_str())).collect();
        Ok(diff)
    }

    /// How many entries would be put.
    pub fn changing(&self) -> usize {
        self.new.len() + self.changed.len()
    }

    /// Whether this entry would be put.
    pub fn changes(&self, slug: &str) -> bool {
        self.new.contains_key(slug) || self.changed.contains_key(slug)
    }
}

fn differing(before: &Value, after: &Value) -> Vec<String> {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after) = (fields(before), fields(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ =
        names.into_iter().filter(|name| !PASSING.contains(&name.as_str()) && before.get(*name) != after.get(*name));
    differ.cloned().collect()
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, total: usize| match total.checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(rest) => writeln!(f, "  ... and {rest} more"),
        };
        for (slug, name) in self.new.iter().take(SHOWN) {
            writeln!(f, "+ {slug}  {name}")?;
        }
        more(f, self.new.len())?;
        for (slug, fields) in self.changed.iter().take(SHOWN) {
            let covered = self.covered.get(slug).map(|origin| format!("  instead of the entry of {origin}"));
            writeln!(f, "~ {slug}  {}{}", fields.join(", "), covered.unwrap_or_default())?;
        }
        more(f, self.changed.len())?;
        for slug in self.gone.iter().take(SHOWN) {
            writeln!(f, "- {slug}  is not in the file (--prune takes it back)")?;
        }
        more(f, self.gone.len())?;
        let (new, changed, gone) = (self.new.len(), self.changed.len(), self.gone.len());
        writeln!(f, "{new} new, {changed} changed, {} the same, {gone} not in the file", self.unchanged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(slug: &str, name: &str) -> Service {
        let entry = json!({"slug": slug, "name": name, "category": "marketing"});
        Service::parse_brief(entry, jiff::civil::date(2026, 11, 26)).unwrap()
    }

    fn line(service: &Service, origin: &str) -> Value {
        json!({"slug": service.slug, "origin": origin, "entry": serde_json::to_value(service).unwrap()})
    }

    #[test]
    fn what_is_new_changed_covered_and_gone_is_told() {
        let known = [
            line(&entry("a", "A"), "gvl"),
            line(&entry("b", "B"), "gvl"),
            line(&entry("c", "C"), "avow"),
            line(&entry("z", "Z"), "gvl"),
            line(&entry("y", "Y"), "operator"),
        ];
        let mut same = entry("a", "A");
        same.checked_on = jiff::civil::date(2027, 1, 1);
        let diff = Diff::between(&known, &[same, entry("b", "Bee"), entry("c", "C"), entry("n", "N")], "gvl").unwrap();
        assert_eq!((diff.changing(), diff.unchanged, diff.gone.as_slice()), (3, 1, &["z".to_owned()][..]));
        assert!(diff.changes("b") && diff.changes("c") && !diff.changes("a"));
        let told = diff.to_string();
        for line in [
            "+ n  N",
            "~ b  name",
            "~ c    instead of the entry of avow",
            "- z  is not",
            "1 new, 2 changed, 1 the same, 1 not",
        ] {
            assert!(told.contains(line), "{line}: {told}");
        }
    }
}
