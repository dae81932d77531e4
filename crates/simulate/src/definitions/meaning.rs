//! What one event says about services and categories (`docs/metrics.md`, "Which events" and "What a decision says").

use crate::visitors::event::{Event, Kind, Method, Named, USER_OPENED};
use crate::visitors::site::{Services, Site};
use crate::vocabulary::{NECESSARY, UNKNOWN, canonical, catalogue_category};

/// The state of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Granted,
    Denied,
    /// Only of a category.
    Partial,
    Undecided,
}

/// What an event says. Which lists are filled depends on its kind; `necessary` is in none of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meaning {
    /// Whether it is a decision in the sense of the definitions.
    pub(crate) is_decision: bool,
    /// Whether it is a `decided` event that something may be revoked by: any but a `dismiss` that is no decision.
    pub(crate) answers: bool,
    /// Whether something other than necessary is granted (`decided` events).
    pub(crate) grants_something: bool,
    /// (service, category, state) of a `decided` event that [answers](Self::answers).
    pub(crate) services: Vec<(&'static str, &'static str, State)>,
    /// (category, state) of such an event.
    pub(crate) categories: Vec<(&'static str, State)>,
    /// (service, category) that a `withdrawn` event withdraws.
    pub(crate) withdrawn_services: Vec<(&'static str, &'static str)>,
    /// Categories that it withdraws.
    pub(crate) withdrawn_categories: Vec<&'static str>,
}

/// Reads an event under the settings that were in force at its time.
pub(crate) fn read(event: &Event, site: &Site) -> Meaning {
    match event.kind {
        Kind::Decided(method) => read_decided(event, method, site),
        Kind::Withdrawn => read_withdrawn(event, site),
        Kind::Shown | Kind::Observed(_) | Kind::Loaded(_) => Meaning::default(),
    }
}

fn read_decided(event: &Event, method: Method, site: &Site) -> Meaning {
    let user_opened = event.prompt() == USER_OPENED;
    let dismissed = method == Method::Dismiss;
    let machine = matches!(method, Method::Gpc | Method::Api);
    let means_nothing = dismissed && site.dismiss_is_no_choice;
    let is_decision = !user_opened && !machine && !means_nothing;
    let answers = is_decision || !dismissed;
    if !answers {
        return Meaning::default();
    }
    let named = canonical_categories(&event.categories);
    let services = services_with_category(event, site.services_at(event.at));
    let states: Vec<_> = services
        .into_iter()
        .filter(|(_, category)| *category != NECESSARY)
        .map(|(service, category)| {
            let said = value_of(&event.services, service).or_else(|| value_of(&named, category));
            (service, category, state(said, dismissed))
        })
        .collect();
    let categories = category_states(&named, &states, dismissed);
    let grants_something = event.purposes.iter().any(|(_, value)| *value)
        || named.iter().any(|(category, value)| *value && *category != NECESSARY)
        || states.iter().any(|(service, _, _)| value_of(&event.services, service) == Some(true));
    Meaning { is_decision, answers, grants_something, services: states, categories, ..Meaning::default() }
}

fn state(said: Option<bool>, dismissed: bool) -> State {
    match said {
        Some(true) => State::Granted,
        Some(false) => State::Denied,
        None if dismissed => State::Denied,
        None => State::Undecided,
    }
}

/// The state of each category that is named or has a service.
fn category_states(
    named: &Named,
    services: &[(&'static str, &'static str, State)],
    dismissed: bool,
) -> Vec<(&'static str, State)> {
    let mut all: Vec<&'static str> = named.iter().map(|(category, _)| *category).collect();
    for (_, category, _) in services {
        if !all.contains(category) {
            all.push(category);
        }
    }
    all.retain(|category| *category != NECESSARY);
    all.into_iter()
        .map(|category| {
            let said = value_of(named, category);
            if said.is_some() || dismissed {
                return (category, state(said, dismissed));
            }
            let has = |wanted| services.iter().any(|(_, its, state)| *its == category && *state == wanted);
            let inherited = match (has(State::Granted), has(State::Denied)) {
                (true, true) => State::Partial,
                (true, false) => State::Granted,
                (false, true) => State::Denied,
                (false, false) => State::Undecided,
            };
            (category, inherited)
        })
        .collect()
}

fn read_withdrawn(event: &Event, site: &Site) -> Meaning {
    let named = canonical_categories(&event.categories);
    let everything = named.is_empty() && event.services.is_empty() && event.purposes.is_empty();
    let mut withdrawn_services = services_with_category(event, site.services_at(event.at));
    withdrawn_services.retain(|(service, category)| {
        *category != NECESSARY
            && (everything
                || match value_of(&event.services, service) {
                    Some(value) => !value,
                    None => value_of(&named, category) == Some(false),
                })
    });
    let mut withdrawn_categories: Vec<&'static str> =
        named.iter().filter(|(category, value)| !value && *category != NECESSARY).map(|(name, _)| *name).collect();
    for (_, category) in &withdrawn_services {
        if value_of(&named, category).is_none() && !withdrawn_categories.contains(category) {
            withdrawn_categories.push(category);
        }
    }
    Meaning { withdrawn_services, withdrawn_categories, ..Meaning::default() }
}

/// The services of the settings and those that the event names, each with its category.
fn services_with_category(event: &Event, settings: &Services) -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> = settings.iter().map(|(service, category)| (*service, canonical(category))).collect();
    for (service, _) in &event.services {
        if !settings.iter().any(|(known, _)| known == service) {
            all.push((service, catalogue_category(service).unwrap_or(UNKNOWN)));
        }
    }
    all
}

/// Categories under their own names; where two names of one contradict each other, it is denied.
fn canonical_categories(sent: &Named) -> Named {
    let mut named = Named::with_capacity(sent.len());
    for (name, value) in sent {
        let category = canonical(name);
        match named.iter_mut().find(|(known, _)| *known == category) {
            Some((_, known)) => *known &= *value,
            None => named.push((category, *value)),
        }
    }
    named
}

fn value_of(named: &Named, name: &str) -> Option<bool> {
    named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
