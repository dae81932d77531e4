//! The way of one event through ingest, in order. Each step returns what it found out, or why the event is refused.

use avow_control::Directory;
use avow_schemas::event::{ConsentEvent, Seed};
use avow_schemas::fate::{RejectCode, Rejection};
use avow_schemas::ids::SiteId;
use std::time::Duration;

use crate::decode::Fields;
use crate::sender::Sender;
use crate::steps::clock::ClockRules;
use crate::steps::quota::Quotas;
use crate::steps::site::{Known, NoSite};
use crate::steps::stamp::Parts;
use crate::steps::{clock, origin, page, quota, signals, site, stamp, validate};

/// What the steps need besides the event.
#[derive(Clone, Copy)]
pub struct Surroundings<'r> {
    pub sender: &'r Sender,
    pub directory: &'r Directory,
    pub clock: &'r ClockRules,
    pub quotas: &'r Quotas,
}

/// An event that is fit for the log.
#[derive(Debug)]
pub struct Passed {
    /// Its place in the request.
    pub index: usize,
    pub event: ConsentEvent,
    /// Into how many keys of the log its site is split.
    pub shards: u32,
    /// Fields left out because they mean nothing on this type of event.
    pub misplaced: Vec<&'static str>,
}

/// An event that is refused.
#[derive(Debug)]
#[must_use]
pub struct Refused {
    pub rejection: Rejection,
    /// Its site, where that is one of ours.
    pub site: Option<SiteId>,
    /// The token may not speak for that site.
    pub forbidden: bool,
    /// When the same event may be taken.
    pub wait: Option<Duration>,
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, site: None, forbidden: false, wait: None }
    }
}

impl From<NoSite> for Refused {
    fn from(reason: NoSite) -> Self {
        match reason {
            NoSite::Refused(rejection) => rejection.into(),
            NoSite::Forbidden => {
                let rejection =
                    Rejection::new(RejectCode::UnknownSite, "/site: the token does not speak for this site");
                Self { forbidden: true, ..rejection.into() }
            }
        }
    }
}

impl From<quota::Over> for Refused {
    fn from(over: quota::Over) -> Self {
        Self { wait: Some(over.wait), ..over.rejection().into() }
    }
}

/// Takes one event through all steps.
///
/// # Errors
/// The first step's refusal.
pub fn run(at: Surroundings<'_>, seed: Seed, fields: &Fields<'_>) -> Result<Passed, Refused> {
    let known = site::known(fields, at.sender, at.directory)?;
    steps(at, seed, fields, known).map_err(|refused| Refused { site: Some(known.site.clone()), ..refused })
}

fn steps(at: Surroundings<'_>, seed: Seed, fields: &Fields<'_>, known: Known<'_>) -> Result<Passed, Refused> {
    let Surroundings { sender, clock: rules, quotas, .. } = at;
    origin::allowed(sender, &known)?;
    quotas.take(sender, &known)?;
    let times = clock::corrected(rules, fields, sender, &known)?;
    let signals = signals::kept(fields, sender)?;
    let (agent, place) = (sender.agent, &sender.place);
    let page = page::reduced(fields, &times.in_force.settings.page_templates)?;
    let mut content = validate::checked(fields)?;
    let misplaced = std::mem::take(&mut content.misplaced);
    let event = stamp::stamped(sender, seed, Parts { known, times, signals, agent, place, page, content });
    Ok(Passed { index: 0, event, shards: known.now().settings.ledger.shards, misplaced })
}
