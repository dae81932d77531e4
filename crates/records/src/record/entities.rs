//! The parties: TS 27560 party fields, `pii_controllers`, `jurisdiction`, `authority_party`, `withdrawal_method`.

use avow_schemas::event::ConsentEvent;
use avow_schemas::settings::{Controller, ControllerRole, Party};
use serde_json::{Value, json};

use super::missing::Missing;
use super::node::{Node, tongued};
use super::{RecordInput, uuid};
use crate::dpv;

/// The IRI of the data subject. The pseudonym alone would not do: the same on two sites is two subjects.
fn subject_iri(event: &ConsentEvent) -> Option<String> {
    let subject = event.subject?.to_string();
    Some(format!("urn:uuid:{}", uuid("subject", &[event.site.as_str(), &subject])))
}

pub(super) fn subject(event: &ConsentEvent) -> Option<Value> {
    let mut node = Node::of("dpv:DataSubject").id(subject_iri(event)?);
    node.put("dct:identifier", event.subject?.to_string());
    Some(node.done())
}

/// Who expressed the event (TS 27560 `entity_id`): the data subject, through the banner.
pub(super) fn indicated_by(event: &ConsentEvent) -> Option<Value> {
    subject_iri(event).map(Value::String)
}

/// Fields of the whole record that follow from the settings alone.
pub(super) fn of_settings(input: &RecordInput<'_>, missing: &mut Missing) -> Node {
    let mut node = Node::default();
    let settings = &input.site.settings;
    let site = input.event.site.as_str();
    missing.note_unless(!settings.controllers.is_empty(), "pii_controllers");
    let iri = |name: &str| format!("urn:uuid:{}", uuid("party", &[site, name]));
    let controllers: Vec<String> = settings.controllers.iter().map(|controller| iri(&controller.name)).collect();
    let mut entities: Vec<Value> = settings
        .controllers
        .iter()
        .map(|controller| self::controller(controller, iri(&controller.name), missing))
        .collect();
    node.put("dpv:hasDataController", controllers.clone());
    if settings.controllers.iter().any(|controller| controller.role == ControllerRole::Joint) {
        node.put(
            "dpv:hasJointDataControllers",
            json!({"@type": "dpv:JointDataControllers", "dpv:hasDataController": controllers}),
        );
    }
    if let Some(party) = &settings.processor {
        node.put("dpv:hasDataProcessor", iri(&party.name));
        entities.push(processor(party, iri(&party.name), missing));
    }
    node.put("dpv:hasEntity", entities);
    let jurisdictions = settings.jurisdictions.iter().filter(|code| !code.trim().is_empty());
    let jurisdictions: Vec<Value> = jurisdictions.map(|code| place(code)).collect();
    missing.note_unless(!jurisdictions.is_empty(), "jurisdiction");
    node.put("dpv:hasJurisdiction", jurisdictions);
    let authority = settings.authority.as_deref().filter(|name| !name.trim().is_empty());
    missing.note_unless(authority.is_some(), "authority_party");
    if let Some(name) = authority {
        node.put("dpv:hasAuthority", json!({"@type": "dpv:Authority", "dpv:hasName": name}));
    }
    withdrawal(&mut node, input, missing);
    node
}

/// The right to withdraw (GDPR Art. 7(3)): how, and where.
fn withdrawal(node: &mut Node, input: &RecordInput<'_>, missing: &mut Missing) {
    let withdrawal = input.site.settings.withdrawal.as_ref();
    let said = |text: &str| !text.trim().is_empty();
    let Some(withdrawal) = withdrawal.filter(|withdrawal| said(&withdrawal.method) || said(&withdrawal.url)) else {
        return missing.note("withdrawal_method");
    };
    let mut control = Node::of("dpv:WithdrawConsent");
    control.put("dct:description", withdrawal.method.as_str());
    control.put("dpv:isExercisedAt", withdrawal.url.as_str());
    node.put("dpv:hasConsentControl", control.done());
    let mut right = Node::of_all(&["dpv:DataSubjectRight", "eu-gdpr:A7-3"]);
    right.put("dpv:isExercisedAt", withdrawal.url.as_str());
    node.put("dpv:hasRight", right.done());
}

/// A place by code, or in words where it is none that LOC has.
pub(super) fn place(code: &str) -> Value {
    match dpv::location(code) {
        Some(term) => Value::String(term),
        None => json!({"@type": "dpv:Location", "dct:title": code}),
    }
}

fn controller(party: &Controller, iri: String, missing: &mut Missing) -> Value {
    missing.note_unless(!party.name.trim().is_empty(), "party_name");
    missing.note_unless(!party.address.trim().is_empty(), "party_address");
    missing.note_unless(!party.contact.trim().is_empty(), "party_contact");
    let mut node = Node::of("dpv:DataController").id(iri.clone());
    node.put("dpv:hasIdentifier", iri).put("dpv:hasName", party.name.as_str());
    node.put("dpv:hasAddress", party.address.as_str()).put("dpv:hasContact", party.contact.as_str());
    if !party.dpo.trim().is_empty() {
        node.put(
            "dpv:hasDataProtectionOfficer",
            json!({"@type": "dpv:DataProtectionOfficer", "dpv:hasContact": party.dpo}),
        );
    }
    node.done()
}

fn processor(party: &Party, iri: String, missing: &mut Missing) -> Value {
    missing.note_unless(!party.name.trim().is_empty(), "party_name");
    missing.note_unless(!party.address.trim().is_empty(), "party_address");
    missing.note_unless(!party.contact.trim().is_empty(), "party_contact");
    let mut node = Node::of("dpv:DataProcessor").id(iri.clone());
    node.put("dpv:hasIdentifier", iri).put("dpv:hasName", party.name.as_str());
    node.put("dpv:hasAddress", party.address.as_str()).put("dpv:hasContact", party.contact.as_str());
    node.done()
}

/// A text of the catalogue in the export's language, or in English.
pub(super) fn localized(text: &avow_schemas::catalog::Text, language: &str) -> Value {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match text.get(&primary) {
        Some(own) => tongued(own, &primary),
        None => tongued(text.english(), "en"),
    }
}
