//! Following and changing the control topic of an embedded log.

use super::*;
use avow_log::Record;
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_schemas::record::SchemaRef;
use avow_schemas::settings::SiteSettings;

fn log_in(dir: &std::path::Path) -> Arc<dyn Log> {
    let config = EmbeddedConfig { path: dir.join("log"), ..EmbeddedConfig::default() };
    EmbeddedLog::open(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_published_once_and_older_versions_pass_over_what_they_do_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_in(dir.path());
    let later = Record { key: "later/1".into(), value: br#"{"kind":"later","made_at":1}"#.as_slice().into() };
    log.append(Topic::Control, vec![later]).await.unwrap();
    for round in 0..3 {
        let control = Control::start(Arc::clone(&log), None, CancellationToken::new()).await.unwrap();
        assert_eq!(control.directory().schema(SchemaRef::own()).is_some(), round > 0);
        control.write_as(Framing::SingleObject).await.unwrap();
        control.write_as(Framing::SingleObject).await.unwrap();
        assert_eq!(log.end(Topic::Control, 0).await.unwrap(), 2);
    }
    let control = Control::start(Arc::clone(&log), None, CancellationToken::new()).await.unwrap();
    control.write_as(Framing::Registered(7)).await.unwrap();
    assert_eq!(control.framing(), Framing::Registered(7));
    assert_eq!(control.directory().schema(SchemaRef::Id(7)), Some(avow_schemas::record::SCHEMA_V1));
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_change_with_the_log_alone() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
    let control = Control::start(EmbeddedLog::open(config).unwrap(), None, CancellationToken::new()).await.unwrap();
    let site = SiteId::new("shop.example").unwrap();
    let mut settings = SiteSettings::named("Shop");
    settings.ledger.shards = 4;
    control.put_site(&site, settings.clone()).await.unwrap();
    settings.ledger.shards = 2;
    let refused = control.put_site(&site, settings.clone()).await.unwrap_err();
    assert!(matches!(refused, ControlError::ShardsFixed { current: 4, asked: 2, .. }), "{refused}");
    assert!(refused.to_string().contains("avow migrate log --shards shop.example=2"), "{refused}");

    assert!(control.resharded(&[(site.clone(), 4)]).unwrap().is_empty());
    assert!(control.resharded(&[(site.clone(), 0)]).is_err());
    assert!(control.resharded(&[(SiteId::new("other.example").unwrap(), 2)]).is_err());
    let records = control.resharded(&[(site.clone(), 2)]).unwrap();
    control.append(records).await.unwrap();
    assert_eq!(control.directory().site(site.as_str()).unwrap().current().settings, settings);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_catches_up_knows_what_another_process_has_put() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_in(dir.path());
    let start = || Control::start(Arc::clone(&log), None, CancellationToken::new());
    let (writer, reader) = (start().await.unwrap(), start().await.unwrap());
    let site = SiteId::new("shop.example").unwrap();
    for n in 1..50 {
        let name = format!("Shop {n}");
        writer.put_site(&site, SiteSettings::named(&name)).await.unwrap();
        reader.catch_up().await.unwrap();
        assert_eq!(reader.directory().site(site.as_str()).unwrap().current().settings.name, name);
    }
}
