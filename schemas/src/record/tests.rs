use std::collections::BTreeMap;

use super::*;
use crate::event::{BotGrade, EventType, LoadState, Method, Objections, Observed, Prompt, Regime, Seed, Source};
use crate::ids::{ConfigVersion, SubjectId};

pub(crate) fn event() -> ConsentEvent {
    ConsentEvent {
        id: EventId(Uuid::from_u128(7)),
        site: SiteId::new("shop.example").unwrap(),
        kind: EventType::Decided,
        subject: Some(SubjectId(Uuid::from_u128(8))),
        view: Some("k3v9".into()),
        prompt: Prompt::First,
        layer: Some(1),
        occurred_at: 1_764_000_000_123,
        occurred_at_claimed: None,
        sent_at: Some(1_764_000_001_000),
        received_at: 1_764_000_001_500,
        source: Source::Origin,
        banner_version: Some("2026-11-01".into()),
        language: Some("de".into()),
        variant: None,
        text_hash: None,
        regime: Regime::OptIn,
        method: Some(Method::Save),
        categories: BTreeMap::from([("preferences".into(), true), ("marketing".into(), false)]),
        services: BTreeMap::from([("chaport".into(), true)]),
        purposes: BTreeMap::new(),
        objections: Some(Objections { purposes: vec!["iab-7".into()], services: vec![] }),
        tcf: None,
        gpp: Some("DBA".into()),
        consent_mode: BTreeMap::from([("ad_storage".into(), "denied".into())]),
        gpc: Some(false),
        host: Some("shop.example".into()),
        path: None,
        effort_clicks: Some(2),
        effort_ms: Some(4100),
        expires_at: None,
        previous: Some(EventId(Uuid::from_u128(6))),
        state: Some(LoadState::Partial),
        observed: Some(Observed { cookies: vec!["chaport_uid".into()], others: 3, ..Observed::default() }),
        country: Some("DE".into()),
        region: None,
        device: Some("mobile".into()),
        browser: Some("Chrome".into()),
        os: Some("Android".into()),
        bot: BotGrade::No,
        config_version: ConfigVersion(3),
        seed: Seed([9; 32]),
    }
}

pub(crate) fn control_record() -> ControlRecord {
    ControlRecord {
        id: EventId(derived_id("settings/shop.example/1")),
        site: SiteId::new("shop.example").unwrap(),
        kind: ControlKind::SettingsVersion,
        version: 1,
        made_at: 5,
        body: "{}".into(),
    }
}

#[test]
fn records_come_back_as_they_were() {
    for record in [LogRecord::ConsentEvent(event().into()), LogRecord::ControlRecord(control_record())] {
        let bytes = encode(&record).unwrap();
        assert_eq!(bytes[..2], [0xC3, 0x01]);
        assert_eq!(decode(&bytes).unwrap(), record);
    }
}

#[test]
fn every_cut_and_every_flip_is_an_error_or_another_record_but_never_a_panic() {
    let bytes = encode(&LogRecord::ConsentEvent(event().into())).unwrap();
    for cut in 0..bytes.len() {
        assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        let _ = decode(&flipped);
    }
    let longer = [bytes, vec![0]].concat();
    assert!(matches!(decode(&longer), Err(RecordError::Trailing(1))));
}

/// Builds before the first release wrote another fingerprint: what they left in a log is read.
#[test]
fn records_of_before_the_first_release_are_read() {
    let record = LogRecord::ConsentEvent(event().into());
    let mut bytes = encode(&record).unwrap();
    bytes[2..10].copy_from_slice(&[0x5c, 0xe2, 0x9d, 0xe9, 0x9c, 0x04, 0x2c, 0x12]);
    assert_eq!(decode(&bytes).unwrap(), record);
}

/// The fingerprint is in every record ever written: it may never change for a released schema. This one is what other
/// implementations compute too (`tests/e2e/evolution.rs` asks fastavro).
#[test]
fn the_fingerprint_of_version_1_is_frozen() {
    let hex: String = fingerprint().iter().map(|b| format!("{b:02x}")).collect();
    insta::assert_snapshot!(hex);
}

#[test]
fn shards_are_chosen_by_subject() {
    let event = event();
    assert_eq!(key(&event.site, 1, &event), "shop.example");
    let sharded = key(&event.site, 4, &event);
    assert!(keys(&event.site, 4).contains(&sharded));
    assert_eq!(site_and_shard("shop.example#3"), ("shop.example", 3));
    assert_eq!(site_and_shard("shop.example"), ("shop.example", 0));
}

/// Where the fuzzer begins: without a whole record it does not get past the first text.
#[test]
fn the_fuzzers_seed_is_a_record() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/record/event");
    let bytes = encode(&LogRecord::ConsentEvent(event().into())).unwrap();
    if std::env::var_os("AVOW_WRITE_SEEDS").is_some() {
        std::fs::write(path, &bytes).unwrap();
    }
    assert_eq!(std::fs::read(path).unwrap(), bytes, "write it again with AVOW_WRITE_SEEDS=1");
}
