//! Compares what a server shows with a totals file, cell by cell.

use crate::totals_file::{ExpectedQuery, Row, TotalsFile};
use crate::wire::client::Client;
use anyhow::Context as _;
use futures::StreamExt as _;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Rates and medians may differ by so much.
const TOLERANCE: f64 = 1e-9;
/// How many differences are told in full.
const TOLD: usize = 20;
/// How long a server may take until its numbers have arrived.
const ARRIVES_WITHIN: Duration = Duration::from_secs(600);
/// Queries on their way at once.
const AT_ONCE: usize = 3;
/// The counts that tell whether everything has arrived.
const ARRIVING: [&str; 6] = ["shown", "decisions", "dismissed", "automatic", "withdrawals", "loaded"];

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Queries asked.
    pub queries: usize,
    /// Cells compared.
    pub cells: u64,
    /// The first differences, in words.
    pub told: Vec<String>,
    /// How many differences there are, by query and by metric (or `row`, where one is missing or too many).
    pub counts: BTreeMap<(String, String), u64>,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.counts.is_empty()
    }

    fn differs(&mut self, query: &str, metric: &str, words: impl FnOnce() -> String) {
        if self.told.len() < TOLD {
            self.told.push(format!("{query}: {}", words()));
        }
        *self.counts.entry((query.to_owned(), metric.to_owned())).or_default() += 1;
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differences: u64 = self.counts.values().sum();
        write!(f, "{} queries, {} cells, {differences} differences", self.queries, self.cells)?;
        for told in &self.told {
            write!(f, "\n  {told}")?;
        }
        if !self.is_equal() {
            write!(f, "\ndifferences by query and metric:")?;
        }
        for ((query, metric), count) in &self.counts {
            write!(f, "\n  {count:>7}  {query}: {metric}")?;
        }
        Ok(())
    }
}

/// Asks the server at `url` for everything in a totals file, once all of it has arrived there (it waits, within bounds).
///
/// # Errors
/// Where the file cannot be read or the server does not answer; a query that it refuses counts as a difference.
pub async fn compare(url: &str, token: &str, totals_file: &Path) -> anyhow::Result<Comparison> {
    let file = TotalsFile::read(totals_file)?;
    let client = Client::new(url, token, None)?;
    let total = file.queries.first().context("the totals file holds no query")?;
    arrival(&client, total).await?;
    let mut comparison = Comparison::default();
    let mut answers = futures::stream::iter(&file.queries)
        .map(|expected| {
            let client = &client;
            async move { (expected, client.query(&expected.query).await) }
        })
        .buffered(AT_ONCE);
    while let Some((expected, answer)) = answers.next().await {
        comparison.queries += 1;
        match answer {
            Ok(rows) => compare_rows(expected, &rows, &mut comparison),
            Err(error) => comparison.differs(&expected.name, "refused", || format!("refused: {error:#}")),
        }
    }
    Ok(comparison)
}

