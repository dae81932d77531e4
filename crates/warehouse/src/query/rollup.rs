//! The roll-up, read once: what happened (grain `total`) and what was said of services or categories, in one statement and
//! so of one moment.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::column::Table;
use super::error::QueryError;
use super::freshness::Marks;
use super::spec::{Dimension, QuerySpec};
use super::statement::{Statement, Value};

/// Where a count belongs: the values of the plain dimensions, in the order of the question, and the interval's beginning
/// (0 where there are no intervals).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub plain: Vec<String>,
    pub bucket: i64,
}

/// Service and category; empty where the question is not by it.
pub(super) type Pair = (String, String);

macro_rules! counts {
    ($($name:ident),+ $(,)?) => {
        /// The roll-up's columns, summed.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(super) struct Counts { $(pub $name: u64),+ }

        const COLUMNS: &[&str] = &[$(stringify!($name)),+];

        impl Counts {
            fn read(values: &[u64]) -> Self {
                let mut values = values.iter().copied();
                Self { $($name: values.next().unwrap_or(0)),+ }
            }
        }
    };
}

counts!(
    shown,
    decisions,
    accept_all,
    reject_all,
    custom,
    dismissed,
    automatic,
    withdrawals,
    opted_in,
    loaded,
    loaded_with_consent,
    granted,
    denied,
    partial,
    undecided,
    not_disclosed,
    observed_without_consent,
);

impl Counts {
    fn of_events(&self) -> u64 {
        self.shown + self.decisions + self.dismissed + self.automatic + self.withdrawals + self.loaded
    }

    fn of_pairs(&self) -> u64 {
        self.granted + self.denied + self.partial + self.undecided + self.not_disclosed + self.observed_without_consent
    }
}

/// What the roll-up says to a question.
#[derive(Debug, Default)]
pub(super) struct Rollup {
    /// By the plain dimensions: what happened. Only where something did.
    pub totals: BTreeMap<Key, Counts>,
    /// By the plain dimensions and the pair: pairs, and withdrawals of it. Only where there are any.
    pub pairs: BTreeMap<(Key, Pair), Counts>,
    /// How far all of this is counted, by log, where that was asked for.
    pub marks: BTreeMap<String, Marks>,
}

#[derive(Debug, Row, Deserialize)]
struct Line {
    grain_of: String,
    pair_of: Vec<String>,
    plain: Vec<String>,
    bucket: i64,
    counts: Vec<u64>,
    upto_of: u64,
}

/// What else is read with the counts of things that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct With {
    /// What was said of services or categories; by service or category it always is.
    pub pairs: bool,
    /// How far the roll-up has got, so that other tables can be read exactly as far.
    pub marks: bool,
}

/// More partitions than any log has: marks must not be cut off by the limit of rows.
const MOST_MARKS: usize = 10_000;

/// The SQL of a list of texts.
pub(super) fn texts<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<String> = columns.map(|column| format!("CAST({column}, 'String')")).collect();
    if columns.is_empty() { "emptyArrayString()".to_owned() } else { format!("[{}]", columns.join(", ")) }
}

/// The SQL of the interval's beginning.
pub(super) fn bucket(spec: &QuerySpec, table: Table, statement: &mut Statement) -> String {
    match spec.calendar.bounds().filter(|_| spec.has(Dimension::Time)) {
        Some(bounds) => {
            let bounds = statement.bind("bounds", Value::Seconds(bounds.to_vec()));
            format!("toInt64(roundDown({}, {bounds}))", table.instant())
        }
        None => "toInt64(0)".to_owned(),
    }
}

/// The conditions that every statement has: sites, dates, filters on events.
pub(super) fn scope(spec: &QuerySpec, table: Table, statement: &mut Statement) {
    let sites = spec.sites.iter().map(ToString::to_string).collect();
    let sites = statement.bind("sites", Value::Texts(sites));
    let from = statement.bind("from", Value::Second(spec.calendar.from()));
    let to = statement.bind("to", Value::Second(spec.calendar.to()));
    statement.push(&format!("WHERE site IN {sites}"));
    match table {
        Table::Rollup => {
            statement
                .push(&format!("  AND quarter >= toDateTime({from}, 'UTC') AND quarter < toDateTime({to}, 'UTC')"));
        }
        Table::Events => statement.push(&format!(
            "  AND occurred_at >= toDateTime64({from}, 3, 'UTC') AND occurred_at < toDateTime64({to}, 3, 'UTC')"
        )),
    }
    for filter in &spec.filters {
        let condition = filter.sql(table, statement);
        statement.push(&format!("  AND ({condition})"));
    }
}

