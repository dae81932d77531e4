//! What one event says of each service and purpose: `docs/metrics.md`, "What a decision says" and "What a `withdrawn`
//! event withdraws", for records rather than for counting.

use std::collections::BTreeMap;

use avow_schemas::catalog::Catalog;
use avow_schemas::category::{NECESSARY, UNKNOWN};
use avow_schemas::event::{ConsentEvent, EventType, Method};
use avow_schemas::ids::ServiceId;
use avow_schemas::settings::{DismissMeans, SiteSettings};
use avow_signals::with_vendors;
use serde_json::Value;

/// What consent is given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An entry of the catalogue or of the site's own.
    Service(ServiceId),
    /// A purpose by its id in the site's settings, or as the event names it (`iab-1`).
    Purpose(String),
}

impl Target {
    /// `service/chaport`, `purpose/iab-1`.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Service(service) => format!("service/{service}"),
            Self::Purpose(purpose) => format!("purpose/{purpose}"),
        }
    }
}

/// What an event says of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Granted,
    Denied,
    Withdrawn,
    /// The category was decided, but the banner's artefact does not list this service: neither granted nor denied.
    NotDisclosed,
}

/// Whence the answer is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// The event names the target itself.
    Named,
    /// From the category, and the artefact that the event's `text_hash` names lists the service.
    Proven,
    /// From the category, without an artefact that could show what was listed.
    Unproven,
}

impl Disclosure {
    /// The code of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Proven => "proven",
            Self::Unproven => "unproven",
        }
    }
}

/// One event's word on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub target: Target,
    /// Of a service: its category under the settings in force.
    pub category: Option<String>,
    pub answer: Answer,
    pub disclosure: Disclosure,
}

/// Whether the event closes the banner on a site where that is no choice.
#[must_use]
pub fn is_no_choice(event: &ConsentEvent, settings: &SiteSettings) -> bool {
    event.kind == EventType::Decided
        && event.method == Some(Method::Dismiss)
        && settings.dismiss_means == DismissMeans::NoChoice
}

/// What a banner asks for under these settings: each service outside `necessary`, each purpose.
pub fn asked(settings: &SiteSettings) -> impl Iterator<Item = Target> + '_ {
    let services = settings.services.iter().filter(|(_, category)| *category != NECESSARY);
    let services = services.map(|(service, _)| Target::Service(service.clone()));
    services.chain(settings.purposes.iter().map(|purpose| Target::Purpose(purpose.id.clone())))
}

/// What a `decided` or `withdrawn` event says; undecided targets are not in it. `artefact` is the banner as shown, if the
/// event's `text_hash` is known.
#[must_use]
pub fn choices(
    event: &ConsentEvent,
    settings: &SiteSettings,
    catalog: &Catalog,
    artefact: Option<&Value>,
) -> Vec<Choice> {
    let takes_part = matches!(event.kind, EventType::Decided | EventType::Withdrawn);
    if !takes_part || is_no_choice(event, settings) {
        return Vec::new();
    }
    let event = &*with_vendors(event, settings, catalog);
    let withdraws = event.kind == EventType::Withdrawn;
    let listed = artefact.and_then(listed_services);
    let mut choices: Vec<Choice> = services(event, settings, catalog)
        .into_iter()
        .filter_map(|(service, category)| {
            let (granted, named) = said(event, service.as_str(), &category)?;
            let known = listed.as_ref().map(|listed| listed.contains(&service.as_str()));
            let disclosure = match (named, known) {
                (true, _) => Disclosure::Named,
                (false, Some(true)) => Disclosure::Proven,
                (false, _) => Disclosure::Unproven,
            };
            let answer = match (withdraws, granted) {
                (true, true) => return None,
                (true, false) => Answer::Withdrawn,
                (false, _) if !named && known == Some(false) => Answer::NotDisclosed,
                (false, true) => Answer::Granted,
                (false, false) => Answer::Denied,
            };
            Some(Choice { target: Target::Service(service), category: Some(category), answer, disclosure })
        })
        .collect();
    choices.extend(purposes(event, settings, withdraws));
    choices
}

