//! `GET /api/v1/bridges`.

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::settings::DismissMeans;
use avow_warehouse::query::{BridgeSpec, Calendar, CalendarError, Tally, bridge, wilson};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::definition::Definition;
use super::repeats::reach;
use super::steps::{Besides, State as Stage, Step, Taken, is_small, states, taken, withhold};
use super::their::{self, Theirs};
use crate::access::{Bearer, require};
use crate::aggregates::{BESIDES, Kept, of_source, utc};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::query::ask::{current, refused};
use crate::query::resolve::{days, sees_all, sites};
use crate::{Api, moment};

/// The metrics that a bridge can begin at, each with what it divides (`docs/metrics.md`, "Rates").
const OURS: [(&str, &str); 5] = [
    ("consent_rate", "granted / (granted + denied)"),
    ("opt_in_rate", "opted_in / shown"),
    ("accept_all_rate", "accept_all / decisions"),
    ("reject_all_rate", "reject_all / decisions"),
    ("interaction_rate", "decisions / shown"),
];
const REGIMES: [&str; 4] = ["opt_in", "opt_out", "notice", "none"];
/// Events are taken this much ahead of the clock: a repeat of one is logged no earlier than so long before its own time.
const AHEAD_MS: i64 = 300_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BridgeOf {
    pub site: String,
    /// Whose number: `didomi`, `usercentrics`, `onetrust`, `cookiebot` or `other`.
    pub source: String,
    /// Two days, both included: `2026-11-01,2026-11-24`. Days before the source's first and after its last are left out.
    pub date_range: String,
    /// Our days' IANA time zone; UTC where none is given. Theirs came with their numbers.
    #[serde(default = "utc")]
    #[param(required = false)]
    pub timezone: String,
    /// Our number: `consent_rate` (default), `opt_in_rate`, `accept_all_rate`, `reject_all_rate`, `interaction_rate`.
    pub metric: Option<String>,
    /// What their rate divides by what; by default what was put with their numbers.
    pub definition: Option<String>,
    /// What they count that we leave out of decisions: any of `bots,user_opened,automatic`, or empty; by default what was put.
    pub counts: Option<String>,
    /// Whether our number counts bots: `yes` (default, as `POST /api/v1/query` does) or `no`.
    pub bots: Option<String>,
    /// Of one regime: both numbers are taken to be of it. Without it, of all.
    pub regime: Option<String>,
}

