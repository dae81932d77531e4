//! From a body to a question that names only what exists and what the caller may see.

use std::collections::HashMap;

use avow_control::{Caller, Directory};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_warehouse::query::{
    Calendar, CalendarError, Dimension, Direction, Filter, Interval, Limits, Metric, Order, OrderKey, QuerySpec,
    Suppression,
};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::filter;
use super::request::QueryRequest;
use crate::access::require;
use crate::problem::Problem;
use crate::sealed;

const MOST_ROWS: u32 = 100_000;
const MOST_DIMENSIONS: usize = 8;

/// A checked question and the same as JSON, every default filled in.
pub struct Resolved {
    pub spec: QuerySpec,
    pub query: Value,
    /// What cursors are bound to: the question without its page.
    pub identity: String,
}

/// Checks a body.
///
/// # Errors
/// 422 for whatever names what does not exist, 403 for a site that the token is not for.
pub fn resolve(
    request: &QueryRequest,
    caller: &Caller,
    directory: &Directory,
    limits: Limits,
) -> Result<Resolved, Problem> {
    let sites = sites(request.sites.as_deref(), caller, directory)?;
    let metrics = metrics(&request.metrics)?;
    let dimensions = dimensions(&request.dimensions)?;
    let calendar = calendar(request, dimensions.contains(&Dimension::Time))?;
    if !caller.may_ask_about(&request.date_range.0, &request.date_range.1) {
        return Err(Problem::forbidden("shared_view", "the link shows other days").at("/date_range"));
    }
    let (filters, pair_filters) = filters(&request.filters, &dimensions)?;
    let order = order(&request.order_by, &dimensions)?;
    if !(1..=MOST_ROWS).contains(&request.limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST_ROWS}")).at("/limit"));
    }

    let mut query = json!({
        "sites": sites, "date_range": request.date_range, "interval": request.interval, "timezone": request.timezone,
        "metrics": request.metrics, "dimensions": request.dimensions, "filters": request.filters,
        "order_by": request.order_by,
    });
    let identity = query.to_string();
    let offset = match &request.cursor {
        None => 0,
        Some(cursor) => sealed::offset(&identity, cursor).ok_or_else(|| {
            Problem::unprocessable("invalid_cursor", "the cursor is not of this question").at("/cursor")
        })?,
    };
    query["limit"] = json!(request.limit);
    query["cursor"] = json!(request.cursor);

    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let suppression = suppression(&sites, caller, directory);
    let spec = QuerySpec {
        sites,
        calendar,
        dimensions,
        metrics,
        filters,
        pair_filters,
        order,
        limit,
        offset,
        suppression,
        limits,
    };
    Ok(Resolved { spec, query, identity })
}

/// The sites asked for, or all that the caller may see. A site that the token is not for is 403 whether it exists or not.
pub(crate) fn sites(asked: Option<&[String]>, caller: &Caller, directory: &Directory) -> Result<Vec<SiteId>, Problem> {
    let Some(asked) = asked else {
        let seen = directory.sites().map(|(site, _)| site).filter(|site| caller.may_see(site.as_str()));
        return Ok(seen.cloned().collect());
    };
    let mut sites = Vec::with_capacity(asked.len());
    for (i, site) in asked.iter().enumerate() {
        let at = format!("/sites/{i}");
        require(caller, Scope::StatsRead, Some(site)).map_err(|problem| problem.at(at.clone()))?;
        let known = SiteId::new(site).ok().filter(|site| directory.site(site.as_str()).is_some());
        let known =
            known.ok_or_else(|| Problem::unprocessable("unknown_site", format!("there is no site {site:?}")).at(at))?;
        if !sites.contains(&known) {
            sites.push(known);
        }
    }
    if sites.is_empty() {
        return Err(Problem::unprocessable("unknown_site", "name at least one site, or leave `sites` out").at("/sites"));
    }
    Ok(sites)
}

fn metrics(asked: &[String]) -> Result<Vec<Metric>, Problem> {
    let mut metrics = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let Some(metric) = Metric::parse(name) else {
            let known: Vec<&str> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
            let problem = Problem::unprocessable("unknown_metric", format!("{name:?} is no metric"));
            return Err(problem.at(format!("/metrics/{i}")).with("known", json!(known)));
        };
        if metrics.contains(&metric) {
            return Err(
                Problem::unprocessable("named_twice", format!("{name:?} is there twice")).at(format!("/metrics/{i}"))
            );
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(Problem::unprocessable("unknown_metric", "name at least one metric").at("/metrics"));
    }
    Ok(metrics)
}

