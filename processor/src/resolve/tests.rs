use avow_schemas::event::Observed;
use avow_schemas::ids::{EventId, ServiceId, SiteId};
use uuid::Uuid;

use super::*;

/// With the catalogue that ships.
fn resolve(event: &ConsentEvent, settings: &SiteSettings, shown: Option<&Listing>) -> Resolved {
    super::resolve(event, settings, Catalog::builtin(), shown)
}

fn settings(services: &[(&str, &str)]) -> SiteSettings {
    let mut settings = SiteSettings::named("Shop");
    settings.services = services.iter().map(|(s, c)| (ServiceId::new(s).unwrap(), (*c).to_owned())).collect();
    settings
}

fn map(entries: &[(&str, bool)]) -> BTreeMap<String, bool> {
    entries.iter().map(|(name, granted)| ((*name).to_owned(), *granted)).collect()
}

fn event(
    kind: EventType,
    method: Option<Method>,
    categories: &[(&str, bool)],
    services: &[(&str, bool)],
) -> ConsentEvent {
    let site = SiteId::new("shop.example").unwrap();
    ConsentEvent {
        method,
        categories: map(categories),
        services: map(services),
        ..ConsentEvent::least(kind, site, EventId(Uuid::from_u128(1)), 0)
    }
}

fn pairs(resolved: &Resolved) -> Vec<(&str, &str, &str, &str)> {
    resolved.pairs.iter().map(|p| (p.service.as_str(), p.category.as_str(), p.state, p.disclosure)).collect()
}

fn categories(resolved: &Resolved) -> Vec<(&str, &str)> {
    resolved.categories.iter().map(|(name, state)| (name.as_str(), *state)).collect()
}

const SHOP: &[(&str, &str)] =
    &[("chaport", "preferences"), ("crisp", "preferences"), ("matomo", "statistics"), ("flowconsent", "necessary")];

#[test]
fn a_named_service_stands_against_its_category_and_the_rest_inherits() {
    let event =
        event(EventType::Decided, Some(Method::Save), &[("preferences", true)], &[("crisp", false), ("odd", true)]);
    let resolved = resolve(&event, &settings(SHOP), None);
    assert_eq!(
        pairs(&resolved),
        [
            ("chaport", "preferences", "granted", "unproven"),
            ("crisp", "preferences", "denied", "named"),
            ("matomo", "statistics", "undecided", ""),
            ("odd", "unknown", "granted", "named"),
        ]
    );
    assert_eq!(
        categories(&resolved),
        [("preferences", "granted"), ("statistics", "undecided"), ("unknown", "granted")],
        "a category that was sent is as sent"
    );
    assert!(resolved.decision && resolved.opted_in);
}

#[test]
fn a_category_that_was_not_sent_follows_its_services() {
    for (services, expected) in [
        (&[("chaport", true), ("crisp", true)][..], "granted"),
        (&[("chaport", false), ("crisp", false)], "denied"),
        (&[("chaport", true), ("crisp", false)], "partial"),
        (&[("chaport", true)], "granted"),
        (&[], "undecided"),
    ] {
        let event = event(EventType::Decided, Some(Method::Save), &[("marketing", false)], services);
        let resolved = resolve(&event, &settings(SHOP), None);
        assert_eq!(categories(&resolved)[1], ("preferences", expected), "{services:?}");
        assert_eq!(categories(&resolved)[0], ("marketing", "denied"));
    }
}

#[test]
fn a_dismissal_is_a_refusal_unless_the_site_says_otherwise() {
    let mut settings = settings(SHOP);
    let event = event(EventType::Decided, Some(Method::Dismiss), &[], &[]);
    let refused = resolve(&event, &settings, None);
    assert!(refused.decision && !refused.opted_in);
    assert!(refused.pairs.iter().all(|p| p.state == "denied") && refused.pairs.len() == 3);
    assert_eq!(categories(&refused), [("preferences", "denied"), ("statistics", "denied")]);
    settings.dismiss_means = DismissMeans::NoChoice;
    let none = resolve(&event, &settings, None);
    assert!(!none.decision && none.pairs.iter().all(|p| p.state == "undecided"));
}

