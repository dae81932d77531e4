//! `GET /api/v1/metadata`: what can be asked, and what each number means.

use avow_schemas::control::Scope;
use avow_schemas::event::{Method, Prompt, Regime, Source};
use avow_schemas::signal::{Finding, Signal};
use avow_warehouse::query::{Dimension, Interval, Metric};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::render::Form;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

/// What a metric is, in words of `docs/metrics.md`.
pub struct Definition {
    pub kind: MetricKind,
    pub description: &'static str,
    /// Of a rate: what is divided, and by what.
    pub numerator: Option<&'static str>,
    pub denominator: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// A whole number.
    Count,
    /// 0 to 1, with an interval and a denominator beside it.
    Rate,
    /// A duration in seconds.
    Seconds,
}

const fn count(description: &'static str) -> Definition {
    Definition { kind: MetricKind::Count, description, numerator: None, denominator: None }
}

const fn rate(description: &'static str, numerator: &'static str, denominator: &'static str) -> Definition {
    Definition { kind: MetricKind::Rate, description, numerator: Some(numerator), denominator: Some(denominator) }
}

/// What a metric means.
pub const fn definition(metric: Metric) -> Definition {
    match metric {
        Metric::Shown => count("banners shown, those that the visitor opened left out"),
        Metric::Decisions => count(
            "choices made in a banner that asked; not those in a banner that the visitor opened, not those by GPC or API",
        ),
        Metric::AcceptAll => count("decisions by the button that accepts everything"),
        Metric::RejectAll => count("decisions by the button that refuses everything"),
        Metric::Custom => count("decisions that saved a choice of one's own"),
        Metric::Dismissed => count("banners closed without a choice, whether or not the site takes that for a refusal"),
        Metric::NoChoice => count("banners shown less decisions, 0 at least"),
        Metric::Automatic => count("choices by GPC or through the API"),
        Metric::Withdrawals => count("withdrawals; by service or category, those that withdraw it"),
        Metric::Visitors => count("distinct subjects of the decisions"),
        Metric::Granted => count("(decision, service) pairs that are granted; by category, (decision, category) pairs"),
        Metric::Denied => count("pairs that are denied"),
        Metric::Partial => count("by category, decisions that granted some of its services and denied others"),
        Metric::Undecided => count("pairs of which the decision says nothing"),
        Metric::NotDisclosed => count("pairs of a service that the banner shown did not list"),
        Metric::ObservedWithoutConsent => count("observations of a service that was not granted"),
        Metric::MedianSecondsToDecide => Definition {
            kind: MetricKind::Seconds,
            description: "lower median of the time from banner to decision, over decisions that carry it",
            numerator: None,
            denominator: None,
        },
        Metric::MedianClicksToDecide => {
            count("lower median of the clicks in the banner, over decisions that carry them")
        }
        Metric::OptedIn => count("decisions that granted something beyond what is necessary"),
        Metric::Loaded => count("page views whose consent state was reported"),
        Metric::LoadedWithConsent => count("of these, those with consent to something"),
        Metric::InteractionRate => rate("how many banners were answered", "decisions", "shown"),
        Metric::ConsentRate => rate("how many of the answers about services were yes", "granted", "granted + denied"),
        Metric::OptInRate => {
            rate("how many banners led to a yes", "granted; with neither service nor category: opted_in", "shown")
        }
        Metric::AcceptAllRate => rate("how many decisions accepted everything", "accept_all", "decisions"),
        Metric::RejectAllRate => rate("how many decisions refused everything", "reject_all", "decisions"),
        Metric::WithdrawalRate => rate("how many withdrawals there were to a decision", "withdrawals", "decisions"),
        Metric::RevokedRate30d => rate(
            "how many of those who granted took it back within 30 days; only of grants at least 30 days old",
            "of these, subjects that revoked within 30 days",
            "subjects whose first grant is at least 30 days old",
        ),
        Metric::RevokedRate7d => rate(
            "how many of those who granted took it back within 7 days; only of grants at least 7 days old",
            "of these, subjects that revoked within 7 days",
            "subjects whose first grant is at least 7 days old",
        ),
        Metric::RepromptedRate6m => rate(
            "how many of those who refused everything were asked again within 183 days, so far",
            "of these, subjects that a banner was shown to within 183 days, not opened by them, nothing having changed",
            "subjects that refused everything",
        ),
        Metric::MedianSecondsToWithdraw => Definition {
            kind: MetricKind::Seconds,
            description: "lower median of the time from grant to revocation, over subjects that revoked, so far",
            numerator: None,
            denominator: None,
        },
        Metric::TrafficConsentRate => rate("how many page views had consent", "loaded_with_consent", "loaded"),
    }
}

