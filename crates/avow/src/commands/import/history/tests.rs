//! Each vendor's format, by small files that are made by hand as its documentation describes them (`fixtures/`); the end-to-end test
//! imports the same files.

use std::io::Cursor;

use serde_json::{Map, Value, json};

use super::super::rows::{Row, Rows};
use super::event::{Made, Maker};
use super::ids::{self, Of};
use super::mapping::Mapping;
use super::vendors::Vendor;

const SITE: &str = "shop.example";

type Fate = Result<Made, String>;

/// What becomes of a file's rows, event by event.
fn fates(vendor: Vendor, map: Option<&str>, site: Option<&str>, text: &str) -> Vec<Fate> {
    let mapping = Mapping::of(vendor, map).unwrap();
    let maker = Maker::new(vendor, mapping, site.map(str::to_owned), None).unwrap();
    let (mut fates, mut group) = (Vec::new(), Vec::<Row>::new());
    for row in Rows::open(Cursor::new(text.to_owned())).unwrap().map(Result::unwrap) {
        if !maker.continues(&group, &row) && !group.is_empty() {
            fates.push(maker.make(&group).map_err(|refusal| refusal.to_string()));
            group.clear();
        }
        group.push(row);
    }
    fates.push(maker.make(&group).map_err(|refusal| refusal.to_string()));
    fates
}

/// An event without its ids, and those.
fn event(fate: &Fate) -> (Value, String, Option<String>) {
    let Ok(Made::Event(event)) = fate else { panic!("{fate:?}") };
    let mut event: Map<String, Value> = event.clone();
    let text = |value: Value| value.as_str().unwrap().to_owned();
    let (id, subject) = (event.remove("id").map(text).unwrap(), event.remove("subject").map(text));
    (Value::Object(event), id, subject)
}

fn skipped(fate: &Fate) -> &str {
    let Ok(Made::Skipped(why)) = fate else { panic!("{fate:?}") };
    why
}

fn id(vendor: Vendor, of: Of, theirs: &str) -> String {
    ids::derived(of, vendor, SITE, theirs).to_string()
}

#[test]
fn didomi() {
    let text = include_str!("fixtures/didomi.ndjson");
    let fates = fates(Vendor::Didomi, None, Some(SITE), text);
    let (first, first_id, subject) = event(&fates[0]);
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2025-06-03T21:28:55Z",
               "purposes": {"analytics-XyZ": false, "cookies": true}})
    );
    assert_eq!(first_id, id(Vendor::Didomi, Of::Event, "00b89328-e3d5-4068-b346-8f4fcb4618d1"));
    assert_eq!(subject.as_deref(), Some("a3722cd3-f2e4-4451-a564-83f5e8921441"));
    assert_eq!(event(&fates[1]).2, Some(id(Vendor::Didomi, Of::Subject, "anna@example.org")));
    assert_eq!(skipped(&fates[2]), "pending approval");
    assert_eq!(fates[3], Err("line 4: names no category, service or purpose that was chosen (missing_field)".into()));
    let mapped = super::tests::fates(Vendor::Didomi, Some(include_str!("fixtures/didomi.toml")), Some(SITE), text);
    let (first, mapped_id, _) = event(&mapped[0]);
    assert_eq!(first["categories"], json!({"preferences": true, "statistics": false}));
    assert_eq!((&first["services"], &first["purposes"]), (&json!({"chaport": true, "crisp": false}), &Value::Null));
    assert_eq!(mapped_id, first_id, "a map changes what an event says, not which it is");
    assert_eq!(skipped(&mapped[3]), "says nothing of a choice");
}

#[test]
fn usercentrics() {
    let text = include_str!("fixtures/usercentrics.csv");
    let fates = fates(Vendor::Usercentrics, None, Some(SITE), text);
    assert_eq!((fates.len(), skipped(&fates[0])), (4, "not a person's act"));
    let (first, _, subject) = event(&fates[1]);
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2025-03-01T09:00:07Z", "method": "accept_all",
               "banner": {"version": "4.2.1"}, "services": {"chaport_1": true, "hkoceodjb7": true}})
    );
    assert_eq!(subject, Some(id(Vendor::Usercentrics, Of::Subject, "6f1d")));
    assert_eq!(event(&fates[2]).0["services"], json!({"chaport_1": true, "hkoceodjb7": false}));
    assert_eq!(event(&fates[3]).0["method"], "reject_all");
    let ids: std::collections::BTreeSet<String> = fates[1..].iter().map(|fate| event(fate).1).collect();
    assert_eq!(ids.len(), 3);
    // Of a file that is not sorted nothing is taken: an event would be made of a part of its rows, and stay so.
    let mut lines: Vec<&str> = text.lines().collect();
    let maker = Maker::new(Vendor::Usercentrics, Mapping::of(Vendor::Usercentrics, None).unwrap(), None, None).unwrap();
    let torn = |lines: &[&str]| maker.torn(Rows::open(Cursor::new(lines.join("\n"))).unwrap().flatten());
    assert_eq!(torn(&lines), None);
    lines.swap(4, 6);
    assert_eq!(torn(&lines), Some(7));
}

