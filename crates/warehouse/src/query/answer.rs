//! Putting the parts of an answer together: joined by the row's dimensions, beside what they are compared with, small cells
//! withheld, ordered, cut into pages.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use clickhouse::Client;

use super::cohorts::{self, Cohorts};
use super::difference::change;
use super::error::QueryError;
use super::measure::{Cell, Number};
use super::people::{self, People};
use super::rollup::{self, Key, Pair, Rollup, With};
use super::spec::{Dimension, Metric, OrderKey, QuerySpec};
use super::withhold::withheld;

/// One row: values in the order of the question's dimensions, and of [`QuerySpec::columns`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub dimensions: Vec<String>,
    /// `None`: null, because there is nothing to divide by, or because the cell is withheld.
    pub metrics: Vec<Option<Number>>,
    /// `None`: nothing is compared, or this interval has no counterpart.
    pub comparison: Option<Comparison>,
}

/// What a row is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The beginning of the counterpart's interval, where rows are by time.
    pub time: Option<String>,
    /// In the order of [`QuerySpec::columns`].
    pub metrics: Vec<Option<Number>>,
    /// In the order of [`QuerySpec::changes`]: of counts relative (0.1 is 10 % more), of rates in points (0.1 is 10 points more).
    pub change: Vec<Option<f64>>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub rows: Vec<Row>,
    /// How many of the page's rows are withheld, in themselves or in what they are compared with.
    pub suppressed: usize,
    /// Whether `visitors` was estimated.
    pub approximate: bool,
    /// Whether there are rows after this page.
    pub more: bool,
}

/// What the tables say of one range of days.
struct Side {
    rollup: Rollup,
    people: HashMap<Key, People>,
    cohorts: HashMap<(Key, Pair), Cohorts>,
    withheld: HashSet<Key>,
    /// Whether subjects were counted one by one.
    exact: bool,
}

/// A row in the making.
struct Draft {
    key: Key,
    pair: Pair,
    cell: Cell,
    suppressed: bool,
    metrics: Vec<Option<Number>>,
    before: Option<Before>,
}

/// Its counterpart.
struct Before {
    bucket: i64,
    cell: Cell,
    suppressed: bool,
}

/// Answers a question. `counted_to` is the answer's freshness in milliseconds since 1970, where there is one.
///
/// # Errors
/// What the engine says, or more rows than the limit.
pub async fn run(client: &Client, spec: &QuerySpec, counted_to: Option<i64>) -> Result<Answer, QueryError> {
    let compared = spec.compared();
    let before = async {
        match &compared {
            Some(compared) => Side::read(client, compared, counted_to).await.map(Some),
            None => Ok(None),
        }
    };
    let (side, before) = tokio::try_join!(Side::read(client, spec, counted_to), before)?;
    let mut drafts = join(spec, &side, before.as_ref().zip(compared.as_ref()));
    sort(spec, &mut drafts);
    let more = drafts.len() > spec.offset.saturating_add(spec.limit);
    let page: Vec<Draft> = drafts.into_iter().skip(spec.offset).take(spec.limit).collect();
    let is_suppressed = |draft: &&Draft| draft.suppressed || draft.before.as_ref().is_some_and(|then| then.suppressed);
    Ok(Answer {
        suppressed: page.iter().filter(is_suppressed).count(),
        approximate: spec.wants(Metric::Visitors) && !(side.exact && before.is_none_or(|before| before.exact)),
        more,
        rows: page.into_iter().map(|draft| finish(spec, compared.as_ref(), draft)).collect(),
    })
}

impl Side {
    async fn read(client: &Client, spec: &QuerySpec, counted_to: Option<i64>) -> Result<Self, QueryError> {
        let of_people = spec.metrics.iter().any(|metric| metric.is_of_people());
        let rollup = rollup::read(client, spec, With { pairs: needs_pairs(spec), marks: of_people }).await?;
        let decisions: u64 = rollup.totals.values().map(|counts| counts.decisions).sum();
        let exact = decisions <= spec.limits.exact_visitors;
        let people = async {
            if of_people { people::read(client, spec, exact, &rollup.marks).await } else { Ok(HashMap::new()) }
        };
        let (people, cohorts) = tokio::try_join!(people, cohorts::read(client, spec, counted_to))?;
        let withheld = withheld(spec, &rollup.totals);
        Ok(Self { rollup, people, cohorts, withheld, exact })
    }

