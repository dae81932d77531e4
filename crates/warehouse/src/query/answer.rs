//! Putting the parts of an answer together: joined by the row's dimensions, small cells withheld, ordered, cut into pages.

use std::cmp::Ordering;
use std::collections::HashMap;

use clickhouse::Client;

use super::error::QueryError;
use super::measure::{Cell, Number};
use super::people::{self, People};
use super::revoked::{self, Cohort};
use super::rollup::{self, Counts, Key, Pair, Rollup, With};
use super::spec::{Dimension, Metric, OrderKey, QuerySpec, Rate};

/// One row: values in the order of the question's dimensions, and of [`Answer::columns`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub dimensions: Vec<String>,
    /// `None`: null, because there is nothing to divide by, or because the cell is withheld.
    pub metrics: Vec<Option<Number>>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Names of the metric columns: a rate has four.
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
    /// How many of the page's rows are withheld.
    pub suppressed: usize,
    /// Whether `visitors` was estimated.
    pub approximate: bool,
    /// Whether there are rows after this page.
    pub more: bool,
}

/// A row in the making.
struct Draft {
    key: Key,
    pair: Pair,
    cell: Cell,
    suppressed: bool,
    metrics: Vec<Option<Number>>,
}

/// Answers a question. `counted_to` is the answer's freshness in milliseconds since 1970, where there is one.
///
/// # Errors
/// What the engine says, or more rows than the limit.
pub async fn run(client: &Client, spec: &QuerySpec, counted_to: Option<i64>) -> Result<Answer, QueryError> {
    let of_people = spec.metrics.iter().any(|metric| metric.is_of_people());
    let rollup = rollup::read(client, spec, With { pairs: needs_pairs(spec), marks: of_people }).await?;
    let decisions: u64 = rollup.totals.values().map(|counts| counts.decisions).sum();
    let exact = decisions <= spec.limits.exact_visitors;
    let people =
        async { if of_people { people::read(client, spec, exact, &rollup.marks).await } else { Ok(HashMap::new()) } };
    let (people, cohorts) = tokio::try_join!(people, ask_cohorts(client, spec, counted_to))?;

    let mut drafts = join(spec, &rollup, &people, &cohorts);
    sort(spec, &mut drafts);
    let more = drafts.len() > spec.offset.saturating_add(spec.limit);
    let page: Vec<Draft> = drafts.into_iter().skip(spec.offset).take(spec.limit).collect();
    Ok(Answer {
        columns: columns(spec),
        suppressed: page.iter().filter(|draft| draft.suppressed).count(),
        approximate: spec.wants(Metric::Visitors) && !exact,
        more,
        rows: page.into_iter().map(|draft| finish(spec, draft)).collect(),
    })
}

fn needs_pairs(spec: &QuerySpec) -> bool {
    spec.metrics.iter().any(|metric| {
        matches!(
            metric,
            Metric::Granted
                | Metric::Denied
                | Metric::Partial
                | Metric::Undecided
                | Metric::NotDisclosed
                | Metric::ObservedWithoutConsent
                | Metric::ConsentRate
        )
    })
}

async fn ask_cohorts(
    client: &Client,
    spec: &QuerySpec,
    counted_to: Option<i64>,
) -> Result<HashMap<(Key, Pair), Cohort>, QueryError> {
    match counted_to {
        Some(counted_to) if spec.wants(Metric::RevokedRate30d) => revoked::read(client, spec, counted_to).await,
        _ => Ok(HashMap::new()),
    }
}

