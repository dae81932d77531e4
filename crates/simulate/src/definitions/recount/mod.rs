//! The definitions a third time, slowly: from the bodies that were sent, as a server sees them, one row at a time, with
//! strings, lists and scans only.
//!
//! Each rule can be broken on purpose ([`Wrong`]), to show that the simulated visitors make the difference visible.

mod rows;
mod says;

use crate::visitors::agents::AGENTS;
use crate::visitors::crowd::Batch;
use crate::visitors::site::Site;
use crate::vocabulary::Dimension;
use crate::wire::body;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

/// A rule that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    UserOpenedDecisionsCount,
    AutomaticDecisionsCount,
    DismissIsAlwaysRefusal,
    ServiceFollowsItsCategory,
    NewestSettingsHold,
    AliasesAreCategories,
    ContradictionIsGrant,
    NecessaryFormsPairs,
    RepeatsCount,
    LastRepeatWins,
    KeyIgnoresSubject,
    ClockIsNotCorrected,
    UpperMedian,
    EmptyWithdrawalWithdrawsNothing,
    PairsAreTheTrials,
    CohortsAreOpen,
    RevokedForEver,
    FilterChangesTheGrain,
    DaysAreUtc,
    WeeksBeginOnSunday,
    PartialIsGranted,
    ShownCountsUserOpened,
}

/// An event as a server has it: corrected, with what the request said.
#[derive(Debug, Clone)]
struct Seen {
    at: i64,
    body: Value,
    dimensions: BTreeMap<Dimension, String>,
    settings: BTreeMap<String, String>,
    no_choice: bool,
}

/// All that a server has, in log order, each event once.
pub(super) struct Recount {
    events: Vec<Seen>,
    closed_until: i64,
    wrong: Option<Wrong>,
}

/// What a request with `batch` looks like when it arrives at `now`, late by a little: the decoded events.
fn decode(batch: &Batch, names: &[Arc<str>], now: i64) -> Vec<Value> {
    let events: Vec<_> = batch.events.iter().collect();
    let body = body::write(&events, names, now).unwrap();
    let mut text = String::new();
    if body.gzip {
        flate2::read::GzDecoder::new(&body.bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(body.bytes.to_vec()).unwrap();
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(mut whole) if whole["events"].is_array() => whole["events"].as_array_mut().map(std::mem::take).unwrap(),
        Ok(single) => vec![single],
        Err(_) => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    }
}

fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

impl Recount {
    /// Takes requests in the order in which they were acknowledged.
    pub(super) fn new(batches: &[Batch], sites: &[Site], closed_until: i64, wrong: Option<Wrong>) -> Self {
        let names: Vec<Arc<str>> = sites.iter().map(|site| Arc::clone(&site.name)).collect();
        let mut events: Vec<(Value, Seen)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let now = 1_800_000_000_000;
        for batch in batches {
            for body in decode(batch, &names, now) {
                let subject = if wrong == Some(Wrong::KeyIgnoresSubject) { &Value::Null } else { &body["subject"] };
                let key = json!([body["site"], subject, body["id"]]);
                let seen = see(body, batch, sites, now, wrong);
                match known.get(&key.to_string()) {
                    Some(first) if wrong == Some(Wrong::LastRepeatWins) => events[*first] = (key, seen),
                    Some(_) if wrong != Some(Wrong::RepeatsCount) => {}
                    _ => {
                        known.insert(key.to_string(), events.len());
                        events.push((key, seen));
                    }
                }
            }
        }
        Self { events: events.into_iter().map(|(_, seen)| seen).collect(), closed_until, wrong }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
}

/// An event as the server has it.
fn see(body: Value, batch: &Batch, sites: &[Site], now: i64, wrong: Option<Wrong>) -> Seen {
    let mut at = millis(&body["occurred_at"]);
    if body["sent_at"].is_string() && wrong != Some(Wrong::ClockIsNotCorrected) {
        let off = now - millis(&body["sent_at"]);
        at += if off.abs() > 60_000 { off } else { 0 };
    }
    let site = sites.iter().find(|site| *site.name == *body["site"].as_str().unwrap()).unwrap();
    let services = match (&site.changed, wrong) {
        (Some((_, newest)), Some(Wrong::NewestSettingsHold)) => newest,
        _ => site.services_at(at),
    };
    let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    let context = &batch.context;
    let variant = text(&body["banner"]["variant"], "");
    let came_too_late = variant.strip_prefix("many-").is_some_and(|number| number.len() == 4);
    let speaks_for_others = ["token", "import"].contains(&context.source.name());
    let agent = &AGENTS[context.agent];
    let of_agent = |value: &str| if speaks_for_others { "unknown".to_owned() } else { value.to_owned() };
    let bot = if agent.bot && !speaks_for_others { "yes" } else { "no" };
    let dimensions = BTreeMap::from([
        (Dimension::Site, text(&body["site"], "")),
        (Dimension::Country, context.country.unwrap_or("unknown").to_owned()),
        (Dimension::Region, "unknown".to_owned()),
        (Dimension::Device, of_agent(agent.device)),
        (Dimension::Browser, of_agent(agent.browser)),
        (Dimension::Os, of_agent(agent.os)),
        (Dimension::Language, text(&body["banner"]["language"], "")),
        (Dimension::BannerVersion, text(&body["banner"]["version"], "")),
        (Dimension::Variant, if came_too_late { "other".to_owned() } else { variant }),
        (Dimension::Method, text(&body["method"], "")),
        (Dimension::Prompt, text(&body["prompt"], "first")),
        (Dimension::Regime, text(&body["regime"], "opt_in")),
        (Dimension::Source, context.source.name().to_owned()),
        (Dimension::Bot, bot.to_owned()),
    ]);
    let settings = services.iter().map(|(slug, category)| ((*slug).to_owned(), (*category).to_owned())).collect();
    Seen { at, body, dimensions, settings, no_choice: site.dismiss_is_no_choice }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
