//! What an export is of, and how much that is.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// What is exported: of one site, logged from `from` to before `to` (milliseconds since 1970), below the given position of
/// each partition, so that the same rows come however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportScope {
    pub site: String,
    pub from: i64,
    pub to: i64,
    pub subject: Option<Uuid>,
    /// Events that say something of one of these services; empty: all.
    pub services: Vec<String>,
    /// Subjects whose events are left out (Art. 18 GDPR): their leaves are there, not opened.
    pub without: Vec<Uuid>,
    pub log_id: Uuid,
    /// By partition, exclusive.
    pub upto: Vec<u64>,
    /// Below which leaf of each ledger; nothing of a ledger that is not named. None: as far as `upto` goes.
    pub ends: Option<Vec<(String, u64)>>,
}

/// What is stored of an export's events beyond its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct Waiting {
    pub events: u64,
    /// When the first of them was logged, ms since 1970; says nothing where there is none.
    pub since: i64,
}

/// How many rows there are, and between which moments they were logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct ExportExtent {
    pub rows: u64,
    pub first_logged_at: i64,
    pub last_logged_at: i64,
}

#[derive(Row, Deserialize)]
struct Stand {
    partition: u32,
    upto: u64,
}

#[derive(Row, Deserialize)]
struct Size {
    ledger: String,
    size: u64,
}

/// What lies below the positions that an export goes up to.
const UPTO: &str = "(log_id != {log:UUID} OR position < {upto:Array(UInt64)}[partition + 1])";
/// What lies below the ends of its ledgers: the size of one that is not named is the element 0, which is 0.
const ENDS: &str = "leaf < {ends:Array(UInt64)}[indexOf({ended:Array(String)}, ledger)]";

/// What lies below everything that an export goes up to.
pub(crate) fn upto(scope: &ExportScope) -> String {
    if scope.ends.is_some() { format!("({UPTO} AND {ENDS})") } else { UPTO.to_owned() }
}

/// With the site's control records and what is left of erased events, or without.
pub(crate) fn condition(scope: &ExportScope, with_control: bool) -> String {
    format!("{} AND {}", asked(scope, with_control), upto(scope))
}

/// The same, however far the export goes.
fn asked(scope: &ExportScope, with_control: bool) -> String {
    let kinds = if with_control { "kind IN ('event', 'control', 'erased')" } else { "kind = 'event'" };
    let mut condition = format!("site = {{site:String}} AND {kinds} ");
    condition.push_str(
        "\
        AND logged_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND logged_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')",
    );
    if scope.subject.is_some() {
        condition.push_str(" AND subject = {subject:UUID}");
    }
    if !with_control && !scope.without.is_empty() {
        condition.push_str(" AND subject NOT IN {without:Array(UUID)}");
    }
    if !scope.services.is_empty() {
        condition.push_str(" AND arrayExists(s -> has({services:Array(String)}, s), pair_service)");
    }
    condition
}

impl Warehouse {
    /// How far `events` stands with each partition of a log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stands(&self, log_id: Uuid) -> Result<Vec<u64>, WarehouseError> {
        let sql = "SELECT partition, max(range_to) AS upto FROM events_data \
                   WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} GROUP BY partition";
        let client = self.client().clone().with_validation(true);
        let rows: Vec<Stand> = client.query_raw(sql).param("log", log_id.to_string()).fetch_all().await?;
        let mut stands = Vec::new();
        for row in rows {
            let at = usize::try_from(row.partition).unwrap_or(0);
            if stands.len() <= at {
                stands.resize(at + 1, 0);
            }
            stands[at] = row.upto;
        }
        Ok(stands)
    }

    /// How much an export will hold.
    ///
    /// # Errors
    /// The engine's.
    pub async fn export_extent(&self, scope: &ExportScope) -> Result<ExportExtent, WarehouseError> {
        let sql = format!(
            "SELECT count() AS rows, toUnixTimestamp64Milli(min(logged_at)) AS first_logged_at, \
             toUnixTimestamp64Milli(max(logged_at)) AS last_logged_at FROM events_data WHERE {}",
            condition(scope, false)
        );
        Ok(self.exported(&sql, scope).fetch_one().await?)
    }

    /// How many events an export leaves out since they lie beyond its ends.
    ///
    /// # Errors
    /// The engine's.
    pub async fn export_waiting(&self, scope: &ExportScope) -> Result<Waiting, WarehouseError> {
        if scope.ends.is_none() {
            return Ok(Waiting { events: 0, since: 0 });
        }
        let sql = format!(
            "SELECT count() AS events, toUnixTimestamp64Milli(min(logged_at)) AS since FROM events_data \
             WHERE {} AND {UPTO} AND NOT {ENDS}",
            asked(scope, false)
        );
        Ok(self.exported(&sql, scope).fetch_one().await?)
    }

    /// How many leaves are stored of each ledger of a site.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stored_leaves(&self, site: &str) -> Result<Vec<(String, u64)>, WarehouseError> {
        let sql = "SELECT ledger, max(leaf) + 1 AS size FROM events_data WHERE site = {site:String} \
                   AND kind IN ('event', 'control', 'erased') AND ledger != '' GROUP BY ledger ORDER BY ledger";
        let client = self.client().clone().with_validation(true);
        let rows: Vec<Size> = client.query_raw(sql).param("site", site).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.ledger, row.size)).collect())
    }

    pub(crate) fn exported(&self, sql: &str, scope: &ExportScope) -> clickhouse::query::Query {
        let client = self.client().clone().with_validation(true);
        let query = client.query_raw(sql).param("site", &scope.site).param("from", scope.from).param("to", scope.to);
        let query = query.param("log", scope.log_id.to_string()).param("upto", &scope.upto);
        let query = match scope.subject {
            Some(subject) => query.param("subject", subject.to_string()),
            None => query,
        };
        let without: Vec<String> = scope.without.iter().map(Uuid::to_string).collect();
        let query = query.param("without", without);
        let query = match &scope.ends {
            Some(ends) => {
                let (ended, ends): (Vec<&str>, Vec<u64>) = ends.iter().map(|(l, end)| (l.as_str(), *end)).unzip();
                query.param("ended", ended).param("ends", ends)
            }
            None => query,
        };
        if scope.services.is_empty() { query } else { query.param("services", &scope.services) }
    }
}
