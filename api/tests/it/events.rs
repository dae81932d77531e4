//! Events by hand, and what they say.

use std::collections::BTreeMap;

use avow_schemas::event::{ConsentEvent, EventType, LoadState, Method, Seed, Source};
use avow_schemas::ids::{EventId, SiteId, SubjectId};
use avow_warehouse::rows::{Pair, Resolved};
use uuid::Uuid;

use crate::bench::SITE;

/// An event with what it says under its site's settings.
#[derive(Clone)]
pub struct Landing {
    pub event: ConsentEvent,
    pub resolved: Resolved,
}

/// A state by its first letter, as tests write it.
fn state(letter: char) -> &'static str {
    match letter {
        'g' => "granted",
        'd' => "denied",
        'p' => "partial",
        'u' => "undecided",
        'w' => "withdrawn",
        'o' => "observed_without_consent",
        other => panic!("{other} is no state"),
    }
}

pub fn subject(n: u128) -> Uuid {
    Uuid::from_u128(0x5000_0000_0000_4000_8000_0000_0000_0000 + n)
}

fn event(kind: EventType, at: &str, subject_number: Option<u128>) -> Landing {
    let at = at.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let event = ConsentEvent {
        subject: subject_number.map(|n| SubjectId(subject(n))),
        source: Source::Origin,
        seed: Seed([7; 32]),
        ..ConsentEvent::least(kind, SiteId::new(SITE).unwrap(), EventId(Uuid::new_v4()), at)
    };
    Landing { event, resolved: Resolved::default() }
}

pub fn shown(at: &str) -> Landing {
    event(EventType::Shown, at, None)
}

pub fn loaded(at: &str, state: LoadState) -> Landing {
    let mut landing = event(EventType::Loaded, at, None);
    landing.event.state = Some(state);
    landing
}

/// A decision: method, and pairs as `service:category:state`, such as `chaport:preferences:g`.
pub fn decided(at: &str, subject: u128, method: Method, pairs: &[&str]) -> Landing {
    let mut landing = event(EventType::Decided, at, Some(subject));
    landing.event.method = Some(method);
    landing.resolved = resolved(pairs);
    landing.resolved.decision = true;
    landing.resolved.opted_in = landing.resolved.pairs.iter().any(|pair| pair.state == "granted");
    landing
}

pub fn withdrawn(at: &str, subject: u128, pairs: &[&str]) -> Landing {
    let mut landing = event(EventType::Withdrawn, at, Some(subject));
    landing.resolved = resolved(pairs);
    landing
}

/// A service that the page showed without consent, as `chaport:preferences:o`.
pub fn observed(at: &str, pairs: &[&str]) -> Landing {
    let mut landing = event(EventType::Observed, at, None);
    landing.resolved = resolved(pairs);
    landing
}

fn resolved(pairs: &[&str]) -> Resolved {
    let pairs: Vec<Pair> = pairs
        .iter()
        .map(|pair| {
            let mut parts = pair.split(':');
            let (service, category) = (parts.next().unwrap(), parts.next().unwrap());
            let state = state(parts.next().unwrap().chars().next().unwrap());
            Pair { service: service.into(), category: category.into(), state, disclosure: "named" }
        })
        .collect();
    let mut categories: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for pair in &pairs {
        categories.entry(pair.category.clone()).or_default().push(pair.state);
    }
    let categories = categories.into_iter().map(|(category, states)| {
        let decided: Vec<_> = states.iter().filter(|state| **state != "undecided").collect();
        let whole = match decided.first() {
            None => "undecided",
            Some(first) if decided.iter().all(|state| state == first) => first,
            Some(_) => "partial",
        };
        (category, whole)
    });
    Resolved { categories: categories.collect(), pairs, ..Resolved::default() }
}

impl Landing {
    pub fn with(mut self, change: impl FnOnce(&mut ConsentEvent)) -> Self {
        change(&mut self.event);
        self
    }

    /// No decision: opened by the visitor, made by a signal, or a dismissal that means nothing.
    pub fn undecisive(mut self) -> Self {
        self.resolved.decision = false;
        self
    }

    pub fn overflow(mut self, bits: u8) -> Self {
        self.resolved.overflow = bits;
        self
    }
}
