//! A simulated site: its settings, how they change in the middle of the run, and how its visitors tend to answer.

use crate::vocabulary::{CATALOGUE, NECESSARY};
use jiff::tz::TimeZone;
use rand::{RngExt, rngs::StdRng};
use std::sync::Arc;

/// The services of a site with their category as the settings spell it, slugs distinct.
pub(crate) type Services = Vec<(&'static str, &'static str)>;

/// How the visitors of a site answer; each a probability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temper {
    /// Of those who are shown a banner, how many choose.
    pub(crate) answers: f64,
    /// Of those who choose, how many accept all.
    pub(crate) accepts: f64,
    /// Of those who choose, how many reject all.
    pub(crate) rejects: f64,
}

/// One site.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) name: Arc<str>,
    /// An IANA name; traffic is diurnal in it.
    pub(crate) timezone: &'static str,
    pub(crate) zone: TimeZone,
    /// Whether a `dismiss` is no decision.
    pub(crate) dismiss_is_no_choice: bool,
    /// The first version of the settings.
    pub(crate) services: Services,
    /// The second version, and from when it is in force (Unix milliseconds).
    pub(crate) changed: Option<(i64, Services)>,
    /// Categories that its banner asks about, apart from `necessary`.
    pub(crate) asks: Vec<&'static str>,
    pub(crate) countries: &'static [&'static str],
    pub(crate) languages: &'static [&'static str],
    pub(crate) temper: Temper,
    /// Relative traffic.
    pub(crate) weight: u32,
}

/// Time zone, countries and languages that go together.
type Region = (&'static str, &'static [&'static str], &'static [&'static str]);

const REGIONS: [Region; 5] = [
    ("Europe/Paris", &["FR", "BE", "CH"], &["fr", "en"]),
    ("Europe/Berlin", &["DE", "AT", "CH"], &["de", "en"]),
    ("Europe/Madrid", &["ES", "PT", "FR"], &["es", "en"]),
    ("Australia/Lord_Howe", &["AU", "NZ", "GB"], &["en"]),
    ("Asia/Kathmandu", &["NP", "IN", "US"], &["en", "fr"]),
];

impl Site {
    /// The site number `index` of a run.
    ///
    /// # Errors
    /// Where the time zone is not in the database.
    pub(crate) fn invent(name: &str, index: usize, rng: &mut StdRng) -> Result<Self, jiff::Error> {
        let (timezone, countries, languages) = REGIONS[index % REGIONS.len()];
        let mut asks = vec!["preferences", "statistics", "marketing"];
        if index % 5 == 4 {
            asks.push("newsletter");
        }
        Ok(Self {
            name: Arc::from(name),
            timezone,
            zone: TimeZone::get(timezone)?,
            dismiss_is_no_choice: index % 2 == 1,
            services: invent_services(index, &asks, rng),
            changed: None,
            asks,
            countries,
            languages,
            temper: Temper {
                answers: rng.random_range(0.6..0.9),
                accepts: rng.random_range(0.35..0.6),
                rejects: rng.random_range(0.15..0.3),
            },
            weight: 1 + 60 / (index as u32 + 3),
        })
    }

    /// The services in force at an instant: before the first version, the first.
    pub(crate) fn services_at(&self, at: i64) -> &Services {
        match &self.changed {
            Some((from, services)) if at >= *from => services,
            _ => &self.services,
        }
    }

    /// What the second version says: one service in another category, on some sites one made necessary and one gone.
    pub(crate) fn next_services(&self, index: usize) -> Services {
        let mut next = self.services.clone();
        if let Some(moved) = next.iter_mut().find(|(slug, _)| *slug != "flowconsent") {
            moved.1 = if moved.1 == "marketing" { "statistics" } else { "marketing" };
        }
        if index.is_multiple_of(2)
            && let Some(made) = next.iter_mut().rev().find(|(_, category)| *category != NECESSARY)
        {
            made.1 = NECESSARY;
        }
        if index.is_multiple_of(3) && next.len() > 3 {
            next.pop();
        }
        next
    }
}

/// Chaport, some of the other services, mostly where the catalogue has them.
fn invent_services(index: usize, asks: &[&'static str], rng: &mut StdRng) -> Services {
    let mut services: Services = vec![("chaport", "preferences")];
    if index.is_multiple_of(2) {
        services.push(("flowconsent", NECESSARY));
    }
    let wanted = services.len() + rng.random_range(2..5_usize);
    while services.len() < wanted {
        let (slug, category) = CATALOGUE[rng.random_range(0..CATALOGUE.len() - 1)];
        if services.iter().any(|(known, _)| *known == slug) {
            continue;
        }
        let category = match rng.random_range(0..10) {
            0..5 => category,
            // An alias is a category's name in the settings too.
            5 => "functional",
            _ => asks[rng.random_range(0..asks.len())],
        };
        services.push((slug, category));
    }
    services
}
