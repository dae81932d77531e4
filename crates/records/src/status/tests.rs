use std::slice::from_ref;

use proptest::prelude::*;

use super::*;
use crate::testing::{decided, event, no_artefacts, says, service, settings, version};

const DAY: i64 = DAY_MS;

fn course(history: &[ConsentEvent], versions: &[SiteVersion], now: i64) -> Vec<(i64, Status)> {
    let artefacts = no_artefacts();
    let facts = Facts { versions, catalog: Catalog::builtin(), artefacts: &artefacts };
    let all = statuses(history, &facts, now);
    let line = all.get(&Target::Service(service("chaport"))).cloned().unwrap_or_default();
    line.changes().iter().map(|change| (change.at / DAY, change.status)).collect()
}

fn days(granted: u32) -> SiteSettings {
    let mut settings = settings();
    settings.validity_days.granted = granted;
    settings
}

#[test]
fn from_asked_to_given_to_withdrawn() {
    let mut renewal = says(5 * DAY, &[("chaport", true)]);
    renewal.prompt = Prompt::Renewal;
    let history = [
        event(EventType::Shown, DAY),
        says(2 * DAY, &[("chaport", true)]),
        event(EventType::Shown, 3 * DAY),
        renewal,
        says(7 * DAY, &[("chaport", false)]),
        event(EventType::Shown, 8 * DAY),
        says(9 * DAY, &[("chaport", false)]),
    ];
    assert_eq!(
        course(&history, &[version(1, 0, settings())], 99 * DAY),
        [
            (1, Status::Requested),
            (2, Status::Given),
            (5, Status::Renewed),
            (7, Status::Withdrawn),
            (9, Status::Refused),
        ]
    );
}

#[test]
fn consent_ends_of_itself_and_a_refusal_does_not() {
    let given = says(DAY, &[("chaport", true)]);
    let mut short = given.clone();
    short.expires_at = Some(3 * DAY);
    let versions = [version(1, 0, days(10))];
    assert_eq!(course(from_ref(&given), &versions, 11 * DAY - 1), [(1, Status::Given)]);
    assert_eq!(course(from_ref(&given), &versions, 11 * DAY), [(1, Status::Given), (11, Status::Expired)]);
    assert_eq!(course(&[short], &versions, 11 * DAY), [(1, Status::Given), (3, Status::Expired)]);
    assert_eq!(course(&[says(DAY, &[("chaport", false)])], &versions, 999 * DAY), [(1, Status::Refused)]);
    let mut renewed = says(20 * DAY, &[("chaport", true)]);
    renewed.prompt = Prompt::Renewal;
    assert_eq!(course(&[given, renewed], &versions, 21 * DAY)[2], (20, Status::Renewed));
}

#[test]
fn closing_the_banner_defers_or_refuses_as_the_site_says() {
    let mut dismissed = decided(DAY);
    dismissed.method = Some(avow_schemas::event::Method::Dismiss);
    let mut no_choice = settings();
    no_choice.dismiss_means = avow_schemas::settings::DismissMeans::NoChoice;
    assert_eq!(course(from_ref(&dismissed), &[version(1, 0, no_choice)], DAY), [(1, Status::Deferred)]);
    assert_eq!(course(&[dismissed], &[version(1, 0, settings())], DAY), [(1, Status::Refused)]);
}

