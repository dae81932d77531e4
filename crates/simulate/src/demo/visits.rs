//! What a visitor of the demo does: plausible shares, so that the pictures look like a real site's.

use super::{DemoSite, signals};
use crate::visitors::agents::AGENTS;
use crate::visitors::context::Context;
use crate::visitors::event::{Event, Kind, Method, Named, Signals};
use crate::visitors::moments::DAY;
use crate::vocabulary::NECESSARY;
use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// How many events a visit has on average.
pub(super) const EVENTS_PER_VISIT: f64 = 2.6;

/// Relative traffic of each hour of the local day.
const HOURS: [u32; 24] = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 10, 10, 11, 12, 13, 12, 8, 4];

/// The visits of one UTC day (days since 1970) of a site: always the same.
///
/// # Errors
/// Where the site's time zone is missing.
pub(super) fn of_day(site: &DemoSite, index: usize, day: i64) -> Result<Vec<Event>, jiff::Error> {
    let zone = site.zone()?;
    let name = site.host.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let mut rng = StdRng::seed_from_u64(name ^ (day as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // Day 3 was a Sunday.
    let weekend = matches!((day - 3).rem_euclid(7), 0 | 6);
    let visits = f64::from(site.visits_per_day) * if weekend { 0.75 } else { 1.0 } * rng.random_range(0.9..1.1);
    let mut events = Vec::new();
    for _ in 0..visits as u32 {
        let mut at = day * DAY + rng.random_range(0..DAY);
        for _ in 0..4 {
            let hour = zone.to_datetime(Timestamp::from_millisecond(at)?).hour();
            if rng.random_range(0..13) < HOURS[usize::try_from(hour).unwrap_or(0)] {
                break;
            }
            at = day * DAY + rng.random_range(0..DAY);
        }
        events.extend(visit(site, index, at, &mut rng));
    }
    Ok(events)
}

/// A site by its traffic.
pub(super) fn draw_site(sites: &[DemoSite], rng: &mut StdRng) -> usize {
    let total: u32 = sites.iter().map(|site| site.visits_per_day).sum();
    let mut left = rng.random_range(0..total.max(1));
    for (index, site) in sites.iter().enumerate() {
        if left < site.visits_per_day {
            return index;
        }
        left -= site.visits_per_day;
    }
    0
}

/// Who visits.
struct Visitor {
    language: &'static str,
    variant: &'static str,
    /// How likely she accepts all.
    accepts: f64,
    subject: Uuid,
    context: Context,
}

fn visitor(site: &DemoSite, index: usize, rng: &mut StdRng) -> Visitor {
    let mut left = rng.random_range(0..100_u32);
    let mut from = site.countries[0];
    for country in site.countries {
        if left < country.2 {
            from = *country;
            break;
        }
        left -= country.2;
    }
    let variant = if rng.random_bool(0.5) { "A" } else { "B" };
    let by_country = match from.0 {
        "DE" => -0.09,
        "FR" => -0.01,
        "ES" => 0.07,
        _ => 0.03,
    };
    let by_variant = if variant == "B" { 0.03 } else { -0.03 };
    Visitor {
        language: from.1,
        variant,
        accepts: 0.43 + by_country + by_variant + site.charm,
        subject: Builder::from_random_bytes(rng.random()).into_uuid(),
        context: Context::page(index, draw_agent(rng), Some(from.0)),
    }
}

fn draw_agent(rng: &mut StdRng) -> usize {
    let total: u32 = AGENTS.iter().map(|agent| agent.weight).sum();
    let mut left = rng.random_range(0..total);
    for (index, agent) in AGENTS.iter().enumerate() {
        if left < agent.weight {
            return index;
        }
        left -= agent.weight;
    }
    0
}

/// The events of one visit that begins at `at`, in the order of time.
pub(super) fn visit(site: &DemoSite, index: usize, at: i64, rng: &mut StdRng) -> Vec<Event> {
    let visitor = visitor(site, index, rng);
    let mut events = vec![event(&visitor, index, Kind::Shown, at, rng)];
    if AGENTS[visitor.context.agent].bot {
        return events;
    }
    if rng.random_bool(0.1) {
        let granted = !rng.random_bool(site.leaks);
        events.push(event(&visitor, index, Kind::Observed(granted), at + 1_000, rng));
    }
    let took = rng.random_range(9..140_u32) * 100;
    let decided_at = at + i64::from(took);
    let drawn: f64 = rng.random();
    if drawn < 0.01 {
        let mut gpc = event(&visitor, index, Kind::Decided(Method::Gpc), decided_at, rng);
        gpc.subject = Some(visitor.subject);
        gpc.categories = categories(site, |_| false);
        events.push(gpc);
        return events;
    }
    if drawn > 0.79 {
        events.push(event(&visitor, index, Kind::Loaded("none"), decided_at, rng));
        return events;
    }
    let method = draw_method(visitor.accepts, rng);
    let mut decided = event(&visitor, index, Kind::Decided(method), decided_at, rng);
    decided.subject = Some(visitor.subject);
    decided.effort_ms = Some(took);
    say(&mut decided, method, site, rng);
    signals::put(&mut decided, site.host);
    let state = state(&decided);
    events.push(decided);
    events.push(event(&visitor, index, Kind::Loaded(state), decided_at + rng.random_range(4_000..60_000), rng));
    if state != "denied" && rng.random_bool(0.03) {
        let later = rng.random_range(1..20 * DAY);
        let mut withdrawn = event(&visitor, index, Kind::Withdrawn, decided_at + 60_000 + later, rng);
        withdrawn.subject = Some(visitor.subject);
        withdrawn.prompt = Some("user_opened");
        if rng.random_bool(0.5) {
            withdrawn.services.push((if rng.random_bool(0.4) { "chaport" } else { site.services[1].0 }, false));
        }
        events.push(withdrawn);
    }
    events
}

fn draw_method(accepts: f64, rng: &mut StdRng) -> Method {
    let drawn: f64 = rng.random();
    if drawn < accepts {
        return Method::AcceptAll;
    }
    match rng.random_range(0..100) {
        0..46 => Method::RejectAll,
        46..90 => Method::Save,
        _ => Method::Dismiss,
    }
}

/// What the answer says: all, nothing, or a choice by service.
fn say(event: &mut Event, method: Method, site: &DemoSite, rng: &mut StdRng) {
    match method {
        Method::AcceptAll | Method::RejectAll => {
            let value = method == Method::AcceptAll;
            event.categories = categories(site, |_| value);
            event.services = services(site, |_| value);
        }
        Method::Save => {
            event.services = services(site, |slug| {
                rng.random_bool(match slug {
                    "chaport" => 0.68,
                    "web-analytics" => 0.42,
                    "ad-network" => 0.09,
                    _ => 0.52,
                })
            });
            event.categories.push((NECESSARY, true));
        }
        _ => {}
    }
}

fn categories(site: &DemoSite, mut value: impl FnMut(&str) -> bool) -> Named {
    let mut named: Named = vec![(NECESSARY, true)];
    for (_, category) in site.services {
        if !named.iter().any(|(known, _)| known == category) {
            named.push((category, value(category)));
        }
    }
    named
}

fn services(site: &DemoSite, mut value: impl FnMut(&str) -> bool) -> Named {
    let asked = site.services.iter().filter(|(_, category)| *category != NECESSARY);
    asked.map(|(slug, _)| (*slug, value(slug))).collect()
}

/// The state of the page after an answer.
fn state(decided: &Event) -> &'static str {
    let granted = decided.services.iter().filter(|(_, value)| *value).count();
    match granted {
        0 => "denied",
        all if all == decided.services.len() => "granted",
        _ => "partial",
    }
}

fn event(visitor: &Visitor, site: usize, kind: Kind, at: i64, rng: &mut StdRng) -> Event {
    let mut random = [0; 10];
    rng.fill(&mut random);
    Event {
        id: Builder::from_unix_timestamp_millis(at.max(0) as u64, &random).into_uuid(),
        site,
        kind,
        subject: None,
        at,
        clock_ahead: 0,
        prompt: None,
        regime: None,
        banner_version: Some(if at < 1_793_491_200_000 { "2026-09-15" } else { "2026-11-01" }),
        language: Some(visitor.language),
        variant: Some(visitor.variant),
        categories: Named::new(),
        services: Named::new(),
        purposes: Named::new(),
        signals: Signals::default(),
        effort_ms: None,
        context: visitor.context,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::sites;

    #[test]
    fn a_day_is_the_same_whenever_it_is_told() {
        let site = &sites()[0];
        let ids = || of_day(site, 0, 20_000).unwrap().iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(), ids());
        assert!(ids().len() > 200);
    }

    #[test]
    fn chaport_is_granted_by_about_61_in_a_hundred() {
        let sites = sites();
        let (mut granted, mut decided, mut events, mut visits) = (0, 0, 0, 0);
        for day in 20_000..20_090 {
            for (index, site) in sites.iter().enumerate() {
                let told = of_day(site, index, day).unwrap();
                events += told.len();
                visits += told.iter().filter(|event| event.kind == Kind::Shown).count();
                for event in told {
                    let said = event.services.iter().find(|(slug, _)| *slug == "chaport").map(|(_, value)| *value);
                    match (event.kind, said) {
                        (Kind::Decided(Method::Gpc), _) => {}
                        (Kind::Decided(_), said) => {
                            decided += 1;
                            granted += u32::from(said == Some(true));
                        }
                        _ => {}
                    }
                }
            }
        }
        let share = f64::from(granted) / f64::from(decided);
        assert!((share - 0.61).abs() < 0.01, "{share}");
        assert!((100_000..200_000).contains(&events), "{events}");
        let per_visit = events as f64 / visits as f64;
        assert!((per_visit - EVENTS_PER_VISIT).abs() < 0.2, "{per_visit}");
    }
}
