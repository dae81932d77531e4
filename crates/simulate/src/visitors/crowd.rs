//! Many visitors: tells stories one after the other, counts them, and packs their events into requests.
//!
//! Memory does not grow with the number of events: a story is counted and packed as soon as it is told.

use super::context::Context;
use super::event::{Event, Kind};
use super::repeats::{Copied, Repeats};
use super::stories::Narrator;
use crate::definitions::tally::Tally;
use rand::RngExt;
use std::collections::HashMap;

/// The most events that a request may carry.
pub(crate) const LARGEST_BATCH: usize = 500;
/// How many events may wait for company before all are sent.
const LARGEST_WAIT: usize = 20_000;

/// Events for one request.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) context: Context,
    /// Between 1 and [`LARGEST_BATCH`].
    pub(crate) events: Vec<Event>,
}

/// All visitors of a run.
pub(crate) struct Crowd {
    pub(crate) narrator: Narrator,
    pub(crate) tally: Tally,
    /// Whether requests name the visitor's country.
    pub(crate) tells_country: bool,
    /// Events per request, about.
    pub(crate) batch: usize,
    pub(crate) repeats: Repeats,
    /// Events that reach the server otherwise than the rest of their story, until there are enough of a kind.
    waiting: HashMap<Context, Vec<Event>>,
    waiting_events: usize,
    /// Distinct events told.
    pub(crate) events: u64,
}

/// Takes a batch, and how many distinct events have been told so far; false means that no more is wanted.
pub(crate) type Emit<'a> = dyn FnMut(Batch, u64) -> bool + 'a;

impl Crowd {
    /// A crowd that has not begun.
    pub(crate) fn new(narrator: Narrator, tally: Tally, tells_country: bool, batch: usize, repeats: Repeats) -> Self {
        Self {
            narrator,
            tally,
            tells_country,
            batch: batch.clamp(1, LARGEST_BATCH),
            repeats,
            waiting: HashMap::new(),
            waiting_events: 0,
            events: 0,
        }
    }

    /// Tells so many events more, or fewer if `emit` says so. Everything told is counted and emitted.
    ///
    /// # Errors
    /// Where counting fails.
    pub(crate) fn tell(&mut self, events: u64, emit: &mut Emit<'_>) -> anyhow::Result<()> {
        let until = self.events.saturating_add(events);
        let mut goes_on = true;
        while goes_on && self.events < until {
            let context = self.draw_context();
            let mut batch = Vec::with_capacity(self.batch + 8);
            let mut echoes = Vec::new();
            while batch.len() < self.batch && self.events < until {
                let site = context.origin.unwrap_or_else(|| self.draw_site());
                let mut story = self.narrator.story(context, site);
                story.truncate(usize::try_from(until - self.events).unwrap_or(usize::MAX));
                self.count(&story)?;
                let twin = if self.events < until { self.other_subject(&story) } else { None };
                if let Some(twin) = &twin {
                    self.count(std::slice::from_ref(twin))?;
                }
                for event in story.into_iter().chain(twin) {
                    self.pack(event, context, &mut batch, &mut echoes);
                }
            }
            let told = self.events;
            goes_on = send(context, batch, told, emit)
                & send(context, echoes, told, emit)
                & self.send_waiting(self.batch, emit);
        }
        self.send_waiting(1, emit);
        Ok(())
    }

    /// Sends the copies that waited for their originals to be acknowledged.
    pub(crate) fn repeat(&mut self, emit: &mut Emit<'_>) {
        for event in self.repeats.take_later() {
            self.wait(event);
        }
        self.send_waiting(1, emit);
    }

    pub(super) fn count(&mut self, story: &[Event]) -> anyhow::Result<()> {
        self.events += story.len() as u64;
        self.tally.add(story, &self.narrator.sites)
    }

    /// Now and then, the same id under another subject: another key, so another event.
    fn other_subject(&mut self, story: &[Event]) -> Option<Event> {
        if !self.repeats.wanted() || !self.narrator.rng.random_bool(0.02) {
            return None;
        }
        let mut twin = story.iter().find(|event| matches!(event.kind, Kind::Decided(_)))?.clone();
        twin.subject = Some(self.narrator.subject());
        Some(twin)
    }

    fn pack(&mut self, event: Event, context: Context, batch: &mut Vec<Event>, echoes: &mut Vec<Event>) {
        let copied = self.repeats.copy(&event, &mut self.narrator.rng);
        if event.context != context {
            if let Copied::Beside(copy) | Copied::After(copy) = copied {
                self.wait(copy);
            }
            self.wait(event);
            return;
        }
        batch.push(event);
        match copied {
            Copied::Nothing => {}
            Copied::Beside(copy) => batch.push(copy),
            Copied::After(copy) => echoes.push(copy),
        }
    }

    fn wait(&mut self, event: Event) {
        self.waiting_events += 1;
        self.waiting.entry(event.context).or_default().push(event);
    }

    /// Sends what waits in groups of at least so many; all of it where too much waits.
    fn send_waiting(&mut self, at_least: usize, emit: &mut Emit<'_>) -> bool {
        let at_least = if self.waiting_events > LARGEST_WAIT { 1 } else { at_least };
        let ready: Vec<Context> =
            self.waiting.iter().filter(|(_, events)| events.len() >= at_least).map(|(context, _)| *context).collect();
        let mut goes_on = true;
        for context in ready {
            let events = self.waiting.remove(&context).unwrap_or_default();
            self.waiting_events -= events.len();
            goes_on &= send(context, events, self.events, emit);
        }
        goes_on
    }

    fn draw_site(&mut self) -> usize {
        let total: u32 = self.narrator.sites.iter().map(|site| site.weight).sum();
        let mut left = self.narrator.rng.random_range(0..total);
        self.narrator
            .sites
            .iter()
            .position(|site| {
                let here = left < site.weight;
                left = left.saturating_sub(site.weight);
                here
            })
            .unwrap_or(0)
    }

    /// Who comes next: mostly a browser on a page of some site, now and then one that names no origin, or a server.
    fn draw_context(&mut self) -> Context {
        let site = self.draw_site();
        let agent = self.narrator.agent();
        let rng = &mut self.narrator.rng;
        let countries = self.narrator.sites[site].countries;
        let country = match rng.random_range(0..100) {
            _ if !self.tells_country => None,
            0..8 => None,
            8..20 => Some(["US", "GB", "PL", "BR"][rng.random_range(0..4)]),
            _ => Some(countries[rng.random_range(0..countries.len())]),
        };
        match rng.random_range(0..100) {
            _ if self.narrator.simple => Context::page(site, agent, country),
            0..86 => Context::page(site, agent, country),
            86..95 => Context::anonymous(agent, country),
            _ => Context::token(false, country),
        }
    }
}

/// Emits events of one context, in requests of a size that is taken.
fn send(context: Context, mut events: Vec<Event>, told: u64, emit: &mut Emit<'_>) -> bool {
    let mut goes_on = true;
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(LARGEST_BATCH));
        goes_on &= emit(Batch { context, events }, told);
        events = rest;
    }
    goes_on
}
