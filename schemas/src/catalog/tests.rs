//! The shipped catalogue is complete, and what is wrong in an entry is found and named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

const CHAPORT: &str = include_str!("../../catalog/chaport.json");

/// Parses Chaport after a change to its JSON, and returns the complaint.
fn complaint(change: impl FnOnce(&mut Value)) -> CatalogError {
    let mut entry: Value = serde_json::from_str(CHAPORT).unwrap();
    change(&mut entry);
    Service::parse("chaport.json", &entry.to_string()).unwrap_err()
}

fn slugs<'a>(slugs: impl IntoIterator<Item = &'a ServiceId>) -> Vec<&'a str> {
    slugs.into_iter().map(ServiceId::as_str).collect()
}

#[test]
fn builtin_is_valid_and_has_the_twelve_services_by_their_exact_names() {
    let catalog = Catalog::parse(EMBEDDED.iter().copied()).unwrap();
    let names: Vec<_> = catalog.iter().map(|s| (s.slug.as_str(), s.name.as_str(), s.category())).collect();
    let expected = [
        ("11sight", "11Sight", "preferences"),
        ("42chat", "42Chat", "preferences"),
        ("8x8", "8x8", "preferences"),
        ("acquire-live-chat", "Acquire Live Chat", "preferences"),
        ("activengage", "ActivEngage", "preferences"),
        ("ada", "Ada", "preferences"),
        ("chaport", "Chaport", "preferences"),
        ("chatwoot", "Chatwoot", "preferences"),
        ("crisp", "Crisp", "preferences"),
        ("flowconsent", "FlowConsent", "necessary"),
        ("rocket-chat", "Rocket.Chat", "preferences"),
        ("userlike", "Userlike", "preferences"),
    ];
    assert_eq!(names, expected);
    assert_eq!(Catalog::builtin().len(), 12);
    assert!(!Catalog::builtin().is_empty());
}

