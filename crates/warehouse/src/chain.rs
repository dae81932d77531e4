//! The chain of watermarks: a range of the log becomes one block of `events_data`, then of `event_ids`, then of
//! `rates_15m_data`. Each block carries, in the same part, how far its table has got; each insert lands wholly or not at
//! all, only if the table stands exactly where the range begins, and is believed only once it has been read back.
//!
//! An insert is conditional and carries a deduplication token. The condition fences off a second owner of the partition;
//! the token stops a statement that is still under way from landing twice. Either alone loses or doubles. The token's last
//! number rises only when a clear answer was followed by a read-back that shows nothing, since a token may have been
//! remembered for a part that a kill then took away.

mod derive;

use std::sync::Arc;
use std::time::Duration;

use clickhouse::Row;
use clickhouse::native::Block;
use serde::Deserialize;
use uuid::Uuid;

use crate::client::quoted;
use crate::rows::Range;
use crate::{Warehouse, WarehouseError};

/// Settings that make one statement one block and so one part, on the disk before it answers.
const ONE_PART: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("max_block_size", "1048448"),
    ("min_insert_block_size_rows", "1048448"),
    ("min_insert_block_size_bytes", "0"),
    ("max_insert_block_size", "1048448"),
    ("insert_deduplicate", "1"),
    // Rows of one key are summed by the table's merges, not a second time while they are written.
    ("optimize_on_insert", "0"),
    ("max_execution_time", "50"),
];
const TRIES: u32 = 6;

/// A table of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Events,
    Ids,
    Rates,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Events => "events_data",
            Self::Ids => "event_ids",
            Self::Rates => "rates_15m_data",
        }
    }

    /// How far the table has got with a partition of a log. A scalar subquery is nullable, hence `ifNull`.
    const fn watermark(self) -> &'static str {
        match self {
            Self::Events => {
                "ifNull((SELECT max(range_to) FROM events_data WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} \
                 AND partition = {partition:UInt32} AND occurred_at >= fromUnixTimestamp64Milli({since:Int64})), 0)"
            }
            Self::Ids => {
                "ifNull((SELECT max(position) FROM event_ids WHERE hash = toFixedString('', 16) AND log_id = {log:UUID} \
                 AND partition = {partition:UInt32}), 0)"
            }
            Self::Rates => {
                "ifNull((SELECT max(upto) FROM rates_15m_data WHERE site = '' AND grain = '' \
                 AND service = toString({partition:UInt32}) AND category = toString({log:UUID})), 0)"
            }
        }
    }
}

/// Where a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermarks {
    pub events: u64,
    pub ids: u64,
    pub rates: u64,
    /// `logged_at` of the newest range.
    pub logged_at: i64,
}

/// One partition's writer. One process owns it; a second one is fenced off.
pub struct Chain {
    warehouse: Arc<Warehouse>,
    log_id: Uuid,
    partition: u32,
    /// This writer's own staging table.
    staging: String,
    marks: Watermarks,
}

#[derive(Row, Deserialize)]
struct Newest {
    to: u64,
    logged_at: i64,
}

