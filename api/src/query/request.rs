//! The body of a question, as it is sent. Names are texts here, so that a wrong one can be named in the answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A question.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sites": ["shop.example"], "date_range": ["2026-11-01", "2026-11-24"], "interval": "day", "timezone": "Europe/Paris",
    "metrics": ["shown", "decisions", "consent_rate"], "dimensions": ["time", "service"],
    "filters": [["is", "category", ["preferences"]], ["is_not", "bot", ["yes"]]],
    "order_by": [["consent_rate", "desc"]], "limit": 100
}))]
pub struct QueryRequest {
    /// Without it: every site that the token may see.
    #[serde(default)]
    pub sites: Option<Vec<String>>,
    /// Two days, both included, in the question's time zone.
    #[schema(value_type = Vec<String>, min_items = 2, max_items = 2)]
    pub date_range: (String, String),
    /// Required with the dimension `time`: `hour`, `day`, `week` (from Monday) or `month`.
    #[serde(default)]
    pub interval: Option<String>,
    /// What each row is put beside: `previous_period` (as many days, just before), `previous_year` (the same dates a year before;
    /// 28 February for the 29th) or two days of one's own. A range that is not over yet is compared with as much of the other
    /// (not with a range of one's own, which is taken as it is).
    #[serde(default)]
    pub compare: Option<Compare>,
    /// An IANA time zone; UTC where none is given.
    #[serde(default = "utc")]
    pub timezone: String,
    /// At least one metric. A rate comes with `_low`, `_high` (Wilson, 95 %) and `_denominator`.
    #[schema(min_items = 1)]
    pub metrics: Vec<String>,
    #[serde(default)]
    pub dimensions: Vec<String>,
    /// All must hold. `["is" | "is_not" | "contains", dimension, [values]]`, `["and" | "or", [filters]]`, `["not", filter]`.
    #[serde(default)]
    #[schema(value_type = Vec<Value>)]
    pub filters: Vec<Value>,
    /// `[[dimension or metric, "asc" | "desc"], ...]`. Ties, and the whole without it, go by dimensions, ascending.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    pub order_by: Vec<(String, String)>,
    /// Rows of one page: 1 to 100,000.
    #[serde(default = "rows")]
    pub limit: u32,
    /// `meta.next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What a question's rows are compared with.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Compare {
    Named(String),
    /// Two days, both included.
    Range(Vec<String>),
}

pub(super) fn utc() -> String {
    "UTC".into()
}

pub(super) const fn rows() -> u32 {
    10_000
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    pub rows: Vec<QueryRow>,
    pub meta: QueryMeta,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct QueryRow {
    /// By dimension. `time` is the interval's beginning, RFC 3339 with the zone's offset.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub dimensions: Value,
    /// By metric; null where there is nothing to divide by, or where the cell is withheld.
    #[schema(value_type = std::collections::HashMap<String, Option<f64>>)]
    pub metrics: Value,
    /// Only with `compare`; null where the interval has no counterpart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Option<RowComparison>>,
}

/// What a row is compared with: the same dimensions in the other range, and the interval of the same number.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowComparison {
    /// `time` of the counterpart, where rows are by time.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub dimensions: Value,
    #[schema(value_type = std::collections::HashMap<String, Option<f64>>)]
    pub metrics: Value,
    /// From then to now, by metric: of a count relative (0.1 is 10 % more), of a rate the difference (0.1 is 10 points more)
    /// with `_low` and `_high` (Newcombe 1998, method 10, 95 %).
    #[schema(value_type = std::collections::HashMap<String, Option<f64>>)]
    pub change: Value,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct QueryMeta {
    /// The question with every default filled in.
    #[schema(value_type = QueryRequest)]
    pub query: Value,
    /// Every event acknowledged before this instant is counted; null before the first.
    pub freshness: Option<String>,
    /// What each rate asked for is divided by, in words of `docs/metrics.md`.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub denominators: Value,
    /// Whether no event of these days can be taken any more (imports aside): the last one is over for
    /// `ingest.max_age_days`, 30 by default.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Only with `compare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<MetaComparison>,
    /// Always false: nothing is ever sampled.
    pub sampled: bool,
    /// Whether `visitors` was estimated.
    pub approximate: bool,
    /// How many rows of this page are withheld, in themselves or in what they are compared with: so few decisions would show
    /// single persons, or another row with so few could be worked out from this one and a total.
    pub suppressed: usize,
    pub next_cursor: Option<String>,
}

/// The range that was compared with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MetaComparison {
    /// Two days, both included.
    #[schema(value_type = Vec<String>)]
    pub date_range: (String, String),
    /// Where the question's own range is not over yet: up to when the other was read, so that both are equally long.
    pub until: Option<String>,
}
