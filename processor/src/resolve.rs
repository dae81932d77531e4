//! What an event says of each service and category: `docs/metrics.md`, "What a decision says", line by line.

use std::collections::{BTreeMap, BTreeSet};

use avow_schemas::banner::Listing;
use avow_schemas::catalog::{Catalog, EprivacyRule, Service};
use avow_schemas::category::{NECESSARY, UNKNOWN};
use avow_schemas::event::{ConsentEvent, EventType, Method, Observed, Prompt};
use avow_schemas::settings::{DismissMeans, SiteSettings};
use avow_signals::{Answer, with_vendors};
use avow_warehouse::rows::{Pair, Resolved};

const GRANTED: &str = "granted";
const DENIED: &str = "denied";
const PARTIAL: &str = "partial";
const UNDECIDED: &str = "undecided";
const NOT_DISCLOSED: &str = "not_disclosed";
const WITHDRAWN: &str = "withdrawn";
const OBSERVED: &str = "observed_without_consent";
const FOR_REVIEW: &str = "observed_for_review";

const NAMED: &str = "named";
const PROVEN: &str = "proven";
const UNPROVEN: &str = "unproven";

/// What the banner said of a service.
enum Disclosed {
    /// The artefact lists it.
    Listed,
    /// The artefact lists others.
    LeftOut,
    /// No artefact says anything of services: the event names none, it is not known, or it lists none.
    Unknown,
}

impl Disclosed {
    fn of(shown: Option<&Listing>, service: &str) -> Self {
        match shown {
            Some(shown) if shown.services.contains(service) => Self::Listed,
            Some(shown) if !shown.services.is_empty() => Self::LeftOut,
            _ => Self::Unknown,
        }
    }

    /// How far what is taken from elsewhere than the service itself is proven.
    const fn mark(&self) -> &'static str {
        if matches!(self, Self::Listed) { PROVEN } else { UNPROVEN }
    }
}

const fn state(granted: bool) -> &'static str {
    if granted { GRANTED } else { DENIED }
}

/// Resolves an event under the settings and the catalogue in force at it. `shown` is what the banner artefact lists that the
/// event names, if that artefact was put before it.
pub fn resolve(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog, shown: Option<&Listing>) -> Resolved {
    match event.kind {
        EventType::Decided => decided(&with_vendors(event, settings, catalog), settings, catalog, shown),
        EventType::Withdrawn => withdrawn(event, settings, catalog, shown),
        EventType::Observed => observed(event, settings, catalog),
        EventType::Shown | EventType::Loaded => Resolved::default(),
    }
}

/// Whether what the event says depends on entries that this catalogue does not hold, or does not hold yet.
pub fn may_need_more(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog) -> bool {
    let known = |service: &String| settings.services.contains_key(service.as_str()) || catalog.get(service).is_some();
    let vendors = || event.tcf.is_some() && settings.services.keys().any(|slug| catalog.get(slug.as_str()).is_none());
    event.kind == EventType::Observed || !event.services.keys().all(known) || vendors()
}

/// The services of an event with their categories: those that the settings list and those that it names, without those in
/// `necessary`.
fn services<'a>(
    event: &'a ConsentEvent,
    settings: &'a SiteSettings,
    catalog: &'a Catalog,
) -> BTreeMap<&'a str, &'a str> {
    let listed = settings.services.iter().map(|(service, category)| (service.as_str(), category.as_str()));
    let mut services: BTreeMap<&str, &str> = listed.collect();
    for service in event.services.keys() {
        services.entry(service).or_insert_with(|| catalog.get(service).map_or(UNKNOWN, |s| s.category()));
    }
    services.retain(|_, category| *category != NECESSARY);
    services
}

fn decided(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog, shown: Option<&Listing>) -> Resolved {
    let dismissed = event.method == Some(Method::Dismiss);
    let no_choice = dismissed && settings.dismiss_means == DismissMeans::NoChoice;
    let automatic = matches!(event.method, Some(Method::Gpc | Method::Api));
    let refusal = dismissed && !no_choice;
    let services = services(event, settings, catalog);
    let pairs: Vec<Pair> = services
        .into_iter()
        .map(|(service, category)| {
            let disclosed = Disclosed::of(shown, service);
            let (state, disclosure) = match (event.services.get(service), event.categories.get(category)) {
                (Some(named), _) => (state(*named), NAMED),
                (None, _) if matches!(disclosed, Disclosed::LeftOut) => (NOT_DISCLOSED, ""),
                (None, Some(inherited)) => (state(*inherited), disclosed.mark()),
                (None, None) if refusal => (DENIED, disclosed.mark()),
                (None, None) => (UNDECIDED, ""),
            };
            Pair { service: service.to_owned(), category: category.to_owned(), state, disclosure }
        })
        .collect();
    let categories = categories(event, &pairs, |of_services| {
        if refusal {
            return DENIED;
        }
        match (of_services.contains(&GRANTED), of_services.contains(&DENIED)) {
            (true, true) => PARTIAL,
            (true, false) => GRANTED,
            (false, true) => DENIED,
            (false, false) if of_services.iter().all(|state| *state == NOT_DISCLOSED) => NOT_DISCLOSED,
            (false, false) => UNDECIDED,
        }
    });
    let opted_in = event.categories.iter().any(|(category, granted)| *granted && category != NECESSARY)
        || pairs.iter().any(|pair| pair.state == GRANTED)
        || event.purposes.values().any(|granted| *granted);
    let decision = event.prompt != Prompt::UserOpened && !automatic && !no_choice;
    let signals = if decision { signals(event, &categories, refusal) } else { Vec::new() };
    Resolved { decision, opted_in, pairs, categories, signals, overflow: 0 }
}

