//! `/api/v1/aggregates`: what a consent management platform says of itself, day by day, to be put beside our own numbers
//! (`docs/bridge.md`).

pub mod delete;
pub mod get;
pub mod list;
pub mod put;

use avow_schemas::ids::SiteId;
use avow_warehouse::aggregates::Aggregate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::bridges::definition::{Count, Definition};
use crate::moment;
use crate::problem::Problem;

/// The sources that are told apart, each with the rate that it is taken to show where nobody says another.
pub(crate) const SOURCES: [(&str, &str); 5] = [
    // Opt-ins / (opt-ins + opt-outs): support.didomi.io, "Difference between consent rate and addressability rate".
    ("didomi", "opted_in / (opted_in + opted_out)"),
    // ACCEPT_ALL / (ACCEPT_ALL + DENY_ALL + SAVE): usercentrics.com/docs, "Interaction Analytics".
    ("usercentrics", "accept_all / (accept_all + reject_all + custom)"),
    ("onetrust", "accept_all / decisions"),
    ("cookiebot", "accept_all / decisions"),
    ("other", "accept_all / decisions"),
];

/// What a source's numbers may hold beside what we call decisions of people.
pub(crate) const BESIDES: [&str; 3] = ["bots", "user_opened", "automatic"];

/// What a source says of itself.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "timezone": "Europe/Paris", "rate": "accept_all / decisions",
    "days": [{"date": "2026-11-01", "shown": 1000, "decisions": 700, "accept_all": 476}],
}))]
pub struct PutAggregate {
    /// Whose days they are: an IANA time zone; UTC where none is given.
    #[serde(default = "utc")]
    #[schema(required = false, default = "UTC")]
    pub timezone: String,
    /// What its rate divides by what: sums of counts, such as `accept_all / (accept_all + reject_all + custom)`. Without it,
    /// what the source is taken to show (`docs/bridge.md`).
    #[serde(default)]
    pub rate: Option<String>,
    /// What it counts that we leave out of decisions: `bots`, `user_opened`, `automatic`. Without it: all of them.
    #[serde(default)]
    pub counts: Option<Vec<String>>,
    /// 1 to 4,000 days, each once.
    #[schema(min_items = 1, max_items = 4000)]
    pub days: Vec<AggregateDay>,
}

/// One day of a source's own numbers. What it does not say is left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AggregateDay {
    /// `2026-11-24`.
    #[schema(required = true)]
    pub date: String,
    /// Banners shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_all: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_all: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<u64>,
    /// Banners that were shown and not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_choice: Option<u64>,
    /// Decisions that grant something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_in: Option<u64>,
    /// Decisions that grant nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_out: Option<u64>,
    /// (decision, service) pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<u64>,
    /// Its rate, 0 to 1, where it tells that and no counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

impl AggregateDay {
    pub(crate) const fn count(&self, count: Count) -> Option<u64> {
        match count {
            Count::Shown => self.shown,
            Count::Decisions => self.decisions,
            Count::AcceptAll => self.accept_all,
            Count::RejectAll => self.reject_all,
            Count::Custom => self.custom,
            Count::NoChoice => self.no_choice,
            Count::OptedIn => self.opted_in,
            Count::OptedOut => self.opted_out,
            Count::Granted => self.granted,
            Count::Denied => self.denied,
        }
    }
}

impl PutAggregate {
    /// The rate that the source shows.
    pub(crate) fn definition(&self, source: &str) -> Result<Definition, Problem> {
        let taken = SOURCES.iter().find(|(name, _)| *name == source).map_or("", |(_, rate)| *rate);
        Definition::parse(self.rate.as_deref().unwrap_or(taken))
    }

    /// Whether it counts this besides.
    pub(crate) fn includes(&self, besides: &str) -> bool {
        self.counts.as_ref().is_none_or(|counts| counts.iter().any(|one| one == besides))
    }

    /// Its first and last day.
    pub(crate) fn ends(&self) -> Option<(Date, Date)> {
        let days: Vec<Date> = self.days.iter().filter_map(|day| day.date.parse().ok()).collect();
        days.iter().min().copied().zip(days.iter().max().copied())
    }
}

/// What there is of one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct AggregateLine {
    pub site: String,
    /// `didomi`, `usercentrics`, `onetrust`, `cookiebot`, `other`.
    pub source: String,
    pub timezone: String,
    /// What its rate divides by what.
    pub rate: String,
    /// What it counts that we leave out of decisions.
    pub counts: Vec<String>,
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub to: String,
    pub days: usize,
    /// RFC 3339.
    pub made_at: String,
}

/// A source's numbers as they are kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub site: String,
    pub source: String,
    pub made_at: i64,
    pub put: PutAggregate,
}

impl Kept {
    fn of(row: Aggregate) -> Result<Self, Problem> {
        let put = serde_json::from_str(&row.body).map_err(|error| {
            tracing::error!(%error, row.site, row.source, "api.aggregate_unreadable");
            Problem::internal("what is kept of this source cannot be read")
        })?;
        Ok(Self { site: row.site, source: row.source, made_at: row.made_at, put })
    }

    pub(crate) fn line(&self) -> Result<AggregateLine, Problem> {
        let (from, to) = self.put.ends().map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
        let counts = BESIDES.iter().filter(|besides| self.put.includes(besides)).map(|one| (*one).to_owned());
        Ok(AggregateLine {
            site: self.site.clone(),
            source: self.source.clone(),
            timezone: self.put.timezone.clone(),
            rate: self.put.definition(&self.source)?.to_string(),
            counts: counts.collect(),
            from,
            to,
            days: self.put.days.len(),
            made_at: moment::written(self.made_at),
        })
    }
}

/// All that is kept of these sites.
pub(crate) async fn of_sites(api: &Api, sites: &[SiteId]) -> Result<Vec<Kept>, Problem> {
    let names: Vec<&str> = sites.iter().map(SiteId::as_str).collect();
    api.warehouse.aggregates(&names).await?.into_iter().map(Kept::of).collect()
}

/// What is kept of one source of a site.
pub(crate) async fn of_source(api: &Api, site: &str, source: &str) -> Result<Kept, Problem> {
    let rows = api.warehouse.aggregates(&[site]).await?;
    let row = rows.into_iter().find(|row| row.source == source);
    let unknown = || Problem::not_found("unknown_aggregate", format!("{site} has no numbers of {source:?}"));
    Kept::of(row.ok_or_else(unknown)?)
}

pub(crate) fn utc() -> String {
    "UTC".into()
}
