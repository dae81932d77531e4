//! From a body to a question that names only what exists and what the caller may see.

use std::collections::HashMap;

use avow_control::{Caller, Directory};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_warehouse::query::{
    Calendar, CalendarError, Dimension, Direction, Filter, Interval, Limits, Metric, Order, OrderKey, QuerySpec,
    Suppression,
};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::filter;
use super::request::{Compare, QueryRequest};
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
    /// The two days that rows are compared with.
    pub compared: Option<(Date, Date)>,
    /// Whether the comparison ends where the range does while that is not over.
    pub compares_alike: bool,
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
    // A comparison by name follows from the view that a link shows; other days are none of its business.
    let mut asked = vec![(request.date_range.0.as_str(), request.date_range.1.as_str(), "/date_range")];
    if let Some(Compare::Range(range)) = &request.compare
        && let [first, last] = range.as_slice()
    {
        asked.push((first, last, "/compare"));
    }
    if let Some((_, _, at)) = asked.into_iter().find(|(first, last, _)| !caller.may_ask_about(first, last)) {
        return Err(Problem::forbidden("shared_view", "the link shows other days").at(at));
    }
    let suppression = suppression(&sites, sees_all(caller), directory);
    check(request, sites, suppression, limits)
}

/// Checks a body whose sites, and what is to be withheld of them, are known.
///
/// # Errors
/// 422 for whatever names what does not exist.
pub fn check(
    request: &QueryRequest,
    sites: Vec<SiteId>,
    suppression: Option<Suppression>,
    limits: Limits,
) -> Result<Resolved, Problem> {
    let metrics = metrics(&request.metrics)?;
    let dimensions = dimensions(&request.dimensions)?;
    let by_time = dimensions.contains(&Dimension::Time);
    let (first, last) = days(&request.date_range.0, &request.date_range.1, "/date_range")?;
    let calendar = calendar(request, (first, last), by_time)?;
    let compared = request.compare.as_ref().map(|compare| comparison(compare, first, last)).transpose()?;
    let compare = compared.map(|days| self::calendar(request, days, by_time)).transpose();
    let compare = compare.map_err(|problem| problem.at("/compare"))?;
    let (filters, pair_filters) = filters(&request.filters, &dimensions)?;
    let order = order(&request.order_by, &dimensions)?;
    by_signal(&dimensions, &filters, &pair_filters, &metrics, &order)?;
    if !(1..=MOST_ROWS).contains(&request.limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST_ROWS}")).at("/limit"));
    }

    let mut query = json!({
        "sites": sites, "date_range": request.date_range, "interval": request.interval, "compare": request.compare, "timezone": request.timezone,
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
    let spec = QuerySpec {
        sites,
        calendar,
        compare,
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
    let compares_alike = matches!(request.compare, Some(Compare::Named(_)));
    Ok(Resolved { spec, query, identity, compared, compares_alike })
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

/// Two days that are sent, `at` there.
pub(crate) fn days(first: &str, last: &str, at: &str) -> Result<(Date, Date), Problem> {
    let day = |text: &str, place: u8| {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        day.ok_or_else(|| {
            Problem::unprocessable("invalid_date", format!("{text:?} is no day (YYYY-MM-DD)"))
                .at(format!("{at}/{place}"))
        })
    };
    Ok((day(first, 0)?, day(last, 1)?))
}

/// The days that the range `first` to `last` is compared with.
fn comparison(compare: &Compare, first: Date, last: Date) -> Result<(Date, Date), Problem> {
    let wrong = |detail: &str| Problem::unprocessable("invalid_comparison", detail).at("/compare");
    let early = || wrong("there is no such range: it would lie before the calendar's beginning");
    match compare {
        Compare::Named(name) if name == "previous_period" => {
            let length = first.until(last).map_err(|_| early())?;
            let before = first.yesterday().map_err(|_| early())?;
            Ok((before.checked_sub(length).map_err(|_| early())?, before))
        }
        Compare::Named(name) if name == "previous_year" => {
            let back = |day: Date| day.checked_sub(1.year()).map_err(|_| early());
            Ok((back(first)?, back(last)?))
        }
        Compare::Range(range) => match range.as_slice() {
            [first, last] => days(first, last, "/compare"),
            _ => Err(wrong("a range is two days")),
        },
        Compare::Named(_) => Err(wrong("compare is \"previous_period\", \"previous_year\" or two days")),
    }
}

fn calendar(request: &QueryRequest, (first, last): (Date, Date), by_time: bool) -> Result<Calendar, Problem> {
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

/// By signal only decisions can be counted, and pairs have none.
fn by_signal(
    dimensions: &[Dimension],
    filters: &[Filter],
    pair_filters: &[Filter],
    metrics: &[Metric],
    order: &[Order],
) -> Result<(), Problem> {
    let mut named = dimensions.to_vec();
    filters.iter().chain(pair_filters).for_each(|filter| filter.collect(&mut named));
    if !named.iter().any(|dimension| dimension.is_of_signals()) {
        return Ok(());
    }
    if named.iter().any(|dimension| dimension.is_grain()) {
        let detail = "signal and finding are of decisions, service and category of pairs: ask for one or the other";
        return Err(Problem::unprocessable("signal_with_pairs", detail).at("/dimensions"));
    }
    let ordered = order.iter().filter_map(|order| match order.key {
        OrderKey::Metric(metric) => Some(metric),
        OrderKey::Dimension(_) => None,
    });
    match metrics.iter().copied().chain(ordered).find(|metric| !metric.is_of_decisions()) {
        Some(metric) => {
            let detail = format!("{} cannot be counted by signal", metric.as_str());
            Err(Problem::unprocessable("metric_by_signal", detail)
                .at("/metrics")
                .with("known", json!(Metric::of_decisions())))
        }
        None => Ok(()),
    }
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

/// Whether a caller may see cells of any size.
pub fn sees_all(caller: &Caller) -> bool {
    caller.has(Scope::AuditRead)
}

/// What is withheld from those who may not see all, by the sites' own settings.
pub fn suppression(sites: &[SiteId], sees_all: bool, directory: &Directory) -> Option<Suppression> {
    if sees_all {
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn comparisons_are_as_long_or_of_the_same_dates() {
        let named = |name: &str, first, last| comparison(&Compare::Named(name.into()), first, last).unwrap();
        let november = (date(2026, 11, 1), date(2026, 11, 24));
        assert_eq!(
            named("previous_period", november.0, november.1),
            (date(2026, 10, 8), date(2026, 10, 31)),
            "24 days just before"
        );
        assert_eq!(named("previous_period", november.0, november.0), (date(2026, 10, 31), date(2026, 10, 31)));
        assert_eq!(named("previous_year", november.0, november.1), (date(2025, 11, 1), date(2025, 11, 24)));
        let leap = (date(2028, 2, 28), date(2028, 2, 29));
        assert_eq!(named("previous_year", leap.0, leap.1), (date(2027, 2, 28), date(2027, 2, 28)));
        let range = Compare::Range(vec!["2026-01-01".into(), "2026-01-31".into()]);
        assert_eq!(comparison(&range, november.0, november.1).unwrap(), (date(2026, 1, 1), date(2026, 1, 31)));
        for (compare, at) in [
            (Compare::Named("yesterday".into()), "/compare"),
            (Compare::Range(vec!["2026-01-01".into()]), "/compare"),
            (Compare::Range(vec!["2026-01-01".into(), "later".into()]), "/compare/1"),
        ] {
            let problem = comparison(&compare, november.0, november.1).unwrap_err();
            assert_eq!(problem.members["at"], at, "{compare:?}");
        }
    }
}