/// What the signals sent with a decision are found to be.
fn signals(
    event: &ConsentEvent,
    categories: &[(String, &'static str)],
    refusal: bool,
) -> Vec<(&'static str, &'static str)> {
    let said = categories.iter().filter_map(|(name, state)| match *state {
        GRANTED => Some((name.as_str(), Some(true))),
        DENIED => Some((name.as_str(), Some(false))),
        PARTIAL => Some((name.as_str(), None)),
        _ => None,
    });
    let by_method = match event.method {
        Some(Method::AcceptAll) => Some(true),
        Some(Method::RejectAll) => Some(false),
        _ if refusal => Some(false),
        _ => None,
    };
    let found = avow_signals::findings(event, &Answer::new(event, said, by_method));
    found.into_iter().map(|(signal, finding)| (signal.as_str(), finding.as_str())).collect()
}

/// The categories of an event: as named, else by what `unnamed` makes of the states of its services.
fn categories(
    event: &ConsentEvent,
    pairs: &[Pair],
    unnamed: impl Fn(&[&'static str]) -> &'static str,
) -> Vec<(String, &'static str)> {
    let mut of_services: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for pair in pairs {
        of_services.entry(&pair.category).or_default().push(pair.state);
    }
    for named in event.categories.keys().filter(|name| *name != NECESSARY) {
        of_services.entry(named).or_default();
    }
    let resolved = |(name, states): (&str, Vec<&'static str>)| match event.categories.get(name) {
        Some(granted) => (name.to_owned(), state(*granted)),
        None => (name.to_owned(), unnamed(&states)),
    };
    of_services.into_iter().map(resolved).collect()
}

/// Only what is withdrawn forms pairs.
fn withdrawn(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog, shown: Option<&Listing>) -> Resolved {
    let everything = !event.names_something();
    let withdraws = |service: &str, category: &str| match (event.services.get(service), event.categories.get(category))
    {
        (Some(kept), _) => !kept,
        (None, Some(kept)) => !kept,
        (None, None) => everything,
    };
    let pairs: Vec<Pair> = services(event, settings, catalog)
        .into_iter()
        .filter(|(service, category)| withdraws(service, category))
        .map(|(service, category)| Pair {
            service: service.to_owned(),
            category: category.to_owned(),
            state: WITHDRAWN,
            disclosure: if event.services.contains_key(service) { NAMED } else { Disclosed::of(shown, service).mark() },
        })
        .collect();
    let mut categories = categories(event, &pairs, |_| WITHDRAWN);
    for (_, state) in &mut categories {
        if *state == DENIED {
            *state = WITHDRAWN;
        }
    }
    categories.retain(|(_, state)| *state == WITHDRAWN);
    Resolved { pairs, categories, ..Resolved::default() }
}

/// The services that the page showed although they were not granted then. What the catalogue calls exempt raises nothing; what
/// needs consent under conditions is for a person to look at.
fn observed(event: &ConsentEvent, settings: &SiteSettings, catalog: &Catalog) -> Resolved {
    let Some(seen) = &event.observed else { return Resolved::default() };
    let category = |service: &Service| {
        settings.services.get(&service.slug).map_or_else(|| service.category(), String::as_str).to_owned()
    };
    let granted = |service: &str, category: &str| {
        seen.state.get(service).or_else(|| seen.state.get(category)).copied().unwrap_or(false)
    };
    let found = catalog.iter().filter_map(|service| Some((service, asks(service, seen)?)));
    let pairs: Vec<Pair> = found
        .map(|(service, state)| (service.slug.to_string(), category(service), state))
        .filter(|(service, category, _)| category != NECESSARY && !granted(service, category))
        .map(|(service, category, state)| Pair { service, category, state, disclosure: "" })
        .collect();
    let without_consent = pairs.iter().filter(|pair| pair.state == OBSERVED);
    let categories: BTreeSet<&String> = without_consent.map(|pair| &pair.category).collect();
    let categories = categories.into_iter().map(|category| (category.clone(), OBSERVED)).collect();
    Resolved { pairs, categories, ..Resolved::default() }
}

/// What it means that a service was seen without consent; none where it was not, or is exempt.
fn asks(service: &Service, seen: &Observed) -> Option<&'static str> {
    let cookies = seen.cookies.iter().filter_map(|name| service.cookie(name)).map(|cookie| cookie.eprivacy);
    let hosts = seen.domains.iter().filter(|host| service.owns_domain(host)).map(|_| service.eprivacy);
    let rules: Vec<EprivacyRule> = cookies.chain(hosts).collect();
    let any = |rule, state| rules.contains(&rule).then_some(state);
    any(EprivacyRule::Consent, OBSERVED).or_else(|| any(EprivacyRule::Conditional, FOR_REVIEW))
}

#[cfg(test)]
mod tests;
