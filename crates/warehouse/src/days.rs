//! Closed days of the ledgers: up to which leaf each day goes, by the ranges' books; the maps of subjects; and the closes as
//! they are stored. What they mean is `avow_ledger`'s to know.

use clickhouse::Row;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::query::RowCursor;
use serde::Deserialize;
use uuid::Uuid;

use crate::trees::{Hash, column};
use crate::{Warehouse, WarehouseError};

/// A day's milliseconds.
pub const DAY_MS: i64 = 24 * 3600 * 1000;

/// Up to which leaf a ledger had got with a day. The ledger '' stands for ranges that stored nothing.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct DayEnd {
    pub ledger: String,
    /// Since 1970, by `logged_at`, UTC.
    pub day: i64,
    /// One past the ledger's last leaf of the day.
    pub next: u64,
    /// Of the newest range that is meant, ms since 1970.
    pub logged_at: i64,
}

/// A closed day as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct ClosedDay {
    pub ledger: String,
    /// Its leaves are `[first, end)`.
    pub first: u64,
    pub end: u64,
    /// `2026-11-24`
    pub day: String,
    /// Where the control record lies.
    pub close_ledger: String,
    pub close_leaf: u64,
    pub body: String,
}

impl ClosedDay {
    /// The day, since 1970; none where it is no day.
    pub fn number(&self) -> Option<i64> {
        let day: jiff::civil::Date = self.day.parse().ok()?;
        let begin = jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
        Some(begin.as_millisecond().div_euclid(DAY_MS))
    }
}

/// A pair of a day's map: a tag and its number of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct DayPair {
    pub tag: Hash,
    pub count: u64,
}

/// Leaves `[first, end)` of a site's ledger, whose events were logged on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayLeaves<'a> {
    pub site: &'a str,
    pub ledger: &'a str,
    pub first: u64,
    pub end: u64,
    /// Of the first leaf, since 1970.
    pub from_day: i64,
    /// Of the events.
    pub day: i64,
}

/// The leaves of a [`DayLeaves`] from one day on.
const LEAVES: &str = "site = {site:String} AND kind != 'range' AND ledger = {ledger:String} AND leaf >= {first:UInt64} \
                      AND leaf < {end:UInt64} AND logged_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') \
                      AND logged_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')";
const PAIRS: &str = "ledger = {ledger:String} AND first = {first:UInt64} AND end = {end:UInt64}";

/// What the events are now of which a close has counted the subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct Recount {
    pub events: u64,
    /// Subjects with more events than their pair says.
    pub differing: u64,
}

/// Tags with the number of their events among these leaves. An event that is being erased has two rows, and is nobody's.
fn by_tag() -> String {
    format!(
        "SELECT if(subject = toUUID('00000000-0000-0000-0000-000000000000'), toFixedString('', 32), \
         SHA256(concat(unhex({{prefix:String}}), unhex(replaceAll(toString(subject), '-', ''))))) AS tag, count() AS count \
         FROM (SELECT subject FROM events_data WHERE {LEAVES} AND leaf_kind = 1 \
         ORDER BY leaf, kind = 'event' LIMIT 1 BY leaf) GROUP BY tag"
    )
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl DayLeaves<'_> {
    fn query(&self, warehouse: &Warehouse, sql: &str, from_day: i64) -> clickhouse::query::Query {
        let query = warehouse.client().query_raw(sql).param("site", self.site).param("ledger", self.ledger);
        let query = query.param("first", self.first).param("end", self.end);
        query.param("from", from_day * DAY_MS).param("to", (self.day + 1) * DAY_MS)
    }
}

impl Warehouse {
    /// Up to which leaf the ledgers of a partition had got with each day, by the ranges logged since a moment (ms since 1970).
    /// No range goes over midnight.
    ///
    /// # Errors
    /// The engine's.
    pub async fn day_ends(&self, log_id: Uuid, partition: u32, since: i64) -> Result<Vec<DayEnd>, WarehouseError> {
        // A range row's occurred_at is its logged_at, and in the table's order.
        let select = day_ends(
            "log_id = {log:UUID} AND partition = {partition:UInt32} \
             AND occurred_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
        );
        let query = self.client().query_raw(&select).param("log", log_id.to_string()).param("partition", partition);
        Ok(query.param("since", since).fetch_all().await?)
    }

    /// The same of all logs before this one.
    ///
    /// # Errors
    /// The engine's.
    pub async fn earlier_day_ends(&self, log_id: Uuid) -> Result<Vec<DayEnd>, WarehouseError> {
        let select = day_ends("log_id != {log:UUID}");
        Ok(self.client().query_raw(&select).param("log", log_id.to_string()).fetch_all().await?)
    }

