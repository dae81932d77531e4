//! A query as the totals file and the API know it.

use super::calendar::Interval;
use crate::vocabulary::Dimension;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::sync::Arc;

/// Every count that is compared, in the order of `docs/metrics.md`. `observed_without_consent` is not: what is observed here was granted.
pub(crate) const COUNTS: [&str; 19] = [
    "shown",
    "decisions",
    "accept_all",
    "reject_all",
    "custom",
    "dismissed",
    "no_choice",
    "automatic",
    "withdrawals",
    "visitors",
    "granted",
    "denied",
    "partial",
    "undecided",
    "not_disclosed",
    "median_seconds_to_decide",
    "opted_in",
    "loaded",
    "loaded_with_consent",
];

/// Every rate.
pub(crate) const RATES: [&str; 8] = [
    "interaction_rate",
    "consent_rate",
    "opt_in_rate",
    "accept_all_rate",
    "reject_all_rate",
    "withdrawal_rate",
    "revoked_rate_30d",
    "traffic_consent_rate",
];

/// `["is", dimension, values]` or `["is_not", dimension, values]`.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) is: bool,
    pub(crate) dimension: Dimension,
    pub(crate) values: Vec<String>,
}

/// What pairs a query counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    /// (decision, service) pairs, summed over the services.
    Summed,
    /// (decision, service) pairs by service, or by service and category.
    Service,
    /// (decision, category) pairs.
    Category,
}

/// One query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// What a difference is reported under.
    pub(crate) name: String,
    pub(crate) sites: Arc<[Arc<str>]>,
    /// Two inclusive days in `timezone`.
    pub(crate) range: (Date, Date),
    pub(crate) timezone: &'static str,
    /// There exactly if `time` is among the dimensions.
    pub(crate) interval: Option<Interval>,
    /// At most [`crate::definitions::tally::KEY_PLACES`].
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) metrics: Vec<&'static str>,
}

impl Query {
    /// What pairs it counts.
    pub(crate) fn grain(&self) -> Grain {
        if self.dimensions.contains(&Dimension::Service) {
            Grain::Service
        } else if self.dimensions.contains(&Dimension::Category) {
            Grain::Category
        } else {
            Grain::Summed
        }
    }

    /// The body of `POST /api/v1/query`, without paging.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "sites": self.sites.iter().map(|site| &**site).collect::<Vec<_>>(),
            "date_range": [self.range.0.to_string(), self.range.1.to_string()],
            "timezone": self.timezone,
            "metrics": self.metrics,
            "dimensions": self.dimensions.iter().map(|dimension| dimension.name()).collect::<Vec<_>>(),
            "filters": self
                .filters
                .iter()
                .map(|filter| json!([if filter.is { "is" } else { "is_not" }, filter.dimension.name(), filter.values]))
                .collect::<Vec<_>>(),
        });
        if let Some(interval) = self.interval {
            body["interval"] = json!(interval.name());
        }
        body
    }
}
