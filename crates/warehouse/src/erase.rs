//! Erasing events: a redacted row takes the place of each, what it gave to the roll-up is kept without it, and its bytes go.
//!
//! The subject is part of the table's key, so a row cannot be changed in its place. A batch goes: what is to go is written to
//! `erasing`; what it gave to the roll-up goes into `erased_rates`, with a row that says so in the same part; redacted rows go
//! into `events_data`; a mutation takes the originals away; the batch is dropped. Whatever a kill leaves, [`Warehouse::erase`]
//! of the same batch makes up for: each step finds out what the one before has done. In between a position may have both rows: readers
//! of rows take the redacted one.
//!
//! Nothing but `erasing` names the subject: mutations keep their text for long, so theirs names the batch.
//!
//! A rebuild of the derived tables and an erasure keep out of each other's way: each shows itself (a table aside, a batch)
//! before it looks for the other.

use std::collections::HashMap;

use clickhouse::Row;
use clickhouse::native::builder::BlockBuilder;
use serde::Deserialize;
use uuid::Uuid;

use crate::chain::derive;
use crate::trees::column;
use crate::{Warehouse, WarehouseError};

/// Events in one batch at most.
pub const MOST: usize = 10_000;

/// How often an insert is tried under new tokens until its rows are read back.
const TRIES: u32 = 3;

/// Statements of which each makes one part, on the disk before it answers.
const ONE_PART: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("max_block_size", "1048448"),
    ("min_insert_block_size_rows", "1048448"),
    ("min_insert_block_size_bytes", "0"),
    ("insert_deduplicate", "1"),
    ("optimize_on_insert", "0"),
];

/// The events of batch `{batch}`, found by key.
const OF_BATCH: &str = "site IN (SELECT site FROM erasing WHERE batch = {batch:UUID}) \
    AND subject IN (SELECT subject FROM erasing WHERE batch = {batch:UUID}) \
    AND (log_id, partition, position) IN (SELECT log_id, partition, position FROM erasing WHERE batch = {batch:UUID})";

/// The redacted rows of batch `{batch}`, found by key.
const REDACTED: &str = "SELECT log_id, partition, position FROM events_data \
    WHERE site IN (SELECT site FROM erasing WHERE batch = {batch:UUID}) \
    AND subject = toUUID('00000000-0000-0000-0000-000000000000') AND kind = 'erased' \
    AND (log_id, partition, position) IN (SELECT log_id, partition, position FROM erasing WHERE batch = {batch:UUID})";

/// Whether a row of `events_data` is one of two at its position, the other one being redacted: only while its batch is
/// under way.
const SUPERSEDED: &str = "(kind = 'event' AND (log_id, partition, position) IN (\
    SELECT log_id, partition, position FROM events_data \
    WHERE site IN (SELECT site FROM erasing) AND subject = toUUID('00000000-0000-0000-0000-000000000000') \
    AND kind = 'erased' AND (log_id, partition, position) IN (SELECT log_id, partition, position FROM erasing)))";

/// Where an event lies that is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub site: String,
    pub subject: Uuid,
    pub log_id: Uuid,
    pub partition: u32,
    pub position: u64,
}

/// A partition's owner, who alone works on its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub log_id: Uuid,
    pub partition: u32,
}

/// How far an erasure reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    pub site: String,
    pub subject: Uuid,
    /// The log and partition in which the subject's records lie now. Of earlier logs everything is taken.
    pub owner: Owner,
    /// Positions below are taken.
    pub upto: u64,
    /// And what was received by then, in ms since 1970.
    pub received_by: i64,
}

/// An erasure that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub id: Uuid,
    /// Whether its tombstone was read from the log, at `position`.
    pub in_order: bool,
    pub owner: Owner,
    pub position: u64,
    pub events: u64,
}

/// A tombstone in `events_data` that was not applied in order yet.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Pending {
    pub position: u64,
    pub body: String,
}

#[derive(Row, Deserialize)]
struct PlaceRow {
    #[serde(with = "clickhouse::serde::uuid")]
    log_id: Uuid,
    partition: u32,
    position: u64,
}

#[derive(Row, Deserialize)]
struct IdRow {
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    in_order: bool,
}

