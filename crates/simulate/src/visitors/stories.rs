//! What one visitor does: sees a banner, answers or not, comes back, changes her mind.

use super::agents::AGENTS;
use super::content;
use super::context::{Context, Source};
use super::event::{Event, Kind, Method, Named, Signals, USER_OPENED};
use super::moments::{DAY, Moments, When};
use super::site::Site;
use rand::{RngExt, rngs::StdRng};
use uuid::{Builder, Uuid};

/// Who tells stories, and what about.
pub(crate) struct Narrator {
    pub(crate) rng: StdRng,
    pub(crate) sites: Vec<Site>,
    pub(crate) moments: Moments,
    /// Whether only the plain course of things is told: one visit, an answer or none.
    pub(crate) simple: bool,
    pub(crate) telling: Telling,
}

/// Which times stories are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// All mixed.
    Everything,
    /// Only what is imported.
    History,
    /// Only what is sent while it happens, or late.
    Present,
}

/// A visitor during one story.
struct Visitor {
    site: usize,
    subject: Uuid,
    context: Context,
    clock_ahead: i64,
    regime: Option<&'static str>,
    banner_version: Option<&'static str>,
    language: Option<&'static str>,
    variant: Option<&'static str>,
}

/// The course of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plot {
    Visit,
    Return,
    Automatic,
    Traffic,
    SecondThoughts,
}

impl Narrator {
    /// The events of one visitor who comes with `context` to `site`; at least one. Some of them reach the server in other
    /// requests, with another context.
    pub(crate) fn story(&mut self, context: Context, site: usize) -> Vec<Event> {
        let when = self.when();
        let at = self.moments.choose(when, &self.sites[site], &mut self.rng);
        let mut visitor = self.visitor(context, site);
        if when == When::MidQuarter && !context.source.has_token() {
            visitor.clock_ahead = self.wrong_clock();
        }
        let is_bot = visitor.context.bot() == "yes";
        let plot = match self.rng.random_range(0..100) {
            _ if self.simple || when == When::MidQuarter => Plot::Visit,
            0..15 if is_bot => Plot::Traffic,
            _ if is_bot => Plot::Visit,
            0..45 => Plot::Visit,
            45..75 => Plot::Return,
            75..81 => Plot::Automatic,
            81..94 => Plot::Traffic,
            _ => Plot::SecondThoughts,
        };
        let mut events = Vec::with_capacity(8);
        match plot {
            Plot::Visit => self.visit(&visitor, at, &mut events),
            Plot::Return => {
                self.visit(&visitor, at, &mut events);
                // From the answer on, so that 30 days are 30 days to the millisecond.
                let answered = events.last().map_or(at, |event| event.at);
                for _ in 0..self.rng.random_range(1..4) {
                    self.come_back(&mut visitor, answered, &mut events);
                }
            }
            Plot::Automatic => {
                let method = if self.rng.random_bool(0.6) { Method::Gpc } else { Method::Api };
                let prompt = [None, None, Some(USER_OPENED)][self.rng.random_range(0..3)];
                self.decide(&visitor, method, prompt, at, &mut events);
            }
            Plot::Traffic => self.traffic(&visitor, at, &mut events),
            Plot::SecondThoughts => {
                // Opened the settings without ever having been asked, and answered or closed them again.
                self.push(&visitor, Kind::Shown, Some(USER_OPENED), at, &mut events);
                let method = [Method::Save, Method::RejectAll, Method::Dismiss][self.rng.random_range(0..3)];
                self.decide(&visitor, method, Some(USER_OPENED), at + 5_000, &mut events);
            }
        }
        events
    }

    fn when(&mut self) -> When {
        let drawn = self.rng.random_range(0..100);
        match self.telling {
            Telling::History if drawn < 15 && !self.simple => When::ClockChange,
            Telling::History => When::Past,
            Telling::Present if self.simple => When::Fresh,
            Telling::Everything if self.simple => [When::Fresh, When::Past][usize::from(drawn < 50)],
            Telling::Present => match drawn {
                0..85 => When::Fresh,
                85..95 => When::Late,
                _ => When::MidQuarter,
            },
            Telling::Everything => match drawn {
                0..50 => When::Fresh,
                50..64 => When::Late,
                64..90 => When::Past,
                90..95 => When::ClockChange,
                _ => When::MidQuarter,
            },
        }
    }

