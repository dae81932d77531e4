//! Erasures, holds and restrictions in the control topic: found by who knows the subject, read out by nobody.

use std::sync::Arc;
use std::time::Duration;

use avow_control::{Asked, Control, MarkKind};
use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Log, ReadLimit, Topic};
use avow_schemas::ids::SiteId;
use avow_schemas::settings::SiteSettings;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_found_and_named_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = EmbeddedLog::open(config).unwrap();
    let start = || Control::start(Arc::clone(&log), None, CancellationToken::new());
    let control = start().await.unwrap();
    let site = SiteId::new("shop.example").unwrap();
    control.put_site(&site, SiteSettings::named("Shop")).await.unwrap();
    let (subject, other) = (Uuid::new_v4(), Uuid::new_v4());
    let asked = |subject| Asked { site: &site, subject, reason: "case 7", by: Uuid::nil() };

    control.mark(MarkKind::Hold, asked(subject), None).await.unwrap();
    control.mark(MarkKind::Restriction, asked(other), Some(5)).await.unwrap();
    let first = control.begin_erasure(asked(subject)).await.unwrap();
    let second = control.begin_erasure(asked(subject)).await.unwrap();
    let place = control.put_tombstone(&first, subject).await.unwrap();
    assert_eq!(first.subject.salt, second.subject.salt, "one salt, one pass");
    assert!(control.unmark(MarkKind::Hold, &site, other, Uuid::nil()).await.unwrap().is_none());

    // Another process, or this one after a restart.
    let directory = start().await.unwrap().directory();
    let erasures = directory.erasures_of("shop.example", subject);
    assert_eq!(erasures.iter().map(|erasure| erasure.id).collect::<Vec<_>>(), [first.id, second.id]);
    assert!(directory.erasures_of("shop.example", other).is_empty());
    assert!(directory.erasures_of("other.example", subject).is_empty());
    assert!(directory.hold("shop.example", subject).unwrap().is_in_force(0));
    assert!(directory.hold("shop.example", other).is_none());
    assert!(!directory.restriction("shop.example", other).unwrap().is_in_force(5));
    let ended = control.unmark(MarkKind::Hold, &site, subject, Uuid::max()).await.unwrap().unwrap();
    assert_eq!(ended.ended.unwrap().by, Uuid::max());
    assert!(!control.directory().hold("shop.example", subject).unwrap().is_in_force(0));

    let limit = ReadLimit { max_records: 1000, max_bytes: 8 << 20, max_wait: Duration::from_secs(1) };
    for (topic, partition) in [(Topic::Control, 0), (Topic::Events, place.partition)] {
        for record in log.read(topic, partition, 0, limit).await.unwrap().records {
            let text = [record.key.as_ref(), record.value.as_ref()].concat();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&subject.to_string()) && !text.contains(&other.to_string()), "{text}");
        }
    }
}
