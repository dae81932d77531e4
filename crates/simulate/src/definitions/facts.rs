//! An event as the counters see it: its dimensions as numbers, its time, and what it says.

use super::meaning::{self, Meaning, State};
use crate::visitors::event::Event;
use crate::visitors::flood;
use crate::visitors::site::Site;
use crate::vocabulary::Dimension;
use std::collections::HashMap;
use std::sync::Arc;

/// A string under a small number, so that keys are cheap to build and compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

impl Symbol {
    /// No value: an unused place of a key.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// All strings that keys are made of.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    numbers: HashMap<Arc<str>, Symbol>,
    strings: Vec<Arc<str>>,
}

impl Symbols {
    /// The number of a string, a new one if need be.
    pub(crate) fn of(&mut self, string: &str) -> Symbol {
        if let Some(symbol) = self.numbers.get(string) {
            return *symbol;
        }
        let symbol = Symbol(self.strings.len() as u32);
        let string: Arc<str> = Arc::from(string);
        self.strings.push(Arc::clone(&string));
        self.numbers.insert(string, symbol);
        symbol
    }

    /// The string of a number; empty for [`Symbol::NONE`].
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.strings.get(symbol.0 as usize).map_or("", |string| string)
    }
}

/// One event, read.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event,
    pub(crate) meaning: Meaning,
    /// The values of [`Dimension::OF_EVENTS`], in that order.
    pub(crate) own: [Symbol; Dimension::OF_EVENTS.len()],
    /// (service, category, state) of the pairs.
    pub(crate) services: Vec<(Symbol, Symbol, State)>,
    /// (category, state) of the pairs.
    pub(crate) categories: Vec<(Symbol, State)>,
    /// (service, category) that are withdrawn.
    pub(crate) withdrawn_services: Vec<(Symbol, Symbol)>,
    /// Categories that are withdrawn.
    pub(crate) withdrawn_categories: Vec<Symbol>,
}

impl<'a> Facts<'a> {
    /// Reads an event under its site's settings.
    pub(crate) fn read(event: &'a Event, site: &Site, symbols: &mut Symbols) -> Self {
        let meaning = meaning::read(event, site);
        let own = Dimension::OF_EVENTS.map(|dimension| symbols.of(value(event, site, dimension)));
        Self {
            own,
            services: meaning.services.iter().map(|(s, c, state)| (symbols.of(s), symbols.of(c), *state)).collect(),
            categories: meaning.categories.iter().map(|(c, state)| (symbols.of(c), *state)).collect(),
            withdrawn_services: meaning
                .withdrawn_services
                .iter()
                .map(|(s, c)| (symbols.of(s), symbols.of(c)))
                .collect(),
            withdrawn_categories: meaning.withdrawn_categories.iter().map(|c| symbols.of(c)).collect(),
            meaning,
            event,
        }
    }

    /// The value of a dimension of events.
    pub(crate) fn get(&self, dimension: Dimension) -> Symbol {
        Dimension::OF_EVENTS.iter().position(|own| *own == dimension).map_or(Symbol::NONE, |place| self.own[place])
    }
}

/// The value of a dimension of events; empty for those that are not.
fn value<'a>(event: &'a Event, site: &'a Site, dimension: Dimension) -> &'a str {
    match dimension {
        Dimension::Site => &site.name,
        Dimension::Country => event.context.country.unwrap_or("unknown"),
        // Nothing that a simulator sends tells a region.
        Dimension::Region => "unknown",
        Dimension::Device => event.context.device(),
        Dimension::Browser => event.context.browser(),
        Dimension::Os => event.context.os(),
        Dimension::Language => event.language.unwrap_or(""),
        Dimension::BannerVersion => event.banner_version.unwrap_or(""),
        Dimension::Variant => flood::shown_as(event.variant.unwrap_or("")),
        Dimension::Method => event.method(),
        Dimension::Prompt => event.prompt(),
        Dimension::Regime => event.regime(),
        Dimension::Source => event.context.source.name(),
        Dimension::Bot => event.context.bot(),
        Dimension::Time | Dimension::Service | Dimension::Category => "",
    }
}
