//! `revoked_rate_7d`, `revoked_rate_30d`: of the subjects whose first grant in a row lies at least so many days back, those that
//! took it back within these days. Younger cohorts are still open and are left out. `median_seconds_to_withdraw`: how long
//! those that took it back, whenever that was, had let it stand.

use std::collections::HashMap;

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::cohorts::{Cohort, Place};
use super::column::Table;
use super::error::QueryError;
use super::rollup::{Key, bucket, scope, texts};
use super::spec::{Dimension, QuerySpec};
use super::statement::{Statement, Value};

/// What became of the grants of one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Grants {
    pub within_7_days: Cohort,
    pub within_30_days: Cohort,
    pub median_ms: Option<u64>,
}

#[derive(Debug, Row, Deserialize)]
struct Line {
    pair_of: Vec<String>,
    plain: Vec<String>,
    bucket: i64,
    granted_7: u64,
    revoked_7: u64,
    granted_30: u64,
    revoked_30: u64,
    median_ms: Option<u64>,
}

/// How a grant and its revocation are seen, by what rows are of.
struct Grain {
    /// Opens an event into its pairs.
    open: &'static str,
    granted: &'static str,
    denied: &'static str,
    withdrawn: &'static str,
    /// Service and category of the row.
    pair: [&'static str; 2],
    /// What grant and revocation have in common besides the subject.
    join: &'static str,
}

const BY_SERVICE: &str = "ARRAY JOIN pair_service AS service_of, pair_category AS category_of, pair_state AS state_of";
const BY_CATEGORY: &str = "ARRAY JOIN category_name AS category_of, category_state AS state_of";

fn grain(spec: &QuerySpec) -> Grain {
    let (granted, denied, withdrawn) = ("state_of = 'granted'", "state_of = 'denied'", "state_of = 'withdrawn'");
    match (spec.has(Dimension::Service), spec.has(Dimension::Category)) {
        (true, by_category) => Grain {
            open: BY_SERVICE,
            granted,
            denied,
            withdrawn,
            pair: ["service_of", if by_category { "category_of" } else { "''" }],
            join: "service_of",
        },
        (false, true) => {
            Grain { open: BY_CATEGORY, granted, denied, withdrawn, pair: ["''", "category_of"], join: "category_of" }
        }
        (false, false) => Grain {
            open: "",
            granted: "opted_in = 1",
            denied: "opted_in = 0",
            withdrawn: "1",
            pair: ["''", "''"],
            join: "''",
        },
    }
}

/// `counted_to`: the answer's freshness, in milliseconds since 1970.
pub(super) fn statement(spec: &QuerySpec, counted_to: i64) -> Statement {
    let grain = grain(spec);
    let mut statement = Statement::default();
    let table = Table::Events;
    let someone = "kind = 'event' AND subject != toUUID('00000000-0000-0000-0000-000000000000')";
    let plain = texts(spec.plain_dimensions().map(|d| table.column(d)));
    let bucket = bucket(spec, table, &mut statement);
    let counted_to = statement.bind("counted_to", Value::Millisecond(counted_to));

    statement.push("SELECT pair_of, plain, bucket,");
    for days in [7, 30] {
        let closed = format!("granted_at <= fromUnixTimestamp64Milli({counted_to}, 'UTC') - INTERVAL {days} DAY");
        let revoked = format!("revoked AND first_revoked_at <= granted_at + INTERVAL {days} DAY");
        statement.push(&format!(
            "       countIf({closed}) AS granted_{days}, countIf({closed} AND {revoked}) AS revoked_{days},"
        ));
    }
    let took = "toUInt64(dateDiff('millisecond', granted_at, first_revoked_at))";
    statement.push(&format!("       quantileExactLowOrNullIf(0.5)({took}, revoked) AS median_ms"));
    statement.push("FROM (");
    statement.push("SELECT pair_of, plain, bucket, granted_at,");
    statement.push("       arrayFilter(at -> at > granted_at, revoked_at) AS later, notEmpty(later) AS revoked,");
    statement.push("       arrayMin(later) AS first_revoked_at");
    statement.push("FROM (");
    statement.push(&format!(
        "SELECT site, subject, {} AS joined, {} AS pair_of,",
        grain.join,
        texts(grain.pair.into_iter())
    ));
    statement.push(&format!("       {plain} AS plain, {bucket} AS bucket, min(occurred_at) AS granted_at"));
    statement.push(&format!("FROM {} {}", table.name(), grain.open));
    scope(spec, table, &mut statement);
    statement.push(&format!("  AND {someone} AND type = 'decided' AND decision = 1 AND {}", grain.granted));
    if spec.by_pair() {
        for filter in &spec.pair_filters {
            let column = |dimension| if dimension == Dimension::Service { "service_of" } else { "category_of" };
            let condition = filter.sql_over(&column, &mut statement);
            statement.push(&format!("  AND ({condition})"));
        }
    }
    statement.push("GROUP BY site, subject, joined, pair_of, plain, bucket");
    statement.push(") AS grants LEFT JOIN (");
    revocations(spec, &grain, someone, &mut statement);
    statement.push(") AS revocations USING (site, subject, joined)");
    statement.push(")");
    statement.push("GROUP BY pair_of, plain, bucket");
    statement
}

fn revocations(spec: &QuerySpec, grain: &Grain, someone: &str, statement: &mut Statement) {
    let sites = spec.sites.iter().map(ToString::to_string).collect();
    let sites = statement.bind("sites", Value::Texts(sites));
    let from = statement.bind("from", Value::Second(spec.calendar.from()));
    statement.push(&format!("SELECT site, subject, {} AS joined, groupArray(occurred_at) AS revoked_at", grain.join));
    statement.push(&format!("FROM {} {}", Table::Events.name(), grain.open));
    statement.push(&format!("WHERE site IN {sites} AND {someone} AND occurred_at > toDateTime64({from}, 3, 'UTC')"));
    statement.push(&format!(
        "  AND ((type = 'withdrawn' AND {}) OR (type = 'decided' AND (method != 'dismiss' OR decision = 1) AND {}))",
        grain.withdrawn, grain.denied
    ));
    statement.push("GROUP BY site, subject, joined");
}

/// Follows the cohorts.
///
/// # Errors
/// What the engine says.
pub(super) async fn read(
    client: &Client,
    spec: &QuerySpec,
    counted_to: i64,
) -> Result<HashMap<Place, Grants>, QueryError> {
    let lines = statement(spec, counted_to).query(client).fetch_all::<Line>().await?;
    let cohorts = lines.into_iter().map(|line| {
        let mut pair = line.pair_of.into_iter();
        let pair = (pair.next().unwrap_or_default(), pair.next().unwrap_or_default());
        let key = Key { plain: line.plain, bucket: line.bucket };
        let grants = Grants {
            within_7_days: Cohort { all: line.granted_7, followed: line.revoked_7 },
            within_30_days: Cohort { all: line.granted_30, followed: line.revoked_30 },
            median_ms: line.median_ms,
        };
        ((key, pair), grants)
    });
    Ok(cohorts.collect())
}
