//! The queries whose rows the totals file holds: every dimension alone, pairs of them, all intervals in four time zones, and
//! filters.

use super::calendar::Interval;
use super::query::{COUNTS, Filter, Query, RATES};
use crate::vocabulary::Dimension::{self, *};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;

/// What the queries are asked about.
pub(crate) struct Scope {
    pub(crate) sites: Arc<[Arc<str>]>,
    /// The earliest and the latest time that an event can have, Unix milliseconds.
    pub(crate) span: (i64, i64),
    /// Instants around which hours are looked at closely: changes of the clock, each with its zone.
    pub(crate) clock_changes: Vec<(&'static str, Timestamp)>,
}

/// The zones of the queries by time: none, two with a changing clock, two off the whole hour.
const ZONES: [&str; 4] = ["UTC", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe"];

/// How many days an answer by hour and site covers, so that the file stays small.
const DAYS_BY_HOUR: i32 = 3;

/// All queries about a scope.
///
/// # Errors
/// Where a time is out of any calendar.
pub(crate) fn queries(scope: &Scope) -> Result<Vec<Query>, jiff::Error> {
    let whole = Query {
        name: "total".to_owned(),
        sites: Arc::clone(&scope.sites),
        range: (day_of(scope.span.0, -1)?, day_of(scope.span.1, 1)?),
        timezone: "UTC",
        interval: None,
        dimensions: Vec::new(),
        filters: Vec::new(),
        metrics: COUNTS.into_iter().chain(RATES).collect(),
    };
    let mut all = vec![whole.clone()];
    all.extend(by_dimensions(&whole));
    all.extend(by_time(&whole));
    all.extend(by_hour(&whole, scope)?);
    all.extend(filtered(&whole, scope));
    all.extend(of_some_days(&whole, scope)?);
    Ok(all)
}

fn day_of(at: i64, later: i32) -> Result<Date, jiff::Error> {
    Timestamp::from_millisecond(at)?.to_zoned_datetime(TimeZone::UTC).date().checked_add(later.days())
}

fn by_dimensions(whole: &Query) -> Vec<Query> {
    let alone = Dimension::OF_EVENTS.into_iter().chain([Service, Category]).map(|dimension| vec![dimension]);
    let together = [
        vec![Site, Service],
        vec![Site, Category],
        vec![Service, Category],
        vec![Service, Variant],
        vec![Category, Country],
        vec![Regime, Service],
        vec![Device, Bot],
        vec![Method, Prompt],
        vec![Method, Service],
        vec![Prompt, Category],
        vec![Source, Site],
        vec![Language, Variant],
        vec![BannerVersion, Variant, Category],
        vec![Country, Device, Service],
        vec![Site, Regime, Service, Category],
    ];
    alone
        .chain(together)
        .map(|dimensions| {
            let names: Vec<_> = dimensions.iter().map(|dimension| dimension.name()).collect();
            Query { name: format!("by {}", names.join(" and ")), dimensions, ..whole.clone() }
        })
        .collect()
}

fn by_time(whole: &Query) -> Vec<Query> {
    let mut all = Vec::new();
    for timezone in ZONES {
        for interval in [Interval::Day, Interval::Week, Interval::Month] {
            let name = format!("by {} and site in {timezone}", interval.name());
            let interval = Some(interval);
            all.push(Query { name, timezone, interval, dimensions: vec![Time, Site], ..whole.clone() });
        }
    }
    let week = Some(Interval::Week);
    for (dimension, timezone) in [(Service, "Europe/Paris"), (Category, "Australia/Lord_Howe")] {
        let name = format!("by week and {} in {timezone}", dimension.name());
        all.push(Query { name, timezone, interval: week, dimensions: vec![Time, dimension], ..whole.clone() });
    }
    all
}

/// Hours around each change of a clock, in each zone, and those of the last days.
fn by_hour(whole: &Query, scope: &Scope) -> Result<Vec<Query>, jiff::Error> {
    let last = (scope.span.1, None);
    let changes = scope.clock_changes.iter().map(|(zone, at)| (at.as_millisecond(), Some(*zone)));
    let mut all = Vec::new();
    for (at, changing) in changes.chain([last]) {
        let range = (day_of(at, 1 - DAYS_BY_HOUR)?, day_of(at, 1)?);
        for timezone in ZONES {
            // Where a clock changes by half an hour, the definitions do not say what an hour is.
            if changing == Some(timezone) && timezone == "Australia/Lord_Howe" {
                continue;
            }
            all.push(Query {
                name: format!("by hour and site in {timezone} until {}", range.1),
                range,
                timezone,
                interval: Some(Interval::Hour),
                dimensions: vec![Time, Site],
                metrics: COUNTS.to_vec(),
                ..whole.clone()
            });
        }
    }
    Ok(all)
}

fn filtered(whole: &Query, scope: &Scope) -> Vec<Query> {
    let is = |dimension, values: &[&str]| filter(true, dimension, values);
    let is_not = |dimension, values: &[&str]| filter(false, dimension, values);
    let first_site = scope.sites.first().map_or("", |site| &**site);
    let cases: Vec<(Vec<Dimension>, Vec<Filter>)> = vec![
        (vec![], vec![is_not(Bot, &["yes"])]),
        (vec![Site, Service], vec![is_not(Bot, &["yes"])]),
        (vec![Category], vec![is_not(Bot, &["yes"]), is(Regime, &["opt_in"])]),
        (vec![], vec![is(Category, &["preferences"])]),
        (vec![Service], vec![is(Category, &["preferences"])]),
        (vec![Category], vec![is(Category, &["preferences", "marketing"])]),
        (vec![Country], vec![is_not(Category, &["preferences"])]),
        (vec![], vec![is(Service, &["chaport"])]),
        (vec![Service], vec![is(Service, &["chaport", "crisp"])]),
        (vec![Service, Category], vec![is(Service, &["chaport"])]),
        (vec![Site, Service], vec![is(Service, &["chaport"]), is_not(Category, &["preferences"])]),
        (vec![Site], vec![is_not(Service, &["chaport"])]),
        (vec![Category, Variant], vec![is_not(Category, &["preferences"])]),
        (vec![Service], vec![is(Method, &["accept_all"])]),
        (vec![], vec![is(Method, &["dismiss", "save"])]),
        (vec![Method], vec![is(Prompt, &["renewal", "changed"])]),
        (vec![Category], vec![is_not(Prompt, &["first"])]),
        (vec![Site], vec![is(Country, &["FR", "DE"])]),
        (vec![Service], vec![is(Source, &["import"])]),
        (vec![Device], vec![is_not(Source, &["import", "token"])]),
        (vec![Country], vec![is(Device, &["mobile"]), is(Browser, &["Safari"])]),
        (vec![Service], vec![is(Variant, &[""])]),
        (vec![Regime], vec![is(Site, &[first_site])]),
        (vec![Regime, Category], vec![is_not(Regime, &["none", "notice"])]),
    ];
    cases
        .into_iter()
        .map(|(dimensions, filters)| {
            let names: Vec<_> = dimensions.iter().map(|dimension| dimension.name()).collect();
            let words: Vec<_> = filters
                .iter()
                .map(|f| format!("{} {} {:?}", f.dimension.name(), if f.is { "is" } else { "is not" }, f.values))
                .collect();
            let name = format!("by [{}] where {}", names.join(", "), words.join(" and "));
            Query { name, dimensions, filters, ..whole.clone() }
        })
        .collect()
}

fn filter(is: bool, dimension: Dimension, values: &[&str]) -> Filter {
    Filter { is, dimension, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// Parts of the range, so that both of its ends matter, in zones where they differ from UTC's.
fn of_some_days(whole: &Query, scope: &Scope) -> Result<Vec<Query>, jiff::Error> {
    let mut all = Vec::new();
    let end = scope.span.1;
    for (timezone, back, days) in [("Europe/Paris", 28, 5), ("Australia/Lord_Howe", 2, 1), ("Asia/Kathmandu", 45, 13)] {
        for dimensions in [vec![], vec![Service], vec![Category]] {
            let names: Vec<_> = dimensions.iter().map(|dimension| dimension.name()).collect();
            let range = (day_of(end, -back)?, day_of(end, days - back)?);
            all.push(Query {
                name: format!("by [{}] from {} to {} in {timezone}", names.join(", "), range.0, range.1),
                range,
                timezone,
                dimensions,
                ..whole.clone()
            });
        }
    }
    let some: Arc<[Arc<str>]> = scope.sites.iter().step_by(3).cloned().collect();
    all.push(Query { name: "total of every third site".to_owned(), sites: some, ..whole.clone() });
    Ok(all)
}
