use std::collections::BTreeMap;
use std::sync::Arc;

use avow_schemas::catalog::{Catalog, Service};
use avow_schemas::event::{EventType, Method, Objections};
use avow_schemas::ids::{EventId, ServiceId, SiteId};
use avow_schemas::settings::SiteSettings;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;

// Written by @iabtechlabtcf/core 1.5.21 (TCF 2.3): every purpose; none; purposes 1 and 3; legitimate interests 7 and 9.
const ALL: &str = "CQtAQoAQtAQoAEsABBENB4FoAP_gAEIAAAYgF5wAoAAgAEAvMAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
const NONE: &str = "CQtAQoAQtAQoAEsABBENB4FgAAAAAAAAAAYgAAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
const SOME: &str = "CQtAQoAQtAQoAEsABBENB4FgAKAAAAAAAAYgAEAEAAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
const INTERESTS: &str = "CQtAQoAQtAQoAEsABBENB4FgAAAAAAKAAAYgAAAAAAAA.IAEMEAAA.YAAAAAAAAAAA";
/// Purpose 1, created on 2026-02-01, before the segment of disclosed vendors had to be there.
const BEFORE: &str = "CQe8esAQe8esAEsABBENB4FgAIAAAAAAAAYgAEAEAAAAAAAA";
// Written by @iabgpp/cmpapi: US privacy, California (sale opted out), Virginia, Connecticut; national without and with opt-out.
const STATES: &str = "DBADTvGA~1YNN~BAYAAACA.QA~BAgAACA~BAAAAAIA.QA";
const ALLOWED: &str = "DBABLA~CAAqAAAAAABA.QA";
const OPTED_OUT: &str = "DBABLA~CAAQAAAAAABA.YA";

/// 2026-11-02.
const AT: i64 = 1_793_577_600_000;

fn event(method: Method, purposes: &[(u16, bool)]) -> ConsentEvent {
    let site = SiteId::new("shop.example").unwrap();
    ConsentEvent {
        method: Some(method),
        purposes: purposes.iter().map(|(n, granted)| (format!("iab-{n}"), *granted)).collect(),
        ..ConsentEvent::least(EventType::Decided, site, EventId(uuid::Uuid::from_u128(1)), AT)
    }
}

