//! Making the derived tables anew from `events_data` and its range rows, while the processors go on writing.
//!
//! Per table: a second one of the same definition is filled, aside, up to where `events_data` stood at the beginning, then
//! up to where it stands now, again and again until little is missing; then `EXCHANGE TABLES` puts it in the other's place
//! in one step. What was written meanwhile is derived by the partition's owner, as after a kill, and by nobody else: a second
//! writer at that moment could land a range under another token. Aside there is no other writer and nobody who reads, so the inserts need no condition and may be many blocks; a rebuild that breaks off leaves
//! only a table that the next one drops.
//!
//! A processor notices by finding the table lower than it left it ([`WarehouseError::Fenced`]), with its next insert or,
//! where it is quiet, by [`Warehouse::derived_stand`], and opens its partition again. Its insert that is under way meanwhile loses nothing: the engine takes an insert's target before it works out
//! the condition (`tests/e2e/rebuild.rs` holds it to that), so rows can only land in the table that is dropped. And no
//! repeat slips through the moment in which ids are missing: whoever looks ids up demands the watermark in the same read.
//!
//! What `events_data` no longer has cannot be derived. Ids of events that were removed or erased are copied from the old
//! table. What erased events gave to the roll-up is in `erased_rates`; counts of events that were removed otherwise cannot be told
//! apart in the roll-up: it is then kept as it is. A rebuild waits for the erasures that are under way ([`crate::erase`]), and erasures for
//! the rebuild.

mod source;

use std::sync::Arc;
use std::time::Duration;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use self::source::{INTACT, Slice, Source, Stand};
use crate::chain::derive;
use crate::client::quoted;
use crate::{Warehouse, WarehouseError};

/// Rows of `events_data` that may be missing when the tables are exchanged: the gap that is caught up afterwards.
const SMALL_GAP: u64 = 20_000;
/// Rounds of catching up before the tables are exchanged whatever is missing.
const ROUNDS: usize = 8;
/// A table aside that was written within this time (seconds) belongs to a rebuild that is under way. Such a one writes, or
/// is begun, more often than that.
const UNDER_WAY_SECONDS: u32 = 120;
/// How often, and how far apart, it is looked whether the processors have caught the new tables up.
const LOOKS: usize = 100;
/// Looks at whether erasures that are under way have come to their end.
const LOOKS_AT_ERASURES: usize = 300;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// For filling a table aside: plain inserts, one thread, so that memory stays bounded.
const ASIDE: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("max_threads", "1"),
    ("max_insert_threads", "1"),
    ("insert_deduplicate", "0"),
    ("optimize_on_insert", "0"),
    ("max_execution_time", "0"),
];

/// Why tables were not made anew. Whatever it is, the tables in use are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error("another rebuild is filling {0}; wait until it is done, or {UNDER_WAY_SECONDS} seconds if it was killed")]
    UnderWay(String),
    #[error(
        "partition {partition} of log {log_id}: events_data has {rows} rows of {stored} stored records. Tables made from it \
         would lack them too: restore events_data from a backup first"
    )]
    RowsMissing { log_id: Uuid, partition: u32, stored: u64, rows: u64 },
    #[error("an erasure is under way and does not come to its end; try again once the processor has done it")]
    Erasing,
    #[error("events were removed while their counts were being made anew: {0}")]
    Removed(String),
    #[error(
        "partition {partition} of log {log_id}: the ranges in events_data cover {covered} of {span} positions. Restore \
         events_data from a backup first"
    )]
    RangesMissing { log_id: Uuid, partition: u32, covered: u64, span: u64 },
}

impl From<clickhouse::error::Error> for RebuildError {
    fn from(error: clickhouse::error::Error) -> Self {
        Self::Warehouse(error.into())
    }
}

/// How far the derived tables have got with a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct DerivedStand {
    pub ids: u64,
    pub rates: u64,
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Rows of `events_data` that were derived from.
    pub rows: u64,
    /// Ids that could only be copied.
    pub ids_copied: u64,
    /// Why the roll-up was kept as it was, where it was.
    pub rates_kept: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Derived {
    Ids,
    Rates,
}

