//! What lies between a number of ours and one of another tool: the roll-up's counts over the days of two time zones, and from the
//! events what the roll-up leaves out of decisions (`docs/bridge.md`).

use std::collections::BTreeMap;

use avow_schemas::ids::SiteId;
use clickhouse::{Client, Row};
use serde::Deserialize;

use super::calendar::Calendar;
use super::column::Table;
use super::error::QueryError;
use super::filter::{Filter, Test};
use super::freshness::Marks;
use super::people::counted;
use super::rollup::{self, Counts, Rollup, With, scope};
use super::spec::{Dimension, Limits, Metric, QuerySpec};
use super::statement::{Statement, Value};

/// What is to be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct BridgeSpec {
    pub site: SiteId,
    /// Of one regime alone.
    pub regime: Option<String>,
    /// The days in our time zone.
    pub ours: Calendar,
    /// The same days in theirs.
    pub theirs: Calendar,
    /// The versions of the site's settings under which a dismissal is no decision.
    pub no_choice: Vec<u32>,
}

/// Counts as both sides know them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub shown: u64,
    pub decisions: u64,
    pub accept_all: u64,
    pub reject_all: u64,
    pub custom: u64,
    pub opted_in: u64,
    /// (decision, service) pairs.
    pub granted: u64,
    pub denied: u64,
}

/// The same of people and of bots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByBot {
    pub people: Tally,
    pub bots: Tally,
}

/// All that a bridge is built of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BridgeCounts {
    /// As the roll-up counts, over our days.
    pub ours: ByBot,
    /// ... and over theirs.
    pub theirs: ByBot,
    /// Over their days: what visitors opened themselves, and decided there.
    pub opened: ByBot,
    /// Over their days: decisions that a signal or a program made. They press no button: what grants nothing counts as
    /// `reject_all`, what denies nothing as `accept_all`, the rest as `custom`.
    pub automatic: ByBot,
    /// The most pairs that one event of their days has.
    pub most_pairs: u64,
}

#[derive(Debug, Row, Deserialize)]
struct Line {
    class_of: String,
    bot_of: String,
    counts: Vec<u64>,
    most_pairs: u64,
}

impl ByBot {
    fn of(rollup: &Rollup) -> Self {
        let mut by_bot = Self::default();
        for (key, counts) in &rollup.totals {
            *by_bot.side(key.plain.first()) += Tally::of_totals(counts);
        }
        for ((key, _), counts) in &rollup.pairs {
            *by_bot.side(key.plain.first()) +=
                Tally { granted: counts.granted, denied: counts.denied, ..Tally::default() };
        }
        by_bot
    }

    fn side(&mut self, bot: Option<&String>) -> &mut Tally {
        if bot.is_some_and(|bot| bot == "yes") { &mut self.bots } else { &mut self.people }
    }
}

impl Tally {
    const fn of_totals(counts: &Counts) -> Self {
        Self {
            shown: counts.shown,
            decisions: counts.decisions,
            accept_all: counts.accept_all,
            reject_all: counts.reject_all,
            custom: counts.custom,
            opted_in: counts.opted_in,
            granted: 0,
            denied: 0,
        }
    }

    fn of_line(counts: &[u64]) -> Self {
        let mut counts = counts.iter().copied();
        let mut next = || counts.next().unwrap_or(0);
        Self {
            shown: next(),
            decisions: next(),
            accept_all: next(),
            reject_all: next(),
            custom: next(),
            opted_in: next(),
            granted: next(),
            denied: next(),
        }
    }

