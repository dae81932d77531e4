//! TS 27560 `pii_processing`, one `dpv:Process` for each service or purpose that an event decides: from the site's
//! purposes and from the catalogue's entry.

use avow_schemas::catalog::{GdprBasis, OutsideEea, Service, Transfers, When};
use avow_schemas::settings::Purpose;
use serde_json::{Value, json};

use super::entities::{localized, place};
use super::missing::Missing;
use super::node::{Node, tongued};
use super::shared::{Key, Shared};
use super::{Cut, RecordInput, Shown, event};
use crate::choice::{Choice, Target};
use crate::dpv;

pub(super) fn process(
    input: &RecordInput<'_>,
    target: &Target,
    choice: Option<&Choice>,
    shared: &mut Shared,
    all: &mut Missing,
) -> Value {
    let category = match target {
        Target::Service(slug) => {
            let by_site = || input.site.settings.category_of(slug.as_str()).map(str::to_owned);
            choice.and_then(|choice| choice.category.clone()).or_else(by_site).unwrap_or_default()
        }
        Target::Purpose(_) => String::new(),
    };
    let mut node = Node::of("dpv:Process");
    node.put("dct:identifier", target.path());
    if let Some(choice) = choice {
        node.put("avow:disclosure", choice.disclosure.as_str());
    }
    let key = Key::Process(input.site.version, target.clone(), category.clone(), event::consent_type(input));
    let mut missing = shared.put(&mut node, key, |missing| facts(input, target, &category, missing));
    let states = event::states(input, target, choice, &mut missing);
    node.put("dpv:hasConsentStatus", states);
    node.put("avow:missing", missing.list());
    all.add(missing);
    node.done()
}

/// What is known of a target, whatever an event says of it.
fn facts(input: &RecordInput<'_>, target: &Target, category: &str, missing: &mut Missing) -> Node {
    let mut node = Node::default();
    match target {
        Target::Service(slug) => {
            let entry = input.catalog.get(slug.as_str());
            let mut service = Node::of("dpv:Service");
            service.put("dct:identifier", slug.as_str());
            service.maybe("dct:title", entry.map(|entry| entry.name.as_str()));
            service.put("avow:category", category);
            node.put("dpv:hasService", service.done());
            service_purpose(&mut node, input, slug.as_str(), category, entry, missing);
            match entry {
                Some(entry) => service_facts(&mut node, input, entry, missing),
                None => unknown_service(missing),
            }
        }
        Target::Purpose(id) => {
            let declared = input.site.settings.purposes.iter().find(|purpose| purpose.id == *id);
            site_purpose(&mut node, input, id, declared, missing);
        }
    }
    controllers(&mut node, input);
    missing.note("processing_locations");
    node
}

fn controllers(node: &mut Node, input: &RecordInput<'_>) {
    let site = input.event.site.as_str();
    let iris = input.site.settings.controllers.iter();
    let iris = iris.map(|party| format!("urn:uuid:{}", super::uuid("party", &[site, &party.name])).into());
    node.put("dpv:hasDataController", iris.collect::<Vec<Value>>());
}

/// Whether a purpose of the settings is that of a service: it has the service's or its category's name.
fn belongs(purpose: &Purpose, service: &str, category: &str) -> bool {
    purpose.id == service || purpose.id == category
}

/// Purposes that the site declares and that are neither decided by themselves nor those of a service in the record: they
/// hold for the whole. Where only some services may be seen they are left out: they would name others.
pub(super) fn purposes_at_large(node: &mut Node, input: &RecordInput<'_>, cut: &Cut, shared: &mut Shared) {
    let purposes = &input.site.settings.purposes;
    if *input.shown != Shown::All || purposes.is_empty() {
        return;
    }
    let told = |purpose: &&Purpose| {
        !cut.shown.iter().any(|(target, choice)| match target {
            Target::Purpose(id) => *id == purpose.id,
            Target::Service(service) => {
                let category = choice.as_ref().and_then(|choice| choice.category.as_deref());
                belongs(purpose, service.as_str(), category.unwrap_or_default())
            }
        })
    };
    let category = |choice: &Option<Choice>| choice.as_ref().and_then(|choice| choice.category.clone());
    let targets = cut.shown.iter().map(|(target, choice)| (target.clone(), category(choice))).collect();
    shared.put(node, Key::Purposes(input.site.version, targets), |_| {
        let purposes = purposes.iter().filter(told).map(|purpose| declared_purpose(purpose, input.language));
        let mut node = Node::default();
        node.put("dpv:hasPurpose", purposes.collect::<Vec<Value>>());
        node
    });
}