    /// Those of these leaves that are no events, ascending, and how many of them are no closes of days.
    ///
    /// # Errors
    /// The engine's.
    pub async fn day_controls(&self, leaves: &DayLeaves<'_>) -> Result<(Vec<u64>, u64), WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Controls {
            controls: Vec<u64>,
            others: u64,
        }
        let select = format!(
            "SELECT arraySort(groupArray(leaf)) AS controls, countIf(leaf_kind != 3) AS others FROM \
             (SELECT leaf, leaf_kind FROM events_data WHERE {LEAVES} AND leaf_kind != 1)"
        );
        let row: Controls = leaves.query(self, &select, leaves.from_day).fetch_one().await?;
        Ok((row.controls, row.others))
    }

    /// Counts the events among these leaves by subject and keeps the pairs; an erased one is nobody's. `tag_prefix` is what a subject's 16 bytes are
    /// hashed behind; events without a subject are under the tag of zeroes.
    ///
    /// # Errors
    /// The engine's; what was kept then is made anew by the next call.
    pub async fn put_day_pairs(&self, leaves: &DayLeaves<'_>, tag_prefix: &[u8]) -> Result<(), WarehouseError> {
        let there = format!("SELECT count() FROM ledger_day_pairs WHERE {PAIRS}");
        if leaves.query(self, &there, 0).fetch_one::<u64>().await? > 0 {
            // Of a close that was not made: the events may have been redacted since.
            let delete = format!("ALTER TABLE ledger_day_pairs DELETE WHERE {PAIRS}");
            leaves.query(self, &delete, 0).with_setting("mutations_sync", "2").execute().await?;
        }
        let insert = format!(
            "INSERT INTO ledger_day_pairs SELECT {{ledger:String}}, {{first:UInt64}}, {{end:UInt64}}, tag, count \
             FROM ({}) ORDER BY tag",
            by_tag()
        );
        let query = leaves.query(self, &insert, leaves.day).param("prefix", hexadecimal(tag_prefix));
        let query = query.with_setting("max_bytes_before_external_group_by", "268435456");
        Ok(query.with_setting("max_bytes_before_external_sort", "268435456").execute().await?)
    }

    /// Counts the events among these leaves again, and compares them by subject with the pairs that are kept; erased ones are
    /// nobody's any more.
    ///
    /// # Errors
    /// The engine's.
    pub async fn day_recount(&self, leaves: &DayLeaves<'_>, tag_prefix: &[u8]) -> Result<Recount, WarehouseError> {
        let select = format!(
            "SELECT ifNull(sum(now.count), 0) AS events, countIf(now.tag != toFixedString('', 32) AND now.count > kept.count) \
             AS differing FROM ({}) AS now LEFT JOIN (SELECT tag, count FROM ledger_day_pairs FINAL WHERE {PAIRS}) AS kept \
             ON kept.tag = now.tag",
            by_tag()
        );
        let query = leaves.query(self, &select, leaves.day).param("prefix", hexadecimal(tag_prefix));
        Ok(query.with_setting("max_bytes_before_external_group_by", "268435456").fetch_one().await?)
    }

    /// The pairs of a day's map, by tag.
    ///
    /// # Errors
    /// The engine's.
    pub fn day_pairs(&self, ledger: &str, first: u64, end: u64) -> Result<RowCursor<DayPair>, WarehouseError> {
        let select = format!("SELECT tag, count FROM ledger_day_pairs FINAL WHERE {PAIRS} ORDER BY tag");
        let query = self.client().query_raw(&select).param("ledger", ledger).param("first", first).param("end", end);
        Ok(query.fetch()?)
    }

    /// Keeps closed days, in one part. Once more is no harm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_closed_days(&self, days: &[ClosedDay]) -> Result<(), WarehouseError> {
        if days.is_empty() {
            return Ok(());
        }
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", days.iter().map(|row| row.ledger.as_str()))?;
        column(&mut block, "first", days.iter().map(|row| row.first))?;
        column(&mut block, "end", days.iter().map(|row| row.end))?;
        column(&mut block, "day", days.iter().map(|row| row.day.as_str()))?;
        column(&mut block, "close_ledger", days.iter().map(|row| row.close_ledger.as_str()))?;
        column(&mut block, "close_leaf", days.iter().map(|row| row.close_leaf))?;
        column(&mut block, "body", days.iter().map(|row| row.body.as_str()))?;
        self.put("ledger_days", block).await
    }

    /// The closed days of these ledgers, those that follow one another from leaf 0, in order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn closed_days(&self, ledgers: &[String]) -> Result<Vec<ClosedDay>, WarehouseError> {
        let select = "SELECT ledger, first, end, day, close_ledger, close_leaf, body \
                      FROM ledger_days FINAL WHERE ledger IN {ledgers:Array(String)} ORDER BY ledger, first";
        let days = self.client().query_raw(select).param("ledgers", ledgers).fetch_all().await?;
        Ok(following(days))
    }
}

fn day_ends(ranges: &str) -> String {
    format!(
        "SELECT ledger, toInt64(toUnixTimestamp64Milli(at) DIV 86400000) AS day, max(next) AS next, \
         toUnixTimestamp64Milli(max(at)) AS logged_at FROM (SELECT occurred_at AS at, book_ledger, book_next_leaf \
         FROM events_data WHERE site = '' AND kind = 'range' AND {ranges}) \
         ARRAY JOIN book_ledger AS ledger, book_next_leaf AS next GROUP BY ledger, day"
    )
}

/// Those that follow one another, of each ledger from leaf 0.
fn following(days: Vec<ClosedDay>) -> Vec<ClosedDay> {
    let mut kept: Vec<ClosedDay> = Vec::with_capacity(days.len());
    for day in days {
        let expected = kept.last().filter(|last| last.ledger == day.ledger).map_or(0, |last| last.end);
        if day.first == expected {
            kept.push(day);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(ledger: &str, first: u64, end: u64) -> ClosedDay {
        let (day, body, close_ledger) = ("2026-11-24".to_owned(), String::new(), ledger.to_owned());
        ClosedDay { ledger: ledger.into(), first, end, day, close_ledger, close_leaf: end, body }
    }

    #[test]
    fn a_close_that_does_not_follow_does_not_count() {
        let all = vec![day("a", 0, 4), day("a", 3, 9), day("a", 4, 6), day("b", 1, 2), day("c", 0, 1)];
        let kept: Vec<(String, u64)> = following(all).into_iter().map(|day| (day.ledger, day.first)).collect();
        assert_eq!(kept, [("a".to_owned(), 0), ("a".to_owned(), 4), ("c".to_owned(), 0)]);
    }
}
