use std::collections::BTreeMap;

use avow_schemas::event::EventType;
use avow_schemas::settings::SiteSettings;

use super::*;
use crate::status::{Facts, statuses};
use crate::testing::{event, no_artefacts, says, service, settings, version};

/// One event with all that is known about it, owned.
pub(crate) struct Case {
    pub event: ConsentEvent,
    pub site: SiteVersion,
    pub artefact: (String, Value),
    pub timelines: BTreeMap<Target, Timeline>,
    pub place: Place,
    pub shown: Shown,
    pub language: &'static str,
}

impl Case {
    /// Chaport granted, Crisp refused, in German.
    pub(crate) fn chaport() -> Self {
        let mut event = says(1_795_515_302_123, &[("chaport", true), ("crisp", false)]);
        event.language = Some("de".into());
        event.banner_version = Some("2026-11-01".into());
        event.text_hash = Some("sha256:00".into());
        Self::of(event, settings())
    }

    pub(crate) fn of(event: ConsentEvent, settings: SiteSettings) -> Self {
        let site = version(1, 0, settings);
        let artefacts = no_artefacts();
        let versions = [site.clone()];
        let facts = Facts { versions: &versions, catalog: Catalog::builtin(), artefacts: &artefacts };
        let timelines = statuses(std::slice::from_ref(&event), &facts, event.occurred_at);
        let artefact = ("sha256:00".to_owned(), json!({"services": ["chaport", "crisp"]}));
        let place = Place { ledger: "k7".into(), leaf: LeafIndex(17), logged_at: 0 };
        Self { event, site, artefact, timelines, place, shown: Shown::All, language: "en" }
    }

    pub(crate) fn cut_to(mut self, slug: &str) -> Self {
        self.shown = Shown::Only([service(slug)].into());
        self
    }

    pub(crate) fn with<T>(&self, made: impl FnOnce(&RecordInput<'_>) -> T) -> T {
        made(&RecordInput {
            event: &self.event,
            site: &self.site,
            catalog: Catalog::builtin(),
            artefact: Some(Artefact { hash: &self.artefact.0, value: &self.artefact.1 }),
            timelines: &self.timelines,
            place: Some(&self.place),
            shown: &self.shown,
            language: self.language,
        })
    }
}

fn process<'a>(record: &'a Value, path: &str) -> &'a Value {
    let all = record["dpv:hasProcess"].as_array().unwrap();
    all.iter().find(|process| process["dct:identifier"] == path).unwrap_or(&Value::Null)
}

/// The catalogue's prose is the catalogue's business.
fn without_prose(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(
                |(key, value)| if key == "dct:description" { (key, json!("...")) } else { (key, without_prose(value)) },
            )
            .collect(),
        Value::Array(items) => items.into_iter().map(without_prose).collect(),
        plain => plain,
    }
}

#[test]
fn a_decision_as_a_record() {
    insta::assert_json_snapshot!("chaport", without_prose(Case::chaport().with(record)));
}

