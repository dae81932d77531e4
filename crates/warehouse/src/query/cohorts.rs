//! What becomes of subjects over time, by row: those that granted ([`revoked`]), those that refused ([`reprompted`]).

use std::collections::HashMap;

use clickhouse::Client;

use super::error::QueryError;
use super::rollup::{Key, Pair};
use super::spec::{Metric, QuerySpec};
use super::{reprompted, revoked};

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cohort {
    pub all: u64,
    pub followed: u64,
}

/// What is known of one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cohorts {
    pub within_7_days: Cohort,
    pub within_30_days: Cohort,
    pub reprompted: Cohort,
    /// From grant to revocation, of those that revoked: lower median, in milliseconds.
    pub median_ms: Option<u64>,
}

pub(super) type Place = (Key, Pair);

/// Follows the cohorts that the question's metrics are of. `counted_to`: the answer's freshness, in milliseconds since 1970;
/// without one nothing is counted.
///
/// # Errors
/// What the engine says.
pub(super) async fn read(
    client: &Client,
    spec: &QuerySpec,
    counted_to: Option<i64>,
) -> Result<HashMap<Place, Cohorts>, QueryError> {
    let mut all: HashMap<Place, Cohorts> = HashMap::new();
    let Some(counted_to) = counted_to else { return Ok(all) };
    if [Metric::RevokedRate7d, Metric::RevokedRate30d, Metric::MedianSecondsToWithdraw].iter().any(|m| spec.wants(*m)) {
        for (place, grants) in revoked::read(client, spec, counted_to).await? {
            let cohorts = all.entry(place).or_default();
            (cohorts.within_7_days, cohorts.within_30_days) = (grants.within_7_days, grants.within_30_days);
            cohorts.median_ms = grants.median_ms;
        }
    }
    if spec.wants(Metric::RepromptedRate6m) {
        for (key, reprompted) in reprompted::read(client, spec).await? {
            if !spec.by_pair() {
                all.entry((key, Pair::default())).or_default().reprompted = reprompted;
            }
        }
    }
    Ok(all)
}