fn answer<'a>(event: &'a ConsentEvent, categories: &[(&'a str, Option<bool>)]) -> Answer<'a> {
    let by_method = match event.method {
        Some(Method::AcceptAll) => Some(true),
        Some(Method::RejectAll) => Some(false),
        _ => None,
    };
    Answer::new(event, categories.iter().copied(), by_method)
}

fn tcf(text: &str, event: &ConsentEvent, categories: &[(&str, Option<bool>)]) -> Finding {
    tcf::finding(text, AT, &answer(event, categories))
}

#[test]
fn a_string_says_what_its_writer_put_in() {
    let some = Tcf::parse(SOME).unwrap();
    assert_eq!(some.purposes, [1, 3].into());
    assert_eq!(some.vendors, [8].into());
    assert_eq!(some.disclosed_vendors, Some([1, 2, 8].into()));
    assert_eq!((some.created, some.cmp_id), (1_793_491_200_000, 300));
    assert_eq!(Tcf::parse(INTERESTS).unwrap().legitimate_interests, [7, 9].into());
    assert_eq!(Tcf::parse(ALL).unwrap().special_features, [1].into());
}

#[test]
fn a_vendor_has_consent_with_its_own_signal_and_that_of_a_purpose_it_asks_for() {
    let mut tcf = Tcf::parse(SOME).unwrap(); // purposes 1 and 3, vendor 8 of 1, 2 and 8
    assert_eq!(tcf.consents_to(8, None), Some(true));
    assert_eq!(tcf.consents_to(8, Some(&[2, 3])), Some(true), "one purpose is enough");
    assert_eq!(tcf.consents_to(8, Some(&[2, 4])), Some(false), "of its purposes none");
    assert_eq!(tcf.consents_to(2, Some(&[1])), Some(false), "disclosed, without consent");
    assert_eq!(tcf.consents_to(9, Some(&[1])), None, "not disclosed");
    assert_eq!(tcf.consents_to(8, Some(&[])), None, "asks no consent");
    tcf.restrictions = [(3, [8].into())].into();
    assert_eq!(tcf.consents_to(8, Some(&[2, 3])), Some(false), "the publisher takes purpose 3 from it");
    assert_eq!(tcf.consents_to(8, Some(&[3])), None, "and then it asks nothing");
    tcf.purposes.clear();
    assert_eq!(tcf.consents_to(8, None), Some(false), "every vendor's bit and no purpose's");
}

#[test]
fn what_a_string_takes_back_is_named_and_nothing_else() {
    let site = |services: &[&str]| SiteSettings {
        services: services.iter().map(|slug| (ServiceId::new(slug).unwrap(), "marketing".to_owned())).collect(),
        ..SiteSettings::named("Shop")
    };
    let vendor = |slug: &str, number: u16, purposes: &[u16]| {
        let entry = json!({"slug": slug, "name": slug, "category": "marketing", "iab_vendor": number, "iab_purposes": purposes});
        Arc::new(Service::parse_brief(entry, jiff::civil::date(2026, 11, 26)).unwrap())
    };
    let catalog =
        Catalog::builtin().with([vendor("eight", 8, &[1]), vendor("two", 2, &[1, 4]), vendor("one", 1, &[3])]);
    let settings = site(&["eight", "two", "one", "chaport"]);
    let mut event = event(Method::Save, &[(1, true), (3, true), (4, false)]);
    event.tcf = Some(SOME.into());
    let services = |event: &ConsentEvent| with_vendors(event, &settings, &catalog).services.clone();
    let expected = [("eight", true), ("one", false), ("two", false)].map(|(slug, yes)| (slug.to_owned(), yes));
    assert_eq!(services(&event), expected.into());
    event.kind = EventType::Withdrawn;
    event.purposes = [("iab-4".to_owned(), false), ("support".to_owned(), false)].into();
    assert_eq!(
        services(&event),
        [("two".to_owned(), false)].into(),
        "who asks for purpose 4 and has no consent any more"
    );
    event.purposes.clear();
    assert_eq!(services(&event), [].into(), "which takes back everything as it is");
    event.kind = EventType::Shown;
    assert_eq!(services(&event), [].into());
}

#[test]
fn the_act_alone_is_held_against_it() {
    let (accepted, refused) = (event(Method::AcceptAll, &[]), event(Method::RejectAll, &[]));
    assert_eq!(tcf(ALL, &accepted, &[]), Finding::Consistent);
    assert_eq!(tcf(SOME, &accepted, &[]), Finding::Consistent, "a banner need not ask for every purpose");
    assert_eq!(tcf(NONE, &accepted, &[]), Finding::DeniesGranted);
    assert_eq!(tcf(NONE, &refused, &[]), Finding::Consistent);
    assert_eq!(tcf(INTERESTS, &refused, &[]), Finding::Consistent, "a refusal objects to nothing by itself");
    assert_eq!(tcf(SOME, &refused, &[]), Finding::GrantsRefused);
}

#[test]
fn named_purposes_are_compared_one_by_one() {
    let same = event(Method::Save, &[(1, true), (2, false), (3, true)]);
    assert_eq!(tcf(SOME, &same, &[]), Finding::Consistent);
    assert_eq!(tcf(SOME, &event(Method::Save, &[(1, true), (3, false)]), &[]), Finding::GrantsRefused);
    assert_eq!(tcf(SOME, &event(Method::Save, &[(1, true), (2, true), (4, false)]), &[]), Finding::DeniesGranted);
    assert_eq!(
        tcf(SOME, &event(Method::Save, &[(2, true), (3, false)]), &[]),
        Finding::GrantsRefused,
        "the worse of two"
    );
    let mut objecting = event(Method::Save, &[(1, false), (2, true)]);
    objecting.objections = Some(Objections { purposes: vec!["iab-7".into()], services: vec![] });
    assert_eq!(tcf(INTERESTS, &objecting, &[]), Finding::GrantsRefused);
}

#[test]
fn a_mixed_choice_by_categories_says_nothing_of_purposes() {
    let saved = event(Method::Save, &[]);
    let mixed = [("marketing", Some(false)), ("statistics", Some(true))];
    assert_eq!(tcf(SOME, &saved, &mixed), Finding::Incomparable);
    assert_eq!(tcf(SOME, &saved, &[("marketing", None)]), Finding::Incomparable);
    assert_eq!(tcf(SOME, &saved, &[("marketing", Some(false))]), Finding::GrantsRefused);
}

#[test]
fn what_breaks_the_rules_is_invalid_and_what_is_no_string_unreadable() {
    let refused = event(Method::RejectAll, &[]);
    let cut = |text: &str| tcf(text, &refused, &[]);
    assert_eq!(cut(NONE.split('.').next().unwrap()), Finding::Invalid, "no vendors disclosed");
    assert_eq!(cut(BEFORE), Finding::GrantsRefused, "not asked of strings created before");
    assert_eq!(tcf::finding(NONE, AT - 3 * 86_400_000, &answer(&refused, &[])), Finding::Invalid, "of days to come");
    assert_eq!(cut("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"), Finding::Invalid, "version 1");
    for text in ["", "hello", "C", &NONE[..20], "CQtA QoA", "DBABLA~CAAqAAAAAABA.QA", "é"] {
        assert_eq!(cut(text), Finding::Unreadable, "{text:?}");
    }
}

#[test]
fn sections_are_told_apart_by_the_header() {
    let sections = Gpp::parse(STATES).unwrap().sections;
    assert_eq!(sections, [(6, "1YNN"), (8, "BAYAAACA.QA"), (9, "BAgAACA"), (12, "BAAAAAIA.QA")]);
    for text in ["", "DBABLA", "DBABLA~a~b", "DBAD", NONE] {
        assert_eq!(Gpp::parse(text), None, "{text:?}");
    }
}

#[test]
fn the_laws_of_states_are_held_against_marketing() {
    let saved = event(Method::Save, &[]);
    let of = |text: &str, marketing| gpp::finding(text, AT, &answer(&saved, &[("marketing", marketing)]));
    assert_eq!(of(ALLOWED, Some(true)), Finding::Consistent);
    assert_eq!(of(ALLOWED, Some(false)), Finding::GrantsRefused);
    assert_eq!(of(OPTED_OUT, Some(true)), Finding::DeniesGranted);
    assert_eq!(of(OPTED_OUT, Some(false)), Finding::Consistent);
    assert_eq!(of(OPTED_OUT, None), Finding::Incomparable);
    // California is opted out, the others are not: one of them contradicts whatever was decided.
    assert_eq!(of(STATES, Some(true)), Finding::DeniesGranted);
    assert_eq!(of(STATES, Some(false)), Finding::GrantsRefused);
    assert_eq!(of("DBABLA~****", Some(true)), Finding::Unreadable);
    assert_eq!(of(&format!("DBABMA~{NONE}"), Some(true)), Finding::DeniesGranted, "a TC string as a section");
}

#[test]
fn consent_types_follow_their_category() {
    let saved = event(Method::Save, &[]);
    let of = |modes: &[(&str, &str)]| {
        let modes: BTreeMap<String, String> = modes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        consent_mode::finding(&modes, &answer(&saved, &[("marketing", Some(false)), ("statistics", Some(true))]))
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[("ad_storage", "denied"), ("analytics_storage", "granted")]), Some(Finding::Consistent));
    assert_eq!(of(&[("ad_storage", "denied"), ("ad_user_data", "granted")]), Some(Finding::GrantsRefused));
    assert_eq!(of(&[("analytics_storage", "denied")]), Some(Finding::DeniesGranted));
    assert_eq!(
        of(&[("security_storage", "granted"), ("functionality_storage", "granted")]),
        Some(Finding::Incomparable)
    );
    assert_eq!(of(&[("ad_storage", "perhaps")]), Some(Finding::Unreadable));
}

#[test]
fn the_browsers_own_signal_is_held_against_marketing() {
    let of = |gpc, method| gpc::finding(gpc, &answer(&event(method, &[]), &[]));
    assert_eq!(of(true, Method::AcceptAll), Some(Finding::DeniesGranted));
    assert_eq!(of(true, Method::RejectAll), Some(Finding::Consistent));
    assert_eq!(of(true, Method::Save), Some(Finding::Incomparable));
    assert_eq!(of(false, Method::AcceptAll), None, "off says nothing");
}

#[test]
fn each_signal_has_one_finding() {
    let mut event = event(Method::RejectAll, &[]);
    assert_eq!(findings(&event, &answer(&event, &[])), []);
    event.tcf = Some(SOME.into());
    event.gpp = Some("?".into());
    event.gpc = Some(true);
    let expected =
        [(Signal::Tcf, Finding::GrantsRefused), (Signal::Gpp, Finding::Unreadable), (Signal::Gpc, Finding::Consistent)];
    assert_eq!(findings(&event, &answer(&event, &[])), expected);
}

/// A core that names all vendors in each of `ranges` ranges.
fn naming_all(ranges: u16) -> String {
    let mut bits: Vec<bool> = vec![false; 213];
    let mut put = |value: u32, of: u32| bits.extend((0..of).rev().map(|n| value >> n & 1 == 1));
    put(65_535, 16);
    put(1, 1);
    put(u32::from(ranges), 12);
    for _ in 0..ranges {
        put(1, 1);
        put(1, 16);
        put(65_535, 16);
    }
    put(0, 16 + 1 + 12);
    // The version.
    bits[4] = true;
    let bytes: Vec<u8> =
        bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, on)| b | u8::from(*on) << (7 - i))).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_string_that_names_all_vendors_again_and_again_is_not_unfolded() {
    assert_eq!(Tcf::parse(&naming_all(1)).unwrap().vendors.len(), 65_535);
    assert_eq!(Tcf::parse(&naming_all(2)), Err(TcfError::Unreadable));
    assert_eq!(Tcf::parse(&naming_all(4000)), Err(TcfError::Unreadable));
}

proptest! {
    #[test]
    fn nothing_sent_makes_it_panic(text in "\\PC{0,200}", at in any::<i64>()) {
        let event = event(Method::Save, &[(1, true)]);
        let answer = answer(&event, &[]);
        tcf::finding(&text, at, &answer);
        gpp::finding(&text, at, &answer);
    }

    #[test]
    fn nor_does_a_string_with_a_fault(
        of in prop::sample::select(vec![ALL, NONE, SOME, STATES, ALLOWED, OPTED_OUT]),
        at in any::<prop::sample::Index>(),
        put in "[-A-Za-z0-9_.~]{0,3}",
        cut in 0_usize..4,
    ) {
        let at = at.index(of.len());
        let text = format!("{}{put}{}", &of[..at], &of[(at + cut).min(of.len())..]);
        let event = event(Method::RejectAll, &[]);
        let answer = answer(&event, &[]);
        tcf::finding(&text, AT, &answer);
        gpp::finding(&text, AT, &answer);
    }
}
