//! The figures of a report: the same questions that the page asks, with small cells withheld, since a report's links need no
//! token. Opt-in alone, without bots.

use std::collections::{BTreeMap, HashMap};

use avow_records::report::{Compared, Count, Language, Overview, Rate, Ratio, overview_pdf};
use avow_schemas::webhook::{ReportRecord, ReportView};
use avow_warehouse::query::{
    Answer, Calendar, Dimension, Filter, Interval, Metric, Number, QuerySpec, Row, Suppression, Test, run,
};
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::problem::Problem;
use crate::query::ask::{current, refused};
use crate::query::render::csv as rows_as_csv;
use crate::{Api, moment};

/// Services in a PDF at most.
const MOST_SERVICES: usize = 200;

type Days = (Date, Date);

/// The rows of a view: day by day, or service by service.
///
/// # Errors
/// 503 where the warehouse does not answer.
pub(super) async fn csv(api: &Api, record: &ReportRecord, days: Days) -> Result<Vec<u8>, Problem> {
    let (dimensions, metrics) = match record.view {
        ReportView::Overview => (vec![Dimension::Time, Dimension::Site], metrics_of_totals()),
        ReportView::Services => (
            vec![Dimension::Site, Dimension::Service, Dimension::Category],
            vec![Metric::Decisions, Metric::Granted, Metric::Denied, Metric::ConsentRate, Metric::Withdrawals],
        ),
    };
    let spec = spec(api, record, days, dimensions, metrics)?;
    rows_as_csv(&spec, &ask(api, &spec).await?)
}

/// The whole report, beside the period before.
///
/// # Errors
/// 503 where the warehouse does not answer.
pub(super) async fn pdf(api: &Api, record: &ReportRecord, days: Days) -> Result<Vec<u8>, Problem> {
    let before = before(days)?;
    let counted_to = current(api).await?.counted_to;
    let now = totals(api, record, days).await?;
    let then = totals(api, record, before).await?;
    let (services, services_then) = (services(api, record, days).await?, services(api, record, before).await?);
    let written = |(first, last): Days| (first.to_string(), last.to_string());
    let directory = api.control.directory();
    let name = |site: &str| directory.site(site).map(|history| history.current().settings.name.clone());
    let sites = record.sites.iter().map(|site| name(site.as_str()).unwrap_or_else(|| site.to_string()));
    let count =
        |count: &Count| (*count, Compared { now: now.count(count.metric()), before: then.count(count.metric()) });
    let rate = |ratio: &Ratio| (*ratio, Compared { now: now.rate(ratio.metric()), before: then.rate(ratio.metric()) });
    let catalog = directory.catalog();
    let of_service = |(slug, figures): (String, Figures)| {
        let metric = Metric::ConsentRate.as_str();
        let before = services_then.get(&slug).and_then(|figures| figures.rate(metric));
        let name = catalog.get(&slug).map_or(slug, |service| service.name.clone());
        (name, Compared { now: figures.rate(metric), before })
    };
    let overview = Overview {
        name: record.name.clone(),
        sites: sites.collect(),
        period: written(days),
        before: written(before),
        timezone: record.timezone.clone(),
        made_at: moment::now(),
        counted_to,
        counts: Count::ALL.iter().map(count).collect(),
        rates: Ratio::ALL.iter().map(rate).collect(),
        services: services.into_iter().map(of_service).collect(),
    };
    let language = Language::parse(&record.language).unwrap_or(Language::En);
    let drawn = tokio::task::spawn_blocking(move || overview_pdf(&overview, language)).await;
    let drawn = drawn.map_err(|error| Problem::internal(error.to_string()))?;
    drawn.map_err(|error| Problem::internal(error.to_string()))
}

/// As many days before.
fn before((first, last): Days) -> Result<Days, Problem> {
    let out = |_| Problem::internal("the days before are out of range");
    let is_month = first.day() == 1 && last == last.last_of_month() && first.month() == last.month();
    let end = first.yesterday().map_err(out)?;
    if is_month {
        return Ok((end.first_of_month(), end));
    }
    let length = i64::from((last - first).get_days());
    Ok((end.checked_sub(length.days()).map_err(out)?, end))
}

