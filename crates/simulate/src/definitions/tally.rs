//! The counters of every query, kept up as stories are told; their size follows the rows, not the events.
//!
//! A story holds all events of one subject (and subjectless ones), so that distinct visitors and cohorts need no sets that
//! outlive it.

use super::calendar;
use super::cohort::{Grant, Grants};
use super::counters::{Own, Totals, metrics};
use super::facts::{Facts, Symbol, Symbols};
use super::meaning::State;
use super::query::{Grain, Query};
use crate::totals_file::{ExpectedQuery, Row};
use crate::visitors::event::{Event, Kind, Method, USER_OPENED};
use crate::visitors::site::Site;
use crate::vocabulary::Dimension;
use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use std::collections::HashMap;

/// The most dimensions that a query can have here.
pub(crate) const KEY_PLACES: usize = 4;

/// The values of a row's dimensions, in the query's order.
type Key = [Symbol; KEY_PLACES];

/// A filter whose values are numbers.
struct Sieve {
    is: bool,
    dimension: Dimension,
    values: Vec<Symbol>,
}

impl Sieve {
    fn lets_pass(&self, value: Symbol) -> bool {
        self.values.contains(&value) == self.is
    }
}

/// A query and its counters.
struct Ledger {
    query: Query,
    grain: Grain,
    zone: TimeZone,
    span: (i64, i64),
    sites: Vec<Symbol>,
    of_events: Vec<Sieve>,
    of_pairs: Vec<Sieve>,
    /// The interval of each quarter of an hour seen: offsets and their changes lie on quarters.
    intervals: HashMap<i64, Symbol>,
    totals: HashMap<Key, Totals>,
    own: HashMap<Key, Own>,
}

/// The counters of a run.
pub(crate) struct Tally {
    symbols: Symbols,
    ledgers: Vec<Ledger>,
    /// A first grant at or before this instant is old enough to be in a cohort (Unix milliseconds).
    closed_until: i64,
}

impl Tally {
    /// Counters for these queries, all 0.
    ///
    /// # Errors
    /// Where a time zone does not exist or a query has too many dimensions.
    pub(crate) fn new(queries: Vec<Query>, closed_until: i64) -> anyhow::Result<Self> {
        let mut symbols = Symbols::default();
        let ledgers = queries.into_iter().map(|query| Ledger::new(query, &mut symbols)).collect::<Result<_, _>>()?;
        Ok(Self { symbols, ledgers, closed_until })
    }

    /// Counts the events of one story, in any order.
    ///
    /// # Errors
    /// Where a time is out of any calendar.
    pub(crate) fn add(&mut self, story: &[Event], sites: &[Site]) -> anyhow::Result<()> {
        let mut events: Vec<Facts<'_>> =
            story.iter().map(|event| Facts::read(event, &sites[event.site], &mut self.symbols)).collect();
        events.sort_by_key(|facts| facts.event.at);
        let grants = Grants::of(&events);
        for ledger in &mut self.ledgers {
            ledger.add(&events, &grants, self.closed_until, &mut self.symbols)?;
        }
        Ok(())
    }

    /// The rows of every query, each made when it is asked for: together they take much more memory than the counters.
    pub(crate) fn finish(&self) -> impl Iterator<Item = ExpectedQuery> {
        self.ledgers.iter().map(|ledger| ledger.finish(&self.symbols))
    }
}

impl Ledger {
    fn new(query: Query, symbols: &mut Symbols) -> anyhow::Result<Self> {
        anyhow::ensure!(query.dimensions.len() <= KEY_PLACES, "{}: too many dimensions", query.name);
        let zone = TimeZone::get(query.timezone)?;
        let span = calendar::span(query.range.0, query.range.1, &zone)?;
        let (of_pairs, of_events) = query
            .filters
            .iter()
            .map(|filter| Sieve {
                is: filter.is,
                dimension: filter.dimension,
                values: filter.values.iter().map(|value| symbols.of(value)).collect(),
            })
            .partition(|sieve| sieve.dimension.is_of_pairs());
        let sites = query.sites.iter().map(|site| symbols.of(site)).collect();
        Ok(Self {
            grain: query.grain(),
            zone,
            span,
            sites,
            of_events,
            of_pairs,
            intervals: HashMap::new(),
            totals: HashMap::new(),
            own: HashMap::new(),
            query,
        })
    }

