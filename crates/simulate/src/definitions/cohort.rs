//! Grants and what became of them (`docs/metrics.md`, last section): the material of `revoked_rate_30d`.

use super::facts::{Facts, Symbol};
use super::meaning::State;
use crate::visitors::event::Kind;

/// A grant is revoked by something that happens at most so long after it (milliseconds, the end included).
pub(crate) const REVOCABLE_FOR: i64 = 30 * 24 * 3600 * 1000;

/// One grant by one subject. A list of them is in the order of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    /// Which of the subject's events it is.
    pub(crate) event: usize,
    /// What was granted; [`Symbol::NONE`] where it is not about a service.
    pub(crate) service: Symbol,
    /// The category of the service, or the category itself; [`Symbol::NONE`] where it is about neither.
    pub(crate) category: Symbol,
    /// Whether the subject revoked it in time.
    pub(crate) revoked: bool,
}

/// The grants of one subject, for the three grains that a query can have.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// With neither service nor category: something was granted.
    pub(crate) anything: Vec<Grant>,
    pub(crate) services: Vec<Grant>,
    pub(crate) categories: Vec<Grant>,
}

impl Grants {
    /// The grants of the subject whose events these are, in the order of time.
    pub(crate) fn of(events: &[Facts<'_>]) -> Self {
        let mut grants = Self::default();
        for (index, facts) in events.iter().enumerate().filter(|(_, facts)| facts.meaning.is_decision) {
            let later = within_reach(events, index);
            if facts.meaning.grants_something {
                let revoked = later.clone().any(revokes_everything);
                grants.anything.push(Grant { event: index, service: Symbol::NONE, category: Symbol::NONE, revoked });
            }
            for (service, category, state) in &facts.services {
                if *state == State::Granted {
                    let revoked = later.clone().any(|later| revokes_service(later, *service));
                    grants.services.push(Grant { event: index, service: *service, category: *category, revoked });
                }
            }
            for (category, state) in &facts.categories {
                if *state == State::Granted {
                    let revoked = later.clone().any(|later| revokes_category(later, *category));
                    grants.categories.push(Grant { event: index, service: Symbol::NONE, category: *category, revoked });
                }
            }
        }
        grants
    }
}

/// The events after the one at `index` that come soon enough to revoke it.
fn within_reach<'a>(events: &'a [Facts<'a>], index: usize) -> impl Iterator<Item = &'a Facts<'a>> + Clone {
    let at = events[index].event.at;
    events[index + 1..].iter().filter(move |later| later.event.at > at && later.event.at - at <= REVOCABLE_FOR)
}

fn revokes_everything(later: &Facts<'_>) -> bool {
    match later.event.kind {
        Kind::Withdrawn => true,
        Kind::Decided(_) => later.meaning.answers && !later.meaning.grants_something,
        _ => false,
    }
}

fn revokes_service(later: &Facts<'_>, service: Symbol) -> bool {
    later.withdrawn_services.iter().any(|(withdrawn, _)| *withdrawn == service)
        || later.services.iter().any(|(its, _, state)| *its == service && *state == State::Denied)
}

fn revokes_category(later: &Facts<'_>, category: Symbol) -> bool {
    later.withdrawn_categories.contains(&category)
        || later.categories.iter().any(|(its, state)| *its == category && *state == State::Denied)
}