/// Numbers by the names of their columns.
#[derive(Default)]
struct Figures(HashMap<String, Option<Number>>);

impl Figures {
    fn of(spec: &QuerySpec, row: &Row) -> Self {
        Self(spec.columns().into_iter().zip(row.metrics.iter().copied()).collect())
    }

    fn real(&self, column: &str) -> Option<f64> {
        self.0.get(column).copied().flatten().map(Number::as_f64)
    }

    /// A count; where nothing was counted there is no row, and it is zero.
    fn count(&self, column: &str) -> Option<u64> {
        match self.0.get(column) {
            None => Some(0),
            Some(Some(Number::Count(count))) => Some(*count),
            Some(_) => None,
        }
    }

    fn rate(&self, metric: &str) -> Option<Rate> {
        let value = self.real(metric)?;
        let interval = self.real(&format!("{metric}_low")).zip(self.real(&format!("{metric}_high")));
        let denominator = match self.0.get(&format!("{metric}_denominator")).copied().flatten() {
            Some(Number::Count(count)) => count,
            _ => 0,
        };
        Some(Rate { value, interval, denominator })
    }
}

async fn totals(api: &Api, record: &ReportRecord, days: Days) -> Result<Figures, Problem> {
    let spec = spec(api, record, days, Vec::new(), metrics_of_totals())?;
    let answer = ask(api, &spec).await?;
    Ok(answer.rows.first().map_or_else(Figures::default, |row| Figures::of(&spec, row)))
}

async fn services(api: &Api, record: &ReportRecord, days: Days) -> Result<BTreeMap<String, Figures>, Problem> {
    let spec = spec(api, record, days, vec![Dimension::Service], vec![Metric::ConsentRate])?;
    let spec = QuerySpec { limit: MOST_SERVICES, ..spec };
    let answer = ask(api, &spec).await?;
    let of_row = |row: &Row| Some((row.dimensions.first()?.clone(), Figures::of(&spec, row)));
    Ok(answer.rows.iter().filter_map(of_row).collect())
}

fn metrics_of_totals() -> Vec<Metric> {
    let names = Count::ALL.iter().map(|count| count.metric()).chain(Ratio::ALL.iter().map(|ratio| ratio.metric()));
    names.filter_map(Metric::parse).collect()
}

fn spec(
    api: &Api,
    record: &ReportRecord,
    (first, last): Days,
    dimensions: Vec<Dimension>,
    metrics: Vec<Metric>,
) -> Result<QuerySpec, Problem> {
    let interval = dimensions.contains(&Dimension::Time).then_some(Interval::Day);
    let calendar = Calendar::new(first, last, &record.timezone, interval);
    let calendar = calendar.map_err(|error| Problem::internal(format!("the report's days: {error}")))?;
    let directory = api.control.directory();
    let below = record
        .sites
        .iter()
        .filter_map(|site| Some((site.clone(), directory.site(site.as_str())?.current().settings.suppress_below)));
    let below: HashMap<_, _> = below.collect();
    let largest = below.values().copied().max().unwrap_or(0);
    let is = |dimension, value: &str| Filter::Compare(Test::Is, dimension, vec![value.to_owned()]);
    Ok(QuerySpec {
        sites: record.sites.clone(),
        calendar,
        compare: None,
        dimensions,
        metrics,
        filters: vec![is(Dimension::Regime, "opt_in"), is(Dimension::Bot, "no")],
        pair_filters: Vec::new(),
        order: Vec::new(),
        limit: api.config.max_rows,
        offset: 0,
        suppression: Some(Suppression { below, largest }),
        limits: api.config.limits(),
    })
}

async fn ask(api: &Api, spec: &QuerySpec) -> Result<Answer, Problem> {
    run(api.warehouse.client(), spec, None).await.map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_before_is_as_long_or_the_month_before() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        for (period, expected) in [
            (("2026-11-23", "2026-11-23"), ("2026-11-22", "2026-11-22")),
            (("2026-11-16", "2026-11-22"), ("2026-11-09", "2026-11-15")),
            (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        ] {
            let found = before((date(period.0), date(period.1))).unwrap();
            assert_eq!(found, (date(expected.0), date(expected.1)));
        }
    }
}