impl Derived {
    const fn name(self) -> &'static str {
        match self {
            Self::Ids => "event_ids",
            Self::Rates => "rates_15m_data",
        }
    }

    fn body(self, condition: &str) -> String {
        match self {
            Self::Ids => derive::ids("events_data", condition),
            Self::Rates => derive::rates("events_data", condition),
        }
    }

    /// What tells a row from a watermark.
    const fn is_no_watermark(self) -> &'static str {
        match self {
            Self::Ids => "hash != toFixedString('', 16)",
            Self::Rates => "site != ''",
        }
    }
}

#[derive(Row, Deserialize)]
struct Aside {
    name: String,
    quiet_seconds: u32,
}

impl Warehouse {
    /// Makes `event_ids` and `rates_15m_data` anew. `id` names this rebuild: begun again under the same id it drops what it
    /// had left; one under another id is refused while this one is under way. `progress` is called with a share of the
    /// whole, 0 to 1.
    ///
    /// # Errors
    /// Where `events_data` itself is not whole, where another rebuild is under way; the engine's.
    pub async fn rebuild(
        self: &Arc<Self>,
        id: Uuid,
        progress: impl Fn(f64) + Send + Sync,
    ) -> Result<Rebuilt, RebuildError> {
        self.sweep(id).await?;
        let rebuilt = self.rebuild_all(id, &progress).await;
        if rebuilt.is_err() {
            // The next one need not wait for this one's table to be seen as left behind.
            if let Err(error) = self.drop_aside(id).await {
                tracing::warn!(%error, "warehouse.rebuild_not_swept");
            }
        }
        rebuilt
    }

    /// How far the derived tables have got with a partition.
    ///
    /// # Errors
    /// The engine's.
    pub async fn derived_stand(&self, log_id: Uuid, partition: u32) -> Result<DerivedStand, WarehouseError> {
        let select = "SELECT ifNull((SELECT max(position) FROM event_ids WHERE hash = toFixedString('', 16) \
                      AND log_id = {log:UUID} AND partition = {partition:UInt32}), 0) AS ids, \
                      ifNull((SELECT max(upto) FROM rates_15m_data WHERE site = '' AND grain = '' \
                      AND service = toString({partition:UInt32}) AND category = toString({log:UUID})), 0) AS rates";
        let query = self.client().query_raw(select).param("log", log_id.to_string()).param("partition", partition);
        Ok(query.fetch_one().await?)
    }

