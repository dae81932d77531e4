//! Erasures, where their tombstones lie in the log: once the range that holds a tombstone is written, the subject's events
//! before it are redacted (`avow_warehouse::erase`). Three more ways lead to the same:
//!
//! - What a stop has left of a batch is done when the partition is opened.
//! - An erasure that `consent.control` knows and the warehouse does not (a backup was restored) is applied then, to what is
//!   stored, ahead of its tombstone.
//! - An event that was received before an erasure was asked for and lies behind its tombstone (it waited in a spool, or was a
//!   dead letter) is redacted as soon as it is written.
//!
//! While the derived tables are made anew, erasures wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_control::{Control, Directory};
use avow_log::partition_for;
use avow_schemas::ids::SubjectId;
use avow_schemas::record::{ControlKind, key_of};
use avow_schemas::rights::{Erasure, Tombstone};
use avow_warehouse::Warehouse;
use avow_warehouse::erase::{Applied, Extent, Owner, Place};
use avow_warehouse::rows::{Range, Stored};
use uuid::Uuid;

use crate::ProcessorError;

/// A tombstone that was read and not applied yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    erasure: Uuid,
    position: u64,
}

/// The erasures of one partition.
pub(crate) struct Erasing {
    warehouse: Arc<Warehouse>,
    control: Arc<Control>,
    owner: Owner,
    /// Partitions of the log.
    partitions: u32,
    /// Batches whose events are stored and not redacted yet.
    batches: Vec<Uuid>,
    due: Vec<Due>,
    /// Whether erasures ahead of their tombstones wait for a rebuild to end; then, up to which position.
    ahead: Option<u64>,
}

impl Erasing {
    /// Applies what was left, and what a restored warehouse does not know. `events` is where the events stand.
    ///
    /// # Errors
    /// The engine's and the log's.
    pub(crate) async fn open(
        warehouse: &Arc<Warehouse>,
        control: &Arc<Control>,
        owner: Owner,
        partitions: u32,
        events: u64,
    ) -> Result<Self, ProcessorError> {
        let (warehouse, control) = (Arc::clone(warehouse), Arc::clone(control));
        let (batches, due) = (Vec::new(), Vec::new());
        let mut erasing = Self { warehouse, control, owner, partitions, batches, due, ahead: Some(events) };
        for (batch, upto) in erasing.warehouse.unfinished(owner).await? {
            // Of a range that did not land: its events come again, and with them a batch.
            if upto > events { erasing.warehouse.drop_batch(batch).await? } else { erasing.batches.push(batch) }
        }
        erasing.settle().await?;
        Ok(erasing)
    }

