//! What there is to derive from: how far each partition goes, whether it is whole, and in which slices it is read.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::RebuildError;
use crate::Warehouse;

/// Rows of `events_data` in one slice at least, unless the month has no more.
const SLICE_ROWS: u64 = 500_000;

/// A row from which ids and counts can be derived: one that no erasure has emptied.
pub(super) const INTACT: &str =
    "(kind = 'control' OR (kind = 'event' AND id != toUUID('00000000-0000-0000-0000-000000000000')))";

/// How far a partition of a log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) log_id: Uuid,
    pub(super) partition: u32,
    /// Where its last range ends.
    pub(super) upto: u64,
}

impl Stand {
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (self.log_id, self.partition) == (other.log_id, other.partition)
    }
}

/// A partition of a log as `events_data` has it.
pub(super) struct Mark {
    pub(super) stand: Stand,
    /// Where its first range that is kept begins.
    first: u64,
    /// Positions in its ranges, all together.
    covered: u64,
    /// Stored records by its books, and their rows.
    stored: u64,
    rows: u64,
    /// Of the rows, those that were emptied by others than [`crate::erase`].
    emptied: u64,
}

/// `events_data`, at one moment.
pub(super) struct Source {
    pub(super) marks: Vec<Mark>,
}

/// Rows that are derived by one statement: of one month and a run of sites, which is how they lie in the table.
pub(super) struct Slice {
    month: u32,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) rows: u64,
}

impl Slice {
    /// Names the parameters `first` and `last`.
    pub(super) fn condition(&self) -> String {
        format!("toYYYYMM(logged_at) = {} AND site >= {{first:String}} AND site <= {{last:String}}", self.month)
    }
}

#[derive(Row, Deserialize)]
struct MarkRow {
    log: String,
    partition: u32,
    first: u64,
    upto: u64,
    covered: u64,
    stored: u64,
    rows: u64,
    emptied: u64,
}

#[derive(Row, Deserialize)]
struct StandRow {
    log: String,
    partition: u32,
    upto: u64,
}

#[derive(Row, Deserialize)]
struct SiteRow {
    month: u32,
    site_name: String,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct Watermark {
    partition_of: String,
    log_of: String,
}

/// How far each partition of each log goes now.
pub(super) async fn stands(warehouse: &Warehouse) -> Result<Vec<Stand>, RebuildError> {
    let select = "SELECT toString(log_id) AS log, partition, max(range_to) AS upto FROM events_data \
                  WHERE site = '' AND kind = 'range' GROUP BY log_id, partition ORDER BY log, partition";
    let rows: Vec<StandRow> = warehouse.client().query_raw(select).fetch_all().await?;
    Ok(rows.into_iter().map(|row| stand(&row.log, row.partition, row.upto)).collect())
}

fn stand(log: &str, partition: u32, upto: u64) -> Stand {
    Stand { log_id: Uuid::try_parse(log).unwrap_or_default(), partition, upto }
}

impl Source {
    /// One pass, and so one set of parts: a range row and its rows are seen together or not at all.
    pub(super) async fn read(warehouse: &Warehouse) -> Result<Self, RebuildError> {
        let select = format!(
            "SELECT toString(log_id) AS log, partition, minIf(range_from, kind = 'range') AS first, \
             maxIf(range_to, kind = 'range') AS upto, sumIf(toUInt64(range_to - range_from), kind = 'range') AS covered, \
             sumIf(arraySum(book_stored), kind = 'range') AS stored, countIf(kind != 'range') AS rows, \
             countIf(kind = 'event' AND NOT {INTACT}) AS emptied \
             FROM events_data GROUP BY log_id, partition ORDER BY log, partition"
        );
        let rows: Vec<MarkRow> = warehouse.client().query_raw(&select).fetch_all().await?;
        let mark = |row: MarkRow| Mark {
            stand: stand(&row.log, row.partition, row.upto),
            first: row.first,
            covered: row.covered,
            stored: row.stored,
            rows: row.rows,
            emptied: row.emptied,
        };
        Ok(Self { marks: rows.into_iter().map(mark).collect() })
    }

