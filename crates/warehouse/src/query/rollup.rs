//! The roll-up, read once: what happened (grain `total`) and what was said of services or categories, in one statement and
//! so of one moment.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::column::Table;
use super::error::QueryError;
use super::freshness::Marks;
use super::spec::{Dimension, OrderKey, QuerySpec};
use super::statement::{Statement, Value};
use crate::chain::derive::BY_HOUR;

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

        /// One of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "named as the columns are")]
        pub(super) enum Count { $($name),+ }

        impl Count {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name),+];

            const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }

        impl Counts {
            pub(super) const fn set(&mut self, count: Count, value: u64) {
                match count { $(Count::$name => self.$name = value),+ }
            }

            const fn add(&mut self, other: Self) {
                $(self.$name += other.$name;)+
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
    /// These columns, in this order.
    fn read(columns: &BTreeSet<Count>, values: &[u64]) -> Self {
        let mut counts = Self::default();
        columns.iter().zip(values).for_each(|(column, value)| counts.set(*column, *value));
        counts
    }
}

/// The counts that a question's answer is made of, and those that decide which of its cells are withheld.
fn columns(spec: &QuerySpec) -> BTreeSet<Count> {
    let ordered = spec.order.iter().filter_map(|order| match order.key {
        OrderKey::Metric(metric) => Some(metric),
        OrderKey::Dimension(_) => None,
    });
    let metrics = spec.metrics.iter().copied().chain(ordered);
    metrics.flat_map(|metric| metric.counts().iter().copied()).chain([Count::decisions]).collect()
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

/// The dimensions that rows of an hour have.
const OF_AN_HOUR: [Dimension; 9] = [
    Dimension::Site,
    Dimension::Service,
    Dimension::Category,
    Dimension::BannerVersion,
    Dimension::Regime,
    Dimension::Bot,
    Dimension::Time,
    Dimension::Signal,
    Dimension::Finding,
];

/// The seconds since 1970 up to which rows of hours say the same as rows of quarters, and are read instead; none where the
/// question needs what they leave out.
fn hours_to(spec: &QuerySpec) -> Option<u32> {
    let is_of_hours = spec.calendar.begins_with_hours() && spec.named().iter().all(|d| OF_AN_HOUR.contains(d));
    is_of_hours.then(|| spec.calendar.to() / 3600 * 3600)
}

/// The grain of what happened: a decision is there once, or, by signal, once with each.
fn happened(spec: &QuerySpec) -> &'static str {
    if spec.by_signal() { "signal" } else { "total" }
}

/// The condition on the grain: which rows of what happened, and which of pairs.
fn grains(spec: &QuerySpec, with: With, statement: &mut Statement) -> String {
    let total = |suffix: &str| format!("grain = '{}{suffix}'", happened(spec));
    let pairs = if with.pairs || spec.by_pair() {
        let filters = spec.pair_filters.iter().map(|filter| format!(" AND ({})", filter.sql(Table::Rollup, statement)));
        Some(filters.collect::<String>())
    } else {
        None
    };
    let both = |suffix: &str| match &pairs {
        Some(filters) => format!("{} OR (grain = '{}{suffix}'{filters})", total(suffix), grain(spec)),
        None => total(suffix),
    };
    let hours = if pooled(spec) { total(BY_HOUR) } else { both(BY_HOUR) };
    match hours_to(spec) {
        None => both(""),
        Some(to) if to == spec.calendar.to() => hours,
        Some(to) => {
            let to = statement.bind("hours_to", Value::Second(to));
            let instant = format!("toDateTime({to}, 'UTC')");
            format!("(quarter < {instant} AND ({hours})) OR (quarter >= {instant} AND ({}))", both(""))
        }
    }
}

/// Whether a question is about the pairs of all services together, which the totals of hours have.
fn pooled(spec: &QuerySpec) -> bool {
    !spec.by_pair() && spec.pair_filters.is_empty()
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
    let plain: Vec<&str> = spec.plain_dimensions().map(|d| Table::Rollup.column(d)).collect();
    let bucket = bucket(spec, Table::Rollup, &mut statement);
    let sums: Vec<String> = columns(spec).into_iter().map(|column| format!("sum({})", column.as_str())).collect();
    statement.push(&format!(
        "SELECT CAST(grain, 'String') AS grain_of, {} AS pair_of,",
        texts(pair.iter().map(String::as_str))
    ));
    statement.push(&format!("       {} AS plain, {bucket} AS bucket,", texts(plain.iter().copied())));
    statement.push(&format!("       [{}] AS counts, max(upto) AS upto_of", sums.join(", ")));
    statement.push(&format!("FROM {}", Table::Rollup.name()));
    scope(spec, Table::Rollup, &mut statement);
    let grains = grains(spec, with, &mut statement);
    statement.push(&format!("  AND ({grains})"));
    if with.marks {
        statement.push("   OR (site = '' AND grain = '')");
    }
    // By the columns themselves: lists of texts would be built for every row that is read.
    let keys = pair.iter().map(String::as_str).filter(|key| *key != "''").chain(plain);
    let keys: Vec<&str> = ["grain"].into_iter().chain(keys).chain(["bucket"]).collect();
    statement.push(&format!("GROUP BY {}", keys.join(", ")));
    statement.push(&format!("LIMIT {}", spec.limits.rows + if with.marks { MOST_MARKS } else { 1 }));
    statement
}

/// Asks the roll-up.
///
/// # Errors
/// What the engine says, or more rows than the limit.
pub(super) async fn read(client: &Client, spec: &QuerySpec, with: With) -> Result<Rollup, QueryError> {
    let mut lines = statement(spec, with).query(client).fetch::<Line>()?;
    let columns = columns(spec);
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
        let counts = Counts::read(&columns, &line.counts);
        let key = Key { plain: line.plain, bucket: line.bucket };
        let of_hours = line.grain_of.strip_suffix(BY_HOUR);
        // An interval may be read from hours and from quarters.
        if of_hours.unwrap_or(&line.grain_of) == happened(spec) {
            if of_hours.is_some() && pooled(spec) {
                rollup.pairs.entry((key.clone(), Pair::default())).or_default().add(counts);
            }
            rollup.totals.entry(key).or_default().add(counts);
        } else {
            let mut pair = line.pair_of.into_iter();
            let pair = (pair.next().unwrap_or_default(), pair.next().unwrap_or_default());
            rollup.pairs.entry((key, pair)).or_default().add(counts);
        }
    }
    Ok(rollup)
}