fn dimensions(asked: &[String]) -> Result<Vec<Dimension>, Problem> {
    let mut dimensions = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let at = format!("/dimensions/{i}");
        let Some(dimension) = Dimension::parse(name) else {
            let known: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.as_str()).collect();
            let problem = Problem::unprocessable("unknown_dimension", format!("{name:?} is no dimension"));
            return Err(problem.at(at).with("known", json!(known)));
        };
        if dimensions.contains(&dimension) {
            return Err(Problem::unprocessable("named_twice", format!("{name:?} is there twice")).at(at));
        }
        dimensions.push(dimension);
    }
    if dimensions.len() > MOST_DIMENSIONS {
        let detail = format!("at most {MOST_DIMENSIONS} dimensions at once");
        return Err(Problem::unprocessable("too_many_dimensions", detail).at("/dimensions"));
    }
    Ok(dimensions)
}

fn calendar(request: &QueryRequest, by_time: bool) -> Result<Calendar, Problem> {
    let day = |text: &str, at: &str| {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        day.ok_or_else(|| Problem::unprocessable("invalid_date", format!("{text:?} is no day (YYYY-MM-DD)")).at(at))
    };
    let first = day(&request.date_range.0, "/date_range/0")?;
    let last = day(&request.date_range.1, "/date_range/1")?;
    let interval = match request.interval.as_deref() {
        None if by_time => {
            let detail = "the dimension `time` needs an interval: hour, day, week or month";
            return Err(Problem::unprocessable("invalid_interval", detail).at("/interval"));
        }
        None => None,
        Some(name) => Some(Interval::parse(name).ok_or_else(|| {
            Problem::unprocessable("invalid_interval", format!("{name:?} is no interval")).at("/interval")
        })?),
    };
    Calendar::new(first, last, &request.timezone, interval.filter(|_| by_time)).map_err(|error| {
        let (code, at) = match error {
            CalendarError::UnknownZone(_) => ("unknown_timezone", "/timezone"),
            CalendarError::TooManyIntervals => ("too_many_intervals", "/interval"),
            CalendarError::Reversed { .. } | CalendarError::OutOfRange => ("invalid_date_range", "/date_range"),
        };
        Problem::unprocessable(code, error.to_string()).at(at)
    })
}

fn filters(asked: &[Value], dimensions: &[Dimension]) -> Result<(Vec<Filter>, Vec<Filter>), Problem> {
    let read = asked.iter().enumerate().map(|(i, value)| filter::read(value, &format!("/filters/{i}"), 0));
    let split = Filter::split(read.collect::<Result<_, _>>()?);
    let (events, pairs) =
        split.map_err(|error| Problem::unprocessable("invalid_filter", error.to_string()).at("/filters"))?;
    let by_category_alone = dimensions.contains(&Dimension::Category) && !dimensions.contains(&Dimension::Service);
    let mut named = Vec::new();
    pairs.iter().for_each(|filter| filter.collect(&mut named));
    if by_category_alone && named.contains(&Dimension::Service) {
        let detail = "by category alone, a category's state is not that of one service: group by service too, or filter by category";
        return Err(Problem::unprocessable("service_filter_by_category", detail).at("/filters"));
    }
    Ok((events, pairs))
}

fn order(asked: &[(String, String)], dimensions: &[Dimension]) -> Result<Vec<Order>, Problem> {
    let mut order = Vec::with_capacity(asked.len());
    for (i, (name, direction)) in asked.iter().enumerate() {
        let dimension = Dimension::parse(name).filter(|dimension| dimensions.contains(dimension));
        let key = dimension.map(OrderKey::Dimension).or_else(|| Metric::parse(name).map(OrderKey::Metric));
        let key = key.ok_or_else(|| {
            let detail = format!("{name:?} is no metric and none of the question's dimensions");
            Problem::unprocessable("invalid_order", detail).at(format!("/order_by/{i}/0"))
        })?;
        let direction = match direction.as_str() {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            _ => {
                let detail = format!("{direction:?} is neither \"asc\" nor \"desc\"");
                return Err(Problem::unprocessable("invalid_order", detail).at(format!("/order_by/{i}/1")));
            }
        };
        order.push(Order { key, direction });
    }
    Ok(order)
}

/// What is withheld from a caller without `audit:read`, by the sites' own settings.
fn suppression(sites: &[SiteId], caller: &Caller, directory: &Directory) -> Option<Suppression> {
    if caller.has(Scope::AuditRead) {
        return None;
    }
    let below = sites.iter().filter_map(|site| {
        let settings = &directory.site(site.as_str())?.current().settings;
        Some((site.clone(), settings.suppress_below))
    });
    let below: HashMap<SiteId, u32> = below.collect();
    let largest = below.values().copied().max().unwrap_or(0);
    Some(Suppression { below, largest })
}