#[test]
fn machines_and_reopened_prompts_make_no_decision() {
    for method in [Method::Gpc, Method::Api] {
        assert!(!resolve(&event(EventType::Decided, Some(method), &[], &[]), &settings(SHOP), None).decision);
    }
    let mut reopened = event(EventType::Decided, Some(Method::Save), &[("preferences", true)], &[]);
    reopened.prompt = Prompt::UserOpened;
    assert!(!resolve(&reopened, &settings(SHOP), None).decision);
}

#[test]
fn purposes_alone_can_opt_in_and_necessary_alone_cannot() {
    let mut tcf = event(EventType::Decided, Some(Method::Save), &[], &[]);
    tcf.purposes = map(&[("iab-1", true)]);
    assert!(resolve(&tcf, &settings(SHOP), None).opted_in);
    let necessary = event(EventType::Decided, Some(Method::Save), &[("necessary", true)], &[("flowconsent", true)]);
    assert!(!resolve(&necessary, &settings(SHOP), None).opted_in);
}

#[test]
fn a_withdrawal_takes_back_what_it_names_or_everything() {
    let all = resolve(&event(EventType::Withdrawn, None, &[], &[]), &settings(SHOP), None);
    assert_eq!(all.pairs.len(), 3);
    assert_eq!(categories(&all), [("preferences", "withdrawn"), ("statistics", "withdrawn")]);

    let one = resolve(&event(EventType::Withdrawn, None, &[], &[("chaport", false)]), &settings(SHOP), None);
    assert_eq!(pairs(&one), [("chaport", "preferences", "withdrawn", "named")]);
    assert_eq!(categories(&one), [("preferences", "withdrawn")]);

    let but_one = resolve(
        &event(EventType::Withdrawn, None, &[("preferences", false), ("statistics", true)], &[("crisp", true)]),
        &settings(SHOP),
        None,
    );
    assert_eq!(pairs(&but_one), [("chaport", "preferences", "withdrawn", "unproven")]);
    assert_eq!(categories(&but_one), [("preferences", "withdrawn")]);
}

