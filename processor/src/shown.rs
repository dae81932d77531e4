//! What visitors were shown, as far as it was put before: the banner artefacts under each key of the log. An artefact counts
//! for an event if its control record lies before the event under the event's own key, or in an earlier log: so whoever
//! reads the log again comes to the same, whatever the clocks and the control topic say by then.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use avow_schemas::banner::Listing;
use avow_schemas::record::{ControlKind, ControlRecord, LogRecord, site_and_shard};
use avow_warehouse::Warehouse;
use uuid::Uuid;

use crate::ProcessorError;
use crate::batch::{Batch, Reading};

/// Keys of the log in memory at most; beyond that all are forgotten and read again.
const REMEMBERED: usize = 20_000;

/// The artefacts of one key, by address.
type Artefacts = HashMap<String, Arc<Listing>>;

/// The artefacts put so far, by key of the log.
#[derive(Default)]
pub(crate) struct Shown {
    keys: HashMap<String, Artefacts>,
}

impl Shown {
    /// Makes sure that what was put before this batch is known for the keys of its events that name an artefact.
    pub(crate) async fn prepare(
        &mut self,
        warehouse: &Warehouse,
        log_id: Uuid,
        partition: u32,
        batch: &Batch,
    ) -> Result<(), ProcessorError> {
        if self.keys.len() > REMEMBERED {
            self.keys.clear();
        }
        let missing: BTreeSet<String> = batch
            .items
            .iter()
            .filter(|item| matches!(&item.reading, Reading::Record { record, .. } if is_about_artefacts(record)))
            .map(|item| String::from_utf8_lossy(&item.raw.key).into_owned())
            .filter(|key| !self.keys.contains_key(key))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let sites: BTreeSet<&str> = missing.iter().map(|key| site_and_shard(key).0).collect();
        let sites: Vec<&str> = sites.into_iter().collect();
        let records = warehouse.artefact_records(&sites, log_id, partition, batch.from).await?;
        for key in missing {
            let (site, shard) = site_and_shard(&key);
            let of_key = records.iter().filter(|r| r.site == site && r.shard.is_none_or(|of| of == shard));
            let artefacts = of_key.filter_map(|record| listing(&record.body)).collect();
            self.keys.insert(key, artefacts);
        }
        Ok(())
    }

    /// Takes the next record of a key that says what is shown from now on. Its key must be prepared.
    pub(crate) fn take(&mut self, key: &str, record: &ControlRecord) {
        if record.kind == ControlKind::BannerArtefact
            && let Some((text_hash, listing)) = listing(&record.body)
        {
            self.keys.entry(key.to_owned()).or_default().insert(text_hash, listing);
        }
    }

    /// What an artefact lists, if it was put by now.
    pub(crate) fn listing(&self, key: &str, text_hash: Option<&str>) -> Option<Arc<Listing>> {
        self.keys.get(key)?.get(text_hash?).cloned()
    }
}

fn is_about_artefacts(record: &LogRecord) -> bool {
    match record {
        LogRecord::ConsentEvent(event) => event.text_hash.is_some(),
        LogRecord::ControlRecord(control) => control.kind == ControlKind::BannerArtefact,
    }
}

/// What the body of an artefact's control record lists; a body that is none lists nothing and proves nothing.
fn listing(body: &str) -> Option<(String, Arc<Listing>)> {
    match serde_json::from_str::<Listing>(body) {
        Ok(listing) => Some((listing.text_hash.clone(), Arc::new(listing))),
        Err(error) => {
            tracing::warn!(%error, "processor.artefact_not_understood");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use avow_schemas::ids::{EventId, SiteId};

    use super::*;

    fn record(kind: ControlKind, body: &str) -> ControlRecord {
        let site = SiteId::new("shop.example").unwrap();
        ControlRecord { id: EventId(Uuid::nil()), site, kind, version: 0, made_at: 0, body: body.into() }
    }

    #[test]
    fn an_artefact_counts_from_its_record_on_under_its_own_key() {
        let mut shown = Shown::default();
        let body = r#"{"text_hash":"sha256:1","services":["chaport"],"language":"de"}"#;
        assert_eq!(shown.listing("shop.example#1", Some("sha256:1")), None);
        shown.take("shop.example#1", &record(ControlKind::BannerArtefact, body));
        shown.take("shop.example#1", &record(ControlKind::SettingsVersion, &body.replace("sha256:1", "sha256:2")));
        shown.take("shop.example#1", &record(ControlKind::BannerArtefact, "[]"));
        let listing = shown.listing("shop.example#1", Some("sha256:1")).unwrap();
        assert!(listing.services.contains("chaport"));
        for (key, hash) in
            [("shop.example#1", None), ("shop.example#1", Some("sha256:2")), ("shop.example#0", Some("sha256:1"))]
        {
            assert_eq!(shown.listing(key, hash), None, "{key} {hash:?}");
        }
    }
}