    /// Notes, before a range is written, which of its events are to be redacted as soon as they are; the batch, if any.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) async fn before(&self, range: &Range) -> Result<Option<Uuid>, ProcessorError> {
        let places = late(&self.control.directory(), range);
        if places.is_empty() {
            return Ok(None);
        }
        let batch = Uuid::new_v4();
        self.warehouse.begin_erasing(batch, self.owner, &places).await?;
        Ok(Some(batch))
    }

    /// Forgets a batch whose range was not written.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) async fn forget(&self, batch: Option<Uuid>) -> Result<(), ProcessorError> {
        match batch {
            Some(batch) => Ok(self.warehouse.drop_batch(batch).await?),
            None => Ok(()),
        }
    }

    /// Takes a range that was written, with the batch that was noted before.
    ///
    /// # Errors
    /// The engine's and the log's.
    pub(crate) async fn after(&mut self, range: &Range, batch: Option<Uuid>) -> Result<(), ProcessorError> {
        self.batches.extend(batch);
        self.due.extend(range.rows.iter().filter_map(|row| match &row.stored {
            Stored::Control(record) if record.kind == ControlKind::Tombstone => due(&record.body, row.position),
            _ => None,
        }));
        self.settle().await
    }

    /// Applies what waits, unless the derived tables are being made anew.
    ///
    /// # Errors
    /// The engine's and the log's.
    pub(crate) async fn settle(&mut self) -> Result<(), ProcessorError> {
        while let Some(batch) = self.batches.first().copied() {
            if !self.warehouse.erase(batch).await? {
                return Ok(());
            }
            self.batches.remove(0);
        }
        if let Some(events) = self.ahead {
            if !self.catch_up(events).await? {
                return Ok(());
            }
            self.ahead = None;
        }
        while let Some(due) = self.due.first().copied() {
            if !self.apply_due(due).await? {
                return Ok(());
            }
            self.due.remove(0);
        }
        Ok(())
    }

    /// Applies a tombstone that was read; false where it must wait.
    async fn apply_due(&self, due: Due) -> Result<bool, ProcessorError> {
        let find = |directory: &Directory| directory.erasures().find(|erasure| erasure.id == due.erasure).cloned();
        let mut erasure = find(&self.control.directory());
        if erasure.is_none() {
            self.control.catch_up().await?;
            erasure = find(&self.control.directory());
        }
        let Some(erasure) = erasure else {
            // The control topic was restored from before it: what it does not know by now it will not know.
            let (partition, position) = (self.owner.partition, due.position);
            tracing::error!(erasure = %due.erasure, partition, position, "processor.unknown_erasure");
            return Ok(true);
        };
        let found = self.found(&erasure.site.to_string(), std::slice::from_ref(&erasure)).await?;
        let subject = found.into_iter().next().map(|(subject, _)| subject);
        self.apply(&erasure, subject, due.position, true).await
    }

    /// Applies the erasures that the warehouse has not applied in order; false where they must wait.
    async fn catch_up(&mut self, events: u64) -> Result<bool, ProcessorError> {
        let applied = self.warehouse.applied_erasures().await?;
        let directory = self.control.directory();
        let is_pending = |erasure: &&Arc<Erasure>| applied.get(&erasure.id) != Some(&true);
        let pending: Vec<Arc<Erasure>> = directory.erasures().filter(is_pending).cloned().collect();
        if pending.is_empty() {
            return Ok(true);
        }
        let sites: Vec<String> = pending.iter().map(|erasure| erasure.site.to_string()).collect();
        let read = self.warehouse.pending_tombstones(self.owner, &sites).await?;
        let read: Vec<Due> = read.into_iter().filter_map(|row| due(&row.body, row.position)).collect();
        for due in &read {
            if !self.apply_due(*due).await? {
                return Ok(false);
            }
        }
        let mut unread: BTreeMap<(String, String), Vec<Arc<Erasure>>> = BTreeMap::new();
        for erasure in pending {
            let is_new = !applied.contains_key(&erasure.id) && read.iter().all(|due| due.erasure != erasure.id);
            if is_new {
                let group = (erasure.site.to_string(), erasure.subject.salt.clone());
                unread.entry(group).or_default().push(erasure);
            }
        }
        for ((site, _), erasures) in unread {
            let found = self.found(&site, &erasures).await?;
            for erasure in erasures {
                let subject = found.iter().find(|(_, digest)| *digest == erasure.subject.digest).map(|(id, _)| *id);
                if !self.apply_ahead(&directory, &erasure, subject, events).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Applies an erasure ahead of its tombstone, where the subject's records lie in this partition.
    async fn apply_ahead(
        &self,
        directory: &Directory,
        erasure: &Erasure,
        subject: Option<Uuid>,
        events: u64,
    ) -> Result<bool, ProcessorError> {
        let Some(subject) = subject else {
            // Nothing of it is here: one partition says so.
            return if self.owner.partition == 0 { self.apply(erasure, None, events, false).await } else { Ok(true) };
        };
        let shards = directory.site(erasure.site.as_str()).map_or(1, |site| site.current().settings.ledger.shards);
        let key = key_of(&erasure.site, shards, subject);
        if partition_for(key.as_bytes(), self.partitions) != self.owner.partition {
            return Ok(true);
        }
        tracing::info!(erasure = %erasure.id, site = %erasure.site, "processor.erased_ahead_of_tombstone");
        if !self.apply(erasure, Some(subject), events, false).await? {
            return Ok(false);
        }
        // A stop between the two records, or a log that has forgotten it, may have left the tombstone out.
        self.control.put_tombstone(erasure, subject).await?;
        Ok(true)
    }

    /// The subjects behind erasures of one site and salt, as far as they have events, with their digests.
    async fn found(&self, site: &str, erasures: &[Arc<Erasure>]) -> Result<Vec<(Uuid, String)>, ProcessorError> {
        let Some(first) = erasures.first() else { return Ok(Vec::new()) };
        let digests: Vec<String> = erasures.iter().map(|erasure| erasure.subject.digest.clone()).collect();
        Ok(self.warehouse.subjects_behind(site, &first.subject.salt, &digests).await?)
    }

    /// Redacts what lies below `position`; false where a rebuild is under way.
    async fn apply(
        &self,
        erasure: &Erasure,
        subject: Option<Uuid>,
        position: u64,
        in_order: bool,
    ) -> Result<bool, ProcessorError> {
        let mut events = 0;
        if let Some(subject) = subject {
            let (site, owner) = (erasure.site.to_string(), self.owner);
            let extent = Extent { site, subject, owner, upto: position, received_by: erasure.made_at };
            loop {
                let places = self.warehouse.places(&extent).await?;
                if places.is_empty() {
                    break;
                }
                let batch = Uuid::new_v4();
                self.warehouse.begin_erasing(batch, owner, &places).await?;
                if !self.warehouse.erase(batch).await? {
                    self.warehouse.drop_batch(batch).await?;
                    return Ok(false);
                }
                events += places.len() as u64;
            }
        }
        let applied = Applied { id: erasure.id, in_order, owner: self.owner, position, events };
        self.warehouse.note_erasure(&applied).await?;
        tracing::info!(erasure = %erasure.id, site = %erasure.site, events, in_order, "processor.erased");
        Ok(true)
    }
}

fn due(body: &str, position: u64) -> Option<Due> {
    match serde_json::from_str::<Tombstone>(body) {
        Ok(Tombstone { erasure, .. }) => Some(Due { erasure, position }),
        Err(error) => {
            tracing::warn!(%error, position, "processor.tombstone_not_understood");
            None
        }
    }
}

/// Events of a range that were received before an erasure of their subject was asked for.
fn late(directory: &Directory, range: &Range) -> Vec<Place> {
    let late = range.rows.iter().filter_map(|row| {
        let Stored::Event(event) = &row.stored else { return None };
        let SubjectId(subject) = event.subject?;
        let erasures = directory.erasures_of(event.site.as_str(), subject);
        erasures.iter().any(|erasure| event.received_at <= erasure.made_at).then(|| Place {
            site: event.site.to_string(),
            subject,
            log_id: range.log_id,
            partition: range.partition,
            position: row.position,
        })
    });
    late.collect()
}

#[cfg(test)]
mod tests {
    use avow_control::Asked;
    use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
    use avow_schemas::event::{ConsentEvent, EventType};
    use avow_schemas::ids::{EventId, SiteId};
    use avow_schemas::settings::SiteSettings;
    use avow_warehouse::rows::{Resolved, StoredRow};
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_received_before_an_erasure_and_comes_behind_it_is_taken_too() {
        let dir = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
        let log = EmbeddedLog::open(config).unwrap();
        let control = Control::start(log, None, CancellationToken::new()).await.unwrap();
        let site = SiteId::new("shop.example").unwrap();
        control.put_site(&site, SiteSettings::named("Shop")).await.unwrap();
        let subject = Uuid::from_u128(7);
        let asked = Asked { site: &site, subject, reason: "asked", by: Uuid::nil() };
        let made_at = control.begin_erasure(asked).await.unwrap().made_at;

        let row = |position: u64, subject: Option<u128>, received_at: i64| {
            let event = ConsentEvent {
                subject: subject.map(|id| SubjectId(Uuid::from_u128(id))),
                received_at,
                ..ConsentEvent::least(EventType::Shown, site.clone(), EventId(Uuid::new_v4()), 0)
            };
            StoredRow {
                stored: Stored::Event(Box::new(event)),
                position,
                logged_at: made_at + 9,
                resolved: Resolved::default(),
                ledger: "ledger".into(),
                leaf: position,
                leaf_kind: 1,
                commitment: [0; 32],
            }
        };
        let rows = vec![
            row(10, Some(7), made_at - 5),
            row(11, Some(8), made_at - 5),
            row(12, None, made_at - 5),
            row(13, Some(7), made_at + 1),
            row(14, Some(7), made_at),
        ];
        let log_id = Uuid::from_u128(1);
        let range = Range { log_id, partition: 3, from: 10, to: 15, logged_at: made_at + 9, rows, books: Vec::new() };
        let places = late(&control.directory(), &range);
        let found: Vec<_> = places.iter().map(|place| (place.log_id, place.partition, place.position)).collect();
        assert_eq!(found, [(log_id, 3, 10), (log_id, 3, 14)]);
        assert_eq!(due(r#"{"erasure":"x"}"#, 5), None);
    }
}
