//! The rows of an export, as lines of JSON that the engine writes and nobody collects: memory stays flat for any number.

use bytes::{Bytes, BytesMut};
use clickhouse::Row;
use clickhouse::query::BytesCursor;
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

/// The fields of a record, in the order in which they are written.
pub const FIELDS: &[&str] = &[
    "site",
    "id",
    "type",
    "subject",
    "occurred_at",
    "occurred_at_claimed",
    "sent_at",
    "received_at",
    "logged_at",
    "source",
    "view",
    "prompt",
    "layer",
    "method",
    "regime",
    "banner_version",
    "language",
    "variant",
    "text_hash",
    "categories",
    "services",
    "purposes",
    "objected_purposes",
    "objected_services",
    "tcf",
    "gpp",
    "consent_mode",
    "gpc",
    "host",
    "path",
    "effort_clicks",
    "effort_ms",
    "expires_at",
    "previous",
    "state",
    "country",
    "region",
    "device",
    "browser",
    "os",
    "bot",
    "config_version",
    "decision",
    "pairs",
    "category_states",
    "partition",
    "position",
    "ledger",
    "leaf",
    "commitment",
];

/// The SQL of a field where it is not its column.
fn expression(field: &str) -> &str {
    match field {
        "subject" => "if(subject = toUUID('00000000-0000-0000-0000-000000000000'), NULL, subject)",
        "previous" => "if(previous = toUUID('00000000-0000-0000-0000-000000000000'), NULL, previous)",
        "decision" => "CAST(decision, 'Bool')",
        "pairs" => {
            "CAST(arrayZip(pair_service, pair_category, pair_state, pair_disclosure), \
             'Array(Tuple(service String, category String, state String, disclosure String))')"
        }
        "category_states" => {
            "CAST(arrayZip(category_name, category_state), 'Array(Tuple(category String, state String))')"
        }
        "commitment" => "lower(hex(commitment))",
        field => field,
    }
}

/// With the site's control records and what is left of erased events, or without.
pub(crate) fn condition(scope: &ExportScope, with_control: bool) -> String {
    let kinds = if with_control { "kind IN ('event', 'control', 'erased')" } else { "kind = 'event'" };
    let mut condition = format!("site = {{site:String}} AND {kinds} ");
    condition.push_str(
        "\
        AND logged_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND logged_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC') \
        AND (log_id != {log:UUID} OR position < {upto:Array(UInt64)}[partition + 1])",
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

/// Lines of JSON as they arrive, each without its line feed.
pub struct ExportLines {
    cursor: BytesCursor,
    rest: BytesMut,
    ended: bool,
}

impl ExportLines {
    /// The next lines, some at a time; `None` at the end.
    ///
    /// # Errors
    /// The engine's. One that it meets after the first row may come as a last line that is no JSON.
    pub async fn next(&mut self) -> Result<Option<Vec<Bytes>>, WarehouseError> {
        loop {
            let mut lines = Vec::new();
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1).freeze();
                lines.push(line.slice(..end));
            }
            if self.ended && lines.is_empty() && !self.rest.is_empty() {
                lines.push(self.rest.split().freeze());
            }
            if !lines.is_empty() || self.ended {
                return Ok((!lines.is_empty()).then_some(lines));
            }
            match self.cursor.next().await? {
                Some(bytes) => self.rest.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
    }
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

    /// The records of an export, by subject and time: the order in which they lie.
    ///
    /// # Errors
    /// The engine's.
    pub fn export_lines(&self, scope: &ExportScope) -> Result<ExportLines, WarehouseError> {
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("{} AS `{field}`", expression(field))).collect();
        // The table's own names must mean its columns in the condition, not the fields.
        let sql = format!(
            "SELECT {} FROM events_data WHERE {} ORDER BY site, events_data.subject, events_data.occurred_at, events_data.id",
            fields.join(", "),
            condition(scope, false)
        );
        let query = self.exported(&sql, scope).with_setting("prefer_column_name_to_alias", "1");
        let query = query.with_setting("optimize_read_in_order", "1").with_setting("date_time_output_format", "iso");
        let query = query.with_setting("output_format_json_quote_64bit_integers", "0");
        let query = query.with_setting("output_format_json_named_tuples_as_objects", "1");
        let query = query.with_setting("output_format_json_escape_forward_slashes", "0");
        Ok(ExportLines { cursor: query.fetch_bytes("JSONEachRow")?, rest: BytesMut::new(), ended: false })
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
        if scope.services.is_empty() { query } else { query.param("services", &scope.services) }
    }
}
