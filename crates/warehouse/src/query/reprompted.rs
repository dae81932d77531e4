//! `reprompted_rate_6m`: of the subjects that refused everything, those that a banner was shown to again within six months
//! (183 days), not because they opened it and not because something had changed. CNIL, recommendation 2020-092: a
//! choice, a refusal too, should be kept for some time, six months being good practice.

use std::collections::HashMap;

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::cohorts::Cohort;
use super::column::Table;
use super::error::QueryError;
use super::rollup::{Key, bucket, scope, texts};
use super::spec::QuerySpec;
use super::statement::{Statement, Value};

#[derive(Debug, Row, Deserialize)]
struct Line {
    plain: Vec<String>,
    bucket: i64,
    refused: u64,
    reprompted: u64,
}

pub(super) fn statement(spec: &QuerySpec) -> Statement {
    let mut statement = Statement::default();
    let table = Table::Events;
    let someone = "kind = 'event' AND subject != toUUID('00000000-0000-0000-0000-000000000000')";
    let plain = texts(spec.plain_dimensions().map(|d| table.column(d)));
    let bucket = bucket(spec, table, &mut statement);
    statement.push("SELECT plain, bucket, count() AS refused,");
    statement.push("       countIf(arrayExists(at -> at > refused_at AND at <= refused_at + INTERVAL 183 DAY, shown_at)) AS reprompted");
    statement.push("FROM (");
    statement
        .push(&format!("SELECT site, subject, {plain} AS plain, {bucket} AS bucket, min(occurred_at) AS refused_at"));
    statement.push(&format!("FROM {}", table.name()));
    scope(spec, table, &mut statement);
    statement.push(&format!("  AND {someone} AND type = 'decided' AND decision = 1 AND opted_in = 0"));
    statement.push("GROUP BY site, subject, plain, bucket");
    statement.push(") AS refusals LEFT JOIN (");
    let sites = spec.sites.iter().map(ToString::to_string).collect();
    let sites = statement.bind("sites", Value::Texts(sites));
    let from = statement.bind("from", Value::Second(spec.calendar.from()));
    let to = statement.bind("to", Value::Second(spec.calendar.to()));
    statement.push(&format!("SELECT site, subject, groupArray(occurred_at) AS shown_at FROM {}", table.name()));
    statement.push(&format!("WHERE site IN {sites} AND {someone} AND occurred_at > toDateTime64({from}, 3, 'UTC')"));
    statement.push(&format!("  AND occurred_at < toDateTime64({to}, 3, 'UTC') + INTERVAL 183 DAY"));
    statement.push("  AND type = 'shown' AND prompt IN ('first', 'renewal')");
    statement.push("GROUP BY site, subject");
    statement.push(") AS banners USING (site, subject)");
    statement.push("GROUP BY plain, bucket");
    statement
}

/// Follows those that refused.
///
/// # Errors
/// What the engine says.
pub(super) async fn read(client: &Client, spec: &QuerySpec) -> Result<HashMap<Key, Cohort>, QueryError> {
    let lines = statement(spec).query(client).fetch_all::<Line>().await?;
    let cohorts = lines.into_iter().map(|line| {
        let key = Key { plain: line.plain, bucket: line.bucket };
        (key, Cohort { all: line.refused, followed: line.reprompted })
    });
    Ok(cohorts.collect())
}