/// What a dimension is, and its values where the list is closed.
fn dimension(dimension: Dimension) -> (&'static str, Option<Vec<&'static str>>) {
    fn all<T: Copy>(known: &[T], name: impl Fn(T) -> &'static str) -> Option<Vec<&'static str>> {
        Some(known.iter().copied().map(name).collect())
    }
    match dimension {
        Dimension::Site => ("the site", None),
        Dimension::Service => ("a service of the catalogue, or one that events name; rows are of pairs", None),
        Dimension::Category => ("a category; rows are of pairs", None),
        Dimension::Country => ("ISO 3166-1 alpha-2, `unknown` where not known", None),
        Dimension::Region => ("ISO 3166-2, `unknown` where not known", None),
        Dimension::Device => ("class of device, `unknown` where not known", None),
        Dimension::Browser => ("family of browser, `unknown` where not known", None),
        Dimension::Os => ("family of operating system, `unknown` where not known", None),
        Dimension::Language => ("BCP 47 tag of the banner's language", None),
        Dimension::BannerVersion => ("version of the banner, as it names itself", None),
        Dimension::Variant => ("variant of a test, empty where none was sent", None),
        Dimension::Method => ("how it was decided, empty on what is no decision", all(Method::ALL, Method::as_str)),
        Dimension::Prompt => ("why the banner was shown", all(Prompt::ALL, Prompt::as_str)),
        Dimension::Regime => ("the law's regime; never pooled on the page", all(Regime::ALL, Regime::as_str)),
        Dimension::Source => ("how the event came", all(Source::ALL, Source::as_str)),
        Dimension::Bot => ("declared or suspected bots", Some(vec!["yes", "no"])),
        Dimension::Signal => {
            ("a signal sent with a decision; rows are of (decision, signal)", all(Signal::ALL, Signal::as_str))
        }
        Dimension::Finding => {
            ("what the signal was found to be; rows are of (decision, signal)", all(Finding::ALL, Finding::as_str))
        }
        Dimension::Time => ("the beginning of the interval, RFC 3339 with the zone's offset", None),
    }
}

#[derive(Serialize, ToSchema)]
pub struct Metadata {
    pub metrics: Vec<AboutMetric>,
    pub dimensions: Vec<AboutDimension>,
    #[schema(value_type = Vec<String>)]
    pub intervals: Vec<&'static str>,
    /// Comparisons that have a name; two days are one too.
    #[schema(value_type = Vec<String>)]
    pub comparisons: Vec<&'static str>,
    /// Media types of answers.
    #[schema(value_type = Vec<String>)]
    pub forms: Vec<&'static str>,
    /// Of intervals: the share of cases that they are meant to cover.
    pub confidence: f64,
}

#[derive(Serialize, ToSchema)]
pub struct AboutMetric {
    #[schema(value_type = String)]
    pub name: &'static str,
    pub kind: MetricKind,
    #[schema(value_type = String)]
    pub description: &'static str,
    #[schema(value_type = Option<String>)]
    pub numerator: Option<&'static str>,
    #[schema(value_type = Option<String>)]
    pub denominator: Option<&'static str>,
    /// The columns that an answer has of it.
    pub columns: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AboutDimension {
    #[schema(value_type = String)]
    pub name: &'static str,
    #[schema(value_type = String)]
    pub description: &'static str,
    /// All its values, where the list is closed.
    #[schema(value_type = Option<Vec<String>>)]
    pub values: Option<Vec<&'static str>>,
    /// The only metrics that can be asked by it, where not all can.
    #[schema(value_type = Option<Vec<String>>)]
    pub metrics: Option<Vec<&'static str>>,
}

/// What can be asked: metrics with what they are divided by, dimensions with their values, intervals, comparisons, forms.
#[utoipa::path(
    get, path = "/api/v1/metadata", operation_id = "getMetadata", tag = "numbers",
    responses(
        (status = 200, body = Metadata),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_metadata(Bearer(caller): Bearer) -> Result<Json<Metadata>, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let metrics = Metric::ALL.iter().map(|metric| {
        let Definition { kind, description, numerator, denominator } = definition(*metric);
        let columns = metric.parts().iter().map(|part| format!("{}{}", metric.as_str(), part.suffix())).collect();
        AboutMetric { name: metric.as_str(), kind, description, numerator, denominator, columns }
    });
    let dimensions = Dimension::ALL.iter().map(|name| {
        let (description, values) = dimension(*name);
        let metrics = name.is_of_signals().then(Metric::of_decisions);
        AboutDimension { name: name.as_str(), description, values, metrics }
    });
    Ok(Json(Metadata {
        metrics: metrics.collect(),
        dimensions: dimensions.collect(),
        intervals: Interval::ALL.map(Interval::as_str).to_vec(),
        comparisons: vec!["previous_period", "previous_year"],
        forms: Form::ALL.map(Form::media_type).to_vec(),
        confidence: 0.95,
    }))
}
