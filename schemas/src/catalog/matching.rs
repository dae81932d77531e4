//! Recognising a service by what it leaves in a page: the names of its cookies and the hosts it talks to.

use super::codes::{Match, Storage};
use super::entry::{Cookie, Service};

impl Service {
    /// The cookie of this service that the name belongs to; an exact name goes before a pattern.
    ///
    /// Entries kept in web storage are not cookies and never match.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&Cookie> {
        let known = || self.cookies.iter().flatten().filter(|c| c.storage == Storage::Cookie);
        known()
            .find(|c| c.matching == Match::Exact && c.name == name)
            .or_else(|| known().find(|c| c.matching == Match::Pattern && matches_pattern(&c.name, name)))
    }

    /// Whether the host is one of the service's domains or lies below one. Case and a final dot do not matter.
    #[must_use]
    pub fn owns_domain(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.domains.iter().flatten().any(|domain| lies_in(domain, &host))
    }
}

/// Whether the host, in small letters and without a final dot, is the domain or lies below it.
fn lies_in(domain: &str, host: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Matches a whole name against a pattern in which `*` stands for one or more characters.
///
/// "One or more" because every pattern in the catalogue stands for an identifier: `cw_user_` alone is no such cookie.
pub(super) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|prefix| name.strip_prefix(prefix)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        // What `*` stands for is at least one character, taken as short as possible except before the end.
        let Some(first) = rest.chars().next() else { return false };
        let after = &rest[first.len_utf8()..];
        if parts.peek().is_none() {
            return after.ends_with(part);
        }
        let Some(found) = after.find(part) else { return false };
        rest = &after[found + part.len()..];
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{lies_in, matches_pattern};

    /// The beacon reads the same cases (`ingest/beacon/test/matching.test.ts`): both must find the same in a page.
    #[test]
    fn names_and_hosts_are_matched_as_the_beacon_matches_them() {
        let cases: Value = serde_json::from_str(include_str!("matching.json")).unwrap();
        let held = |list: &str, matches: fn(&str, &str) -> bool| {
            for case in cases[list].as_array().unwrap() {
                let (known, seen) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
                assert_eq!(matches(known, seen), case[2].as_bool().unwrap(), "{known} and {seen}");
            }
        };
        held("cookies", matches_pattern);
        held("domains", lies_in);
    }
}