#[test]
fn consentmanager() {
    let error = Mapping::of(Vendor::Consentmanager, None).unwrap_err().to_string();
    assert!(error.contains("give --map"), "{error}");
    let map = include_str!("fixtures/consentmanager.toml");
    let fates = fates(Vendor::Consentmanager, Some(map), Some(SITE), include_str!("fixtures/consentmanager.csv"));
    let (first, first_id, subject) = event(&fates[0]);
    let refused = [2, 4, 5, 6, 7, 8, 9, 10, 11].map(|purpose| format!("iab-{purpose}"));
    for purpose in refused {
        assert_eq!(first["purposes"][&purpose], false, "{purpose}");
    }
    assert_eq!((&first["purposes"]["iab-1"], &first["purposes"]["iab-3"]), (&json!(true), &json!(true)));
    assert_eq!((&first["method"], &first["categories"]), (&json!("save"), &Value::Null));
    assert_eq!(first["occurred_at"], "2025-02-01T09:00:00Z");
    assert_eq!(first["banner"], json!({"version": "31", "language": "de"}));
    assert_eq!(first["page"], "https://shop.example/checkout");
    assert!(first["signals"]["tcf"].as_str().is_some_and(|tcf| tcf.starts_with("CQtAQoAQ")));
    assert_eq!(first_id, id(Vendor::Consentmanager, Of::Event, "1001"));
    assert_eq!(subject, Some(id(Vendor::Consentmanager, Of::Subject, "v-9")));
    let flags = |flag: bool| json!({"marketing": flag, "preferences": flag, "statistics": flag});
    assert_eq!((&event(&fates[1]).0["categories"], &event(&fates[2]).0["categories"]), (&flags(true), &flags(false)));
    assert_eq!(skipped(&fates[3]), "no choice was made");
}

#[test]
fn onetrust() {
    let text = include_str!("fixtures/onetrust.json");
    let fates = fates(Vendor::Onetrust, None, Some(SITE), text);
    let (first, _, subject) = event(&fates[0]);
    let purposes = json!({"c8a1f7de-0e0a-4f6c-9a55-2b7d6f3e1a90": false, "f2229953-b4b5-4042-8cb9-b78038cc4c46": true});
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2024-10-08T12:00:00Z",
               "banner": {"version": "2", "language": "en-US"}, "purposes": purposes})
    );
    assert_eq!(subject.as_deref(), Some("4b7e3d0c-1f5a-4a86-9c21-7d8e9f0a1b2c"));
    let (second, _, _) = event(&fates[1]);
    assert_eq!(
        (&second["type"], &second["purposes"]),
        (&json!("withdrawn"), &json!({"f2229953-b4b5-4042-8cb9-b78038cc4c46": false}))
    );
    assert_eq!((skipped(&fates[2]), skipped(&fates[3])), ("says nothing of a choice", "a test"));
    let mapped = super::tests::fates(Vendor::Onetrust, Some(include_str!("fixtures/onetrust.toml")), Some(SITE), text);
    assert_eq!(event(&mapped[0]).0["categories"], json!({"marketing": true, "statistics": false}));
    assert_eq!(event(&mapped[1]).0["type"], "withdrawn");
}

#[test]
fn iubenda() {
    let fates = fates(Vendor::Iubenda, None, Some(SITE), include_str!("fixtures/iubenda.ndjson"));
    let (first, first_id, subject) = event(&fates[0]);
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2024-02-22T00:40:00Z",
               "purposes": {"newsletter": true, "profiling": false}})
    );
    assert_eq!(first_id, id(Vendor::Iubenda, Of::Event, "8a4f0c5e1b"));
    assert_eq!(subject, Some(id(Vendor::Iubenda, Of::Subject, "s-1")));
    assert_eq!(event(&fates[1]).2, Some(id(Vendor::Iubenda, Of::Subject, "s-2")));
    let error = fates[2].as_ref().unwrap_err();
    let said = "line 3, column \"preferences\": \"weekly\" says neither yes nor no of \"newsletter\"";
    assert!(error.starts_with(said) && error.ends_with("(invalid_value)"), "{error}");
}

#[test]
fn c15t() {
    let fates = fates(Vendor::C15t, None, None, include_str!("fixtures/c15t.csv"));
    let (first, _, subject) = event(&fates[0]);
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2026-01-05T10:00:00Z", "method": "accept_all",
               "regime": "opt_in", "expires_at": "2026-07-05T10:00:00Z", "banner": {"version": "1.0.0", "language": "de"},
               "categories": {"marketing": true, "necessary": true, "statistics": true}})
    );
    assert_eq!(subject, Some(id(Vendor::C15t, Of::Subject, "sub_1")));
    let (second, third) = (event(&fates[1]).0, event(&fates[2]).0);
    assert_eq!(second["categories"], json!({"marketing": false, "necessary": true, "statistics": false}));
    assert_eq!((&third["method"], &third["regime"]), (&json!("save"), &json!("opt_out")));
    assert_eq!(skipped(&fates[3]), "not a banner's decision");
}