/// By service or category, a row is where pairs or withdrawals are, and repeats the total of its other dimensions; else a
/// row is where anything happened.
fn join(
    spec: &QuerySpec,
    rollup: &Rollup,
    people: &HashMap<Key, People>,
    cohorts: &HashMap<(Key, Pair), Cohort>,
) -> Vec<Draft> {
    let draft = |key: &Key, pair: Pair, pairs: Counts| {
        let place = (key.clone(), pair);
        let cell = Cell {
            by_pair: spec.by_pair(),
            totals: rollup.totals.get(key).copied().unwrap_or_default(),
            pairs,
            people: people.get(key).copied().unwrap_or_default(),
            cohort: cohorts.get(&place).copied().unwrap_or_default(),
        };
        let (key, pair) = place;
        let suppressed = withheld(spec, &key, &cell);
        let values = spec.metrics.iter().flat_map(|metric| cell.values(*metric));
        let metrics = values.map(|value| value.filter(|_| !suppressed)).collect();
        Draft { key, pair, cell, suppressed, metrics }
    };
    if spec.by_pair() {
        rollup.pairs.iter().map(|((key, pair), counts)| draft(key, pair.clone(), *counts)).collect()
    } else {
        let of_all = |key: &Key| rollup.pairs.get(&(key.clone(), Pair::default())).copied().unwrap_or_default();
        rollup.totals.keys().map(|key| draft(key, Pair::default(), of_all(key))).collect()
    }
}

/// Whether the caller may not see this cell: it is of so few decisions that it would show single persons.
fn withheld(spec: &QuerySpec, key: &Key, cell: &Cell) -> bool {
    let Some(suppression) = &spec.suppression else { return false };
    let site = spec.plain_dimensions().position(|d| d == Dimension::Site).and_then(|at| key.plain.get(at));
    let below = site.and_then(|site| suppression.below.get(site.as_str())).copied().unwrap_or(suppression.largest);
    (1..u64::from(below)).contains(&cell.totals.decisions)
}

fn sort(spec: &QuerySpec, drafts: &mut [Draft]) {
    let by_dimension = |dimension: Dimension, a: &Draft, b: &Draft| match dimension {
        Dimension::Time => a.key.bucket.cmp(&b.key.bucket),
        dimension => plain_value(spec, a, dimension).cmp(plain_value(spec, b, dimension)),
    };
    drafts.sort_by(|a, b| {
        let asked = spec.order.iter().map(|order| match order.key {
            OrderKey::Dimension(dimension) => order.direction.apply(by_dimension(dimension, a, b)),
            OrderKey::Metric(metric) => match (metric_value(spec, a, metric), metric_value(spec, b, metric)) {
                (Some(a), Some(b)) => order.direction.apply(a.as_f64().total_cmp(&b.as_f64())),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        });
        let rest = spec.dimensions.iter().map(|dimension| by_dimension(*dimension, a, b));
        asked.chain(rest).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    });
}

fn plain_value<'a>(spec: &QuerySpec, draft: &'a Draft, dimension: Dimension) -> &'a str {
    match dimension {
        Dimension::Service => &draft.pair.0,
        Dimension::Category => &draft.pair.1,
        _ => {
            let at = spec.plain_dimensions().position(|plain| plain == dimension);
            at.and_then(|at| draft.key.plain.get(at)).map_or("", String::as_str)
        }
    }
}

/// Of a metric that is not asked for (it may still be ordered by), computed anew.
fn metric_value(spec: &QuerySpec, draft: &Draft, metric: Metric) -> Option<Number> {
    if draft.suppressed {
        return None;
    }
    let before = |m: &&Metric| **m != metric;
    let at: usize = spec.metrics.iter().take_while(before).map(|m| if m.is_rate() { Rate::ALL.len() } else { 1 }).sum();
    if spec.wants(metric) {
        draft.metrics.get(at).copied().flatten()
    } else {
        draft.cell.values(metric).next().flatten()
    }
}

fn finish(spec: &QuerySpec, draft: Draft) -> Row {
    let dimensions = spec.dimensions.iter().map(|dimension| match dimension {
        Dimension::Time => spec.calendar.label(draft.key.bucket),
        dimension => plain_value(spec, &draft, *dimension).to_owned(),
    });
    Row { dimensions: dimensions.collect(), metrics: draft.metrics }
}

fn columns(spec: &QuerySpec) -> Vec<String> {
    let names = spec.metrics.iter().flat_map(|metric| {
        let parts: &[Rate] = if metric.is_rate() { &Rate::ALL } else { &[Rate::Value] };
        parts.iter().map(move |part| format!("{}{}", metric.as_str(), part.suffix()))
    });
    names.collect()
}