    fn visitor(&mut self, context: Context, site: usize) -> Visitor {
        let subject = self.subject();
        let rng = &mut self.rng;
        let languages = self.sites[site].languages;
        let regime = match rng.random_range(0..100) {
            0..55 => None,
            55..80 => Some("opt_in"),
            80..90 => Some("opt_out"),
            90..95 => Some("notice"),
            _ => Some("none"),
        };
        Visitor {
            site,
            subject,
            context,
            clock_ahead: 0,
            regime,
            banner_version: [Some("2026-11-01"), Some("2026-11-01"), Some("2026-09-15"), None][rng.random_range(0..4)],
            language: if rng.random_bool(0.9) { Some(languages[rng.random_range(0..languages.len())]) } else { None },
            variant: [Some("A"), Some("B"), Some("A"), Some("B"), None][rng.random_range(0..5)],
        }
    }

    /// Hours off, either way; or seconds off, which no server corrects.
    fn wrong_clock(&mut self) -> i64 {
        let off = if self.rng.random_bool(0.8) {
            self.rng.random_range(2 * 3_600_000..11 * 3_600_000)
        } else {
            self.rng.random_range(1_000..20_000)
        };
        if self.rng.random_bool(0.5) { off } else { -off }
    }

    /// A banner is shown, and answered or not.
    fn visit(&mut self, visitor: &Visitor, at: i64, events: &mut Vec<Event>) {
        self.push(visitor, Kind::Shown, None, at, events);
        let temper = self.sites[visitor.site].temper;
        if !self.rng.random_bool(temper.answers) {
            return;
        }
        let method = self.method(visitor);
        let prompt = if self.rng.random_bool(0.3) { Some("first") } else { None };
        let took = i64::from(self.rng.random_range(8..300_u32)) * 100;
        self.decide(visitor, method, prompt, at + took, events);
    }

    fn method(&mut self, visitor: &Visitor) -> Method {
        let temper = self.sites[visitor.site].temper;
        let better = if visitor.variant == Some("B") { 0.06 } else { 0.0 };
        let drawn: f64 = self.rng.random();
        if drawn < temper.accepts + better {
            Method::AcceptAll
        } else if drawn < temper.accepts + better + temper.rejects {
            Method::RejectAll
        } else if self.rng.random_bool(0.65) {
            Method::Save
        } else {
            Method::Dismiss
        }
    }

    /// The visitor comes back after a while and says something else, perhaps from another device.
    fn come_back(&mut self, visitor: &mut Visitor, first: i64, events: &mut Vec<Event>) {
        let after = match self.rng.random_range(0..10) {
            0..3 => self.rng.random_range(120_000..36_000_000),
            3..6 => self.rng.random_range(DAY..25 * DAY),
            6 => 30 * DAY,
            7..9 => 30 * DAY + 1,
            _ => self.rng.random_range(31 * DAY..60 * DAY),
        };
        let at = self.moments.clear(first + after);
        if at + 60_000 > self.moments.latest() {
            return;
        }
        if self.rng.random_bool(0.2) && !visitor.context.source.has_token() {
            let agent = self.human();
            visitor.context = Context::anonymous(agent, visitor.context.country);
            visitor.variant = Some("A");
        }
        match self.rng.random_range(0..100) {
            0..42 => {
                let prompt = if self.rng.random_bool(0.5) { Some(USER_OPENED) } else { None };
                self.withdraw(visitor, prompt, at, events);
            }
            42..70 => {
                let method = [Method::Save, Method::RejectAll, Method::AcceptAll][self.rng.random_range(0..3)];
                self.push(visitor, Kind::Shown, Some(USER_OPENED), at - 9_000, events);
                self.decide(visitor, method, Some(USER_OPENED), at, events);
            }
            70..78 => {
                let method = if self.rng.random_bool(0.7) { Method::Gpc } else { Method::Api };
                self.decide(visitor, method, None, at, events);
            }
            _ => {
                let prompt = if self.rng.random_bool(0.6) { "renewal" } else { "changed" };
                self.push(visitor, Kind::Shown, Some(prompt), at - 9_000, events);
                if let Some(shown) = events.last_mut() {
                    // Only where a choice is stored has a banner a subject to tell.
                    shown.subject = Some(visitor.subject);
                }
                let method = self.method(visitor);
                self.decide(visitor, method, Some(prompt), at, events);
            }
        }
    }

    /// Page views with the state that held in each, and now and then what a scan observed.
    fn traffic(&mut self, visitor: &Visitor, at: i64, events: &mut Vec<Event>) {
        let state = ["granted", "granted", "partial", "denied", "none", "not_required", "not_possible"]
            [self.rng.random_range(0..7)];
        for page in 0..self.rng.random_range(1..4) {
            self.push(visitor, Kind::Loaded(state), None, at + page * 11_000, events);
        }
        if self.rng.random_bool(0.2) {
            self.push(visitor, Kind::Observed(true), None, at + 40_000, events);
        }
    }