    async fn rebuild_all(
        self: &Arc<Self>,
        id: Uuid,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Rebuilt, RebuildError> {
        let shown = quoted(&shown_as(id));
        self.client().query(&format!("CREATE TABLE {shown} (none UInt8) ENGINE = Memory")).execute().await?;
        self.no_erasure_is_under_way().await?;
        let source = Source::read(self).await?;
        source.check()?;
        let rates_kept = source.why_rates_are_kept(self).await?;
        let slices = source.slices(self).await?;
        let rows: u64 = slices.iter().map(|slice| slice.rows).sum();
        let tables: &[Derived] = if rates_kept.is_some() { &[Derived::Ids] } else { &[Derived::Ids, Derived::Rates] };
        let mut work = Work { warehouse: self, id, source: &source, slices: &slices, progress, done: 0 };
        work.progress(tables.len() as u64 * rows.max(1));
        let mut ids_copied = 0;
        for table in tables {
            let copied = work.table(*table, tables.len() as u64 * rows.max(1)).await?;
            ids_copied += copied;
        }
        self.client().query(&format!("DROP TABLE IF EXISTS {shown}")).execute().await?;
        progress(1.0);
        Ok(Rebuilt { rows, ids_copied, rates_kept })
    }

    /// Returns once no erasure is under way; those that begin from now on see the rebuild and wait.
    async fn no_erasure_is_under_way(&self) -> Result<(), RebuildError> {
        for _ in 0..LOOKS_AT_ERASURES {
            if !self.is_erasing().await? {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(RebuildError::Erasing)
    }

    /// Whether a rebuild is under way, as far as can be seen.
    pub(crate) async fn is_being_rebuilt(&self) -> Result<bool, WarehouseError> {
        Ok(self.asides().await?.iter().any(|aside| aside.quiet_seconds < UNDER_WAY_SECONDS))
    }

    /// The tables that rebuilds fill aside, or have left.
    async fn asides(&self) -> Result<Vec<Aside>, WarehouseError> {
        let select = "SELECT name, toUInt32(greatest(0, dateDiff('second', greatest(metadata_modification_time, \
                      ifNull((SELECT max(modification_time) FROM system.parts WHERE database = {database:String} \
                      AND table LIKE '%\\_rebuilt\\_%'), toDateTime(0))), now()))) AS quiet_seconds FROM system.tables \
                      WHERE database = {database:String} AND name LIKE '%\\_rebuilt\\_%'";
        Ok(self.client().query_raw(select).param("database", self.database()).fetch_all::<Aside>().await?)
    }

    async fn drop_aside(&self, id: Uuid) -> Result<(), RebuildError> {
        for table in [aside_of(Derived::Ids, id), aside_of(Derived::Rates, id), shown_as(id)] {
            let drop = format!("DROP TABLE IF EXISTS {}", quoted(&table));
            self.client().query(&drop).execute().await?;
        }
        Ok(())
    }

    /// Drops what rebuilds that broke off have left.
    async fn sweep(&self, id: Uuid) -> Result<(), RebuildError> {
        let own = id.simple().to_string();
        for aside in self.asides().await? {
            if !aside.name.ends_with(&own) && aside.quiet_seconds < UNDER_WAY_SECONDS {
                return Err(RebuildError::UnderWay(aside.name));
            }
            tracing::info!(table = aside.name, "warehouse.rebuild_swept");
            self.client().query(&format!("DROP TABLE IF EXISTS {}", quoted(&aside.name))).execute().await?;
        }
        Ok(())
    }
}

/// The name of a table that is filled aside.
fn aside_of(table: Derived, id: Uuid) -> String {
    format!("{}_rebuilt_{}", table.name(), id.simple())
}

/// The name of the table by which a rebuild shows itself from its first moment to its last.
fn shown_as(id: Uuid) -> String {
    format!("erasures_wait_rebuilt_{}", id.simple())
}

struct Work<'a> {
    warehouse: &'a Arc<Warehouse>,
    id: Uuid,
    source: &'a Source,
    slices: &'a [Slice],
    progress: &'a (dyn Fn(f64) + Send + Sync),
    /// Rows derived so far, over all tables.
    done: u64,
}

impl Work<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a share of a whole, for a bar")]
    fn progress(&self, of: u64) {
        (self.progress)((self.done as f64 / of as f64).min(0.99));
    }

    /// Makes one table anew and puts it in its place; how many rows were copied.
    async fn table(&mut self, table: Derived, of: u64) -> Result<u64, RebuildError> {
        let aside = aside_of(table, self.id);
        let client = self.warehouse.client();
        client.query(&format!("CREATE TABLE {} AS {}", quoted(&aside), table.name())).execute().await?;
        for slice in self.slices {
            let condition = format!("{} AND {}", self.source.derivable(), slice.condition());
            let sql = format!(
                "INSERT INTO {} SELECT * FROM ({}) WHERE {}",
                quoted(&aside),
                table.body(&condition),
                table.is_no_watermark()
            );
            let query = self.warehouse.client().query_raw(&sql).param("first", &slice.first).param("last", &slice.last);
            run(query, Uuid::nil(), 0, 0).await?;
            self.done += slice.rows;
            self.progress(of);
        }
        for mark in &self.source.marks {
            self.derive(&aside, table, &mark.stand, mark.stand.upto, mark.stand.upto).await?;
        }
        // Read again: what was removed while it was being read is neither derived from nor forgotten.
        let again = Source::read(self.warehouse).await?;
        again.check()?;
        let mut copied = 0;
        match table {
            Derived::Ids => copied = self.copy_ids(&aside, &again).await?,
            Derived::Rates => {
                let erased = format!("INSERT INTO {} SELECT * FROM erased_rates WHERE site != ''", quoted(&aside));
                run(client.query_raw(&erased), Uuid::nil(), 0, 0).await?;
                let removed = again.why_rates_are_kept(self.warehouse).await?;
                removed.map_or(Ok(()), |reason| Err(RebuildError::Removed(reason)))?;
            }
        }
        self.catch_up(&aside, table).await?;
        let exchange = format!("EXCHANGE TABLES {} AND {}", table.name(), quoted(&aside));
        client.query(&exchange).execute().await?;
        tracing::info!(table = table.name(), "warehouse.rebuilt");
        self.caught_up().await?;
        client.query(&format!("DROP TABLE {}", quoted(&aside))).execute().await?;
        Ok(copied)
    }

    /// Copies the ids that cannot be derived.
    async fn copy_ids(&self, aside: &str, source: &Source) -> Result<u64, RebuildError> {
        let copied = source.only_copied();
        let count = format!("SELECT count() FROM event_ids WHERE hash != toFixedString('', 16) AND ({copied})");
        let rows = self.warehouse.client().query_raw(&count).fetch_one::<u64>().await?;
        let insert = format!("INSERT INTO {} SELECT * FROM event_ids WHERE {copied}", quoted(aside));
        run(self.warehouse.client().query_raw(&insert), Uuid::nil(), 0, 0).await?;
        Ok(rows)
    }

    /// Follows `events_data` until little is missing.
    async fn catch_up(&self, aside: &str, table: Derived) -> Result<(), RebuildError> {
        let mut stands: Vec<Stand> = self.source.marks.iter().map(|mark| mark.stand).collect();
        for _ in 0..ROUNDS {
            let now = source::stands(self.warehouse).await?;
            let mut missing = 0;
            for mark in &now {
                let from = stands.iter().find(|stand| stand.is_of(mark)).map_or(0, |stand| stand.upto);
                if from < mark.upto {
                    missing += mark.upto - from;
                    self.derive(aside, table, mark, from, mark.upto).await?;
                }
            }
            stands = now;
            if missing < SMALL_GAP {
                break;
            }
        }
        Ok(())
    }

    /// Derives positions `[from, to)` of a partition, with the watermark `to`.
    async fn derive(&self, aside: &str, table: Derived, of: &Stand, from: u64, to: u64) -> Result<(), RebuildError> {
        let condition = format!(
            "{INTACT} AND log_id = {{log:UUID}} AND partition = {{partition:UInt32}} AND position >= {from} AND position < {to}"
        );
        let sql = format!("INSERT INTO {} SELECT * FROM ({})", quoted(aside), table.body(&condition));
        run(self.warehouse.client().query_raw(&sql), of.log_id, of.partition, to).await
    }

    /// Waits until the partitions' owners have derived what was written to `events_data` before the tables were exchanged;
    /// not for ever, since there may be none: whoever opens a partition next does it.
    async fn caught_up(&self) -> Result<(), RebuildError> {
        let stands = source::stands(self.warehouse).await?;
        for _ in 0..LOOKS {
            let mut behind = 0;
            for stand in &stands {
                let derived = self.warehouse.derived_stand(stand.log_id, stand.partition).await?;
                behind += usize::from(derived.ids.min(derived.rates) < stand.upto);
            }
            if behind == 0 {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        tracing::info!("warehouse.rebuilt_tables_wait_for_a_processor");
        Ok(())
    }
}

/// Runs an insert aside. The last three are what a derived selection's watermark row says.
async fn run(mut query: clickhouse::query::Query, log_id: Uuid, partition: u32, to: u64) -> Result<(), RebuildError> {
    for (setting, value) in ASIDE {
        query = query.with_setting(*setting, *value);
    }
    let query = query.param("log", log_id.to_string()).param("partition", partition).param("to", to);
    Ok(query.execute().await?)
}