#[test]
fn every_file_of_the_folder_is_embedded_and_meets_the_json_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = root.join("json/catalog-entry.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    compiler.add_resource("catalog-entry.schema.json", schema).unwrap();
    let schema = compiler.compile("catalog-entry.schema.json", &mut schemas).unwrap();

    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(root.join("catalog")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let entry: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            if let Err(error) = schemas.validate(&entry, schema) {
                panic!("{}: {error:#}", path.display());
            }
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(found, EMBEDDED.iter().map(|(file, _)| (*file).to_owned()).collect());

    // The schema and the types refuse the same things.
    let mut entry: Value = serde_json::from_str(CHAPORT).unwrap();
    entry["cookies"][0]["purpose"].as_object_mut().unwrap().remove("en");
    assert!(schemas.validate(&entry, schema).is_err());
    entry = serde_json::from_str(CHAPORT).unwrap();
    entry["unknown"] = json!(["cookies"]);
    assert!(schemas.validate(&entry, schema).is_err());
}

#[test]
fn every_shipped_text_is_there_in_all_four_languages_and_differs_where_it_is_prose() {
    for service in Catalog::builtin().iter() {
        for (field, text) in validate::texts(service) {
            let languages: Vec<_> = text.iter().map(|(language, _)| language).collect();
            assert_eq!(languages, ["de", "en", "es", "fr"], "{}: {field}", service.slug);
            let different: BTreeSet<_> = text.iter().map(|(_, text)| text).collect();
            // "Name, ..." and the like may coincide in short labels; sentences may not.
            assert!(different.len() == 4 || text.english().len() < 40, "{}: {field}", service.slug);
        }
        for language in LANGUAGES {
            let entry = Catalog::builtin().localized(service.slug.as_str(), language).unwrap();
            assert_eq!(entry["fallbacks"], json!([]), "{} in {language}", service.slug);
        }
    }
}

#[test]
fn chaport_is_complete_in_every_field() {
    let chaport = Catalog::builtin().get("chaport").unwrap();
    assert_eq!(chaport.unknown, Vec::<String>::new());
    assert_eq!(chaport.category(), "preferences");
    assert_eq!(chaport.tags, ["website"]);
    assert_eq!((chaport.role.vendor, chaport.role.site), (RoleKind::Processor, RoleKind::Controller));
    assert_eq!(chaport.legal_basis.gdpr_basis, GdprBasis::Consent);
    assert_eq!(chaport.legal_basis.article, "Art. 6(1)(a) GDPR");
    assert_eq!(chaport.legal_basis.others[0].gdpr_basis, GdprBasis::LegitimateInterest);
    assert_eq!(chaport.risk_level, Level::Medium);
    assert_eq!(chaport.operator.as_ref().unwrap().country.as_deref(), Some("CY"));
    assert_eq!(chaport.server_location.as_ref().unwrap().regions, ["EU"]);
    assert_eq!(chaport.domains.as_deref().unwrap(), ["chaport.com", "app.chaport.com", "cdn.chaport.com"]);
    assert_eq!(slugs(&chaport.related), ["11sight", "42chat", "8x8", "acquire-live-chat", "activengage", "ada"]);
    assert_eq!(chaport.dpia.triggers.len(), 5);
    let named = chaport.alternatives.iter().filter_map(|a| a.slug.as_ref());
    assert_eq!(slugs(named), ["crisp", "userlike", "chatwoot", "rocket-chat"]);
    assert_eq!(chaport.alternatives.iter().filter(|a| a.cookieless && a.slug.is_none()).count(), 2);
}

#[test]
fn chaports_cookie_table_is_that_of_the_directory() {
    let entry = Catalog::builtin().localized("chaport", "en").unwrap();
    let table: Vec<_> = entry["cookies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| ["name", "type", "duration", "duration_code"].map(|key| c[key].as_str().unwrap()))
        .collect();
    let expected = [
        ["chaport_session", "functional", "session", "session"],
        ["chaport_uid", "functional", "1 year", "P1Y"],
        ["chaport_prefs", "functional", "6 months", "P6M"],
        ["chaport_visitor_token", "functional", "6 months", "P6M"],
    ];
    assert_eq!(table, expected);
}

#[test]
fn chaport_in_french() {
    insta::assert_json_snapshot!(Catalog::builtin().localized("chaport", "fr").unwrap());
}

#[test]
fn a_localized_entry_has_the_same_keys_in_every_language_and_for_every_service() {
    let keys = |slug: &str, language: &str| -> Vec<String> {
        let entry = Catalog::builtin().localized(slug, language).unwrap();
        entry.as_object().unwrap().keys().cloned().collect()
    };
    let expected = keys("chaport", "en");
    assert_eq!(expected.len(), 2 + 39);
    for service in Catalog::builtin().iter() {
        for language in ["en", "fr", "de", "es", "pt", ""] {
            assert_eq!(keys(service.slug.as_str(), language), expected);
        }
    }
    assert_eq!(Catalog::builtin().localized("nobody", "en"), None);
}

#[test]
fn codes_stay_and_prose_follows_the_language() {
    let catalog = Catalog::builtin();
    let (french, english) =
        (catalog.localized("chaport", "fr-CA").unwrap(), catalog.localized("chaport", "EN").unwrap());
    assert_eq!(french["language"], "fr");
    for code in ["category", "risk_level", "eprivacy", "slug", "name", "domains", "checked_on"] {
        assert_eq!(french[code], english[code], "{code}");
    }
    assert_ne!(french["consent_text"], english["consent_text"]);
    assert_eq!(french["cookies"][1]["duration"], "1 an");
    assert_eq!(french["alternatives"][3]["name"], "Rocket.Chat");
    assert_eq!(french["alternatives"][4]["slug"], Value::Null);
    assert_eq!(french["related"][5], json!({"slug": "ada", "name": "Ada"}));
}

#[test]
fn english_stands_in_for_a_language_that_is_not_there_and_says_so() {
    let entry = Catalog::builtin().localized("chaport", "pt").unwrap();
    assert_eq!(entry["summary"], Catalog::builtin().localized("chaport", "en").unwrap()["summary"]);
    let fallbacks = entry["fallbacks"].as_array().unwrap();
    let texts = validate::texts(Catalog::builtin().get("chaport").unwrap()).len();
    assert_eq!(fallbacks.len(), texts);
    assert!(fallbacks.contains(&json!("cookies[1].purpose")));
}

#[test]
fn what_is_unknown_is_named_and_empty() {
    let entry = Catalog::builtin().localized("activengage", "de").unwrap();
    let unknown = ["operator.country", "server_location", "transfers", "recipients", "retention", "cookies"];
    assert_eq!(entry["unknown"], json!(unknown));
    assert_eq!(entry["cookies"], json!([]));
    assert_eq!(entry["recipients"], json!([]));
    assert_eq!(entry["server_location"], Value::Null);
    assert_eq!(entry["operator"]["country"], Value::Null);
}

#[test]
fn cookies_and_hosts_lead_to_their_services() {
    let catalog = Catalog::builtin();
    assert_eq!(slugs(catalog.match_cookie("chaport_uid")), ["chaport"]);
    assert_eq!(slugs(catalog.match_cookie("Chaport_uid")), [""; 0]);
    assert_eq!(slugs(catalog.match_cookie("uslk_umm_27718_s")), ["userlike"]);
    assert_eq!(slugs(catalog.match_cookie("crisp-client%2Fsession%2F7a70678f")), ["crisp"]);
    assert_eq!(slugs(catalog.match_cookie("cw_conversation")), ["chatwoot"]);
    // Kept in localStorage: not a cookie.
    assert_eq!(slugs(catalog.match_cookie("store")), [""; 0]);
    assert_eq!(slugs(catalog.match_domain("CDN.chaport.com.")), ["chaport"]);
    assert_eq!(slugs(catalog.match_domain("static.ada.support")), ["ada"]);
    assert_eq!(slugs(catalog.match_domain("notchaport.com")), [""; 0]);
    assert_eq!(slugs(catalog.match_domain("")), [""; 0]);
    let cookie = catalog.get("chaport").unwrap().cookie("chaport_uid").unwrap();
    assert_eq!(cookie.eprivacy, EprivacyRule::Consent);
}

#[test]
fn errors_name_the_file_and_the_field() {
    let cases: [(CatalogError, &str, &str); 14] = [
        (complaint(|e| e["slug"] = json!("Chaport")), "slug", "is not valid"),
        (complaint(|e| e["slug"] = json!("other")), "slug", "differs from the name of the file"),
        (complaint(|e| e["risk_level"] = json!("extreme")), "risk_level", "unknown variant"),
        (complaint(|e| e["colour"] = json!("red")), "colour", "unknown field"),
        (complaint(|e| e["cookies"][1]["duration"] = json!("1 year")), "cookies[1].duration", "`1 year` is none of"),
        (complaint(|e| e["cookies"][1]["name"] = json!("chaport_prefs")), "cookies[2].name", "is there twice"),
        (complaint(|e| e["cookies"][1]["name"] = json!("chaport_*")), "cookies[1].name", "belongs into patterns"),
        (complaint(|e| e["iab_purposes"] = json!([1, 25])), "iab_purposes", "numbers from 1 to 24"),
        (complaint(|e| e["iab_purposes"] = json!([3, 3])), "iab_purposes", "names one twice"),
        (complaint(|e| e["deployment"][2] = json!({"fr": "Bloquer"})), "deployment[2]", "no English text"),
        (complaint(|e| e["consent_text"]["de"] = json!(" ")), "consent_text", "in `de` is empty"),
        (complaint(|e| e["unknown"] = json!(["cookies"])), "unknown[0]", "is stated"),
        (complaint(|e| e["domains"][0] = json!("https://chaport.com")), "domains[0]", "host name"),
        (
            complaint(|e| {
                e.as_object_mut().unwrap().remove("retention");
            }),
            "retention",
            "name it under `unknown`",
        ),
    ];
    for (error, field, reason) in cases {
        assert_eq!(error.file, "chaport.json");
        assert_eq!(error.field, field, "{error}");
        assert!(error.reason.contains(reason), "{error}");
    }
    let broken = Service::parse("x.json", "{").unwrap_err();
    assert!(broken.to_string().starts_with("x.json: "), "{broken}");
    assert!(Service::parse("chaport.json", &format!("{CHAPORT}{{}}")).is_err());
}

#[test]
fn entries_that_point_nowhere_or_come_twice_are_refused() {
    let chaport = Service::parse("chaport.json", CHAPORT).unwrap();
    let alone = Catalog::from_services([chaport.clone()]).unwrap_err();
    assert_eq!((alone.file.as_str(), alone.field.as_str()), ("chaport.json", "alternatives[0].slug"));
    let twice = Catalog::from_services([chaport.clone(), chaport.clone()]).unwrap_err();
    assert_eq!(twice.field, "slug");
    let mut all: Vec<Service> = Catalog::builtin().iter().cloned().collect();
    all.iter_mut().find(|s| s.slug.as_str() == "crisp").unwrap().related.push(ServiceId::new("crisp").unwrap());
    assert_eq!(Catalog::from_services(all).unwrap_err().reason, "points at the entry itself");
}

#[test]
fn a_renamed_service_is_found_by_its_former_slug() {
    let renamed = |formerly: &[&str]| {
        let mut all: Vec<Service> = Catalog::builtin().iter().cloned().collect();
        let chaport = all.iter_mut().find(|s| s.slug.as_str() == "chaport").unwrap();
        chaport.formerly = formerly.iter().map(|slug| ServiceId::new(slug).unwrap()).collect();
        Catalog::from_services(all)
    };
    let catalog = renamed(&["chaport-chat"]).unwrap();
    assert_eq!(catalog.get("chaport-chat").unwrap().slug.as_str(), "chaport");
    assert_eq!(catalog.localized("chaport-chat", "fr").unwrap()["slug"], "chaport");
    assert_eq!(renamed(&["crisp"]).unwrap_err().reason, "`crisp` is the slug of a service");
    assert_eq!(renamed(&["x", "x"]).unwrap_err().field, "formerly[1]");
}

#[test]
fn an_operators_entry_says_what_it_does_not_state() {
    let today = jiff::civil::date(2026, 11, 26);
    let brief = |entry: Value| Service::parse_brief(entry, today);
    let own = brief(json!({
        "slug": "helpdesk", "name": "Helpdesk", "category": "preferences", "operator": "Example GmbH", "summary": "A chat.",
        "retention": null, "cookies": ["hd", {"name": "hd_*", "duration": "P1Y", "purpose": "An id."}],
    }))
    .unwrap();
    assert_eq!(
        (own.eprivacy, own.risk_level, own.role.vendor),
        (EprivacyRule::Consent, Level::Unknown, RoleKind::Unknown)
    );
    assert_eq!((own.summary.english(), own.summary.get("de")), ("A chat.", None));
    assert_eq!(own.consent_text.get("de"), Some("Nicht angegeben."));
    assert_eq!(own.checked_on, today);
    let cookies = own.cookies.as_ref().unwrap();
    assert_eq!((cookies[0].matching, cookies[1].matching), (Match::Exact, Match::Pattern));
    let unknown: Vec<&str> = own.unknown.iter().map(String::as_str).collect();
    assert_eq!(
        unknown,
        ["server_location", "transfers", "recipients", "retention", "domains", "policy_url", "operator.country"]
    );
    // As it is kept it is read again, by the same and by itself.
    let kept = serde_json::to_value(&own).unwrap();
    assert_eq!(brief(kept).unwrap(), own);
    // What ships has to state what an operator may leave out.
    let error = Service::parse("helpdesk.json", &serde_json::to_string(&own).unwrap()).unwrap_err();
    assert_eq!((error.field.as_str(), error.file.as_str()), ("sources", "helpdesk.json"));
    for (wrong, field) in [
        (json!({"slug": "x", "name": "X"}), "."),
        (json!({"slug": "x", "name": " ", "category": "a"}), "name"),
        (json!({"slug": "x", "name": "X", "category": "a", "colour": 1}), "colour"),
        (json!({"slug": "x", "name": "X", "category": "a", "cookies": [{"name": "*"}]}), "cookies[0].name"),
        (json!({"slug": "x", "name": "X", "category": "a", "unknown": ["cookies"], "cookies": []}), "unknown[0]"),
        (json!([1]), "[0]"),
    ] {
        assert_eq!(brief(wrong.clone()).unwrap_err().field, field, "{wrong}");
    }
}

#[test]
fn an_own_entry_lies_over_the_shipped_one() {
    let today = jiff::civil::date(2026, 11, 26);
    let own = json!({"slug": "chaport", "name": "Ours", "category": "marketing", "formerly": ["old-chat", "crisp"]});
    let own = Service::parse_brief(own, today).unwrap();
    let catalog = Catalog::builtin().with([Arc::new(own)]);
    assert_eq!(catalog.len(), Catalog::builtin().len());
    assert_eq!(catalog.get("chaport").unwrap().category(), "marketing");
    assert_eq!(catalog.get("old-chat").unwrap().name, "Ours");
    // A former name that is another service's today is that service's.
    assert_eq!(catalog.get("crisp").unwrap().name, "Crisp");
    assert!(catalog.localized("crisp", "fr").is_some());
}

#[test]
fn an_entry_survives_being_written_and_read_again() {
    for service in Catalog::builtin().iter() {
        let json = serde_json::to_string(service).unwrap();
        let again = Service::parse(&service.file_name(), &json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
}
