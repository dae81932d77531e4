//! Distinct subjects and medians, from the events: neither can be added up from a roll-up. The events are read exactly as
//! far as the roll-up is counted, so that an answer never has more visitors than decisions.

use std::collections::{BTreeMap, HashMap};

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::column::Table;
use super::error::QueryError;
use super::freshness::Marks;
use super::rollup::{Key, bucket, scope, texts};
use super::spec::{Metric, QuerySpec};
use super::statement::{Statement, Value};

/// What the decisions of one row say about the people who made them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct People {
    pub visitors: u64,
    /// Lower medians of what it took to decide, in milliseconds and clicks; none where no decision carries them.
    pub median_ms: Option<u64>,
    pub median_clicks: Option<u32>,
}

#[derive(Debug, Row, Deserialize)]
struct Line {
    plain: Vec<String>,
    bucket: i64,
    visitors: u64,
    median_ms: Option<u64>,
    median_clicks: Option<u32>,
}

/// `exact`: whether subjects are counted one by one, or estimated (within a percent or so).
pub(super) fn statement(spec: &QuerySpec, exact: bool, marks: &BTreeMap<String, Marks>) -> Statement {
    let mut statement = Statement::default();
    let visitors = match (spec.wants(Metric::Visitors), exact) {
        (false, _) => "toUInt64(0)",
        // A redacted event has no subject any more.
        (true, true) => "uniqExactIf(subject, subject != toUUID('00000000-0000-0000-0000-000000000000'))",
        (true, false) => "uniqCombined64If(17)(subject, subject != toUUID('00000000-0000-0000-0000-000000000000'))",
    };
    let median = |metric, column, none| match spec.wants(metric) {
        true => format!("quantileExactLow(0.5)({column})"),
        false => format!("CAST(NULL, 'Nullable({none})')"),
    };
    let ms = median(Metric::MedianSecondsToDecide, "effort_ms", "UInt64");
    let clicks = median(Metric::MedianClicksToDecide, "effort_clicks", "UInt32");
    let plain = texts(spec.plain_dimensions().map(|d| Table::Events.column(d)));
    let bucket = bucket(spec, Table::Events, &mut statement);
    statement.push(&format!("SELECT {plain} AS plain, {bucket} AS bucket,"));
    statement.push(&format!("       {visitors} AS visitors, {ms} AS median_ms, {clicks} AS median_clicks"));
    statement.push(&format!("FROM {}", Table::Events.name()));
    scope(spec, Table::Events, &mut statement);
    statement.push("  AND kind = 'event' AND type = 'decided' AND decision = 1");
    let counted = counted(marks, &mut statement);
    statement.push(&format!("  AND ({counted})"));
    statement.push("GROUP BY plain, bucket");
    statement
}

/// The condition that a row of the events is in the roll-up; `marks` by log.
pub(super) fn counted(marks: &BTreeMap<String, Marks>, statement: &mut Statement) -> String {
    let logs = marks.iter().map(|(log, partitions)| {
        let size = partitions.keys().max().map_or(0, |last| *last + 1);
        let upto = (0..size).map(|partition| partitions.get(&partition).copied().unwrap_or(0)).collect();
        let (log, upto) = (statement.bind_next(Value::Log(log.clone())), statement.bind_next(Value::Positions(upto)));
        format!("(log_id = {log} AND position < {upto}[partition + 1])")
    });
    let logs: Vec<String> = logs.collect();
    if logs.is_empty() { "false".to_owned() } else { logs.join(" OR ") }
}

/// Asks the events.
///
/// # Errors
/// What the engine says.
pub(super) async fn read(
    client: &Client,
    spec: &QuerySpec,
    exact: bool,
    marks: &BTreeMap<String, Marks>,
) -> Result<HashMap<Key, People>, QueryError> {
    let lines = statement(spec, exact, marks).query(client).fetch_all::<Line>().await?;
    let people = lines.into_iter().map(|line| {
        let key = Key { plain: line.plain, bucket: line.bucket };
        (key, People { visitors: line.visitors, median_ms: line.median_ms, median_clicks: line.median_clicks })
    });
    Ok(people.collect())
}
