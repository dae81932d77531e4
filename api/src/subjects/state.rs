//! What was granted at a moment: a subject's events up to then, folded in order.
//!
//! A `decided` event says what it names and leaves alone what it does not (a category not named is not decided); a
//! `withdrawn` event takes back what it names. A dismissal counts only where it is a decision. Consent ends of itself: at
//! the event's own `expires_at`, else as many days after it as the settings in force then say.

use std::collections::BTreeMap;

use avow_warehouse::history::SubjectEvent;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment;

const DAY_MS: i64 = 86_400_000;

/// For how many days a choice holds that was made under some version of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub granted: u32,
    pub refused: u32,
}

/// A choice that stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Choice {
    /// Of a service: its category when it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `granted`, `denied`, `partial` (of a category), `withdrawn`, `not_disclosed`.
    pub state: String,
    /// Of a service: whether it was `named` by the event, or is taken from its category (`unproven`, `proven`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<String>,
    /// When it was made, RFC 3339.
    pub since: String,
    /// The event that made it.
    pub event: String,
    /// When it ends of itself.
    pub expires_at: Option<String>,
    /// Whether that was past: an expired grant is none.
    pub expired: bool,
}

/// What stood at a moment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    pub services: BTreeMap<String, Choice>,
    pub categories: BTreeMap<String, Choice>,
    pub purposes: BTreeMap<String, Choice>,
}

/// Folds the events that had happened by `at` (milliseconds since 1970).
pub fn at(events: &[SubjectEvent], at: i64, validity: impl Fn(u32) -> Validity) -> Standing {
    let mut standing = Standing::default();
    for event in events.iter().filter(|event| event.occurred_at <= at) {
        let counts = match event.kind.as_str() {
            "decided" => event.method != "dismiss" || event.decision == 1,
            "withdrawn" => true,
            _ => false,
        };
        if !counts {
            continue;
        }
        let made = Made { event, at, validity: validity(event.config_version) };
        for (service, category, state, disclosure) in &event.pairs {
            if let Some(mut choice) = made.choice(state) {
                choice.category = Some(category.clone());
                choice.disclosure = (!disclosure.is_empty()).then(|| disclosure.clone());
                standing.services.insert(service.clone(), choice);
            }
        }
        for (category, state) in &event.category_states {
            if let Some(choice) = made.choice(state) {
                standing.categories.insert(category.clone(), choice);
            }
        }
        for (purpose, granted) in &event.purposes {
            let state = match (event.kind.as_str(), granted) {
                ("withdrawn", true) => continue,
                ("withdrawn", false) => "withdrawn",
                (_, true) => "granted",
                (_, false) => "denied",
            };
            if let Some(choice) = made.choice(state) {
                standing.purposes.insert(purpose.clone(), choice);
            }
        }
    }
    standing
}

struct Made<'a> {
    event: &'a SubjectEvent,
    at: i64,
    validity: Validity,
}

impl Made<'_> {
    /// `None` where the event leaves the thing undecided.
    fn choice(&self, state: &str) -> Option<Choice> {
        let days = match state {
            "undecided" | "" => return None,
            "granted" | "partial" => Some(self.validity.granted),
            "denied" => Some(self.validity.refused),
            _ => None,
        };
        let ends = days.map(|days| self.event.expires_at.unwrap_or(self.event.occurred_at + i64::from(days) * DAY_MS));
        Some(Choice {
            category: None,
            state: state.to_owned(),
            disclosure: None,
            since: moment::written(self.event.occurred_at),
            event: self.event.id.clone(),
            expires_at: ends.map(moment::written),
            expired: ends.is_some_and(|ends| ends <= self.at),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn event(kind: &str, day: i64, pairs: &[(&str, &str)]) -> SubjectEvent {
        let text = String::new;
        SubjectEvent {
            id: format!("e{day}"),
            kind: kind.into(),
            occurred_at: day * DAY_MS,
            received_at: 0,
            logged_at: 0,
            prompt: "first".into(),
            method: "save".into(),
            regime: text(),
            source: text(),
            banner_version: text(),
            language: text(),
            variant: text(),
            text_hash: text(),
            host: text(),
            path: text(),
            expires_at: None,
            config_version: 1,
            decision: 1,
            categories: vec![],
            services: vec![],
            purposes: vec![],
            pairs: pairs
                .iter()
                .map(|(s, state)| ((*s).into(), "preferences".into(), (*state).into(), "named".into()))
                .collect(),
            category_states: vec![],
            ledger: text(),
            leaf: 0,
            partition: 0,
            position: 0,
        }
    }

    fn states(events: &[SubjectEvent], day: i64) -> Vec<(String, String, bool)> {
        let standing = at(events, day * DAY_MS, |_| Validity { granted: 10, refused: 5 });
        standing.services.into_iter().map(|(s, c)| (s, c.state, c.expired)).collect()
    }

    #[test]
    fn a_choice_stands_until_the_next_or_its_end() {
        let events = [
            event("decided", 1, &[("chaport", "granted"), ("crisp", "denied")]),
            event("decided", 3, &[("chaport", "undecided"), ("crisp", "granted")]),
            event("withdrawn", 6, &[("crisp", "withdrawn")]),
        ];
        let is = |service: &str, state: &str, expired| (service.to_owned(), state.to_owned(), expired);
        assert_eq!(states(&events, 0), []);
        assert_eq!(states(&events, 2), [is("chaport", "granted", false), is("crisp", "denied", false)]);
        assert_eq!(states(&events, 5), [is("chaport", "granted", false), is("crisp", "granted", false)]);
        assert_eq!(states(&events, 11), [is("chaport", "granted", true), is("crisp", "withdrawn", false)]);
    }

    #[test]
    fn the_events_own_end_comes_first_and_a_dismissal_may_say_nothing() {
        let mut granted = event("decided", 1, &[("chaport", "granted")]);
        granted.expires_at = Some(2 * DAY_MS);
        let mut dismissed = event("decided", 3, &[("chaport", "denied")]);
        dismissed.method = "dismiss".into();
        dismissed.decision = 0;
        let events = [granted, dismissed];
        assert_eq!(states(&events, 4), [("chaport".into(), "granted".into(), true)]);
    }
}
