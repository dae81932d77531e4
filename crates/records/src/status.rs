//! The states that a consent goes through: ISO/IEC TS 27560 `event_state` and its annex on the consent life cycle, in the
//! words of DPV's `ConsentStatus`.
//!
//! The states follow from a subject's events, the site's settings and the time, by these rules:
//!
//! - **requested**: the banner was shown. Being asked again changes nothing while an answer stands (a grant in force, a
//!   refusal, a withdrawal).
//! - **deferred**: the banner was closed on a site where that is no choice; likewise only where no answer stands.
//! - **given**; **renewed**, if she was asked to renew (`prompt: renewal`) and had consented before without taking it back.
//! - **refused**; **withdrawn**, if a grant was in force: a new "no" takes back the old "yes" (GDPR Art. 7(3)).
//! - **expired**: the event's own `expires_at`, else `validity_days.granted` of the settings under which it was given. Only
//!   a grant expires: the days of a refusal say when one may ask again, not that she agreed in the meantime.
//! - **invalidated**: a later version of the settings goes beyond what she could know ([`outgrown`]), and she was not
//!   asked anew.
//!
//! At any moment there is one state, and it changes at no other moments than these.

use std::collections::{BTreeMap, BTreeSet};

use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, EventType, Prompt};
use avow_schemas::ids::EventId;
use avow_schemas::settings::{SiteSettings, SiteVersion};
use serde_json::Value;

use crate::choice::{Answer, Choice, Disclosure, Target, asked, choices, is_no_choice};

const DAY_MS: i64 = 86_400_000;

/// A state of a consent; [`Status::term`] is the DPV term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Unknown,
    Requested,
    Deferred,
    Given,
    Renewed,
    Refused,
    Withdrawn,
    Expired,
    Invalidated,
}

impl Status {
    /// The term of DPV 2.3, module `consent_status`.
    #[must_use]
    pub const fn term(self) -> &'static str {
        match self {
            Self::Unknown => "dpv:ConsentUnknown",
            Self::Requested => "dpv:ConsentRequested",
            Self::Deferred => "dpv:ConsentRequestDeferred",
            Self::Given => "dpv:ConsentGiven",
            Self::Renewed => "dpv:RenewedConsentGiven",
            Self::Refused => "dpv:ConsentRefused",
            Self::Withdrawn => "dpv:ConsentWithdrawn",
            Self::Expired => "dpv:ConsentExpired",
            Self::Invalidated => "dpv:ConsentInvalidated",
        }
    }

    /// Whether processing may rest on it (`dpv:ConsentStatusValidForProcessing`).
    #[must_use]
    pub const fn is_in_force(self) -> bool {
        matches!(self, Self::Given | Self::Renewed)
    }

    /// Whether it is an answer that stands until the next: asking again does not undo it.
    const fn is_answer(self) -> bool {
        matches!(self, Self::Given | Self::Renewed | Self::Refused | Self::Withdrawn)
    }
}

/// The beginning of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Milliseconds since 1970.
    pub at: i64,
    pub status: Status,
    /// The event that made it; of `expired` and `invalidated`: the one that gave what then ended.
    pub of: EventId,
    /// Of a grant: when it ends of itself.
    pub ends: Option<i64>,
}

/// The states of one (subject, target) in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline(Vec<Change>);

impl Timeline {
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// The state at a moment; of several that begin in one millisecond, the last.
    #[must_use]
    pub fn at(&self, moment: i64) -> Status {
        let begun = self.0.partition_point(|change| change.at <= moment);
        begun.checked_sub(1).and_then(|last| self.0.get(last)).map_or(Status::Unknown, |change| change.status)
    }

    /// What one event brought about: its own state, and the end that what it gave came to of itself.
    pub fn of(&self, event: EventId) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(move |change| change.of == event)
    }

    fn now(&self) -> Status {
        self.0.last().map_or(Status::Unknown, |change| change.status)
    }
}

/// What states depend on beside the events.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The versions of the site's settings, in their order.
    pub versions: &'a [SiteVersion],
    pub catalog: &'a Catalog,
    /// Banner artefacts by `text_hash`.
    pub artefacts: &'a BTreeMap<String, Value>,
}

impl<'a> Facts<'a> {
    /// The version that an event cites; the latest of those that we have, if it is not among them.
    #[must_use]
    pub fn version(&self, event: &ConsentEvent) -> Option<&'a SiteVersion> {
        let cited = self.versions.iter().find(|version| version.version == event.config_version);
        cited.or_else(|| self.versions.iter().rev().find(|version| version.in_force_from <= event.occurred_at))
    }

    /// The banner that an event's visitor saw, if it is known.
    #[must_use]
    pub fn artefact(&self, event: &ConsentEvent) -> Option<&'a Value> {
        self.artefacts.get(event.text_hash.as_deref()?)
    }
}