    /// Where it has rows. By service or category, a row is where pairs or withdrawals are; else where anything happened.
    fn places(&self, spec: &QuerySpec) -> Vec<(Key, Pair)> {
        if spec.by_pair() {
            self.rollup.pairs.keys().cloned().collect()
        } else {
            self.rollup.totals.keys().map(|key| (key.clone(), Pair::default())).collect()
        }
    }

    /// All that is known of a place; zeroes where nothing was counted. A row of a service repeats the total of its other
    /// dimensions.
    fn cell(&self, spec: &QuerySpec, place: &(Key, Pair)) -> Cell {
        Cell {
            by_pair: spec.by_pair(),
            totals: self.rollup.totals.get(&place.0).copied().unwrap_or_default(),
            pairs: self.rollup.pairs.get(place).copied().unwrap_or_default(),
            people: self.people.get(&place.0).copied().unwrap_or_default(),
            cohorts: self.cohorts.get(place).copied().unwrap_or_default(),
        }
    }
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

/// The rows of both sides, each beside its counterpart: the same dimensions, and the interval of the same number.
fn join(spec: &QuerySpec, side: &Side, before: Option<(&Side, &QuerySpec)>) -> Vec<Draft> {
    let mut places: BTreeSet<(Key, Pair)> = side.places(spec).into_iter().collect();
    if let Some((then, compared)) = before {
        places.extend(then.places(spec).into_iter().filter_map(|(key, pair)| {
            let bucket = spec.calendar.counterpart(key.bucket, &compared.calendar)?;
            Some((Key { bucket, ..key }, pair))
        }));
    }
    let draft = |place: (Key, Pair)| {
        let cell = side.cell(spec, &place);
        let suppressed = side.withheld.contains(&place.0);
        let values = spec.metrics.iter().flat_map(|metric| cell.values(*metric));
        let metrics = values.map(|value| value.filter(|_| !suppressed)).collect();
        let then = before.and_then(|(then, compared)| {
            let bucket = compared.calendar.counterpart(place.0.bucket, &spec.calendar)?;
            let place = (Key { bucket, ..place.0.clone() }, place.1.clone());
            let suppressed = then.withheld.contains(&place.0);
            Some(Before { bucket, cell: then.cell(spec, &place), suppressed })
        });
        let (key, pair) = place;
        Draft { key, pair, cell, suppressed, metrics, before: then }
    };
    places.into_iter().map(draft).collect()
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
    let at: usize = spec.metrics.iter().take_while(before).map(|m| m.parts().len()).sum();
    if spec.wants(metric) {
        draft.metrics.get(at).copied().flatten()
    } else {
        draft.cell.values(metric).next().flatten()
    }
}

fn finish(spec: &QuerySpec, compared: Option<&QuerySpec>, draft: Draft) -> Row {
    let dimensions = spec.dimensions.iter().map(|dimension| match dimension {
        Dimension::Time => spec.calendar.label(draft.key.bucket),
        dimension => plain_value(spec, &draft, *dimension).to_owned(),
    });
    let dimensions = dimensions.collect();
    let comparison = draft.before.as_ref().zip(compared).map(|(then, compared)| {
        let values = spec.metrics.iter().flat_map(|metric| then.cell.values(*metric));
        let changes = spec.metrics.iter().flat_map(|metric| change(&draft.cell, &then.cell, *metric));
        Comparison {
            time: spec.has(Dimension::Time).then(|| compared.calendar.label(then.bucket)),
            metrics: values.map(|value| value.filter(|_| !then.suppressed)).collect(),
            change: changes.map(|change| change.filter(|_| !then.suppressed && !draft.suppressed)).collect(),
        }
    });
    Row { dimensions, metrics: draft.metrics, comparison }
}
