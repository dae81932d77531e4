use std::collections::BTreeMap;

use avow_records::Shown;
use avow_records::document::Header;
use avow_schemas::event::{ConsentEvent, EventType, Method, Seed};
use avow_schemas::ids::{ConfigVersion, EventId, SiteId, SubjectId};
use avow_schemas::settings::{SiteSettings, SiteVersion};
use avow_warehouse::records::Content;
use uuid::Uuid;
use zip::ZipArchive;

use super::super::proof::Proven;
use super::*;

fn about() -> About {
    let mut settings = SiteSettings::named("Shop");
    settings.services = [(avow_schemas::ids::ServiceId::new("chaport").unwrap(), "preferences".to_owned())].into();
    let site = SiteId::new("shop.example").unwrap();
    About {
        header: Header { site: site.to_string(), from: 0, to: 1000, made_at: 2000, language: "en".into() },
        until: 1000,
        whole_before: 1000,
        versions: vec![SiteVersion { site, version: ConfigVersion(1), in_force_from: 0, settings }],
        artefacts: BTreeMap::new(),
        shown: Shown::All,
        catalog: std::sync::Arc::clone(avow_schemas::catalog::Catalog::builtin()),
    }
}

fn decided(at: i64, granted: bool) -> Record {
    let site = SiteId::new("shop.example").unwrap();
    let id = EventId(Uuid::from_u128(u128::try_from(at).unwrap()));
    let mut event = ConsentEvent::least(EventType::Decided, site, id, at);
    event.subject = Some(SubjectId(Uuid::from_u128(7)));
    event.method = Some(Method::Save);
    event.services = [("chaport".to_owned(), granted)].into();
    event.seed = Seed([1; 32]);
    Record {
        ledger: "k7".into(),
        leaf: u64::try_from(at).unwrap(),
        leaf_kind: 1,
        commitment: [0; 32],
        partition: 0,
        position: 0,
        logged_at: at,
        content: Content::Event { event: Box::new(event), pairs: vec![] },
    }
}

fn end(events: u64) -> Part {
    Part::End(Box::new(Ending {
        manifest: json!({"site": "shop.example"}),
        made_by: "test".into(),
        subject: None,
        proven: Proven { events, ..Proven::default() },
        is_signed: false,
        attached: vec![],
    }))
}

fn written(parts: Vec<Part>, folder: &Path) -> Result<Written, ArchiveError> {
    let (sender, receiver) = tokio::sync::mpsc::channel(parts.len().max(1));
    for part in parts {
        sender.try_send(part).ok().unwrap();
    }
    drop(sender);
    write(folder, receiver, &about(), None)
}

#[test]
fn the_manifest_names_every_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let history = vec![decided(1, true), decided(5, false), decided(2000, true)];
    let written = written(vec![Part::History(history, None), end(2)], folder.path()).unwrap();
    assert_eq!((written.records, written.redacted), (2, 0), "the third is logged after the period");

    let mut zip = ZipArchive::new(File::open(folder.path().join(BUNDLE)).unwrap()).unwrap();
    let mut content = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let manifest: Value = serde_json::from_slice(&content("manifest.json")).unwrap();
    assert_eq!(manifest["counts"]["by_type"], json!({"decided": 2}));
    assert_eq!((&manifest["counts"]["granted"], &manifest["counts"]["denied"]), (&json!(1), &json!(1)));
    for file in manifest["files"].as_array().unwrap() {
        let bytes = content(file["name"].as_str().unwrap());
        assert_eq!((&file["size"], &file["sha256"]), (&json!(bytes.len()), &json!(hex(&Sha256::digest(&bytes)))));
    }
    let document: Value = serde_json::from_slice(&content("records.jsonld")).unwrap();
    let records = document["@graph"].as_array().unwrap().iter();
    let statuses: Vec<&Value> = records
        .filter(|node| node["@type"] == "dpv:ConsentRecord")
        .map(|record| &record["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0]["@type"])
        .collect();
    assert_eq!(statuses, ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"], "a no takes back the yes before it");
    assert_eq!(csv::Reader::from_reader(content("records.csv").as_slice()).records().count(), 2);
    assert!(content("report.pdf").starts_with(b"%PDF"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the bundle");
}

#[test]
fn half_an_export_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for parts in [vec![], vec![Part::History(vec![decided(1, true)], None)], vec![Part::File("x".into())]] {
        assert!(matches!(written(parts, folder.path()), Err(ArchiveError::Abandoned)));
    }
    let fewer = vec![Part::History(vec![decided(1, true)], None), end(0)];
    assert!(matches!(written(fewer, folder.path()), Err(ArchiveError::Changed)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
