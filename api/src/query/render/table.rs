//! Rows as a flat table: dimensions, metrics, and, where something is compared, `comparison_time`, `comparison_<metric>` and
//! `change_<metric>`.

use avow_warehouse::query::{Dimension, Metric, Number, QuerySpec, Row};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Count,
    Real,
}

/// The columns in their order.
pub fn columns(spec: &QuerySpec) -> Vec<(String, Kind)> {
    let kinds: Vec<Kind> = spec.metrics.iter().flat_map(|metric| kinds(*metric)).copied().collect();
    let metrics = || spec.columns().into_iter().zip(kinds.iter().copied());
    let mut columns: Vec<(String, Kind)> =
        spec.dimensions.iter().map(|dimension| (dimension.as_str().to_owned(), Kind::Text)).collect();
    columns.extend(metrics());
    if spec.compare.is_some() {
        if spec.has(Dimension::Time) {
            columns.push(("comparison_time".to_owned(), Kind::Text));
        }
        columns.extend(metrics().map(|(name, kind)| (format!("comparison_{name}"), kind)));
        columns.extend(spec.changes().into_iter().map(|name| (format!("change_{name}"), Kind::Real)));
    }
    columns
}

fn kinds(metric: Metric) -> &'static [Kind] {
    match metric {
        Metric::MedianSecondsToDecide | Metric::MedianSecondsToWithdraw => &[Kind::Real],
        metric if metric.is_rate() => &[Kind::Real, Kind::Real, Kind::Real, Kind::Count],
        _ => &[Kind::Count],
    }
}

/// A field of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    Text(String),
    Number(Number),
    Null,
}

/// A row's fields, in the order of [`columns`].
pub fn fields(spec: &QuerySpec, row: &Row) -> Vec<Field> {
    let number = |value: &Option<Number>| value.map_or(Field::Null, Field::Number);
    let real = |value: &Option<f64>| value.map_or(Field::Null, |value| Field::Number(Number::Real(value)));
    let mut fields: Vec<Field> = row.dimensions.iter().cloned().map(Field::Text).collect();
    fields.extend(row.metrics.iter().map(number));
    match &row.comparison {
        Some(then) => {
            fields.extend(then.time.iter().cloned().map(Field::Text));
            fields.extend(then.metrics.iter().map(number));
            fields.extend(then.change.iter().map(real));
        }
        None if spec.compare.is_some() => {
            let missing = usize::from(spec.has(Dimension::Time)) + spec.columns().len() + spec.changes().len();
            fields.extend(std::iter::repeat_n(Field::Null, missing));
        }
        None => {}
    }
    fields
}