    fn decide(
        &mut self,
        visitor: &Visitor,
        method: Method,
        prompt: Option<&'static str>,
        at: i64,
        events: &mut Vec<Event>,
    ) {
        if !self.push(visitor, Kind::Decided(method), prompt, at, events) {
            return;
        }
        let Some(event) = events.last_mut() else { return };
        event.subject = Some(visitor.subject);
        content::decide(event, method, &self.sites[visitor.site], !self.simple, &mut self.rng);
        let by_hand = !matches!(method, Method::Gpc | Method::Api);
        if by_hand && self.rng.random_bool(0.85) {
            event.effort_ms = Some(self.rng.random_range(8..300_u32) * 100);
        }
    }

    fn withdraw(&mut self, visitor: &Visitor, prompt: Option<&'static str>, at: i64, events: &mut Vec<Event>) {
        if !self.push(visitor, Kind::Withdrawn, prompt, at, events) {
            return;
        }
        let Some(event) = events.last_mut() else { return };
        event.subject = Some(visitor.subject);
        content::withdraw(event, &self.sites[visitor.site], !self.simple, &mut self.rng);
    }

    /// Adds an event, unless its time is taken in this story (what comes first would be open) or not reached yet.
    fn push(
        &mut self,
        visitor: &Visitor,
        kind: Kind,
        prompt: Option<&'static str>,
        at: i64,
        events: &mut Vec<Event>,
    ) -> bool {
        let at = self.moments.clear(at);
        let latest = self.moments.latest();
        let at = if at > latest { latest - (at - latest).rem_euclid(1_000) } else { at };
        if events.iter().any(|event| event.at == at) {
            return false;
        }
        let context = self.request(visitor, at);
        events.push(Event {
            clock_ahead: visitor.clock_ahead,
            prompt,
            regime: visitor.regime,
            banner_version: visitor.banner_version,
            language: visitor.language,
            variant: visitor.variant,
            ..self.plain_event(context, visitor.site, kind, at)
        });
        true
    }

    /// An event that says nothing but what it is.
    pub(crate) fn plain_event(&mut self, context: Context, site: usize, kind: Kind, at: i64) -> Event {
        Event {
            id: self.id(at),
            site,
            kind,
            subject: None,
            at,
            clock_ahead: 0,
            prompt: None,
            regime: None,
            banner_version: None,
            language: None,
            variant: None,
            categories: Named::new(),
            services: Named::new(),
            purposes: Named::new(),
            signals: Signals::default(),
            effort_ms: None,
            context,
        }
    }

    /// A new subject.
    pub(crate) fn subject(&mut self) -> Uuid {
        Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// How an event of that time reaches the server.
    fn request(&mut self, visitor: &Visitor, at: i64) -> Context {
        let country = visitor.context.country;
        if self.moments.needs_import(at) {
            return Context::token(true, country);
        }
        if self.simple || visitor.clock_ahead != 0 || visitor.context.source == Source::Import {
            return visitor.context;
        }
        match self.rng.random_range(0..100) {
            0..4 => Context::token(false, country),
            4..7 if self.moments.days > 0 => Context::token(true, country),
            _ => visitor.context,
        }
    }

    /// UUIDv7 mostly, of the time of the event; v4 now and then.
    fn id(&mut self, at: i64) -> Uuid {
        if self.rng.random_bool(0.9) {
            let mut random = [0; 10];
            self.rng.fill(&mut random);
            Builder::from_unix_timestamp_millis(at.max(0) as u64, &random).into_uuid()
        } else {
            Builder::from_random_bytes(self.rng.random()).into_uuid()
        }
    }

    /// An agent that is no bot.
    pub(crate) fn human(&mut self) -> usize {
        loop {
            let agent = self.agent();
            if !AGENTS[agent].bot {
                return agent;
            }
        }
    }

    /// An agent by its weight.
    pub(crate) fn agent(&mut self) -> usize {
        let total: u32 = AGENTS.iter().map(|agent| agent.weight).sum();
        let mut left = self.rng.random_range(0..total);
        AGENTS
            .iter()
            .position(|agent| {
                let here = left < agent.weight;
                left = left.saturating_sub(agent.weight);
                here
            })
            .unwrap_or(0)
    }
}