/// The services of an event with their categories: those that the settings list and those that it names, without those
/// in `necessary`.
fn services(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog) -> BTreeMap<ServiceId, String> {
    let mut services = settings.services.clone();
    for name in event.services.keys() {
        // Ingest lets through only what is a slug.
        let Ok(service) = ServiceId::new(name) else { continue };
        services
            .entry(service)
            .or_insert_with(|| catalog.get(name).map_or(UNKNOWN, |service| service.category()).to_owned());
    }
    services.retain(|_, category| *category != NECESSARY);
    services
}

/// What the event says of a service and whether it says so by name; `None` where it leaves it undecided, or does not
/// withdraw it.
fn said(event: &ConsentEvent, service: &str, category: &str) -> Option<(bool, bool)> {
    if let Some(named) = event.services.get(service) {
        return Some((*named, true));
    }
    if let Some(inherited) = event.categories.get(category) {
        return Some((*inherited, false));
    }
    let all = event.kind == EventType::Withdrawn && !event.names_something();
    let closed = event.kind == EventType::Decided && event.method == Some(Method::Dismiss);
    (all || closed).then_some((false, false))
}

fn purposes(event: &ConsentEvent, settings: &SiteSettings, withdraws: bool) -> Vec<Choice> {
    let choice = |id: &str, answer, disclosure| Choice {
        target: Target::Purpose(id.to_owned()),
        category: None,
        answer,
        disclosure,
    };
    if withdraws && !event.names_something() {
        let all = settings.purposes.iter();
        return all.map(|purpose| choice(&purpose.id, Answer::Withdrawn, Disclosure::Unproven)).collect();
    }
    let named = event.purposes.iter().filter_map(|(id, granted)| {
        let answer = match (withdraws, granted) {
            (true, true) => return None,
            (true, false) => Answer::Withdrawn,
            (false, true) => Answer::Granted,
            (false, false) => Answer::Denied,
        };
        Some(choice(id, answer, Disclosure::Named))
    });
    named.collect()
}

/// The services that an artefact lists: `services` as slugs, as objects with a `slug`, or as an object by slug.
fn listed_services(artefact: &Value) -> Option<Vec<&str>> {
    match artefact.get("services")? {
        Value::Array(items) => {
            Some(items.iter().filter_map(|item| item.as_str().or_else(|| item.get("slug")?.as_str())).collect())
        }
        Value::Object(by_slug) => Some(by_slug.keys().map(String::as_str).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{decided, settings};

    fn answers(event: &ConsentEvent, artefact: Option<&Value>) -> Vec<(String, Answer, Disclosure)> {
        let choices = choices(event, &settings(), Catalog::builtin(), artefact);
        choices.into_iter().map(|choice| (choice.target.path(), choice.answer, choice.disclosure)).collect()
    }

    #[test]
    fn named_first_then_the_category_then_what_closing_means() {
        let mut event = decided(1);
        event.services.insert("crisp".into(), false);
        event.categories.insert("preferences".into(), true);
        assert_eq!(
            answers(&event, None),
            [
                ("service/chaport".to_owned(), Answer::Granted, Disclosure::Unproven),
                ("service/crisp".to_owned(), Answer::Denied, Disclosure::Named),
            ]
        );
        event = decided(1);
        event.method = Some(Method::Dismiss);
        assert!(answers(&event, None).iter().all(|(_, answer, _)| *answer == Answer::Denied));
    }

    #[test]
    fn an_artefact_proves_what_was_listed_and_what_was_not() {
        let mut event = decided(1);
        event.categories.insert("preferences".into(), true);
        let shown = [json!({"services": ["chaport"]}), json!({"services": {"chaport": {}}})];
        for artefact in shown {
            assert_eq!(
                answers(&event, Some(&artefact)),
                [
                    ("service/chaport".to_owned(), Answer::Granted, Disclosure::Proven),
                    ("service/crisp".to_owned(), Answer::NotDisclosed, Disclosure::Unproven),
                ]
            );
        }
        assert_eq!(answers(&event, Some(&json!({"text": ""})))[0].2, Disclosure::Unproven);
    }

    #[test]
    fn a_bare_withdrawal_takes_back_everything_but_the_necessary() {
        let mut event = decided(1);
        event.kind = EventType::Withdrawn;
        event.method = None;
        let paths: Vec<String> = answers(&event, None).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(paths, ["service/chaport", "service/crisp", "purpose/support"]);
        event.services.insert("crisp".into(), false);
        assert_eq!(answers(&event, None), [("service/crisp".to_owned(), Answer::Withdrawn, Disclosure::Named)]);
    }
}