impl Chain {
    /// Reads where the partition stands, and brings the derived tables up to `events_data`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn open(warehouse: Arc<Warehouse>, log_id: Uuid, partition: u32) -> Result<Self, WarehouseError> {
        let staging = format!("staging_p{partition}_{}", Uuid::new_v4().simple());
        let create = format!("CREATE TABLE {} ENGINE = Memory AS SELECT * FROM events_data LIMIT 0", quoted(&staging));
        warehouse.client().query(&create).execute().await?;
        let mut chain = Self { warehouse, log_id, partition, staging, marks: Watermarks::default() };
        chain.read_back().await?;
        chain.catch_up(Table::Ids).await?;
        chain.catch_up(Table::Rates).await?;
        Ok(chain)
    }

    pub const fn watermarks(&self) -> Watermarks {
        self.marks
    }

    /// Writes a range and derives from it. On return all three tables stand at `range.to`.
    ///
    /// # Errors
    /// [`WarehouseError::Fenced`] where another process has written this partition since; the engine's.
    pub async fn write(&mut self, range: &Range) -> Result<(), WarehouseError> {
        let block = range.block()?;
        self.stage(&block).await?;
        let staging = quoted(&self.staging);
        let body = format!("SELECT * FROM {staging}");
        self.land(Table::Events, range.from, range.to, &body).await?;
        self.marks.logged_at = range.logged_at;
        let body = derive::ids(&staging, "1");
        self.land(Table::Ids, range.from, range.to, &body).await?;
        let body = derive::rates(&staging, "1");
        self.land(Table::Rates, range.from, range.to, &body).await
    }

    /// Drops the staging table. The watermarks need nothing.
    pub async fn close(self) {
        let drop = format!("DROP TABLE IF EXISTS {}", quoted(&self.staging));
        if let Err(error) = self.warehouse.client().query(&drop).execute().await {
            tracing::debug!(%error, self.partition, "warehouse.staging_not_dropped");
        }
    }

    async fn stage(&self, block: &Block) -> Result<(), WarehouseError> {
        let staging = quoted(&self.staging);
        let client = self.warehouse.client();
        client.query(&format!("TRUNCATE TABLE {staging}")).execute().await?;
        let mut insert = client.insert_native_unescaped(&staging).with_setting("max_insert_block_size", "1048448");
        insert = insert.with_setting("min_insert_block_size_rows", "1048448");
        insert = insert.with_setting("min_insert_block_size_bytes", "0");
        insert.write(block).await?;
        Ok(insert.end().await?)
    }

    /// Reads all watermarks as they are in the tables.
    async fn read_back(&mut self) -> Result<(), WarehouseError> {
        let newest = "SELECT max(range_to) AS to, toUnixTimestamp64Milli(max(occurred_at)) AS logged_at FROM events_data \
                      WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32}";
        let query = self.warehouse.client().query(newest).param("log", self.log_id.to_string());
        let newest: Newest = query.param("partition", self.partition).fetch_one().await?;
        self.marks.events = newest.to;
        self.marks.logged_at = if newest.to == 0 { 0 } else { newest.logged_at };
        self.marks.ids = self.stands_at(Table::Ids).await?;
        self.marks.rates = self.stands_at(Table::Rates).await?;
        Ok(())
    }

    async fn stands_at(&self, table: Table) -> Result<u64, WarehouseError> {
        let query = self.with_params(&format!("SELECT toUInt64({})", table.watermark()));
        Ok(query.fetch_one::<u64>().await?)
    }

    fn with_params(&self, sql: &str) -> clickhouse::query::Query {
        let query = self.warehouse.client().query_raw(sql).param("log", self.log_id.to_string());
        query.param("partition", self.partition).param("since", self.marks.logged_at)
    }

    /// Derives what a kill left out between `events_data` and a later table.
    async fn catch_up(&mut self, table: Table) -> Result<(), WarehouseError> {
        let (from, to) = (self.mark(table), self.marks.events);
        if from >= to {
            return Ok(());
        }
        tracing::info!(partition = self.partition, table = table.name(), from, to, "warehouse.catching_up");
        let condition = format!(
            "kind != 'range' AND log_id = {{log:UUID}} AND partition = {{partition:UInt32}} \
             AND position >= {from} AND position < {to}"
        );
        let body = match table {
            Table::Events => return Ok(()),
            Table::Ids => derive::ids("events_data", &condition),
            Table::Rates => derive::rates("events_data", &condition),
        };
        self.land(table, from, to, &body).await
    }

    const fn mark(&self, table: Table) -> u64 {
        match table {
            Table::Events => self.marks.events,
            Table::Ids => self.marks.ids,
            Table::Rates => self.marks.rates,
        }
    }

    /// Inserts what `body` selects if the table stands at `from`, and reads back that it stands at `to`.
    async fn land(&mut self, table: Table, from: u64, to: u64, body: &str) -> Result<(), WarehouseError> {
        let mut n = 0;
        for attempt in 0..TRIES {
            let answer = self.insert(table, from, to, n, body).await;
            let found = match self.stands_at(table).await {
                Ok(found) => found,
                Err(error) if attempt + 1 < TRIES => {
                    tracing::warn!(%error, table = table.name(), "warehouse.read_back_failed");
                    pause(attempt).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if found == to {
                match table {
                    Table::Events => self.marks.events = to,
                    Table::Ids => self.marks.ids = to,
                    Table::Rates => self.marks.rates = to,
                }
                return Ok(());
            }
            if found != from {
                return Err(WarehouseError::Fenced { partition: self.partition, expected: from, found });
            }
            match answer {
                Ok(()) => n += 1,
                Err(error) if is_refusal(&error) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%error, table = table.name(), attempt, "warehouse.insert_unclear");
                    pause(attempt).await;
                }
            }
        }
        Err(WarehouseError::DoesNotLand { table: table.name(), partition: self.partition, from })
    }

    async fn insert(
        &self,
        table: Table,
        from: u64,
        to: u64,
        n: u32,
        body: &str,
    ) -> Result<(), clickhouse::error::Error> {
        let name = table.name();
        let sql = format!("INSERT INTO {name} SELECT * FROM ({body}) WHERE {} = {{from:UInt64}}", table.watermark());
        let token = format!("{name}/{}/{}/{from}/{n}", self.log_id, self.partition);
        let mut query = self.with_params(&sql).param("from", from).param("to", to);
        for (setting, value) in ONE_PART {
            query = query.with_setting(*setting, *value);
        }
        query.with_setting("insert_deduplication_token", token).execute().await
    }
}

/// Whether the engine itself answered that the statement failed (against an answer that never came). A statement that ran
/// out of time or memory may do better later.
fn is_refusal(error: &clickhouse::error::Error) -> bool {
    let clickhouse::error::Error::BadResponse(text) = error else { return false };
    let passing = [
        "TIMEOUT_EXCEEDED",
        "MEMORY_LIMIT_EXCEEDED",
        "TOO_MANY_PARTS",
        "TOO_MANY_SIMULTANEOUS_QUERIES",
        "NOT_ENOUGH_SPACE",
    ];
    text.contains("DB::Exception") && !passing.iter().any(|name| text.contains(name))
}

async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(100 << attempt.min(6))).await;
}