fn declared_purpose(purpose: &Purpose, language: &str) -> Value {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    let mut node = Node::of("dpv:Purpose");
    node.put("dct:identifier", purpose.id.as_str());
    node.put("skos:broader", dpv::purpose(&purpose.dpv));
    let own = purpose.text.get_key_value(language).or_else(|| purpose.text.get_key_value(primary));
    if let Some((tongue, text)) = own.or_else(|| purpose.text.get_key_value("en")).or(purpose.text.first_key_value()) {
        node.put("dct:description", if is_tag(tongue) { tongued(text, tongue) } else { json!(text) });
    }
    node.done()
}

/// Whether a key is a language tag (BCP 47, coarsely): JSON-LD takes no other.
fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next().is_some_and(|first| matches!(first.len(), 2..=8) && first.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(|part| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn service_purpose(
    node: &mut Node,
    input: &RecordInput<'_>,
    slug: &str,
    category: &str,
    entry: Option<&Service>,
    missing: &mut Missing,
) {
    let declared = input.site.settings.purposes.iter().find(|purpose| belongs(purpose, slug, category));
    if let Some(purpose) = declared {
        node.put("dpv:hasPurpose", declared_purpose(purpose, input.language));
        missing.note_unless(dpv::purpose(&purpose.dpv).is_some(), "purpose_type");
        return;
    }
    let kind = dpv::purpose_of_service(entry.map(|entry| entry.group.as_str()), category);
    missing.note_unless(kind.is_some(), "purpose_type");
    missing.note_unless(entry.is_some() || kind.is_some(), "purpose");
    let mut purpose = Node::of("dpv:Purpose");
    purpose.maybe("skos:broader", kind);
    purpose.put("dct:description", entry.map(|entry| localized(&entry.what_it_does, input.language)));
    if entry.is_some() || kind.is_some() {
        node.put("dpv:hasPurpose", purpose.done());
    }
}

/// A service of which the catalogue knows nothing.
fn unknown_service(missing: &mut Missing) {
    for field in [
        "lawful_basis",
        "pii_type",
        "collection_method",
        "processing_method",
        "storage_locations",
        "retention_period",
        "geographic_restrictions",
        "recipient_third_parties",
    ] {
        missing.note(field);
    }
}

fn service_facts(node: &mut Node, input: &RecordInput<'_>, entry: &Service, missing: &mut Missing) {
    let language = input.language;
    let basis = entry.legal_basis.gdpr_basis;
    let mut bases = vec![json!(dpv::gdpr_basis(basis))];
    if basis == GdprBasis::Consent {
        bases.push(json!(event::consent_type(input)));
    }
    node.put("dpv:hasLegalBasis", bases);
    let data = entry.data_collected.iter().map(|item| {
        let mut datum = Node::of("dpv:PersonalData");
        datum.put("dct:identifier", item.code.as_str()).put("skos:broader", dpv::personal_data(&item.code));
        datum.put("dct:description", localized(&item.text, language));
        datum.maybe("dpv:hasNecessity", (item.when == When::IfAsked).then_some("dpv:Optional"));
        datum.done()
    });
    let data: Vec<Value> = data.collect();
    missing.note_unless(!data.is_empty(), "pii_type");
    node.put("dpv:hasPersonalData", data);
    collection(node, entry, language, missing);
    storage(node, entry, language, missing);
    recipients(node, entry, language, missing);
    match &entry.transfers {
        Some(transfers) if transfers.outside_eea != OutsideEea::No => {
            node.put("dpv:hasRule", transfer(transfers, language));
        }
        Some(_) => {}
        None => missing.note("geographic_restrictions"),
    }
}

/// TS 27560 `collection_method` and `processing_method`: what comes by itself is observed, what is typed is collected.
fn collection(node: &mut Node, entry: &Service, language: &str, missing: &mut Missing) {
    let by = |when: &[When]| entry.data_collected.iter().any(|item| when.contains(&item.when));
    let mut operations = Vec::new();
    if by(&[When::OnLoad]) {
        operations.push(json!("dpv:Observe"));
    }
    if by(&[When::InUse, When::IfAsked]) {
        operations.push(json!("dpv:Collect"));
    }
    missing.note_unless(!operations.is_empty(), "collection_method");
    let mut source = Node::of("dpv:DataSubjectDataSource");
    source.put("dpv:hasProcessing", operations.clone());
    source.put("dct:description", localized(&entry.how_it_tracks.text, language));
    node.put("dpv:hasDataSource", source.done());
    if entry.server_location.is_some() || entry.retention.is_some() {
        operations.push(json!("dpv:Store"));
    }
    missing.note_unless(!operations.is_empty(), "processing_method");
    node.put("dpv:hasProcessing", operations);
}

fn storage(node: &mut Node, entry: &Service, language: &str, missing: &mut Missing) {
    let mut conditions = Vec::new();
    if let Some(location) = &entry.server_location {
        let mut at = Node::of("dpv:StorageLocation");
        let places = location.regions.iter().map(|region| match region.as_str() {
            "self" => json!({"@type": "dpv:Location", "dct:title": "the controller's own servers"}),
            code => place(code),
        });
        at.put("dpv:hasLocation", places.collect::<Vec<Value>>());
        at.put("dct:description", localized(&location.note, language));
        conditions.push(at.done());
    }
    if let Some(retention) = &entry.retention {
        let text = localized(retention, language);
        conditions.push(json!({
            "@type": "dpv:StorageDuration",
            "dpv:hasDuration": {"@type": "dpv:Duration", "dct:description": text}
        }));
    }
    let deletion = localized(&entry.deletion_on_withdrawal, language);
    conditions.push(json!({"@type": "dpv:StorageDeletion", "dct:description": deletion}));
    missing.note_unless(entry.server_location.is_some(), "storage_locations");
    missing.note_unless(entry.retention.is_some(), "retention_period");
    node.put("dpv:hasStorageCondition", conditions);
}

fn recipients(node: &mut Node, entry: &Service, language: &str, missing: &mut Missing) {
    missing.note_unless(entry.recipients.is_some(), "recipient_third_parties");
    let listed = entry.recipients.iter().flatten().map(|recipient| {
        let kind = dpv::recipient(recipient.kind, entry.role.vendor);
        let mut node = Node::of_all(&["dpv:Recipient", kind]);
        node.maybe("dpv:hasName", recipient.name.as_deref());
        node.put("dct:description", localized(&recipient.text, language));
        node.done()
    });
    let mut recipients: Vec<Value> = listed.collect();
    // That its vendor is a recipient is known even where the list of all is not.
    if recipients.is_empty()
        && let Some(operator) = &entry.operator
    {
        let mut vendor = Node::of_all(&["dpv:Recipient", dpv::role(entry.role.vendor)]);
        vendor.put("dpv:hasName", operator.name.as_str());
        recipients.push(vendor.done());
    }
    node.put("dpv:hasRecipient", recipients);
}

/// Transfers out of the European Economic Area and what safeguards them (GDPR Art. 44 to 49).
fn transfer(transfers: &Transfers, language: &str) -> Value {
    let mut node = Node::of("dpv:Rule");
    node.put("dpv:hasProcessing", "dpv:Transfer");
    node.put("avow:outsideEea", if transfers.outside_eea == OutsideEea::Yes { "yes" } else { "possible" });
    let bases = transfers.safeguards.iter().filter_map(|code| dpv::safeguard(code)).map(Value::from);
    node.put("dpv:hasLegalBasis", bases.collect::<Vec<Value>>());
    node.put("dct:description", localized(&transfers.note, language));
    node.done()
}

/// A purpose that was decided by itself. Settings say its type, basis and data; where these are stored, for how long and
/// who receives them they do not say.
fn site_purpose(node: &mut Node, input: &RecordInput<'_>, id: &str, declared: Option<&Purpose>, missing: &mut Missing) {
    let Some(purpose) = declared else {
        node.put("dpv:hasPurpose", json!({"@type": "dpv:Purpose", "dct:identifier": id}));
        missing.note("purpose_type");
        return unknown_service(missing);
    };
    node.put("dpv:hasPurpose", declared_purpose(purpose, input.language));
    missing.note_unless(dpv::purpose(&purpose.dpv).is_some(), "purpose_type");
    match dpv::legal_basis(&purpose.legal_basis) {
        Some("eu-gdpr:A6-1-a") => {
            node.put("dpv:hasLegalBasis", vec![json!("eu-gdpr:A6-1-a"), json!(event::consent_type(input))]);
        }
        Some(term) => _ = node.put("dpv:hasLegalBasis", term),
        None if purpose.legal_basis.trim().is_empty() => missing.note("lawful_basis"),
        None => {
            let basis = json!({"@type": "dpv:LegalBasis", "dct:description": purpose.legal_basis});
            node.put("dpv:hasLegalBasis", basis);
        }
    }
    let kind = if purpose.sensitive { "dpv:SensitivePersonalData" } else { "dpv:PersonalData" };
    let data = purpose
        .data
        .iter()
        .map(|code| json!({"@type": kind, "dct:identifier": code, "skos:broader": dpv::personal_data(code)}));
    let data: Vec<Value> = data.collect();
    missing.note_unless(!data.is_empty(), "pii_type");
    node.put("dpv:hasPersonalData", data);
    for field in [
        "collection_method",
        "processing_method",
        "storage_locations",
        "retention_period",
        "geographic_restrictions",
        "recipient_third_parties",
    ] {
        missing.note(field);
    }
}
