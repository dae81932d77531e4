//! Events that are sent again under the same key, and must count once.
//!
//! A copy with other content is sent only after the first had its 202, since the first in log order wins; so are copies that
//! come by another way. A copy that may race its original is the same in everything.

use super::context::{Context, Source};
use super::event::{Event, Kind, Method};
use rand::{RngExt, rngs::StdRng};

/// The most copies that are kept for later; beyond it, copies go out at once.
const KEPT: usize = 50_000;

/// Copies, and how many of them there were.
pub(crate) struct Repeats {
    /// Share of the events that are sent again.
    share: f64,
    /// Whether a copy is the same in everything: where what is acknowledged first is not always first in the log.
    exact: bool,
    /// To be sent once everything so far is acknowledged.
    later: Vec<Event>,
    /// How many copies were made.
    pub(crate) made: u64,
}

/// What to do with an event's copy.
pub(crate) enum Copied {
    /// There is none, or it is kept for later.
    Nothing,
    /// Into the same request.
    Beside(Event),
    /// Into another request like it.
    After(Event),
}

impl Repeats {
    /// Repeats for a share of the events.
    pub(crate) const fn new(share: f64, exact: bool) -> Self {
        Self { share, exact, later: Vec::new(), made: 0 }
    }

    /// Whether anything is repeated at all.
    pub(crate) fn wanted(&self) -> bool {
        self.share > 0.0
    }

    /// Perhaps copies an event.
    pub(crate) fn copy(&mut self, event: &Event, rng: &mut StdRng) -> Copied {
        if !self.wanted() || !rng.random_bool(self.share) {
            return Copied::Nothing;
        }
        self.made += 1;
        match rng.random_range(0..10) {
            0..3 => Copied::Beside(event.clone()),
            3..5 => Copied::After(event.clone()),
            _ if self.exact || self.later.len() >= KEPT => Copied::After(event.clone()),
            5..8 => {
                self.later.push(by_another_way(event.clone()));
                Copied::Nothing
            }
            _ => {
                self.later.push(by_another_way(altered(event.clone())));
                Copied::Nothing
            }
        }
    }

    /// The copies that were kept: to be called once every event so far is acknowledged.
    pub(crate) fn take_later(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.later)
    }
}

/// The same event, said by another request.
fn by_another_way(mut event: Event) -> Event {
    if event.context.source != Source::Import {
        event.context = Context::token(false, event.context.country);
    }
    event
}

/// The same key with other content, so that it would show if it counted.
fn altered(mut event: Event) -> Event {
    event.variant = Some("altered");
    event.banner_version = Some("altered");
    event.language = Some("zz");
    event.effort_ms = event.effort_ms.map(|ms| ms + 100);
    for (_, value) in event.categories.iter_mut().chain(&mut event.services) {
        *value = !*value;
    }
    event.kind = match event.kind {
        Kind::Decided(Method::AcceptAll) => Kind::Decided(Method::RejectAll),
        Kind::Decided(Method::RejectAll) => Kind::Decided(Method::AcceptAll),
        // A page view never has a subject: with one, it would be refused.
        Kind::Shown if event.subject.is_none() => Kind::Loaded("granted"),
        other => other,
    };
    event
}