    /// The same of so many events.
    #[must_use]
    pub const fn times(self, events: u64) -> Self {
        Self {
            shown: self.shown * events,
            decisions: self.decisions * events,
            accept_all: self.accept_all * events,
            reject_all: self.reject_all * events,
            custom: self.custom * events,
            opted_in: self.opted_in * events,
            granted: self.granted * events,
            denied: self.denied * events,
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            shown: self.shown + other.shown,
            decisions: self.decisions + other.decisions,
            accept_all: self.accept_all + other.accept_all,
            reject_all: self.reject_all + other.reject_all,
            custom: self.custom + other.custom,
            opted_in: self.opted_in + other.opted_in,
            granted: self.granted + other.granted,
            denied: self.denied + other.denied,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The question as the roll-up is asked it.
fn question(spec: &BridgeSpec, calendar: &Calendar) -> QuerySpec {
    let of_regime = |regime: &String| Filter::Compare(Test::Is, Dimension::Regime, vec![regime.clone()]);
    QuerySpec {
        sites: vec![spec.site.clone()],
        calendar: calendar.clone(),
        compare: None,
        dimensions: vec![Dimension::Bot],
        metrics: vec![
            Metric::Shown,
            Metric::Decisions,
            Metric::AcceptAll,
            Metric::RejectAll,
            Metric::Custom,
            Metric::OptedIn,
            Metric::Granted,
            Metric::Denied,
        ],
        filters: spec.regime.iter().map(of_regime).collect(),
        pair_filters: Vec::new(),
        order: Vec::new(),
        limit: usize::MAX,
        offset: 0,
        suppression: None,
        limits: Limits::default(),
    }
}

/// Events of their days that are no decisions of ours, by what they are; and the most pairs of any.
fn statement(spec: &BridgeSpec, marks: &BTreeMap<String, Marks>) -> Statement {
    let mut statement = Statement::default();
    let no_choice = statement.bind("no_choice", Value::Versions(spec.no_choice.clone()));
    let bot = Table::Events.column(Dimension::Bot);
    statement.push(
        "SELECT class AS class_of, bot_grade AS bot_of, [sum(is_shown), sum(is_decided), sum(is_decided AND accepts),",
    );
    statement.push("       sum(is_decided AND rejects), sum(is_decided AND saves), sum(is_decided AND grants),");
    statement.push("       sum(if(is_decided, pairs_granted, 0)), sum(if(is_decided, pairs_denied, 0))] AS counts,");
    statement.push("       max(toUInt64(pairs_granted + pairs_denied)) AS most_pairs");
    statement.push("FROM (SELECT multiIf(type = 'decided' AND method IN ('gpc', 'api'), 'automatic', prompt = 'user_opened', 'opened', 'counted') AS class,");
    statement.push(&format!("       {bot} AS bot_grade, type = 'shown' AS is_shown,"));
    statement.push(&format!(
        "       type = 'decided' AND NOT (method = 'dismiss' AND has({no_choice}, config_version)) AS is_decided,"
    ));
    statement.push("       opted_in = 1 AS grants, class = 'automatic' AS by_itself,");
    statement.push("       has(pair_state, 'denied') OR hasAny(category_state, ['denied', 'partial']) OR has(mapValues(purposes), false) AS denies,");
    statement.push("       if(by_itself, grants AND NOT denies, method = 'accept_all') AS accepts,");
    statement.push("       if(by_itself, NOT grants, method = 'reject_all') AS rejects,");
    statement.push("       if(by_itself, grants AND denies, method = 'save') AS saves,");
    statement.push(
        "       countEqual(pair_state, 'granted') AS pairs_granted, countEqual(pair_state, 'denied') AS pairs_denied",
    );
    statement.push(&format!("FROM {}", Table::Events.name()));
    scope(&question(spec, &spec.theirs), Table::Events, &mut statement);
    statement.push("  AND kind = 'event' AND type IN ('shown', 'decided')");
    let counted = counted(marks, &mut statement);
    statement.push(&format!("  AND ({counted}))"));
    statement.push("GROUP BY class_of, bot_of");
    statement
}

/// Counts what a bridge is built of. The roll-up over their days and the events are read exactly as far as each other.
///
/// # Errors
/// What the engine says.
pub async fn bridge(client: &Client, spec: &BridgeSpec) -> Result<BridgeCounts, QueryError> {
    let with = With { pairs: true, marks: true };
    let theirs = rollup::read(client, &question(spec, &spec.theirs), with).await?;
    let ours = match spec.ours == spec.theirs {
        true => ByBot::of(&theirs),
        false => ByBot::of(&rollup::read(client, &question(spec, &spec.ours), with).await?),
    };
    let mut counts = BridgeCounts { ours, theirs: ByBot::of(&theirs), ..BridgeCounts::default() };
    for line in statement(spec, &theirs.marks).query(client).fetch_all::<Line>().await? {
        counts.most_pairs = counts.most_pairs.max(line.most_pairs);
        let side = match line.class_of.as_str() {
            "opened" => &mut counts.opened,
            "automatic" => &mut counts.automatic,
            _ => continue,
        };
        *side.side(Some(&line.bot_of)) += Tally::of_line(&line.counts);
    }
    Ok(counts)
}