    /// Whether every kept range is there, and every row that its books say was stored.
    pub(super) fn check(&self) -> Result<(), RebuildError> {
        for mark in &self.marks {
            let Stand { log_id, partition, upto } = mark.stand;
            let span = upto.saturating_sub(mark.first);
            if mark.covered != span {
                return Err(RebuildError::RangesMissing { log_id, partition, covered: mark.covered, span });
            }
            if mark.rows != mark.stored {
                return Err(RebuildError::RowsMissing { log_id, partition, stored: mark.stored, rows: mark.rows });
            }
        }
        Ok(())
    }

    /// Why the roll-up holds counts that cannot be derived again, if it does.
    pub(super) async fn why_rates_are_kept(&self, warehouse: &Warehouse) -> Result<Option<String>, RebuildError> {
        if let Some(mark) = self.marks.iter().find(|mark| mark.first > 0) {
            return Ok(Some(format!(
                "events below position {} of partition {} are no longer kept: their counts are in the roll-up alone",
                mark.first, mark.stand.partition
            )));
        }
        let emptied: u64 = self.marks.iter().map(|mark| mark.emptied).sum();
        if emptied > 0 {
            return Ok(Some(format!("{emptied} events were emptied: their counts are in the roll-up alone")));
        }
        let select = "SELECT DISTINCT CAST(service, 'String') AS partition_of, CAST(category, 'String') AS log_of \
                      FROM rates_15m_data WHERE site = '' AND grain = ''";
        let watermarks: Vec<Watermark> = warehouse.client().query_raw(select).fetch_all().await?;
        let known = |watermark: &Watermark| {
            self.marks.iter().any(|mark| {
                mark.stand.log_id.to_string() == watermark.log_of
                    && mark.stand.partition.to_string() == watermark.partition_of
            })
        };
        let gone = watermarks.into_iter().find(|watermark| !known(watermark));
        Ok(gone.map(|gone| {
            format!(
                "events of partition {} of log {} are no longer kept: their counts are in the roll-up alone",
                gone.partition_of, gone.log_of
            )
        }))
    }

    /// The rows up to here that can be derived from.
    pub(super) fn derivable(&self) -> String {
        let upto = self.marks.iter().map(|mark| {
            let Stand { log_id, partition, upto } = mark.stand;
            format!("(log_id = toUUID('{log_id}') AND partition = {partition} AND position < {upto})")
        });
        format!("{INTACT} AND ({})", any(upto))
    }

    /// The rows of `event_ids` that can only be copied: of logs, partitions and positions that are no longer kept, and of
    /// rows that were emptied.
    pub(super) fn only_copied(&self) -> String {
        let kept = self.marks.iter().map(|mark| {
            format!(
                "(log_id = toUUID('{}') AND partition = {} AND (position >= {} OR hash = toFixedString('', 16)))",
                mark.stand.log_id, mark.stand.partition, mark.first
            )
        });
        let kept = any(kept);
        format!(
            "(NOT ({kept}) OR (hash != toFixedString('', 16) AND (log_id, partition, position) IN \
             (SELECT log_id, partition, position FROM events_data WHERE kind != 'range' AND NOT {INTACT})))"
        )
    }

    /// All of it in slices.
    pub(super) async fn slices(&self, warehouse: &Warehouse) -> Result<Vec<Slice>, RebuildError> {
        let select = format!(
            "SELECT toYYYYMM(logged_at) AS month, CAST(site, 'String') AS site_name, count() AS rows FROM events_data \
             WHERE {} GROUP BY month, site_name ORDER BY month, site_name",
            self.derivable()
        );
        let sites: Vec<SiteRow> = warehouse.client().query_raw(&select).fetch_all().await?;
        let mut slices: Vec<Slice> = Vec::new();
        for SiteRow { month, site_name, rows } in sites {
            match slices.last_mut() {
                Some(slice) if slice.month == month && slice.rows + rows <= SLICE_ROWS => {
                    slice.last = site_name;
                    slice.rows += rows;
                }
                _ => slices.push(Slice { month, first: site_name.clone(), last: site_name, rows }),
            }
        }
        Ok(slices)
    }
}

/// Any of the conditions; none: false.
fn any(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.collect();
    if conditions.is_empty() { "0".to_owned() } else { conditions.join(" OR ") }
}