#[derive(Row, Deserialize)]
struct BatchRow {
    #[serde(with = "clickhouse::serde::uuid")]
    batch: Uuid,
    /// One past the highest position of the owner's own log and partition.
    upto: u64,
}

/// A batch that a stop has left, and one past its highest position in its owner's partition.
pub type Unfinished = (Uuid, u64);

impl Warehouse {
    /// Subjects of a site that have events, by the hashes of [`avow_schemas::rights::HashedSubject`] under one salt: one pass
    /// over the site's subjects.
    ///
    /// # Errors
    /// The engine's.
    pub async fn subjects_behind(
        &self,
        site: &str,
        salt: &str,
        digests: &[String],
    ) -> Result<Vec<(Uuid, String)>, WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Found {
            #[serde(with = "clickhouse::serde::uuid")]
            subject: Uuid,
            digest: String,
        }
        let select = "SELECT subject, digest FROM (SELECT subject, lower(hex(SHA256(concat({domain:String}, {salt:String}, \
                      {site:String}, char(0), UUIDStringToNum(toString(subject)))))) AS digest FROM (SELECT DISTINCT subject \
                      FROM events_data WHERE site = {site:String} AND kind = 'event' \
                      AND subject != toUUID('00000000-0000-0000-0000-000000000000'))) WHERE digest IN {digests:Array(String)}";
        let query = self.client().query_raw(select).param("domain", avow_schemas::rights::DOMAIN).param("salt", salt);
        let found: Vec<Found> = query.param("site", site).param("digests", digests).fetch_all().await?;
        Ok(found.into_iter().map(|found| (found.subject, found.digest)).collect())
    }

    /// The events within an extent, [`MOST`] at most.
    ///
    /// # Errors
    /// The engine's.
    pub async fn places(&self, extent: &Extent) -> Result<Vec<Place>, WarehouseError> {
        let select = format!(
            "SELECT log_id, partition, position FROM events_data WHERE site = {{site:String}} AND subject = {{subject:UUID}} \
             AND kind = 'event' AND (log_id != {{log:UUID}} OR partition != {{partition:UInt32}} OR position < {{upto:UInt64}} \
             OR received_at <= fromUnixTimestamp64Milli({{received:Int64}}, 'UTC')) \
             ORDER BY log_id, partition, position LIMIT {MOST}"
        );
        let query = self.client().query_raw(&select).param("site", &extent.site);
        let query = query.param("subject", extent.subject.to_string()).param("log", extent.owner.log_id.to_string());
        let query = query.param("partition", extent.owner.partition).param("upto", extent.upto);
        let rows: Vec<PlaceRow> = query.param("received", extent.received_by).fetch_all().await?;
        let place = |PlaceRow { log_id, partition, position }| Place {
            site: extent.site.clone(),
            subject: extent.subject,
            log_id,
            partition,
            position,
        };
        Ok(rows.into_iter().map(place).collect())
    }

    /// Notes a batch, durably, before anything of it is changed.
    ///
    /// # Errors
    /// The engine's.
    pub async fn begin_erasing(&self, batch: Uuid, owner: Owner, places: &[Place]) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "batch", places.iter().map(|_| batch))?;
        column(&mut block, "owner_log", places.iter().map(|_| owner.log_id))?;
        column(&mut block, "owner", places.iter().map(|_| owner.partition))?;
        column(&mut block, "site", places.iter().map(|place| place.site.as_str()))?;
        column(&mut block, "subject", places.iter().map(|place| place.subject))?;
        column(&mut block, "log_id", places.iter().map(|place| place.log_id))?;
        column(&mut block, "partition", places.iter().map(|place| place.partition))?;
        column(&mut block, "position", places.iter().map(|place| place.position))?;
        self.put("erasing", block).await
    }

    /// Takes the events of a batch away; false where a rebuild of the derived tables is under way: later, then.
    ///
    /// # Errors
    /// The engine's. The batch stays, and may be erased again.
    pub async fn erase(&self, batch: Uuid) -> Result<bool, WarehouseError> {
        if self.is_being_rebuilt().await? {
            return Ok(false);
        }
        self.keep_rates(batch).await?;
        self.put_redacted(batch).await?;
        self.take_away(batch).await?;
        self.drop_batch(batch).await?;
        Ok(true)
    }

    /// Forgets a batch of which nothing was changed, or all is done.
    ///
    /// # Errors
    /// The engine's.
    pub async fn drop_batch(&self, batch: Uuid) -> Result<(), WarehouseError> {
        let drop = format!("ALTER TABLE erasing DROP PARTITION '{batch}'");
        Ok(self.client().query(&drop).execute().await?)
    }

    /// The batches that a stop has left to a partition's owner; those of earlier logs are left to partition 0.
    ///
    /// # Errors
    /// The engine's.
    pub async fn unfinished(&self, owner: Owner) -> Result<Vec<Unfinished>, WarehouseError> {
        let select = "SELECT batch, maxIf(position + 1, log_id = {log:UUID} AND partition = {partition:UInt32}) AS upto FROM erasing \
                      WHERE (owner_log = {log:UUID} AND owner = {partition:UInt32}) \
                      OR (owner_log != {log:UUID} AND {partition:UInt32} = 0) GROUP BY batch";
        let query = self.client().query_raw(select).param("log", owner.log_id.to_string());
        let rows: Vec<BatchRow> = query.param("partition", owner.partition).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.batch, row.upto)).collect())
    }

    /// Whether any batch is under way.
    ///
    /// # Errors
    /// The engine's.
    pub async fn is_erasing(&self) -> Result<bool, WarehouseError> {
        Ok(self.client().query("SELECT count() FROM erasing").fetch_one::<u64>().await? > 0)
    }

    /// A statement over rows of `events_data`, its `{SUPERSEDED}` filled in: nothing is read for it while no batch is under
    /// way.
    pub(crate) async fn without_superseded(&self, sql: &str) -> Result<String, WarehouseError> {
        let superseded = if self.is_erasing().await? { SUPERSEDED } else { "0" };
        Ok(sql.replace("{SUPERSEDED}", superseded))
    }

    async fn statement(&self, sql: &str, batch: Uuid, token: Option<String>) -> Result<(), WarehouseError> {
        let mut query = self.client().query_raw(sql).param("batch", batch.to_string());
        // What a derived selection's last row says: here, which batch it was.
        query = query.param("log", batch.to_string()).param("partition", 0_u32).param("to", 1_u64);
        for (setting, value) in ONE_PART {
            query = query.with_setting(*setting, *value);
        }
        if let Some(token) = token {
            query = query.with_setting("insert_deduplication_token", token);
        }
        Ok(query.execute().await?)
    }

    async fn count(&self, sql: &str, batch: Uuid) -> Result<u64, WarehouseError> {
        Ok(self.client().query_raw(sql).param("batch", batch.to_string()).fetch_one().await?)
    }

    /// Keeps what the batch's events have given to the roll-up, once.
    async fn keep_rates(&self, batch: Uuid) -> Result<(), WarehouseError> {
        const KEPT: &str = "SELECT count() FROM erased_rates WHERE site = '' AND category = toString({batch:UUID})";
        let insert = format!(
            "INSERT INTO erased_rates SELECT * FROM ({}) WHERE ifNull(({KEPT}), 0) = 0",
            derive::rates("events_data", OF_BATCH)
        );
        for number in 0..TRIES {
            if self.count(KEPT, batch).await? > 0 {
                return Ok(());
            }
            self.statement(&insert, batch, Some(format!("erased_rates/{batch}/{number}"))).await?;
        }
        if self.count(KEPT, batch).await? > 0 { Ok(()) } else { Err(does_not_land("erased_rates")) }
    }

    /// Puts the redacted rows that are not there yet.
    async fn put_redacted(&self, batch: Uuid) -> Result<(), WarehouseError> {
        let missing = format!(
            "SELECT count() FROM events_data WHERE kind = 'event' AND {OF_BATCH} \
             AND (log_id, partition, position) NOT IN ({REDACTED})"
        );
        let insert = format!(
            "INSERT INTO events_data (site, subject, occurred_at, id, kind, log_id, partition, position, logged_at, ledger, \
             leaf, leaf_kind, commitment) \
             SELECT site, toUUID('00000000-0000-0000-0000-000000000000'), logged_at, \
             toUUID('00000000-0000-0000-0000-000000000000'), 'erased', log_id, partition, position, logged_at, ledger, leaf, \
             leaf_kind, commitment FROM events_data \
             WHERE kind = 'event' AND {OF_BATCH} AND (log_id, partition, position) NOT IN ({REDACTED})"
        );
        for number in 0..TRIES {
            if self.count(&missing, batch).await? == 0 {
                return Ok(());
            }
            self.statement(&insert, batch, Some(format!("erased/{batch}/{number}"))).await?;
        }
        if self.count(&missing, batch).await? == 0 { Ok(()) } else { Err(does_not_land("events_data")) }
    }

    /// Takes the originals away, bytes and all: the engine removes the parts that it replaces after some minutes.
    async fn take_away(&self, batch: Uuid) -> Result<(), WarehouseError> {
        let left = format!("SELECT count() FROM events_data WHERE kind = 'event' AND {OF_BATCH}");
        if self.count(&left, batch).await? == 0 {
            return Ok(());
        }
        // A mutation keeps its text: it names the batch and nobody.
        let delete = format!(
            "ALTER TABLE events_data DELETE WHERE kind = 'event' AND {} SETTINGS mutations_sync = 2",
            OF_BATCH.replace("{batch:UUID}", &format!("toUUID('{batch}')"))
        );
        self.client().query(&delete).execute().await?;
        if self.count(&left, batch).await? == 0 { Ok(()) } else { Err(does_not_land("events_data")) }
    }

    /// Notes that an erasure was applied.
    ///
    /// # Errors
    /// The engine's.
    pub async fn note_erasure(&self, applied: &Applied) -> Result<(), WarehouseError> {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut block = BlockBuilder::new();
        column(&mut block, "id", [applied.id].into_iter())?;
        column(&mut block, "in_order", [applied.in_order].into_iter())?;
        column(&mut block, "log_id", [applied.owner.log_id].into_iter())?;
        column(&mut block, "partition", [applied.owner.partition].into_iter())?;
        column(&mut block, "position", [applied.position].into_iter())?;
        column(&mut block, "events", [applied.events].into_iter())?;
        column(&mut block, "applied_at", [crate::rows::Moment(now)].into_iter())?;
        self.put("erasures", block).await
    }

    /// The erasures that were applied, and whether in order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn applied_erasures(&self) -> Result<HashMap<Uuid, bool>, WarehouseError> {
        let select = "SELECT id, max(in_order) AS in_order FROM erasures GROUP BY id";
        let rows: Vec<IdRow> = self.client().query(select).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.id, row.in_order)).collect())
    }

    /// Whether an erasure was applied, and to how many events.
    ///
    /// # Errors
    /// The engine's.
    pub async fn applied_erasure(&self, id: Uuid) -> Result<Option<u64>, WarehouseError> {
        let select = "SELECT sum(events) FROM erasures WHERE id = {id:UUID} GROUP BY id";
        Ok(self.client().query_raw(select).param("id", id.to_string()).fetch_optional().await?)
    }

    /// The tombstones of these sites that were stored in a partition and not applied in order, oldest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn pending_tombstones(&self, owner: Owner, sites: &[String]) -> Result<Vec<Pending>, WarehouseError> {
        let select = "SELECT position, control_body AS body FROM events_data WHERE site IN {sites:Array(String)} \
                      AND kind = 'control' AND subject = toUUID('00000000-0000-0000-0000-000000000000') AND control_kind = 'tombstone' \
                      AND log_id = {log:UUID} AND partition = {partition:UInt32} \
                      AND (log_id, partition, position) NOT IN (SELECT log_id, partition, position FROM erasures WHERE in_order) \
                      ORDER BY position";
        let query = self.client().query_raw(select).param("log", owner.log_id.to_string()).param("sites", sites);
        Ok(query.param("partition", owner.partition).fetch_all().await?)
    }
}

fn does_not_land(table: &'static str) -> WarehouseError {
    WarehouseError::DoesNotLand { table, partition: 0, from: 0 }
}