/// Waits until the server shows as many events as it must, or says that it has counted everything that was acknowledged
/// before the first question.
async fn arrival(client: &Client, total: &ExpectedQuery) -> anyhow::Result<()> {
    let counts = |row: Option<&Row>| ARRIVING.map(|name| row.and_then(|row| row.metrics[name].as_u64()).unwrap_or(0));
    let expected = counts(total.rows.first());
    let began = Instant::now();
    // HTTP's dates are cut to the second: by then, everything that was acknowledged before this question is older.
    let asked = client.freshness(&total.query).await?.0 + Duration::from_secs(1);
    while began.elapsed() < ARRIVES_WITHIN {
        let (_, counted_to) = client.freshness(&total.query).await?;
        // Read after the freshness, so no older than it.
        let shown = counts(client.query(&total.query).await?.first());
        if shown == expected || counted_to.is_some_and(|counted_to| counted_to >= asked) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(())
}

/// Matches rows by their dimensions and compares each metric that is expected.
fn compare_rows(expected: &ExpectedQuery, shown: &[Row], comparison: &mut Comparison) {
    let mut left: HashMap<String, &Row> = HashMap::with_capacity(shown.len());
    for row in shown {
        if left.insert(key(row), row).is_some() {
            comparison.differs(&expected.name, "row", || format!("shown twice: {}", key(row)));
        }
    }
    for row in &expected.rows {
        let key = key(row);
        let Some(found) = left.remove(&key) else {
            comparison.differs(&expected.name, "row", || format!("not shown: {key} {}", brief(row)));
            continue;
        };
        for (metric, wanted) in &row.metrics {
            comparison.cells += 1;
            let got = found.metrics.get(metric).unwrap_or(&Value::Null);
            if !same(wanted, got) {
                comparison.differs(&expected.name, metric, || format!("{key} {metric}: must be {wanted}, is {got}"));
            }
        }
    }
    let grain = expected.query["dimensions"]
        .as_array()
        .is_some_and(|dimensions| dimensions.iter().any(|dimension| dimension == "service" || dimension == "category"));
    for (key, row) in left {
        // A row in which nothing was counted may be there or not.
        if !is_empty(row, grain) {
            comparison.differs(&expected.name, "row", || format!("too much: {key} {}", brief(row)));
        }
    }
}

/// The dimensions in the order of their names; times with a numeric offset.
fn key(row: &Row) -> String {
    let mut words = Vec::new();
    for (name, value) in row.dimensions.sorted() {
        let utc = value.strip_suffix('Z').filter(|_| name == "time");
        words.push(utc.map_or_else(|| format!("{name}={value}"), |plain| format!("{name}={plain}+00:00")));
    }
    format!("[{}]", words.join(", "))
}

/// Some counts, to recognise a row by.
fn brief(row: &Row) -> String {
    let names = ["shown", "decisions", "granted", "denied", "withdrawals"];
    names.map(|name| format!("{name} {}", row.metrics.get(name).unwrap_or(&Value::Null))).join(", ")
}

/// Whether nothing was counted in a row; by service or category, nothing of its own.
fn is_empty(row: &Row, by_pair: bool) -> bool {
    let of_pairs = ["granted", "denied", "partial", "undecided", "not_disclosed", "withdrawals"];
    let of_events = ["shown", "decisions", "dismissed", "automatic", "loaded"];
    let counted = |name: &&str| row.metrics.get(*name).and_then(Value::as_f64).is_some_and(|count| count != 0.0);
    !of_pairs.iter().any(counted) && (by_pair || !of_events.iter().any(counted))
}

/// Integers exactly, other numbers within the tolerance.
fn same(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Number(wanted), Value::Number(got)) => match (wanted.as_u64(), got.as_u64()) {
            (Some(wanted), Some(got)) => wanted == got,
            _ => match (wanted.as_f64(), got.as_f64()) {
                (Some(wanted), Some(got)) => (wanted - got).abs() <= TOLERANCE,
                _ => false,
            },
        },
        _ => wanted == got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(dimensions: Value, rows: Value) -> ExpectedQuery {
        serde_json::from_value(json!({"name": "q", "query": {"dimensions": dimensions}, "rows": rows})).unwrap()
    }

    fn differences(expected: &ExpectedQuery, shown: Value) -> Comparison {
        let rows: Vec<Row> = serde_json::from_value(shown).unwrap();
        let mut comparison = Comparison::default();
        compare_rows(expected, &rows, &mut comparison);
        comparison
    }

    #[test]
    fn equal_rows_are_equal_in_any_order_and_spelling_of_utc() {
        let expected = query(
            json!(["time", "site"]),
            json!([{"dimensions": {"time": "2026-11-01T00:00:00+00:00", "site": "a"},
                    "metrics": {"shown": 3, "consent_rate": 0.5, "consent_rate_low": null}}]),
        );
        let found = differences(
            &expected,
            json!([{"dimensions": {"site": "b", "time": "2026-11-01T00:00:00Z"}, "metrics": {"shown": 0}},
                   {"dimensions": {"site": "a", "time": "2026-11-01T00:00:00Z"},
                    "metrics": {"shown": 3, "consent_rate": 0.500_000_000_01}}]),
        );
        assert!(found.is_equal(), "{found}");
        assert_eq!(found.cells, 3);
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let row = |site: &str, shown: u64| json!({"dimensions": {"site": site}, "metrics": {"shown": shown}});
        let expected = query(json!(["site"]), json!([row("a", 1), row("b", 2), row("c", 3)]));
        let found = differences(&expected, json!([row("a", 1), row("b", 9), row("d", 4)]));
        let counts: Vec<_> = found.counts.iter().map(|((_, metric), count)| (metric.as_str(), *count)).collect();
        assert_eq!(counts, [("row", 2), ("shown", 1)]);
        assert_eq!(found.told.len(), 3);
    }
}
