//! `PUT /api/v1/aggregates/{site}/{source}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{AggregateDay, AggregateLine, BESIDES, PutAggregate, SOURCES, of_source};
use crate::access::{Bearer, require};
use crate::bridges::definition::Count;
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const MOST_DAYS: usize = 4_000;
/// A day's count at most: far above any site's, far below where sums or fractions lose a unit.
const LARGEST: u64 = 1_000_000_000_000;

/// Puts a source's own numbers of a site, in place of those that were there.
///
/// Answers once they are kept; every process sees them from then on.
#[utoipa::path(
    put, path = "/api/v1/aggregates/{site}/{source}", operation_id = "putAggregate", tag = "bridge",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("source" = String, Path, description = "`didomi`, `usercentrics`, `onetrust`, `cookiebot` or `other`"),
    ),
    request_body = PutAggregate,
    responses(
        (status = 200, description = "Kept in place of what was there", body = AggregateLine),
        (status = 201, description = "Kept", body = AggregateLine),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_aggregate(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, source)): Segments<(String, String)>,
    Body(asked): Body<PutAggregate>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, Some(&site))?;
    if api.control.directory().site(&site).is_none() {
        return Err(Problem::not_found("unknown_site", format!("there is no site {site:?}")));
    }
    if SOURCES.iter().all(|(name, _)| *name != source) {
        let problem = Problem::unprocessable("invalid_source", format!("{source:?} is no source")).at("source");
        return Err(problem.with("known", json!(SOURCES.map(|(name, _)| name))));
    }
    checked(&asked, &source)?;
    let body = serde_json::to_string(&asked).map_err(|error| Problem::internal(error.to_string()))?;
    let was_there = api.warehouse.put_aggregate(&site, &source, moment::now(), &body).await?;
    tracing::info!(site, source, days = asked.days.len(), by = %caller.id, "api.aggregate_put");
    let line = of_source(&api, &site, &source).await?.line()?;
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/api/v1/aggregates/{site}/{source}");
    Ok((status, [(header::LOCATION, location)], Json(line)).into_response())
}

fn checked(asked: &PutAggregate, source: &str) -> Result<(), Problem> {
    if TimeZone::get(&asked.timezone).is_err() {
        let detail = format!("{:?} is no time zone", asked.timezone);
        return Err(Problem::unprocessable("unknown_timezone", detail).at("/timezone"));
    }
    asked.definition(source).map_err(|problem| problem.at("/rate"))?;
    for (i, one) in asked.counts.iter().flatten().enumerate() {
        if !BESIDES.contains(&one.as_str()) {
            let problem = Problem::unprocessable("invalid_value", format!("{one:?} is none of these"));
            return Err(problem.at(format!("/counts/{i}")).with("known", json!(BESIDES)));
        }
    }
    if !(1..=MOST_DAYS).contains(&asked.days.len()) {
        let detail = format!("1 to {MOST_DAYS} days, not {}", asked.days.len());
        return Err(Problem::unprocessable("invalid_value", detail).at("/days"));
    }
    let mut seen = BTreeSet::new();
    for (i, day) in asked.days.iter().enumerate() {
        checked_day(day).map_err(|problem| problem.beneath(&format!("/days/{i}")))?;
        if !seen.insert(&day.date) {
            let detail = format!("{} is there twice", day.date);
            return Err(Problem::unprocessable("named_twice", detail).at(format!("/days/{i}/date")));
        }
    }
    Ok(())
}

fn checked_day(day: &AggregateDay) -> Result<(), Problem> {
    if day.date.len() != 10 || day.date.parse::<Date>().is_err() {
        return Err(
            Problem::unprocessable("invalid_date", format!("{:?} is no day (YYYY-MM-DD)", day.date)).at("/date")
        );
    }
    if let Some(count) = Count::ALL.iter().find(|count| day.count(**count).is_some_and(|n| n > LARGEST)) {
        let detail = format!("{} is more than {LARGEST}", count.as_str());
        return Err(Problem::unprocessable("invalid_value", detail).at(format!("/{}", count.as_str())));
    }
    if day.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
        return Err(Problem::unprocessable("invalid_value", "a rate is 0 to 1").at("/rate"));
    }
    if day.rate.is_none() && Count::ALL.iter().all(|count| day.count(*count).is_none()) {
        let detail = format!("{} has neither a count nor a rate", day.date);
        return Err(Problem::unprocessable("missing_field", detail).at("/date"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: serde_json::Value) -> (String, String) {
        let problem = checked(&serde_json::from_value(body).unwrap(), "other").unwrap_err();
        (problem.code.to_owned(), problem.members["at"].as_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let day = json!({"date": "2026-11-01", "shown": 3});
        assert!(checked(&serde_json::from_value(json!({"days": [day]})).unwrap(), "other").is_ok());
        for (body, code, at) in [
            (json!({"days": [day], "timezone": "Mars/Olympus"}), "unknown_timezone", "/timezone"),
            (json!({"days": [day], "rate": "yes / no"}), "invalid_definition", "/rate"),
            (json!({"days": [day], "counts": ["cats"]}), "invalid_value", "/counts/0"),
            (json!({"days": []}), "invalid_value", "/days"),
            (json!({"days": [day, {"date": "yesterday", "shown": 3}]}), "invalid_date", "/days/1/date"),
            (json!({"days": [day, day]}), "named_twice", "/days/1/date"),
            (json!({"days": [{"date": "2026-11-01", "rate": 61.0}]}), "invalid_value", "/days/0/rate"),
            (json!({"days": [{"date": "2026-11-01"}]}), "missing_field", "/days/0/date"),
            (json!({"days": [{"date": "2026-11-01", "denied": LARGEST + 1}]}), "invalid_value", "/days/0/denied"),
        ] {
            assert_eq!(refused(body.clone()), (code.to_owned(), at.to_owned()), "{body}");
        }
    }
}
