//! What was counted since a moment ago: the rows of ranges that have landed since the last look, and the last hour.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// How far the look goes, by partition: one past the last position, and when that was logged (ms since 1970).
pub type Marks = BTreeMap<u32, Mark>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    pub upto: u64,
    pub logged_at: i64,
}

#[derive(Row, Deserialize)]
struct MarkLine {
    partition: u32,
    upto: u64,
    logged_ms: i64,
}

/// Events of one site and one minute of `occurred_at`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct LiveLine {
    pub site: String,
    /// Minutes since 1970.
    pub minute: u32,
    pub shown: u64,
    pub decisions: u64,
    pub withdrawals: u64,
    pub granted: u64,
    pub denied: u64,
    /// Events by type: shown, decided, withdrawn, observed, loaded.
    pub types: Vec<u64>,
}

/// Pairs of one site and one service.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct LiveService {
    pub site: String,
    pub service: String,
    pub granted: u64,
    pub denied: u64,
    pub withdrawn: u64,
}

const COUNTS: &str = "\
SELECT CAST(site, 'String') AS site_of, toUInt32(intDiv(toUnixTimestamp(occurred_at), 60)) AS minute, \
countIf(type = 'shown' AND prompt != 'user_opened') AS shown, countIf(decision = 1) AS decisions, \
countIf(type = 'withdrawn') AS withdrawals, \
sumIf(countEqual(pair_state, 'granted'), decision = 1) AS granted, sumIf(countEqual(pair_state, 'denied'), decision = 1) AS denied, \
[countIf(type = 'shown'), countIf(type = 'decided'), countIf(type = 'withdrawn'), countIf(type = 'observed'), \
countIf(type = 'loaded')] AS types FROM events_data WHERE ";
const COUNTS_END: &str = " GROUP BY site_of, minute";

const SERVICES: &str = "\
SELECT CAST(site, 'String') AS site_of, CAST(service_of, 'String') AS service, \
countIf(state_of = 'granted' AND decision = 1) AS granted, countIf(state_of = 'denied' AND decision = 1) AS denied, \
countIf(state_of = 'withdrawn' AND type = 'withdrawn') AS withdrawn \
FROM events_data ARRAY JOIN pair_service AS service_of, pair_state AS state_of WHERE ";
const SERVICES_END: &str = " GROUP BY site_of, service HAVING granted + denied + withdrawn > 0";

/// What has landed between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landed {
    pub counts: Vec<LiveLine>,
    pub services: Vec<LiveService>,
}

impl Warehouse {
    /// How far the events stand now, from the ranges logged at or after `since` (milliseconds since 1970). `before` is the
    /// last look: what has not moved since keeps its mark.
    ///
    /// # Errors
    /// The engine's.
    pub async fn live_marks(&self, log_id: Uuid, before: &Marks, since: i64) -> Result<Marks, WarehouseError> {
        let sql = "SELECT partition, max(range_to) AS upto, toUnixTimestamp64Milli(max(logged_at)) AS logged_ms FROM events_data \
                   WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} \
                   AND occurred_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') GROUP BY partition";
        let client = self.client().clone().with_validation(true);
        let query = client.query_raw(sql).param("log", log_id.to_string()).param("since", since);
        let mut marks = before.clone();
        for line in query.fetch_all::<MarkLine>().await? {
            let mark = marks.entry(line.partition).or_default();
            *mark = Mark { upto: mark.upto.max(line.upto), logged_at: mark.logged_at.max(line.logged_ms) };
        }
        Ok(marks)
    }

    /// The events between two looks that happened at or after `since` (milliseconds since 1970). A partition that was not
    /// in the earlier look is read from its beginning, as far as `since` reaches.
    ///
    /// # Errors
    /// The engine's.
    pub async fn landed(&self, log_id: Uuid, from: &Marks, to: &Marks, since: i64) -> Result<Landed, WarehouseError> {
        let moved: Vec<(u32, u64, u64)> = to
            .iter()
            .filter_map(|(partition, mark)| {
                let from = from.get(partition).map_or(0, |mark| mark.upto);
                (from < mark.upto).then_some((*partition, from, mark.upto))
            })
            .collect();
        if moved.is_empty() {
            return Ok(Landed::default());
        }
        // Numbers of this program's own, not of a caller's: they may stand in the text.
        let places: Vec<String> = moved
            .iter()
            .map(|(partition, from, to)| {
                format!("(partition = {partition} AND position >= {from} AND position < {to})")
            })
            .collect();
        let condition = format!(
            "site != '' AND kind = 'event' AND log_id = {{log:UUID}} AND ({}) \
             AND occurred_at >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') \
             AND logged_at >= fromUnixTimestamp64Milli({{logged:Int64}}, 'UTC')",
            places.join(" OR ")
        );
        // Nothing that happened since can have been logged before, but for clocks that run ahead by minutes; and what is
        // new of a partition was logged after its mark.
        let floor = since - 900_000;
        let marks = moved.iter().map(|(partition, ..)| from.get(partition).map_or(floor, |mark| mark.logged_at));
        let oldest = marks.min().unwrap_or(floor).max(floor);
        let client = self.client().clone().with_validation(true);
        let ask = |sql: &str| {
            let query = client.query_raw(sql).param("log", log_id.to_string());
            query.param("since", since).param("logged", oldest)
        };
        let counts = ask(&outer("site", &format!("{COUNTS}{condition}{COUNTS_END}"))).fetch_all().await?;
        let services = ask(&outer("site", &format!("{SERVICES}{condition}{SERVICES_END}"))).fetch_all().await?;
        Ok(Landed { counts, services })
    }
}

/// Gives the first column, which may not shadow the table's within, its name.
fn outer(name: &str, sql: &str) -> String {
    format!("SELECT {name}_of AS {name}, * EXCEPT {name}_of FROM ({sql})")
}