/// Why another tool's number is not ours.
#[derive(Serialize, ToSchema)]
pub struct Bridge {
    pub site: String,
    pub source: String,
    /// The days that are compared: those asked about that the source has.
    #[schema(value_type = Vec<String>)]
    pub date_range: (String, String),
    pub ours: OurNumber,
    pub theirs: TheirNumber,
    /// Theirs less ours; 0.03 is three points.
    pub difference: Option<f64>,
    /// In this order always, each upon the one before; the last ends at their number.
    pub steps: Vec<BridgeStep>,
    /// The part of the remainder that repeats cannot be.
    pub unexplained: Option<f64>,
    /// Whether numbers are left out, of a step or of the whole: so few decisions would show single persons.
    pub withheld: bool,
    /// Every event acknowledged before this instant is counted; null before the first.
    pub freshness: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OurNumber {
    pub metric: String,
    /// What it divides by what.
    pub definition: String,
    pub timezone: String,
    pub rate: Option<f64>,
    /// Wilson, 95 %.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct TheirNumber {
    pub definition: String,
    pub timezone: String,
    /// What they count that we leave out of decisions.
    pub counts: Vec<String>,
    pub rate: Option<f64>,
    /// Null where they tell rates alone.
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
    /// When their numbers were put, RFC 3339.
    pub made_at: String,
}

#[derive(Serialize, ToSchema)]
pub struct BridgeStep {
    pub step: Step,
    /// What it does, in a sentence.
    pub words: String,
    /// The number once it is taken; null where there is nothing to divide by.
    pub after: Option<f64>,
    /// How far it moved the number; 0.03 is three points. What a withheld step before it moved is in it.
    pub moved: Option<f64>,
    /// Whether its number is left out: it differs from another by so few decisions that it would show single persons.
    pub withheld: bool,
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
    /// Of `repeats` alone: how many events there were at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
    /// ... and how far they can move the number, at the least and at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// A checked question.
struct Asked {
    site: SiteId,
    kept: Kept,
    metric: &'static str,
    own: Definition,
    definition: Definition,
    they: Besides,
    our_bots: bool,
    first: String,
    last: String,
    theirs: Theirs,
    spec: BridgeSpec,
}

/// Another tool's number beside ours, and the steps between them.
///
/// A step's number is our counts once everything up to it is counted as they count it. What is left in the end is said as such.
#[utoipa::path(
    get, path = "/api/v1/bridges", operation_id = "getBridge", tag = "bridge", params(BridgeOf),
    responses(
        (status = 200, body = Bridge),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The site has no numbers of this source", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_bridge(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(question): Parameters<BridgeOf>,
) -> Result<Json<Bridge>, Problem> {
    require(&caller, Scope::StatsRead, Some(&question.site))?;
    let asked = asked(&api, &caller, &question).await?;
    let _turn = api.queries.acquire().await.map_err(|_| Problem::unavailable("shutting down"))?;
    let freshness = current(&api).await?.counted_to.map(moment::written);
    let counts = bridge(api.warehouse.client(), &asked.spec).await.map_err(refused)?;
    let since = i64::from(asked.spec.theirs.from().min(asked.spec.ours.from())) * 1_000 - AHEAD_MS;
    let books = api.warehouse.books(&[asked.site.to_string()], since, moment::END).await?;
    let repeats = books.iter().map(|books| books.repeats).sum();

    let (start, mut states) = states(&counts, asked.our_bots, asked.they);
    let below =
        api.control.directory().site(asked.site.as_str()).map_or(0, |site| site.current().settings.suppress_below);
    let below = if sees_all(&caller) { 0 } else { below };
    withhold(&mut states, below);
    let their_whole = asked.theirs.fraction.map_or(0, |fraction| fraction.denominator);
    let is_bare = is_small(start.decisions, below) || is_small(their_whole, below);
    let steps = taken(asked.own.of(&start).rate(), &states, &asked.definition, asked.theirs.rate);
    let reached = |state: &Stage| reach(&state.tally, &asked.definition, repeats, counts.most_pairs);
    let middle = states.iter().find(|state| state.step == Step::Repeats && !state.withheld).and_then(reached);
    let unexplained = states
        .iter()
        .rfind(|state| !state.withheld)
        .and_then(reached)
        .map(|(low, high)| outside(asked.theirs.rate, low, high));
    let ours = our_number(&asked, &question.timezone, &start);
    let difference = ours.rate.map(|rate| asked.theirs.rate - rate);
    let step = |taken: &Taken| {
        let of_repeats = taken.step == Step::Repeats;
        BridgeStep {
            step: taken.step,
            words: taken.step.words(asked.they).to_owned(),
            after: taken.after,
            moved: taken.moved,
            withheld: taken.withheld || is_bare,
            numerator: taken.fraction.map(|fraction| fraction.numerator),
            denominator: taken.fraction.map(|fraction| fraction.denominator),
            repeats: of_repeats.then_some(repeats),
            low: middle.filter(|_| of_repeats).map(|(low, _)| low),
            high: middle.filter(|_| of_repeats).map(|(_, high)| high),
        }
    };
    let bridge = Bridge {
        site: asked.site.to_string(),
        source: asked.kept.source.clone(),
        steps: steps.iter().map(step).collect(),
        ours,
        theirs: their_number(&asked),
        difference,
        unexplained,
        withheld: is_bare || steps.iter().any(|step| step.withheld),
        freshness,
        date_range: (asked.first, asked.last),
    };
    Ok(Json(if is_bare { without_numbers(bridge) } else { bridge }))
}

/// Checks what is asked against what exists and what the caller may see.
async fn asked(api: &Api, caller: &Caller, question: &BridgeOf) -> Result<Asked, Problem> {
    let directory = api.control.directory();
    let site = sites(Some(std::slice::from_ref(&question.site)), caller, &directory)?;
    let site = site.into_iter().next().ok_or_else(|| Problem::unprocessable("unknown_site", "name a site"))?;
    let invalid = |detail: String, at: &str| Problem::unprocessable("invalid_parameter", detail).at(at);
    let range = question.date_range.split_once(',');
    let (first, last) = range.ok_or_else(|| invalid("two days, separated by a comma".into(), "date_range"))?;
    if !caller.may_ask_about(first, last) {
        return Err(Problem::forbidden("shared_view", "the link shows other days").at("date_range"));
    }
    let (first, last) = days(first, last, "date_range")?;
    let metric = question.metric.as_deref().unwrap_or(OURS[0].0);
    let (metric, own) = OURS.into_iter().find(|(name, _)| *name == metric).ok_or_else(|| {
        let problem = Problem::unprocessable("unknown_metric", format!("{metric:?} is no metric to begin at"));
        problem.at("metric").with("known", json!(OURS.map(|(name, _)| name)))
    })?;
    let our_bots = match question.bots.as_deref() {
        None | Some("yes") => true,
        Some("no") => false,
        Some(other) => return Err(invalid(format!("{other:?} is neither yes nor no"), "bots")),
    };
    if let Some(regime) = question.regime.as_deref().filter(|regime| !REGIMES.contains(regime)) {
        return Err(invalid(format!("{regime:?} is none of {}", REGIMES.join(", ")), "regime"));
    }
    let kept = of_source(api, site.as_str(), &question.source).await?;
    let definition = match &question.definition {
        Some(text) => Definition::parse(text).map_err(|problem| problem.at("definition"))?,
        None => kept.put.definition(&kept.source)?,
    };
    let they = besides(&kept, question.counts.as_deref())?;
    let (first, last, found) = their::days(&kept, first, last)?;
    let theirs = their::number(&kept, &found, &definition)?;
    let calendar = |zone: &str| Calendar::new(first, last, zone, None).map_err(no_calendar);
    let versions = directory.site(site.as_str()).map(|history| history.versions().to_vec()).unwrap_or_default();
    let no_choice = versions.iter().filter(|version| version.settings.dismiss_means == DismissMeans::NoChoice);
    let spec = BridgeSpec {
        site: site.clone(),
        regime: question.regime.clone(),
        ours: calendar(&question.timezone)?,
        theirs: calendar(&kept.put.timezone)?,
        no_choice: no_choice.filter_map(|version| u32::try_from(version.version.0).ok()).collect(),
    };
    let (first, last) = (first.to_string(), last.to_string());
    let own = Definition::parse(own)?;
    Ok(Asked { site, kept, metric, own, definition, they, our_bots, first, last, theirs, spec })
}

fn no_calendar(error: CalendarError) -> Problem {
    let (code, at) = match error {
        CalendarError::UnknownZone(_) => ("unknown_timezone", "timezone"),
        _ => ("invalid_date_range", "date_range"),
    };
    Problem::unprocessable(code, error.to_string()).at(at)
}

fn besides(kept: &Kept, asked: Option<&str>) -> Result<Besides, Problem> {
    let named: Option<Vec<&str>> = asked.map(|text| text.split(',').filter(|one| !one.is_empty()).collect());
    if let Some(unknown) = named.iter().flatten().find(|one| !BESIDES.contains(one)) {
        let problem = Problem::unprocessable("invalid_parameter", format!("{unknown:?} is none of these"));
        return Err(problem.at("counts").with("known", json!(BESIDES)));
    }
    let includes = |besides: &str| match &named {
        Some(named) => named.contains(&besides),
        None => kept.put.includes(besides),
    };
    Ok(Besides { bots: includes("bots"), opened: includes("user_opened"), automatic: includes("automatic") })
}

fn our_number(asked: &Asked, timezone: &str, start: &Tally) -> OurNumber {
    let fraction = asked.own.of(start);
    // Pairs of one decision are not independent (`docs/metrics.md`, "Rates").
    let n = if asked.metric == "consent_rate" { start.decisions } else { fraction.denominator };
    let interval = fraction.rate().and_then(|rate| wilson(rate, n));
    OurNumber {
        metric: asked.metric.to_owned(),
        definition: asked.own.to_string(),
        timezone: timezone.to_owned(),
        rate: fraction.rate(),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        numerator: Some(fraction.numerator),
        denominator: Some(fraction.denominator),
    }
}

fn their_number(asked: &Asked) -> TheirNumber {
    let Besides { bots, opened, automatic } = asked.they;
    let counts = BESIDES.iter().zip([bots, opened, automatic]).filter(|(_, includes)| *includes);
    TheirNumber {
        definition: asked.definition.to_string(),
        timezone: asked.kept.put.timezone.clone(),
        counts: counts.map(|(besides, _)| (*besides).to_owned()).collect(),
        rate: Some(asked.theirs.rate),
        numerator: asked.theirs.fraction.map(|fraction| fraction.numerator),
        denominator: asked.theirs.fraction.map(|fraction| fraction.denominator),
        made_at: moment::written(asked.kept.made_at),
    }
}

/// How far a number lies outside a range; 0 within it.
fn outside(rate: f64, low: f64, high: f64) -> f64 {
    if rate > high { rate - high } else { (rate - low).min(0.0) }
}

/// The same without any number.
fn without_numbers(bridge: Bridge) -> Bridge {
    let ours = OurNumber { rate: None, low: None, high: None, numerator: None, denominator: None, ..bridge.ours };
    let theirs = TheirNumber { rate: None, numerator: None, denominator: None, ..bridge.theirs };
    let bare = |step: BridgeStep| BridgeStep {
        after: None,
        moved: None,
        numerator: None,
        denominator: None,
        repeats: None,
        low: None,
        high: None,
        ..step
    };
    let steps = bridge.steps.into_iter().map(bare).collect();
    Bridge { ours, theirs, steps, difference: None, unexplained: None, ..bridge }
}