#[test]
fn a_record_that_lacks_nothing_says_what_it_conforms_to() {
    let whole = Case::chaport().with(record);
    assert_eq!(whole["dct:conformsTo"], dpv::PROFILE);
    let bare = Case::of(Case::chaport().event, SiteSettings::named("Shop")).with(record);
    assert_eq!(bare["dct:conformsTo"], Value::Null);
    assert_eq!(bare["avow:readAs"], dpv::PROFILE);
    let missing: Vec<&str> = bare["avow:missing"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for field in ["pii_controllers", "jurisdiction", "privacy_notice", "withdrawal_method", "authority_party"] {
        // The banner is a notice.
        assert_eq!(missing.contains(&field), field != "privacy_notice", "{field}");
    }
}

#[test]
fn a_service_that_nobody_knows_is_not_made_up() {
    let mut case = Case::chaport();
    case.event.services = BTreeMap::from([("own-widget".into(), true)]);
    case.timelines.clear();
    let record = case.with(record);
    let own = process(&record, "service/own-widget");
    assert_eq!(own["dpv:hasService"]["avow:category"], "unknown");
    assert!(
        own["dpv:hasRecipient"].is_null() && own["dpv:hasPersonalData"].is_null() && own["dpv:hasPurpose"].is_null()
    );
    let missing: Vec<&str> = own["avow:missing"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(["purpose", "recipient_third_parties", "retention_period"].iter().all(|field| missing.contains(field)));
}

#[test]
fn a_cut_record_names_nothing_of_the_other_services() {
    let mut case = Case::chaport();
    case.event.purposes = BTreeMap::from([("iab-1".into(), true)]);
    let cut = case.cut_to("chaport").with(record);
    let text = cut.to_string().to_lowercase();
    assert!(text.contains("chaport") && !text.contains("crisp") && !text.contains("iab-1"));
    assert_eq!(cut["avow:withheld"][0]["avow:field"], "services");
    assert_eq!(cut["avow:withheld"][0]["avow:count"], 1);
    assert_eq!(cut["avow:withheld"][1]["avow:count"], 1);
}

#[test]
fn an_artefact_of_another_hash_is_not_used() {
    let mut case = Case::chaport();
    case.event.services.clear();
    case.event.categories = BTreeMap::from([("preferences".into(), true)]);
    case.artefact.1 = json!({"services": ["chaport"]});
    let proven = case.with(record);
    assert_eq!(process(&proven, "service/chaport")["avow:disclosure"], "proven");
    assert_eq!(proven["avow:notDisclosed"], json!(["crisp"]));
    case.artefact.0 = "sha256:ff".into();
    let unproven = case.with(record);
    assert_eq!(process(&unproven, "service/chaport")["avow:disclosure"], "unproven");
    assert_eq!(unproven["avow:notDisclosed"], Value::Null);
    assert_eq!(unproven["dpv:hasNotice"][0]["avow:inBundle"], false);
}

#[test]
fn what_is_free_text_never_becomes_an_iri() {
    let mut settings = settings();
    settings.controllers[0].name = "http://evil/ \"x\"\n<b>".into();
    settings.jurisdictions = vec!["../../x".into()];
    settings.authority = Some("javascript:alert(1)".into());
    let record = Case::of(Case::chaport().event, settings).with(record);
    fn iris(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("@id").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| iris(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| iris(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    iris(&record, &mut found);
    assert!(found.iter().all(|iri| iri.strip_prefix("urn:uuid:").is_some_and(|id| Uuid::parse_str(id).is_ok())));
    assert_eq!(record["dpv:hasJurisdiction"][0]["dct:title"], "../../x");
}

#[test]
fn a_banner_that_was_only_shown_is_a_request() {
    let shown = Case::of(event(EventType::Shown, 5), settings()).with(record);
    let states = &process(&shown, "service/chaport")["dpv:hasConsentStatus"];
    assert_eq!(states[0]["@type"], "dpv:ConsentRequested");
}

#[test]
fn two_sites_may_use_one_id() {
    let one = Case::chaport().event;
    let mut other = one.clone();
    other.site = avow_schemas::ids::SiteId::new("other.example").unwrap();
    assert_ne!(record_id(&one), record_id(&other));
    assert_eq!(record_id(&one), record_id(&one.clone()));
}

/// Settings in which things are there and say nothing.
fn blank() -> SiteSettings {
    let blank = json!({
        "name": "x", "services": {"chaport": "preferences", "own": "social"},
        "controllers": [{"name": " "}], "processor": {"name": ""}, "notice_url": {"en": ""}, "jurisdictions": [""],
        "authority": "", "withdrawal": {"method": "", "url": " "},
        "purposes": [{"id": "p"}, {"id": "social", "dpv": "dpv:Nonsense", "legal_basis": "because", "text": {"?": ""}}]
    });
    serde_json::from_value(blank).unwrap()
}

#[test]
fn records_meet_their_json_schema() {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../schemas/json/consent-record.schema.json")).unwrap();
    let listed: BTreeSet<&str> =
        schema["$defs"]["missing"]["items"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(listed, MANDATORY.iter().chain(OPTIONAL).copied().collect());
    compiler.add_resource("record.json", schema).unwrap();
    let schema = compiler.compile("record.json", &mut schemas).unwrap();

    let mut no_subject = Case::chaport();
    no_subject.event.subject = None;
    no_subject.event.occurred_at_claimed = Some(5);
    let mut purposes = Case::of(Case::chaport().event, blank());
    purposes.event.purposes = BTreeMap::from([("p".into(), true), ("social".into(), false), ("iab-1".into(), true)]);
    purposes.timelines.clear();
    let mut withdrawn = event(EventType::Withdrawn, 5);
    withdrawn.language = Some("x y".into());
    let cases = [
        Case::chaport(),
        Case::chaport().cut_to("crisp"),
        no_subject,
        purposes,
        Case::of(withdrawn, blank()),
        Case::of(event(EventType::Shown, 5), settings()),
        Case::of(Case::chaport().event, SiteSettings::named("x")),
    ];
    for case in cases {
        let in_document = case.with(|input| record_in(input, &mut Shared::in_document()));
        for record in [case.with(record), in_document] {
            schemas.validate(&record, schema).unwrap_or_else(|error| panic!("{error:#}\n{record:#}"));
        }
    }
    let mut wrong = Case::chaport().with(record);
    wrong["dpv:hasProcess"][0]["dpv:hasConsentStatus"] = json!([]);
    assert!(schemas.validate(&wrong, schema).is_err());
}

#[test]
fn what_is_there_and_says_nothing_is_missing() {
    let record = Case::of(Case::chaport().event, blank()).with(record);
    let missing: Vec<&str> = record["avow:missing"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for field in
        ["authority_party", "jurisdiction", "party_address", "party_contact", "party_name", "withdrawal_method"]
    {
        assert!(missing.contains(&field), "{field}");
    }
    assert!(record["dct:conformsTo"].is_null());
    assert!(record["dpv:hasJurisdiction"].is_null() && record["dpv:hasConsentControl"].is_null());
}