/// An artefact that lists these services.
fn listing(services: &[&str]) -> Listing {
    Listing { text_hash: "sha256:1".into(), services: services.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn a_service_inherits_only_what_the_banner_disclosed() {
    let event = event(
        EventType::Decided,
        Some(Method::Save),
        &[("preferences", true), ("marketing", false)],
        &[("crisp", false), ("odd", true)],
    );
    let listed = listing(&["chaport", "crisp", "elsewhere"]);
    let resolved = resolve(&event, &settings(SHOP), Some(&listed));
    assert_eq!(
        pairs(&resolved),
        [
            ("chaport", "preferences", "granted", "proven"),
            ("crisp", "preferences", "denied", "named"),
            ("matomo", "statistics", "not_disclosed", ""),
            ("odd", "unknown", "granted", "named"),
        ],
        "what the event names is as named, listed or not; what is only listed makes no pair"
    );
    assert_eq!(
        categories(&resolved),
        [("marketing", "denied"), ("preferences", "granted"), ("statistics", "not_disclosed"), ("unknown", "granted")]
    );
}

#[test]
fn a_category_without_disclosed_services_decides_nothing_for_them() {
    let event = event(EventType::Decided, Some(Method::AcceptAll), &[("preferences", true)], &[]);
    let resolved = resolve(&event, &settings(SHOP), Some(&listing(&["matomo"])));
    assert_eq!(
        pairs(&resolved),
        [
            ("chaport", "preferences", "not_disclosed", ""),
            ("crisp", "preferences", "not_disclosed", ""),
            ("matomo", "statistics", "undecided", ""),
        ]
    );
    assert_eq!(categories(&resolved), [("preferences", "granted"), ("statistics", "undecided")]);
    assert!(resolved.opted_in, "a category was granted");
    let purposes_alone = resolve(
        &ConsentEvent { categories: BTreeMap::new(), purposes: map(&[("iab-1", false)]), ..event },
        &settings(SHOP),
        Some(&listing(&["elsewhere"])),
    );
    assert_eq!(categories(&purposes_alone), [("preferences", "not_disclosed"), ("statistics", "not_disclosed")]);
    assert!(!purposes_alone.opted_in);
}

#[test]
fn an_artefact_without_services_says_nothing_of_them() {
    let event = event(EventType::Decided, Some(Method::AcceptAll), &[("preferences", true)], &[]);
    assert_eq!(
        resolve(&event, &settings(SHOP), Some(&listing(&[]))),
        resolve(&event, &settings(SHOP), None),
        "no services listed, as if unknown"
    );
}

#[test]
fn a_dismissal_refuses_what_was_disclosed() {
    let event = event(EventType::Decided, Some(Method::Dismiss), &[], &[]);
    let resolved = resolve(&event, &settings(SHOP), Some(&listing(&["chaport"])));
    assert_eq!(
        pairs(&resolved),
        [
            ("chaport", "preferences", "denied", "proven"),
            ("crisp", "preferences", "not_disclosed", ""),
            ("matomo", "statistics", "not_disclosed", ""),
        ]
    );
    assert_eq!(categories(&resolved), [("preferences", "denied"), ("statistics", "denied")], "the prompt was refused");
}

#[test]
fn a_withdrawal_takes_back_what_was_not_disclosed_too() {
    let event = event(EventType::Withdrawn, None, &[("preferences", false)], &[]);
    let resolved = resolve(&event, &settings(SHOP), Some(&listing(&["chaport"])));
    assert_eq!(
        pairs(&resolved),
        [("chaport", "preferences", "withdrawn", "proven"), ("crisp", "preferences", "withdrawn", "unproven")]
    );
}

fn observed(cookies: &[&str], domains: &[&str], state: &[(&str, bool)]) -> Resolved {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let seen = Observed { cookies: texts(cookies), domains: texts(domains), others: 0, state: map(state) };
    let event = ConsentEvent { observed: Some(seen), ..event(EventType::Observed, None, &[], &[]) };
    resolve(&event, &settings(SHOP), None)
}

#[test]
fn a_service_that_is_there_without_being_granted_is_a_finding() {
    let chaport = [("chaport", "preferences", "observed_without_consent", "")];
    for (cookies, domains, state) in [
        (&["chaport_uid"] as &[&str], &[] as &[&str], &[] as &[(&str, bool)]),
        (&[], &["app.chaport.com"], &[("preferences", false)]),
        (&["chaport_uid"], &["cdn.chaport.com"], &[("preferences", true), ("chaport", false)]),
    ] {
        let resolved = observed(cookies, domains, state);
        assert_eq!(pairs(&resolved), chaport, "{cookies:?} {domains:?}");
        assert_eq!(categories(&resolved), [("preferences", "observed_without_consent")]);
        assert!(!resolved.decision && !resolved.opted_in);
    }
}

#[test]
fn what_is_granted_exempt_or_unknown_is_none() {
    for (cookies, domains, state) in [
        (&["chaport_uid"] as &[&str], &[] as &[&str], &[("preferences", true)] as &[(&str, bool)]),
        (&["chaport_uid"], &[], &[("preferences", false), ("chaport", true)]),
        (&["session"], &["shop.example", "notchaport.com"], &[]),
        (&[], &["flowconsent.com"], &[]),
    ] {
        assert_eq!(observed(cookies, domains, state), Resolved::default(), "{cookies:?} {domains:?}");
    }
}

#[test]
fn what_depends_is_for_review_and_in_no_category() {
    let seen = observed(&["chaport_session"], &[], &[]);
    assert_eq!(pairs(&seen), [("chaport", "preferences", "observed_for_review", "")]);
    assert_eq!(categories(&seen), []);
    let granted = observed(&["chaport_session"], &[], &[("preferences", true)]);
    assert_eq!(granted, Resolved::default());
    let both = observed(&["chaport_session", "chaport_uid"], &[], &[]);
    assert_eq!(pairs(&both), [("chaport", "preferences", "observed_without_consent", "")]);
}
