//! Whether records are what others take for JSON-LD and for TS 27560: PyLD expands them without a network, pySHACL checks
//! them against `shapes.ttl`, and every term is one that DPV 2.3 defines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use avow_records::choice::Target;
use avow_records::document::{CONTEXT, DocumentWriter, Header};
use avow_records::{Artefact, Facts, Place, RecordInput, Shared, Shown, Timeline, record, record_in, statuses};
use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, EventType, Method};
use avow_schemas::ids::{ConfigVersion, EventId, LeafIndex, ServiceId, SiteId, SubjectId};
use avow_schemas::settings::{SiteSettings, SiteVersion};
use avow_testkit::python::Python;
use serde_json::{Value, json};

const AT: i64 = 1_795_515_302_123;

fn settings() -> Result<SiteSettings> {
    Ok(serde_json::from_value(json!({
        "name": "Shop",
        "services": {"chaport": "preferences", "crisp": "preferences", "userlike": "preferences"},
        "controllers": [
            {"name": "Shop GmbH", "address": "Gasse 1, 1010 Wien", "contact": "privacy@shop.example", "role": "joint"},
            {"name": "Shop SARL", "address": "1 rue, 75001 Paris", "contact": "vie-privee@shop.example", "role": "joint",
             "dpo": "dpo@shop.example"}
        ],
        "processor": {"name": "Host AG", "address": "Weg 2, Zürich", "contact": "+41 44 000 00 00"},
        "notice_url": {"de": "https://shop.example/datenschutz"},
        "jurisdictions": ["AT", "EU", "Kanton Zürich"],
        "authority": "Datenschutzbehörde",
        "withdrawal": {"method": "Link in the footer", "url": "https://shop.example/consent"},
        "purposes": [{"id": "preferences", "dpv": "dpv:CustomerCare", "text": {"en": "Chat", "not a tag!": "x"}}]
    }))?)
}

fn event(n: u128, at: i64, services: &[(&str, bool)]) -> Result<ConsentEvent> {
    let id = EventId(uuid::Uuid::from_u128(n));
    let mut event = ConsentEvent::least(EventType::Decided, SiteId::new("shop.example")?, id, at);
    event.subject = Some(SubjectId(uuid::Uuid::from_u128(7)));
    event.method = Some(Method::Save);
    event.language = Some("de-AT".into());
    event.text_hash = Some("sha256:00".into());
    event.services = services.iter().map(|(name, granted)| ((*name).to_owned(), *granted)).collect();
    Ok(event)
}

/// Given, given again, withdrawn as a whole, and run out.
fn history() -> Result<Vec<ConsentEvent>> {
    let day = 86_400_000;
    let mut events = vec![
        event(1, AT, &[("chaport", true), ("crisp", false)])?,
        event(2, AT + 10 * day, &[("userlike", true), ("crisp", true)])?,
        event(3, AT + 20 * day, &[])?,
        event(4, AT + 30 * day, &[("chaport", true)])?,
    ];
    events[2].kind = EventType::Withdrawn;
    events[2].method = None;
    events[2].categories = BTreeMap::from([("preferences".to_owned(), false)]);
    events[3].expires_at = Some(AT + 31 * day);
    Ok(events)
}

/// Each whole in itself.
fn records(shown: &Shown) -> Result<Vec<Value>> {
    made(shown, |input| vec![record(input)])
}

/// What a document has of them: records, and before them what they refer to.
fn nodes(shown: &Shown) -> Result<Vec<Value>> {
    let mut shared = Shared::in_document();
    made(shown, |input| {
        let record = record_in(input, &mut shared);
        let mut nodes = shared.take_new();
        nodes.push(record);
        nodes
    })
}