/// The grain whose pairs a question is about.
fn grain(spec: &QuerySpec) -> &'static str {
    if spec.has(Dimension::Category) && !spec.has(Dimension::Service) { "category" } else { "service" }
}

/// The watermarks are rows of the same table (site and grain empty, service = partition, category = log), so that counts and
/// watermarks are of one moment.
pub(super) fn statement(spec: &QuerySpec, with: With) -> Statement {
    let mut statement = Statement::default();
    let pair = [Dimension::Service, Dimension::Category].map(|d| match (spec.has(d), with.marks) {
        (true, _) => d.as_str().to_owned(),
        (false, true) => format!("if(site = '', {}, '')", d.as_str()),
        (false, false) => "''".to_owned(),
    });
    let bucket = bucket(spec, Table::Rollup, &mut statement);
    let sums: Vec<String> = COLUMNS.iter().map(|column| format!("sum({column})")).collect();
    statement.push(&format!(
        "SELECT CAST(grain, 'String') AS grain_of, {} AS pair_of,",
        texts(pair.iter().map(String::as_str))
    ));
    let plain = texts(spec.plain_dimensions().map(|d| Table::Rollup.column(d)));
    statement.push(&format!("       {plain} AS plain, {bucket} AS bucket,"));
    statement.push(&format!("       [{}] AS counts, max(upto) AS upto_of", sums.join(", ")));
    statement.push(&format!("FROM {}", Table::Rollup.name()));
    scope(spec, Table::Rollup, &mut statement);
    if with.pairs || spec.by_pair() {
        let mut conditions = vec![format!("grain = '{}'", grain(spec))];
        for filter in &spec.pair_filters {
            conditions.push(format!("({})", filter.sql(Table::Rollup, &mut statement)));
        }
        statement.push(&format!("  AND (grain = 'total' OR ({}))", conditions.join(" AND ")));
    } else {
        statement.push("  AND grain = 'total'");
    }
    if with.marks {
        statement.push("   OR (site = '' AND grain = '')");
    }
    statement.push("GROUP BY grain_of, pair_of, plain, bucket");
    statement.push("HAVING arraySum(counts) + upto_of > 0");
    statement.push(&format!("LIMIT {}", spec.limits.rows + if with.marks { MOST_MARKS } else { 1 }));
    statement
}

/// Asks the roll-up.
///
/// # Errors
/// What the engine says, or more rows than the limit.
pub(super) async fn read(client: &Client, spec: &QuerySpec, with: With) -> Result<Rollup, QueryError> {
    let mut lines = statement(spec, with).query(client).fetch::<Line>()?;
    let mut rollup = Rollup::default();
    let mut seen = 0;
    while let Some(line) = lines.next().await? {
        if line.grain_of.is_empty() {
            let mut names = line.pair_of.into_iter();
            if let (Some(Ok(partition)), Some(log)) = (names.next().map(|name| name.parse()), names.next()) {
                rollup.marks.entry(log).or_default().insert(partition, line.upto_of);
            }
            continue;
        }
        seen += 1;
        if seen > spec.limits.rows {
            return Err(QueryError::TooManyRows(spec.limits.rows));
        }
        let counts = Counts::read(&line.counts);
        let key = Key { plain: line.plain, bucket: line.bucket };
        if line.grain_of == "total" {
            if counts.of_events() > 0 {
                rollup.totals.insert(key, counts);
            }
        } else if counts.of_pairs() + counts.withdrawals > 0 {
            let mut pair = line.pair_of.into_iter();
            let pair = (pair.next().unwrap_or_default(), pair.next().unwrap_or_default());
            rollup.pairs.insert((key, pair), counts);
        }
    }
    Ok(rollup)
}
