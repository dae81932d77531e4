//! The books range by range, and whether the ranges of a partition follow one another.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// One range's books, all sites' or one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeBooks {
    pub from: u64,
    /// Exclusive.
    pub to: u64,
    /// When its last record was logged, milliseconds since 1970.
    pub logged_at: i64,
    pub read: u64,
    pub stored: u64,
    pub repeats: u64,
    pub dead_letters: u64,
    /// Rows in the table at its positions.
    pub rows: u64,
    /// Whether the books are of one site, and so of a part of the positions.
    pub of_one_site: bool,
}

impl RangeBooks {
    /// Whether every position has been read, every record read has one fate, and every stored one its row.
    pub const fn balance(&self) -> bool {
        (self.of_one_site || self.read == self.to - self.from)
            && self.read == self.stored + self.repeats + self.dead_letters
            && self.stored == self.rows
    }
}

/// The ranges of a partition, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBooks {
    pub log_id: Uuid,
    pub partition: u32,
    /// Where the first range that is kept begins.
    pub from: u64,
    /// Where the last one ends.
    pub to: u64,
    /// Positions in all of its ranges.
    pub covered: u64,
    /// Records read by all of their books.
    pub read: u64,
}

impl PartitionBooks {
    /// Whether the ranges follow one another and their books say of every position that it was read.
    pub const fn balance(&self) -> bool {
        self.covered == self.to - self.from && self.read == self.covered
    }
}

/// How far the books are from balancing, over everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Row, Deserialize)]
pub struct Imbalance {
    pub unbalanced_sites: u64,
    /// Stored records that have no row.
    pub missing_rows: u64,
}

#[derive(Row, Deserialize)]
struct RangeRow {
    from: u64,
    to: u64,
    logged_ms: i64,
    read: u64,
    stored: u64,
    repeats: u64,
    dead: u64,
}

#[derive(Row, Deserialize)]
struct RowCount {
    from: u64,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct PartitionRow {
    log: String,
    partition: u32,
    from: u64,
    to: u64,
    covered: u64,
    read: u64,
}

const RANGES: &str = "\
SELECT range_from AS from, range_to AS to, toUnixTimestamp64Milli(logged_at) AS logged_ms, \
sum(if(wanted, toUInt64(book_r), 0)) AS read, sum(if(wanted, toUInt64(book_s), 0)) AS stored, \
sum(if(wanted, toUInt64(book_x), 0)) AS repeats, sum(if(wanted, toUInt64(book_d), 0)) AS dead \
FROM (SELECT range_from, range_to, logged_at, book_r, book_s, book_x, book_d, \
({all:UInt8} = 1 OR book_of = {site:String}) AS wanted \
FROM events_data LEFT ARRAY JOIN book_site AS book_of, book_read AS book_r, book_stored AS book_s, book_repeats AS book_x, \
book_dead AS book_d \
WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} AND range_from >= {begin:UInt64}) \
GROUP BY range_from, range_to, logged_at ORDER BY range_from, range_to LIMIT {limit:UInt64}";

const ROWS: &str = "\
SELECT toUInt64(roundDown(position, {begins:Array(UInt64)})) AS from, countIf(NOT {SUPERSEDED}) AS rows FROM events_data \
WHERE kind != 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} \
AND position >= {begin:UInt64} AND position < {end:UInt64} AND ({all:UInt8} = 1 OR site = {site:String}) GROUP BY from";

const PARTITIONS: &str = "\
SELECT toString(log_id) AS log, partition, min(range_from) AS from, max(range_to) AS to, sum(toUInt64(range_to - range_from)) AS covered, \
sum(arraySum(book_read)) AS read FROM events_data WHERE site = '' AND kind = 'range' \
GROUP BY log_id, partition ORDER BY log, partition";

const IMBALANCE: &str = "\
SELECT countIf(read != stored + repeats + dead OR stored != rows) AS unbalanced_sites, \
sum(toUInt64(if(stored > rows, stored - rows, 0))) AS missing_rows FROM (\
SELECT if(kind = 'range', book_of, CAST(site, 'String')) AS site_name, \
sumIf(toUInt64(book_r), kind = 'range') AS read, sumIf(toUInt64(book_s), kind = 'range') AS stored, \
sumIf(toUInt64(book_x), kind = 'range') AS repeats, sumIf(toUInt64(book_d), kind = 'range') AS dead, \
countIf(kind != 'range' AND NOT {SUPERSEDED}) AS rows \
FROM events_data LEFT ARRAY JOIN book_site AS book_of, book_read AS book_r, book_stored AS book_s, book_repeats AS book_x, \
book_dead AS book_d GROUP BY site_name)";

impl Warehouse {
    /// The books of a partition's ranges that begin at or behind `begin`, in order, up to `limit`; of one site where one is
    /// named.
    ///
    /// # Errors
    /// The engine's.
    pub async fn range_books(
        &self,
        log_id: Uuid,
        partition: u32,
        site: Option<&str>,
        begin: u64,
        limit: u64,
    ) -> Result<Vec<RangeBooks>, WarehouseError> {
        let client = self.client().clone().with_validation(true);
        let ask = |sql: &str| {
            let query = client.query_raw(sql).param("log", log_id.to_string());
            let query = query.param("partition", partition);
            query.param("all", u8::from(site.is_none())).param("site", site.unwrap_or_default())
        };
        let ranges: Vec<RangeRow> = ask(RANGES).param("begin", begin).param("limit", limit).fetch_all().await?;
        let (Some(first), Some(end)) = (ranges.first(), ranges.iter().map(|range| range.to).max()) else {
            return Ok(Vec::new());
        };
        let begins: Vec<u64> = ranges.iter().map(|range| range.from).collect();
        let counting = self.without_superseded(ROWS).await?;
        let query = ask(&counting).param("begins", begins).param("begin", first.from).param("end", end);
        let rows: HashMap<u64, u64> =
            query.fetch_all::<RowCount>().await?.into_iter().map(|row| (row.from, row.rows)).collect();
        let books = |range: RangeRow| RangeBooks {
            from: range.from,
            to: range.to,
            logged_at: range.logged_ms,
            read: range.read,
            stored: range.stored,
            repeats: range.repeats,
            dead_letters: range.dead,
            rows: rows.get(&range.from).copied().unwrap_or(0),
            of_one_site: site.is_some(),
        };
        Ok(ranges.into_iter().map(books).collect())
    }

    /// The ranges of every partition of every log, as a whole.
    ///
    /// # Errors
    /// The engine's.
    pub async fn partition_books(&self) -> Result<Vec<PartitionBooks>, WarehouseError> {
        let client = self.client().clone().with_validation(true);
        let rows: Vec<PartitionRow> = client.query_raw(PARTITIONS).fetch_all().await?;
        let books = |row: PartitionRow| PartitionBooks {
            log_id: Uuid::try_parse(&row.log).unwrap_or_default(),
            partition: row.partition,
            from: row.from,
            to: row.to,
            covered: row.covered,
            read: row.read,
        };
        Ok(rows.into_iter().map(books).collect())
    }

    /// How far the books of all sites are from balancing: one pass over what the keys and books take, one thread.
    ///
    /// # Errors
    /// The engine's.
    pub async fn imbalance(&self) -> Result<Imbalance, WarehouseError> {
        let client = self.client().clone().with_validation(true);
        let counting = self.without_superseded(IMBALANCE).await?;
        Ok(client.query_raw(&counting).with_setting("max_threads", "1").fetch_one().await?)
    }
}