    fn add(
        &mut self,
        events: &[Facts<'_>],
        grants: &Grants,
        closed_until: i64,
        symbols: &mut Symbols,
    ) -> anyhow::Result<()> {
        let mut keys = Vec::with_capacity(events.len());
        let mut visited: Vec<Key> = Vec::new();
        for facts in events {
            let key = self.key_of(facts, symbols)?;
            keys.push(key);
            let Some(key) = key else { continue };
            let totals = self.totals.entry(key).or_default();
            count_event(totals, facts);
            if facts.meaning.is_decision && !visited.contains(&key) {
                visited.push(key);
                totals.visitors += 1;
            }
            self.count_pairs(key, facts);
        }
        self.count_cohort(events, &keys, grants, closed_until);
        Ok(())
    }

    /// The row that an event falls into, pairs aside; nothing where it is not asked for.
    fn key_of(&mut self, facts: &Facts<'_>, symbols: &mut Symbols) -> anyhow::Result<Option<Key>> {
        let at = facts.event.at;
        let wanted = at >= self.span.0
            && at < self.span.1
            && self.sites.contains(&facts.get(Dimension::Site))
            && self.of_events.iter().all(|sieve| sieve.lets_pass(facts.get(sieve.dimension)));
        if !wanted {
            return Ok(None);
        }
        let mut key = [Symbol::NONE; KEY_PLACES];
        for (place, dimension) in self.query.dimensions.iter().enumerate() {
            key[place] = match dimension {
                Dimension::Service | Dimension::Category => Symbol::NONE,
                Dimension::Time => match self.intervals.get(&at.div_euclid(900_000)) {
                    Some(interval) => *interval,
                    None => {
                        let interval = self.query.interval.context("a query by time has an interval")?;
                        let start = calendar::start(interval, &self.zone, Timestamp::from_millisecond(at)?)?;
                        *self.intervals.entry(at.div_euclid(900_000)).or_insert_with(|| symbols.of(&start))
                    }
                },
                dimension => facts.get(*dimension),
            };
        }
        Ok(Some(key))
    }

    /// The key of a row of its own within the row of an event.
    fn own_key(&self, mut key: Key, service: Symbol, category: Symbol) -> Key {
        for (place, dimension) in self.query.dimensions.iter().enumerate() {
            match dimension {
                Dimension::Service => key[place] = service,
                Dimension::Category => key[place] = category,
                _ => {}
            }
        }
        key
    }

    /// Whether the filters on service and category keep a pair; a pair of a category has no service.
    fn keeps(&self, service: Symbol, category: Symbol) -> bool {
        self.of_pairs
            .iter()
            .all(|sieve| sieve.lets_pass(if sieve.dimension == Dimension::Service { service } else { category }))
    }

    fn count_pairs(&mut self, key: Key, facts: &Facts<'_>) {
        let mut pairs: Vec<(Symbol, Symbol, Option<State>)> = Vec::new();
        let is_decision = facts.meaning.is_decision;
        match self.grain {
            Grain::Category => {
                if is_decision {
                    pairs.extend(
                        facts.categories.iter().map(|(category, state)| (Symbol::NONE, *category, Some(*state))),
                    );
                }
                pairs.extend(facts.withdrawn_categories.iter().map(|category| (Symbol::NONE, *category, None)));
            }
            Grain::Service | Grain::Summed => {
                if is_decision {
                    pairs.extend(
                        facts.services.iter().map(|(service, category, state)| (*service, *category, Some(*state))),
                    );
                }
                if self.grain == Grain::Service {
                    pairs
                        .extend(facts.withdrawn_services.iter().map(|(service, category)| (*service, *category, None)));
                }
            }
        }
        if self.grain == Grain::Summed && facts.event.kind == Kind::Withdrawn {
            self.own.entry(key).or_default().withdrawals += 1;
        }
        for (service, category, state) in pairs {
            if !self.keeps(service, category) {
                continue;
            }
            let own = self.own.entry(self.own_key(key, service, category)).or_default();
            match state {
                Some(State::Granted) => own.granted += 1,
                Some(State::Denied) => own.denied += 1,
                Some(State::Partial) => own.partial += 1,
                Some(State::Undecided) => own.undecided += 1,
                None => own.withdrawals += 1,
            }
        }
    }

    /// Counts the subject once for each row, by its first grant there.
    fn count_cohort(&mut self, events: &[Facts<'_>], keys: &[Option<Key>], grants: &Grants, closed_until: i64) {
        let grants: &[Grant] = match self.grain {
            Grain::Summed => &grants.anything,
            Grain::Service => &grants.services,
            Grain::Category => &grants.categories,
        };
        let mut seen: Vec<Key> = Vec::new();
        for grant in grants {
            let Some(key) = keys[grant.event] else { continue };
            if self.grain != Grain::Summed && !self.keeps(grant.service, grant.category) {
                continue;
            }
            let key = self.own_key(key, grant.service, grant.category);
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            if events[grant.event].event.at <= closed_until {
                let own = self.own.entry(key).or_default();
                own.cohort += 1;
                own.revoked += u64::from(grant.revoked);
            }
        }
    }

    fn finish(&self, symbols: &Symbols) -> ExpectedQuery {
        let (nothing, no_totals) = (Own::default(), Totals::default());
        let mut rows: Vec<Row> = if self.grain == Grain::Summed {
            self.totals
                .iter()
                .map(|(key, totals)| (key, totals, self.own.get(key).unwrap_or(&nothing)))
                .filter(|(_, totals, own)| !totals.is_empty() || !own.is_empty())
                .map(|(key, totals, own)| self.row(key, totals, own, symbols))
                .collect()
        } else {
            self.own
                .iter()
                .filter(|(_, own)| !own.is_empty())
                .map(|(key, own)| {
                    let of_event = self.own_key(*key, Symbol::NONE, Symbol::NONE);
                    self.row(key, self.totals.get(&of_event).unwrap_or(&no_totals), own, symbols)
                })
                .collect()
        };
        rows.sort_by(|a, b| a.dimensions.values().cmp(b.dimensions.values()));
        ExpectedQuery { name: self.query.name.clone(), query: self.query.body(), rows }
    }

    fn row(&self, key: &Key, totals: &Totals, own: &Own, symbols: &Symbols) -> Row {
        let dimensions = self.query.dimensions.iter().zip(key);
        Row {
            dimensions: dimensions
                .map(|(dimension, value)| (dimension.name().to_owned(), symbols.text(*value).to_owned()))
                .collect(),
            metrics: metrics(&self.query.metrics, totals, own, self.grain),
        }
    }
}

/// Counts what is not of pairs.
fn count_event(totals: &mut Totals, facts: &Facts<'_>) {
    let event = facts.event;
    let user_opened = event.prompt() == USER_OPENED;
    match event.kind {
        Kind::Shown => totals.shown += u64::from(!user_opened),
        Kind::Decided(method) => {
            let decision = u64::from(facts.meaning.is_decision);
            totals.decisions += decision;
            match method {
                Method::AcceptAll => totals.accept_all += decision,
                Method::RejectAll => totals.reject_all += decision,
                Method::Save => totals.custom += decision,
                Method::Dismiss => totals.dismissed += u64::from(!user_opened),
                Method::Gpc | Method::Api => totals.automatic += 1,
            }
            if facts.meaning.is_decision {
                totals.opted_in += u64::from(facts.meaning.grants_something);
                if let Some(ms) = event.effort_ms {
                    *totals.efforts.entry(ms).or_default() += 1;
                }
            }
        }
        Kind::Loaded(state) => {
            totals.loaded += 1;
            totals.loaded_with_consent += u64::from(matches!(state, "granted" | "partial"));
        }
        Kind::Withdrawn | Kind::Observed(_) => {}
    }
}