/// The states of everything that one subject of one site was asked, up to and including `now` (milliseconds since 1970).
///
/// `history` holds that subject's events in the order of the log; among equal times that order counts, and of several
/// events with one id the first.
#[must_use]
pub fn statuses(history: &[ConsentEvent], facts: &Facts<'_>, now: i64) -> BTreeMap<Target, Timeline> {
    let mut seen = BTreeSet::new();
    let mut events: Vec<&ConsentEvent> =
        history.iter().filter(|event| seen.insert(event.id) && event.occurred_at <= now).collect();
    events.sort_by_key(|event| event.occurred_at);
    let mut courses: BTreeMap<Target, Course> = BTreeMap::new();
    for event in events {
        let Some(version) = facts.version(event) else { continue };
        for course in courses.values_mut() {
            course.settle(event.occurred_at);
        }
        match event.kind {
            EventType::Shown => open(&mut courses, event, version, Status::Requested),
            EventType::Decided if is_no_choice(event, &version.settings) => {
                open(&mut courses, event, version, Status::Deferred);
            }
            EventType::Decided | EventType::Withdrawn => {
                for choice in choices(event, &version.settings, facts.catalog, facts.artefact(event)) {
                    let grant = || Grant::of(event, version, &choice, facts);
                    courses.entry(choice.target.clone()).or_default().answer(event, choice.answer, grant);
                }
            }
            EventType::Observed | EventType::Loaded => {}
        }
    }
    for course in courses.values_mut() {
        course.settle(now);
    }
    courses.into_iter().map(|(target, course)| (target, course.timeline)).collect()
}

/// Marks what was asked and has no answer.
fn open(courses: &mut BTreeMap<Target, Course>, event: &ConsentEvent, version: &SiteVersion, status: Status) {
    for target in asked(&version.settings) {
        let course = courses.entry(target).or_default();
        if !course.timeline.now().is_answer() && course.timeline.now() != status {
            course.change(event.occurred_at, status, event.id, None);
        }
    }
}

/// A consent in force and the first thing that will end it, if nobody does.
struct Grant {
    of: EventId,
    ends: i64,
    outgrown: Option<i64>,
}

impl Grant {
    fn of(event: &ConsentEvent, version: &SiteVersion, choice: &Choice, facts: &Facts<'_>) -> Self {
        let days = i64::from(version.settings.validity_days.granted);
        let ends = event.expires_at.unwrap_or_else(|| event.occurred_at.saturating_add(days.saturating_mul(DAY_MS)));
        let later = facts.versions.iter().filter(|later| later.version > version.version);
        let outgrown = later
            .filter(|later| outgrown(choice, &version.settings, &later.settings))
            .map(|later| later.in_force_from.max(event.occurred_at))
            .min();
        Self { of: event.id, ends: ends.max(event.occurred_at), outgrown }
    }
}

/// The way of one target's consent through its states.
#[derive(Default)]
struct Course {
    timeline: Timeline,
    grant: Option<Grant>,
}

impl Course {
    fn change(&mut self, at: i64, status: Status, of: EventId, ends: Option<i64>) {
        self.timeline.0.push(Change { at, status, of, ends });
    }

    /// Ends a grant whose time has come.
    fn settle(&mut self, until: i64) {
        let Some(grant) = &self.grant else { return };
        let (at, status) = match grant.outgrown {
            Some(outgrown) if outgrown < grant.ends => (outgrown, Status::Invalidated),
            _ => (grant.ends, Status::Expired),
        };
        if at <= until {
            let of = grant.of;
            self.grant = None;
            self.change(at, status, of, None);
        }
    }

    fn answer(&mut self, event: &ConsentEvent, answer: Answer, grant: impl FnOnce() -> Grant) {
        let had = matches!(self.timeline.now(), Status::Given | Status::Renewed | Status::Expired);
        let status = match answer {
            Answer::NotDisclosed => return,
            Answer::Withdrawn => Status::Withdrawn,
            Answer::Denied if self.grant.is_some() => Status::Withdrawn,
            Answer::Denied => Status::Refused,
            Answer::Granted if had && event.prompt == Prompt::Renewal => Status::Renewed,
            Answer::Granted => Status::Given,
        };
        self.grant = status.is_in_force().then(grant);
        let ends = self.grant.as_ref().map(|grant| grant.ends);
        self.change(event.occurred_at, status, event.id, ends);
    }
}

/// Whether settings have outgrown what a grant was made to, so that it no longer carries them (GDPR Art. 4(11) and
/// recital 42: consent is specific and informed, she knows at least who the controllers are and for what):
///
/// - there is a controller that was not there;
/// - there is a purpose that was not there, unless it does not rest on consent;
/// - of a purpose: its DPV type is another, or it takes data that it did not take;
/// - of a service: it is in another category; or, where it was granted by its category and not by name, that category
///   has a service, and so a recipient, that it had not.
#[must_use]
pub fn outgrown(choice: &Choice, then: &SiteSettings, later: &SiteSettings) -> bool {
    let new_controller =
        later.controllers.iter().any(|controller| !then.controllers.iter().any(|old| old.name == controller.name));
    let by_consent = |basis: &str| basis.is_empty() || crate::dpv::legal_basis(basis) == Some("eu-gdpr:A6-1-a");
    let new_purpose = later
        .purposes
        .iter()
        .any(|purpose| by_consent(&purpose.legal_basis) && !then.purposes.iter().any(|old| old.id == purpose.id));
    let this_changed = match &choice.target {
        Target::Purpose(id) => {
            let find = |settings: &SiteSettings| settings.purposes.iter().find(|purpose| purpose.id == *id).cloned();
            match (find(then), find(later)) {
                (Some(old), Some(new)) => old.dpv != new.dpv || new.data.iter().any(|item| !old.data.contains(item)),
                _ => false,
            }
        }
        Target::Service(service) => {
            let moved = matches!(
                (then.category_of(service.as_str()), later.category_of(service.as_str())),
                (Some(old), Some(new)) if old != new
            );
            let grown = later.services.iter().any(|(other, category)| {
                Some(category) == choice.category.as_ref() && then.category_of(other.as_str()) != Some(category)
            });
            moved || (choice.disclosure != Disclosure::Named && grown)
        }
    };
    new_controller || new_purpose || this_changed
}

#[cfg(test)]
mod tests;
