//! What can be asked: closed lists of dimensions and metrics, and a question that is already checked.

use std::collections::HashMap;

use avow_schemas::ids::SiteId;

use super::calendar::Calendar;
use super::difference::PARTS;
use super::filter::Filter;

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(
    /// By what rows are kept apart.
    Dimension {
        Site = "site", Service = "service", Category = "category", Country = "country", Region = "region",
        Device = "device", Browser = "browser", Os = "os", Language = "language", BannerVersion = "banner_version",
        Variant = "variant", Method = "method", Prompt = "prompt", Regime = "regime", Source = "source", Bot = "bot",
        Time = "time",
        /// What was sent with a decision, and what it was found to be.
        Signal = "signal", Finding = "finding",
    }
);

names!(
    /// What is counted. Each is defined in `docs/metrics.md`.
    Metric {
        Shown = "shown", Decisions = "decisions", AcceptAll = "accept_all", RejectAll = "reject_all", Custom = "custom",
        Dismissed = "dismissed", NoChoice = "no_choice", Automatic = "automatic", Withdrawals = "withdrawals",
        Visitors = "visitors", Granted = "granted", Denied = "denied", Partial = "partial", Undecided = "undecided",
        NotDisclosed = "not_disclosed", ObservedWithoutConsent = "observed_without_consent",
        MedianSecondsToDecide = "median_seconds_to_decide", MedianClicksToDecide = "median_clicks_to_decide", OptedIn = "opted_in", Loaded = "loaded",
        LoadedWithConsent = "loaded_with_consent",
        InteractionRate = "interaction_rate", ConsentRate = "consent_rate", OptInRate = "opt_in_rate",
        AcceptAllRate = "accept_all_rate", RejectAllRate = "reject_all_rate", WithdrawalRate = "withdrawal_rate",
        RevokedRate30d = "revoked_rate_30d", TrafficConsentRate = "traffic_consent_rate",
        RevokedRate7d = "revoked_rate_7d", RepromptedRate6m = "reprompted_rate_6m",
        MedianSecondsToWithdraw = "median_seconds_to_withdraw",
    }
);

impl Dimension {
    /// Service and category: they choose what a pair is, and have rows of their own in the roll-up.
    pub const fn is_grain(self) -> bool {
        matches!(self, Self::Service | Self::Category)
    }

    /// Signal and finding: a row is then of a decision and a signal.
    pub const fn is_of_signals(self) -> bool {
        matches!(self, Self::Signal | Self::Finding)
    }
}

impl Metric {
    /// Rates have an interval and a denominator beside them.
    pub const fn is_rate(self) -> bool {
        matches!(
            self,
            Self::InteractionRate
                | Self::ConsentRate
                | Self::OptInRate
                | Self::AcceptAllRate
                | Self::RejectAllRate
                | Self::WithdrawalRate
                | Self::RevokedRate30d
                | Self::RevokedRate7d
                | Self::RepromptedRate6m
                | Self::TrafficConsentRate
        )
    }

    /// What an answer has of it: the value, of a rate four columns.
    pub const fn parts(self) -> &'static [Rate] {
        if self.is_rate() { &Rate::ALL } else { &[Rate::Value] }
    }

    /// What follows subjects over time: it changes without an event of the range.
    pub const fn is_of_cohorts(self) -> bool {
        matches!(
            self,
            Self::RevokedRate30d | Self::RevokedRate7d | Self::RepromptedRate6m | Self::MedianSecondsToWithdraw
        )
    }

    /// Whether it can be counted by signal: what is said of a decision itself.
    pub const fn is_of_decisions(self) -> bool {
        matches!(
            self,
            Self::Decisions
                | Self::AcceptAll
                | Self::RejectAll
                | Self::Custom
                | Self::OptedIn
                | Self::AcceptAllRate
                | Self::RejectAllRate
        )
    }

    /// The names of these.
    pub fn of_decisions() -> Vec<&'static str> {
        Self::ALL.iter().filter(|metric| metric.is_of_decisions()).map(|metric| metric.as_str()).collect()
    }

    /// Metrics that only the events can answer.
    pub(super) const fn is_of_people(self) -> bool {
        matches!(self, Self::Visitors | Self::MedianSecondsToDecide | Self::MedianClicksToDecide)
    }
}