fn made(shown: &Shown, mut make: impl FnMut(&RecordInput<'_>) -> Vec<Value>) -> Result<Vec<Value>> {
    let site = SiteVersion {
        site: SiteId::new("shop.example")?,
        version: ConfigVersion(1),
        in_force_from: 0,
        settings: settings()?,
    };
    let history = history()?;
    let artefact = json!({"services": ["chaport", "crisp", "userlike"]});
    let artefacts = BTreeMap::from([("sha256:00".to_owned(), artefact.clone())]);
    let versions = [site.clone()];
    let facts = Facts { versions: &versions, catalog: Catalog::builtin(), artefacts: &artefacts };
    let timelines: BTreeMap<Target, Timeline> = statuses(&history, &facts, AT + 400 * 86_400_000);
    let made = history.iter().enumerate().flat_map(|(n, event)| {
        make(&RecordInput {
            event,
            site: &site,
            catalog: Catalog::builtin(),
            artefact: Some(Artefact { hash: "sha256:00", value: &artefact }),
            timelines: &timelines,
            place: Some(&Place { ledger: "k7".into(), leaf: LeafIndex(n as u64), logged_at: 0 }),
            shown,
            language: "fr",
        })
    });
    Ok(made.collect())
}

struct Validator {
    python: Python,
    dir: tempfile::TempDir,
}

impl Validator {
    fn start() -> Result<Self> {
        Ok(Self { python: Python::with(include_str!("requirements.txt"))?, dir: tempfile::tempdir()? })
    }

    fn check(&self, records: &[Value]) -> Result<Value> {
        let path = self.dir.path().join("records.jsonld");
        let header =
            Header { site: "shop.example".into(), from: AT, to: AT + 1, made_at: AT + 2, language: "fr".into() };
        let mut writer = DocumentWriter::begin(fs::File::create(&path)?, &header)?;
        for record in records {
            writer.record(record)?;
        }
        writer.end()?;
        let shapes = manifest_dir().join("tests/shapes.ttl");
        let args = [path.to_str().context("path")?, shapes.to_str().context("path")?];
        Ok(serde_json::from_str(&self.python.run(include_str!("validate.py"), &args)?)?)
    }
}

fn manifest_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

type Change = fn(&mut Value);

/// The same records with one thing changed in the first.
fn changed(records: &[Value], change: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut records = records.to_vec();
    records.truncate(1);
    change(&mut records[0]);
    records
}

fn without(value: &mut Value, field: &str) {
    if let Value::Object(map) = value {
        map.remove(field);
    }
}

#[test]
fn others_read_the_records_and_find_them_whole() -> Result<()> {
    let validator = Validator::start()?;
    // Crisp's and Chaport's entries state all that is mandatory; Userlike's too.
    let all = records(&Shown::All)?;
    let shared = nodes(&Shown::All)?;
    for form in [&all, &shared] {
        let verdict = validator.check(form)?;
        ensure!(verdict["lost"] == 0 && verdict["relative"] == json!([]), "{verdict}");
        ensure!(verdict["records"] == 4, "{verdict}");
        ensure!(verdict["conforms"] == true, "{}", verdict["text"].as_str().unwrap_or_default());
    }
    ensure!(shared.len() > all.len());
    // A reference to nothing is one.
    let storage = |node: &Value| node["@type"] == "dpv:StorageLocation";
    let undescribed: Vec<Value> = shared.into_iter().filter(|node| !storage(node)).collect();
    let verdict = validator.check(&undescribed)?;
    ensure!(verdict["conforms"] == false && verdict["failed"] == json!(["pii_processing", "storage_locations"]));

    let cut = Shown::Only(BTreeSet::from([ServiceId::new("chaport")?]));
    let first = nodes(&cut)?.into_iter().scan(false, |over, node| {
        let before = std::mem::replace(over, *over || node["@type"] == "dpv:ConsentRecord");
        (!before).then_some(node)
    });
    for form in [records(&cut)?[..1].to_vec(), first.collect()] {
        let verdict = validator.check(&form)?;
        ensure!(verdict["lost"] == 0 && verdict["conforms"] == true, "{verdict}");
    }

    let cases: [(&str, Change); 10] = [
        ("schema_version", |record| without(record, "dct:conformsTo")),
        ("record_id", |record| record["dct:identifier"] = json!("1")),
        ("pii_principal_id", |record| without(record, "dpv:hasDataSubject")),
        ("pii_controllers", |record| without(record, "dpv:hasDataController")),
        ("withdrawal_method", |record| without(record, "dpv:hasConsentControl")),
        ("privacy_rights", |record| without(record, "dpv:hasRight")),
        ("jurisdiction", |record| without(record, "dpv:hasJurisdiction")),
        ("pii_processing", |record| without(&mut record["dpv:hasProcess"][0], "dpv:hasRecipient")),
        ("pii_processing", |record| {
            record["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0]["@type"] = json!("dpv:ConsentPerhaps");
        }),
        ("party_identification", |record| without(&mut record["dpv:hasEntity"][0], "dpv:hasAddress")),
    ];
    for (field, change) in cases {
        let verdict = validator.check(&changed(&all, change))?;
        let failed = verdict["failed"].as_array().context("failed")?;
        ensure!(verdict["conforms"] == false && failed.contains(&json!(field)), "{field}: {verdict}");
    }
    // The check for what expansion drops is no formality.
    let verdict = validator.check(&changed(&all, |record| record["hasPurpose"] = json!("x")))?;
    ensure!(verdict["lost"] == 1, "{verdict}");
    Ok(())
}

/// `prefix:Name` in a text, for DPV and its extensions.
fn terms(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':';
    let words = text.split(|c: char| !part(c)).filter(|word| {
        let name = ["dpv:", "pd:", "loc:", "eu-gdpr:"].iter().find_map(|prefix| word.strip_prefix(prefix));
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphanumeric()))
    });
    words.map(str::to_owned).collect()
}

#[test]
fn every_term_is_one_that_dpv_defines() -> Result<()> {
    let known: BTreeSet<&str> = include_str!("dpv-2.3-terms.txt").lines().collect();
    let mut used = terms(CONTEXT);
    used.extend(terms(include_str!("shapes.ttl")));
    let mut folders = vec![manifest_dir().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                // Tests, which also follow `mod tests`, try terms that do not exist.
                let text = fs::read_to_string(&path)?;
                used.extend(terms(text.split("mod tests {").next().unwrap_or_default()));
            }
        }
    }
    for purpose in include_str!("../src/purposes.txt").split_whitespace() {
        used.insert(format!("dpv:{purpose}"));
    }
    for place in include_str!("../src/locations.txt").split_whitespace() {
        used.insert(format!("loc:{place}"));
    }
    ensure!(used.len() > 300, "{}", used.len());
    let invented: Vec<&String> = used.iter().filter(|term| !known.contains(term.as_str())).collect();
    ensure!(invented.is_empty(), "{invented:?}");
    Ok(())
}