#[test]
fn avow() {
    let text = include_str!("fixtures/avow.ndjson");
    let fates = fates(Vendor::Avow, None, Some(SITE), text);
    let (first, first_id, _) = event(&fates[0]);
    assert_eq!(
        (first_id.as_str(), &first["services"]),
        ("0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10", &json!({"chaport": true}))
    );
    assert_eq!(event(&fates[1]).0["type"], "shown");
    assert_eq!(event(&fates[1]).1.as_bytes()[14], b'5');
    let other = super::tests::fates(Vendor::Avow, None, Some("blog.example"), text);
    let said = "line 1, column \"site\": is of the site \"shop.example\", not of \"blog.example\" (invalid_value)";
    assert_eq!(other[0], Err(said.into()));
}

#[test]
fn a_map_says_everything_of_another_tool() {
    let map = r#"
        timezone = "Europe/Paris"
        time_format = "%d/%m/%Y %H:%M:%S"
        own_subject = true
        fields = { site = "Host", occurred_at = "When", layer = "Layer", type = "What" }
        constants = { regime = "notice" }
        values = { type = { seen = "shown", chosen = "decided" }, site = { "www.shop.example" = "shop.example" } }
        choices = [{ into = "categories", names = { granted = "Yes", offered = ["ads", "stats"] }, rename = { stats = "statistics" } }]
    "#;
    let csv = "When,Host,What,Layer,Yes,Note\n24/11/2026 11:15:02,www.shop.example,chosen,2,ads,x\n\
               24/11/2026 11:15:02,www.shop.example,chosen,2,ads,y\n24/11/2026 11:15:00,shop.example,seen,1,,\n\
               24/11/2026 11:15:02,shop.example,guessed,2,ads,\n24.11.2026,shop.example,chosen,2,ads,\n\
               24/11/2026 11:15:02,,chosen,2,ads,\n24/11/2026 11:15:02,shop.example,chosen,two,ads,\n";
    let fates = fates(Vendor::Other, Some(map), None, csv);
    let (first, first_id, subject) = event(&fates[0]);
    assert_eq!(
        first,
        json!({"site": SITE, "type": "decided", "occurred_at": "2026-11-24T10:15:02Z", "regime": "notice", "layer": 2,
               "categories": {"marketing": true, "statistics": false}})
    );
    let (_, second_id, second) = event(&fates[1]);
    assert!(first_id != second_id && subject != second && subject.is_some());
    let shown = event(&fates[2]);
    assert_eq!((&shown.0["type"], shown.2), (&json!("shown"), None));
    for (fate, said) in fates[3..].iter().zip([
        "line 5, column \"What\": \"guessed\" is not known; a map can say what it means (values) (invalid_value)",
        "line 6, column \"When\": \"24.11.2026\" is not of the form \"%d/%m/%Y %H:%M:%S\" (invalid_value)",
        "line 7: names no site; give --site (missing_field)",
        "line 8, column \"Layer\": \"two\" is no whole number (invalid_value)",
    ]) {
        assert_eq!(*fate, Err(said.into()));
    }
    let mapping = Mapping::of(Vendor::Other, Some(map)).unwrap();
    assert_eq!((mapping.reads("Yes"), mapping.reads("when"), mapping.reads("Note")), (true, true, false));
}

#[test]
fn a_map_that_is_none_says_why() {
    for (map, said) in [
        ("fields = { when = 1 }", "unknown variant `when`"),
        ("colour = 1", "unknown field `colour`"),
        ("choices = [{ into = \"purposes\" }]", "choices 1: give one of list, object"),
        ("choices = [{ into = \"purposes\", tcf = \"a\", object = \"b\" }]", "choices 1: give one of"),
        ("fields = 1", "invalid type"),
        ("fields", "expected"),
    ] {
        let error = Mapping::of(Vendor::Iubenda, Some(map)).unwrap_err();
        assert!(format!("{error:#}").contains(said), "{map}: {error:#}");
    }
    let maker = Maker::new(Vendor::Iubenda, Mapping::of(Vendor::Iubenda, None).unwrap(), None, Some("Mars/Olympus"));
    assert!(maker.is_err());
}

#[test]
fn the_documentation_has_the_maps_that_are_tested() {
    let docs = include_str!("../../../../../../docs/import.md");
    for map in [include_str!("fixtures/consentmanager.toml"), include_str!("fixtures/didomi.toml")] {
        assert!(docs.contains(map.trim()), "{map}");
    }
}