#[test]
fn settings_that_grow_invalidate_until_she_decides_anew() {
    let by_name = says(DAY, &[("chaport", true)]);
    let mut by_category = decided(DAY);
    by_category.categories.insert("preferences".into(), true);
    let grown = |change: fn(&mut SiteSettings)| {
        let mut later = settings();
        change(&mut later);
        [version(1, 0, settings()), version(2, 4 * DAY, later)]
    };
    let service_more = grown(|s| _ = s.services.insert(service("userlike"), "preferences".into()));
    let purpose_more = grown(|s| s.purposes.push(serde_json::from_str(r#"{"id": "ads"}"#).unwrap()));
    let basis_else = grown(|s| {
        s.purposes.push(serde_json::from_str(r#"{"id": "fraud", "legal_basis": "legitimate_interest"}"#).unwrap());
    });
    let controller_more = grown(|s| s.controllers.push(serde_json::from_str(r#"{"name": "Other"}"#).unwrap()));
    let only_named = grown(|s| s.name = "New name".into());
    let invalid = [(1, Status::Given), (4, Status::Invalidated)];
    for (versions, named, inherited) in [
        (&service_more, false, true),
        (&purpose_more, true, true),
        (&basis_else, false, false),
        (&controller_more, true, true),
        (&only_named, false, false),
    ] {
        assert_eq!(course(from_ref(&by_name), versions, 9 * DAY) == invalid, named);
        assert_eq!(course(from_ref(&by_category), versions, 9 * DAY) == invalid, inherited);
    }
    let mut anew = says(6 * DAY, &[("chaport", true)]);
    anew.config_version = avow_schemas::ids::ConfigVersion(2);
    assert_eq!(course(&[by_name, anew], &purpose_more, 9 * DAY).last(), Some(&(6, Status::Given)));
}

#[test]
fn a_repeat_counts_once_and_order_is_by_time() {
    let (first, second) = (says(DAY, &[("chaport", true)]), says(2 * DAY, &[("chaport", false)]));
    let expected = [(1, Status::Given), (2, Status::Withdrawn)];
    assert_eq!(course(&[second, first.clone(), first], &[version(1, 0, settings())], 3 * DAY), expected);
}

/// A step of a random history: what happens, after how many days, with which method and prompt.
fn any_event() -> impl Strategy<Value = ConsentEvent> {
    let kinds = prop::sample::select(vec![EventType::Shown, EventType::Decided, EventType::Withdrawn]);
    let says = prop::collection::btree_map(prop::sample::select(vec!["chaport", "crisp"]), any::<bool>(), 0..3);
    let category = prop::option::of(any::<bool>());
    let prompt = prop::sample::select(Prompt::ALL.to_vec());
    let ends = prop::option::of(0_i64..30);
    (kinds, 0_i64..40, says, category, prompt, any::<bool>(), ends, any::<u64>()).prop_map(
        |(kind, day, says, category, prompt, dismiss, ends, id)| {
            let mut made = event(kind, day * DAY);
            made.id = EventId(uuid::Uuid::from_u128(u128::from(id)));
            made.services = says.into_iter().map(|(name, granted)| (name.to_owned(), granted)).collect();
            made.categories = category.map(|granted| ("preferences".to_owned(), granted)).into_iter().collect();
            made.prompt = prompt;
            made.method = dismiss.then_some(avow_schemas::event::Method::Dismiss);
            made.expires_at = ends.map(|days| (day + days) * DAY);
            made
        },
    )
}

fn any_versions() -> impl Strategy<Value = Vec<SiteVersion>> {
    prop::collection::vec((1_i64..40, 0_u32..20, 0_usize..3, any::<bool>()), 0..4).prop_map(|mut changes| {
        changes.sort_by_key(|change| change.0);
        changes.dedup_by_key(|change| change.0);
        let mut versions = vec![version(1, 0, days(10))];
        for (n, (day, valid, more, no_choice)) in changes.into_iter().enumerate() {
            let mut settings = days(valid);
            for extra in ["userlike", "chatwoot"].iter().take(more) {
                settings.services.insert(service(extra), "preferences".into());
            }
            if no_choice {
                settings.dismiss_means = avow_schemas::settings::DismissMeans::NoChoice;
            }
            versions.push(version(n as i64 + 2, day * DAY, settings));
        }
        versions
    })
}

proptest! {
    /// One state at a time, and none but these moments change it.
    #[test]
    fn there_is_one_state_and_it_changes_at_the_given_moments_only(
        mut history in prop::collection::vec(any_event(), 0..12),
        versions in any_versions(),
        now in 0_i64..70,
    ) {
        for event in &mut history {
            let in_force = versions.iter().rev().find(|version| version.in_force_from <= event.occurred_at);
            event.config_version = in_force.unwrap().version;
        }
        let artefacts = no_artefacts();
        let facts = Facts { versions: &versions, catalog: Catalog::builtin(), artefacts: &artefacts };
        let whole = statuses(&history, &facts, 1_000 * DAY);
        let till_now = statuses(&history, &facts, now * DAY);
        for (target, line) in &whole {
            prop_assert!(line.changes().is_sorted_by_key(|change| change.at));
            // What is known later does not change what was so earlier.
            let known: Vec<Change> = line.changes().iter().filter(|c| c.at <= now * DAY).copied().collect();
            let earlier = till_now.get(target).cloned().unwrap_or_default();
            prop_assert_eq!(earlier.changes(), known);
            prop_assert_eq!(earlier.at(now * DAY), line.at(now * DAY));
            for change in line.changes() {
                let cause = history.iter().find(|event| event.id == change.of).unwrap();
                let expected = match change.status {
                    Status::Expired => {
                        let validity = facts.version(cause).unwrap().settings.validity_days.granted;
                        change.at == cause.expires_at.unwrap_or(cause.occurred_at + i64::from(validity) * DAY)
                    }
                    Status::Invalidated => versions.iter().any(|version| version.in_force_from == change.at),
                    Status::Unknown => false,
                    _ => change.at == cause.occurred_at,
                };
                prop_assert!(expected, "{:?}", change);
            }
            // Only what was in force ends of itself.
            for pair in line.changes().windows(2) {
                if matches!(pair[1].status, Status::Expired | Status::Invalidated) {
                    prop_assert!(pair[0].status.is_in_force() && pair[0].of == pair[1].of);
                }
            }
            prop_assert_eq!(line.at(-1), Status::Unknown);
        }
    }
}
