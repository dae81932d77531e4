//! What a banner says when it is clicked: by category, by service, by both, or by purposes only; with the odd alias, the odd
//! contradiction, and the odd service that the settings do not list.

use super::event::{Event, Method, Named};
use super::site::Site;
use crate::vocabulary::{STRANGER, aliases, canonical};
use rand::{RngExt, rngs::StdRng};

/// How a banner words its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wording {
    Categories,
    Services,
    Both,
    Purposes,
}

/// Fills in what a `decided` event says.
pub(crate) fn decide(event: &mut Event, method: Method, site: &Site, odd: bool, rng: &mut StdRng) {
    if method == Method::Dismiss {
        if rng.random_bool(0.3) {
            event.categories.push(("necessary", true));
        }
        return;
    }
    let wording = match rng.random_range(0..100) {
        0..45 => Wording::Categories,
        45..65 => Wording::Services,
        65..97 => Wording::Both,
        _ if odd => Wording::Purposes,
        _ => Wording::Categories,
    };
    if wording == Wording::Purposes {
        let value = answer(method, 0.5, rng);
        event.purposes.extend([("iab-1", value), ("iab-7", answer(method, 0.5, rng))]);
        return;
    }
    if wording != Wording::Services {
        name_categories(event, method, site, odd, rng);
    }
    if wording != Wording::Categories {
        name_services(event, method, site, odd, rng);
    }
    if event.categories.is_empty() && event.services.is_empty() {
        event.categories.push(("necessary", true));
    }
    if odd && rng.random_bool(0.04) {
        event.purposes.push(("iab-2", answer(method, 0.5, rng)));
    }
}

fn name_categories(event: &mut Event, method: Method, site: &Site, odd: bool, rng: &mut StdRng) {
    if rng.random_bool(0.6) {
        add(&mut event.categories, if odd && rng.random_bool(0.3) { "essential" } else { "necessary" }, true);
    }
    for category in &site.asks {
        if odd && rng.random_bool(0.12) {
            continue;
        }
        let value = answer(method, 0.55, rng);
        add(&mut event.categories, spelling(category, odd, rng), value);
    }
    if odd && rng.random_bool(0.04) {
        // Two names of one category that contradict each other.
        add(&mut event.categories, "analytics", true);
        add(&mut event.categories, "performance", false);
    }
}

fn name_services(event: &mut Event, method: Method, site: &Site, odd: bool, rng: &mut StdRng) {
    for (service, category) in &site.services {
        if rng.random_bool(0.2) {
            continue;
        }
        let of_category =
            event.categories.iter().find(|(name, _)| canonical(name) == canonical(category)).map(|(_, value)| *value);
        // Now and then a service is named against its category.
        let value = match of_category {
            Some(value) if rng.random_bool(0.8) => value,
            _ => answer(method, 0.55, rng),
        };
        add(&mut event.services, service, value || *service == "flowconsent");
    }
    if odd && rng.random_bool(0.05) {
        add(&mut event.services, "ada", answer(method, 0.5, rng));
    }
    if odd && rng.random_bool(0.03) {
        add(&mut event.services, STRANGER, answer(method, 0.5, rng));
    }
}

/// `accept_all` and `reject_all` follow the click, not the result: a few say otherwise for one name.
fn answer(method: Method, share: f64, rng: &mut StdRng) -> bool {
    match method {
        Method::AcceptAll => !rng.random_bool(0.02),
        Method::RejectAll | Method::Dismiss => rng.random_bool(0.02),
        Method::Gpc => rng.random_bool(0.1),
        Method::Save | Method::Api => rng.random_bool(share),
    }
}

/// Fills in what a `withdrawn` event says; now and then nothing, which withdraws everything.
pub(crate) fn withdraw(event: &mut Event, site: &Site, odd: bool, rng: &mut StdRng) {
    let category = site.asks[rng.random_range(0..site.asks.len())];
    let others: Vec<_> = site.services.iter().filter(|(service, _)| *service != "flowconsent").collect();
    let (service, its_category) = *others[rng.random_range(0..others.len())];
    match rng.random_range(0..100) {
        0..30 => {}
        30..55 => add(&mut event.categories, spelling(category, odd, rng), false),
        55..80 => add(&mut event.services, service, false),
        // Everything of a category but one service, which is kept.
        80..86 => {
            add(&mut event.categories, canonical_or_own(its_category), false);
            add(&mut event.services, service, true);
        }
        // A service of a category that is kept.
        86..90 => {
            add(&mut event.categories, canonical_or_own(its_category), true);
            add(&mut event.services, service, false);
        }
        90..94 => {
            add(&mut event.categories, "marketing", false);
            add(&mut event.categories, "preferences", true);
        }
        94..97 if odd => add(&mut event.purposes, "iab-1", false),
        _ if odd => add(&mut event.services, STRANGER, false),
        _ => {}
    }
}

/// The settings' spelling of a category, `necessary` never: what is necessary is not withdrawn.
fn canonical_or_own(category: &'static str) -> &'static str {
    if canonical(category) == "necessary" { "preferences" } else { category }
}

/// A category under its own name, or under another that banners use for it.
fn spelling(category: &'static str, odd: bool, rng: &mut StdRng) -> &'static str {
    let aliases = aliases(category);
    if odd && !aliases.is_empty() && rng.random_bool(0.2) {
        aliases[rng.random_range(0..aliases.len())]
    } else {
        category
    }
}

/// Adds a name unless it is there: a JSON object has each name once.
fn add(named: &mut Named, name: &'static str, value: bool) {
    if !named.iter().any(|(known, _)| *known == name) {
        named.push((name, value));
    }
}
