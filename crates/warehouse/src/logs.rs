//! The logs that this warehouse is derived from: which one now, which ones before, how far each is derived, and by what a
//! log can be told from another that stands in its place.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// A log that the warehouse was, or is, derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct KnownLog {
    #[serde(with = "clickhouse::serde::uuid")]
    pub log_id: Uuid,
    pub partitions: u32,
}

/// How far the three tables of the chain have got with a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Derived {
    pub events: u64,
    pub ids: u64,
    pub rates: u64,
}

impl Derived {
    /// Everything below this is in all of them.
    #[must_use]
    pub fn upto(self) -> u64 {
        self.events.min(self.ids).min(self.rates)
    }
}

/// A stored record of a log: whoever has the log can say whether it holds that record at that position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct Witness {
    pub position: u64,
    /// Of an event its commitment, of a control record SHA-256 of its body.
    pub commitment: [u8; 32],
}

#[derive(Row, Deserialize)]
struct Stand {
    partition: u32,
    upto: u64,
}

#[derive(Row, Deserialize)]
struct NewestRange {
    from: u64,
    to: u64,
    logged_ms: i64,
}

impl Warehouse {
    /// The logs, in the order in which they were begun; the last is the one in force.
    ///
    /// # Errors
    /// The engine's.
    pub async fn logs(&self) -> Result<Vec<KnownLog>, WarehouseError> {
        let select = "SELECT log_id, partitions FROM logs ORDER BY opened_at";
        let mut logs: Vec<KnownLog> = Vec::new();
        for log in self.client().query_raw(select).fetch_all::<KnownLog>().await? {
            // Two processes may have recorded it at the same moment.
            if logs.iter().all(|known| known.log_id != log.log_id) {
                logs.push(log);
            }
        }
        Ok(logs)
    }

    /// Records which log this warehouse is derived from, or refuses another one. A log that took over from the one in
    /// force (`follows`) is not another one: that one was derived to its end before. The answer is the log's epoch: 1 for
    /// the first log of the warehouse, one more for each that followed.
    ///
    /// # Errors
    /// [`WarehouseError::OtherLog`] where the newest recorded log is neither this one nor the one that it follows.
    pub async fn adopt_log(&self, log_id: Uuid, partitions: u32, follows: Option<Uuid>) -> Result<u32, WarehouseError> {
        let logs = self.logs().await?;
        match logs.last() {
            Some(known) if known.log_id == log_id && known.partitions == partitions => {}
            Some(known) if known.log_id == log_id || follows != Some(known.log_id) => {
                return Err(WarehouseError::OtherLog(format!(
                    "the warehouse was derived from log {} with {} partitions, and this is log {log_id} with \
                     {partitions}: point Avow at that log or at an empty warehouse database; or, if that log is gone and \
                     this one is to take its place, stop Avow and run `avow migrate log`",
                    known.log_id, known.partitions
                )));
            }
            _ => self.begin_log(log_id, partitions).await?,
        }
        let logs = self.logs().await?;
        let place = logs.iter().position(|known| known.log_id == log_id);
        let place = place.ok_or_else(|| WarehouseError::UnknownState(format!("log {log_id} was not kept")))?;
        Ok(u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Records a log as the one in force, unless it is recorded.
    ///
    /// # Errors
    /// The engine's.
    pub async fn begin_log(&self, log_id: Uuid, partitions: u32) -> Result<(), WarehouseError> {
        // Later than all others, whatever the clocks say.
        let insert = "INSERT INTO logs SELECT {log:UUID}, {partitions:UInt32}, greatest(now64(3), \
                      ifNull((SELECT max(opened_at) FROM logs), toDateTime64(0, 3, 'UTC')) + INTERVAL 1 MILLISECOND) \
                      WHERE (SELECT count() FROM logs WHERE log_id = {log:UUID}) = 0";
        let query = self.client().query_raw(insert).param("log", log_id.to_string());
        Ok(query.param("partitions", partitions).execute().await?)
    }

    /// How far each of the first `partitions` partitions of a log is derived.
    ///
    /// # Errors
    /// The engine's.
    pub async fn derived(&self, log_id: Uuid, partitions: u32) -> Result<Vec<Derived>, WarehouseError> {
        let events = "SELECT partition, max(range_to) AS upto FROM events_data \
                      WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} GROUP BY partition";
        let ids = "SELECT partition, max(position) AS upto FROM event_ids \
                   WHERE hash = toFixedString('', 16) AND log_id = {log:UUID} GROUP BY partition";
        let rates = "SELECT toUInt32OrZero(CAST(service, 'String')) AS partition, max(upto) AS upto FROM rates_15m_data \
                     WHERE site = '' AND grain = '' AND category = toString({log:UUID}) GROUP BY partition";
        let [events, ids, rates] =
            [self.stand(log_id, events).await?, self.stand(log_id, ids).await?, self.stand(log_id, rates).await?];
        let at = |stands: &HashMap<u32, u64>, partition| stands.get(&partition).copied().unwrap_or(0);
        let derived = |p| Derived { events: at(&events, p), ids: at(&ids, p), rates: at(&rates, p) };
        Ok((0..partitions).map(derived).collect())
    }

    async fn stand(&self, log_id: Uuid, select: &str) -> Result<HashMap<u32, u64>, WarehouseError> {
        let query = self.client().query_raw(select).param("log", log_id.to_string());
        Ok(query.fetch_all::<Stand>().await?.into_iter().map(|stand| (stand.partition, stand.upto)).collect())
    }

    /// The last record of a partition that was stored; `None` where none was.
    ///
    /// # Errors
    /// The engine's.
    pub async fn witness(&self, log_id: Uuid, partition: u32) -> Result<Option<Witness>, WarehouseError> {
        let newest = "SELECT range_from AS from, range_to AS to, toUnixTimestamp64Milli(logged_at) AS logged_ms \
                      FROM events_data WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} \
                      AND partition = {partition:UInt32} AND arraySum(book_stored) > 0 ORDER BY range_to DESC LIMIT 1";
        let query = self.client().query_raw(newest).param("log", log_id.to_string()).param("partition", partition);
        let Some(range) = query.fetch_optional::<NewestRange>().await? else { return Ok(None) };
        // Rows of a range lie in the month of its range row.
        let select = "SELECT position, commitment FROM events_data WHERE kind != 'range' AND log_id = {log:UUID} \
                      AND partition = {partition:UInt32} AND position >= {from:UInt64} AND position < {to:UInt64} \
                      AND toYYYYMM(logged_at) = toYYYYMM(fromUnixTimestamp64Milli({at:Int64}, 'UTC')) \
                      ORDER BY position DESC LIMIT 1";
        let query = self.client().query_raw(select).param("log", log_id.to_string()).param("partition", partition);
        let query = query.param("from", range.from).param("to", range.to).param("at", range.logged_ms);
        Ok(query.fetch_optional::<Witness>().await?)
    }
}