/// A rate's parts, as an answer names them: `x`, `x_low`, `x_high`, `x_denominator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rate {
    Value,
    Low,
    High,
    Denominator,
}

impl Rate {
    pub const ALL: [Self; 4] = [Self::Value, Self::Low, Self::High, Self::Denominator];

    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Low => "_low",
            Self::High => "_high",
            Self::Denominator => "_denominator",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// What rows are put in order by. Metrics that are null come last, whatever the direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    Dimension(Dimension),
    Metric(Metric),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub key: OrderKey,
    pub direction: Direction,
}

/// Below how many decisions a cell is withheld, by site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    pub below: HashMap<SiteId, u32>,
    /// Of a row that is not of one site: the largest of the question's sites.
    pub largest: u32,
}

/// How far a question may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Up to how many decisions in scope `visitors` is counted exactly.
    pub exact_visitors: u64,
    /// How many rows an answer may have, all pages together.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { exact_visitors: 20_000_000, rows: 1_000_000 }
    }
}

/// A question that names only what exists and what the caller may see.
#[derive(Debug, Clone, PartialEq)]
pub struct QuerySpec {
    /// Never empty.
    pub sites: Vec<SiteId>,
    pub calendar: Calendar,
    /// The range that rows are compared with, cut into the same intervals.
    pub compare: Option<Calendar>,
    pub dimensions: Vec<Dimension>,
    pub metrics: Vec<Metric>,
    /// Conditions on what happened; all must hold. None speaks of service or category.
    pub filters: Vec<Filter>,
    /// Conditions on pairs; all must hold. They speak of service and category alone.
    pub pair_filters: Vec<Filter>,
    pub order: Vec<Order>,
    pub limit: usize,
    pub offset: usize,
    /// `None`: the caller may see every cell.
    pub suppression: Option<Suppression>,
    pub limits: Limits,
}

impl QuerySpec {
    /// The same question of the range that it is compared with.
    pub(super) fn compared(&self) -> Option<Self> {
        self.compare.clone().map(|calendar| Self { calendar, compare: None, ..self.clone() })
    }

    /// Names of the metric columns of an answer: a rate has four.
    pub fn columns(&self) -> Vec<String> {
        self.columns_of(|metric| metric.parts())
    }

    /// Names of the columns of change: a rate has three. None where nothing is compared.
    pub fn changes(&self) -> Vec<String> {
        if self.compare.is_none() {
            return Vec::new();
        }
        self.columns_of(|metric| if metric.is_rate() { &PARTS } else { metric.parts() })
    }

    fn columns_of(&self, parts: impl Fn(Metric) -> &'static [Rate]) -> Vec<String> {
        let names = self
            .metrics
            .iter()
            .flat_map(|metric| parts(*metric).iter().map(move |part| format!("{}{}", metric.as_str(), part.suffix())));
        names.collect()
    }

    /// The same question in parts, in the order of time, each of `intervals` intervals at most. Itself where it is not cut
    /// into intervals.
    pub fn slices(&self, intervals: usize) -> Vec<Self> {
        self.calendar.slices(intervals).into_iter().map(|calendar| Self { calendar, ..self.clone() }).collect()
    }

    pub fn has(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    pub fn wants(&self, metric: Metric) -> bool {
        self.metrics.contains(&metric)
    }

    /// Whether rows are by service or category.
    pub fn by_pair(&self) -> bool {
        self.dimensions.iter().any(|d| d.is_grain())
    }

    /// Whether rows are of decisions and their signals.
    pub fn by_signal(&self) -> bool {
        self.named().iter().any(|d| d.is_of_signals())
    }

    /// Every dimension that the question speaks of, but those of pairs that it filters by.
    pub(super) fn named(&self) -> Vec<Dimension> {
        let mut dimensions = self.dimensions.clone();
        self.filters.iter().for_each(|filter| filter.collect(&mut dimensions));
        dimensions
    }

    /// The dimensions that an event has by itself: all but service, category and time.
    pub(super) fn plain_dimensions(&self) -> impl Iterator<Item = Dimension> {
        self.dimensions.iter().copied().filter(|d| !d.is_grain() && *d != Dimension::Time)
    }
}
