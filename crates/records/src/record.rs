//! One consent record: the fields of ISO/IEC TS 27560:2023 for one event, as a JSON-LD node in DPV.
//!
//! | TS 27560 | here |
//! |---|---|
//! | `schema_version` | `dct:conformsTo`, only where no mandatory field is missing; `avow:readAs` always |
//! | `record_id` | `dct:identifier` and `@id`, a UUID v5 over (site, subject, event id), the key of an event |
//! | `pii_principal_id` | `dpv:hasDataSubject` / `dct:identifier`: the banner's pseudonym |
//! | `privacy_notice`, `language` | `dpv:hasNotice` (the banner by its hash, the site's notice by its address), `dct:language` |
//! | `pii_processing` | `dpv:hasProcess`, one for each service and each purpose that the event decides |
//! | `pii_controllers`, party fields | `dpv:hasDataController`, `dpv:hasEntity` |
//! | `jurisdiction`, `authority_party`, `withdrawal_method` | `dpv:hasJurisdiction`, `dpv:hasAuthority`, `dpv:hasConsentControl` |
//! | event fields | `dpv:hasConsentStatus` of each process |
//!
//! Two lists say what is not there: `avow:missing`, names of TS 27560 fields that neither settings nor catalogue state
//! (on the node where they belong, and all of them on the record), and `avow:withheld`, what an export that is cut to
//! some services leaves out. Nothing is filled in by guess. What operators and visitors wrote becomes literals only,
//! never an IRI.

mod entities;
mod event;
mod missing;
mod node;
mod process;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, Method};
use avow_schemas::ids::{LeafIndex, ServiceId};
use avow_schemas::settings::SiteVersion;
use serde_json::{Value, json};
use uuid::Uuid;

pub use missing::{MANDATORY, OPTIONAL};
pub use shared::Shared;

use crate::choice::{Answer, Choice, Target, choices};
use crate::dpv;
use crate::moment::written;
use crate::status::{Status, Timeline};
use missing::Missing;
use node::Node;
use shared::Key;

/// A banner as it was shown.
#[derive(Debug, Clone, Copy)]
pub struct Artefact<'a> {
    /// `sha256:<hex>` of the artefact's canonical JSON; one that is not the event's `text_hash` is not used.
    pub hash: &'a str,
    pub value: &'a Value,
}

/// Where an event lies in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The ledger's public name.
    pub ledger: String,
    pub leaf: LeafIndex,
    /// When the log took it, milliseconds since 1970; no leaf commits to that.
    pub logged_at: i64,
}

/// What of an event may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    All,
    /// These services only; the decisions on others, and on purposes, are left out and listed as withheld. So is the act
    /// (`accept_all`), which would tell of them.
    Only(BTreeSet<ServiceId>),
}

impl Shown {
    /// Whether what is said of this target may be seen.
    #[must_use]
    pub fn shows(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::All, _) => true,
            (Self::Only(services), Target::Service(service)) => services.contains(service),
            (Self::Only(_), Target::Purpose(_)) => false,
        }
    }
}

/// All that is known about one event.
#[derive(Debug, Clone, Copy)]
pub struct RecordInput<'a> {
    /// Decided or withdrawn; a shown or dismissed banner gives a record of a request without an answer.
    pub event: &'a ConsentEvent,
    /// The settings in force, which the event cites.
    pub site: &'a SiteVersion,
    pub catalog: &'a Catalog,
    pub artefact: Option<Artefact<'a>>,
    /// The states of the subject's consents ([`crate::statuses`]). Where it does not know the event, the record states
    /// what the event says and no more.
    pub timelines: &'a BTreeMap<Target, Timeline>,
    pub place: Option<&'a Place>,
    pub shown: &'a Shown,
    /// The language of texts from the catalogue and the settings; English stands in.
    pub language: &'a str,
}

impl<'a> RecordInput<'a> {
    /// The artefact, if it is the one that the event names.
    fn artefact(&self) -> Option<&'a Value> {
        let artefact = self.artefact?;
        (self.event.text_hash.as_deref() == Some(artefact.hash)).then_some(artefact.value)
    }

    /// The act by which the choice was made, where it may be seen.
    pub(crate) fn method(&self) -> Option<Method> {
        self.event.method.filter(|_| *self.shown == Shown::All)
    }

    /// The event's choices, and, of an event that asked without getting an answer, what it asked for.
    fn decided(&self) -> Vec<(Target, Option<Choice>)> {
        let choices = choices(self.event, &self.site.settings, self.catalog, self.artefact());
        if !choices.is_empty() {
            return choices.into_iter().map(|choice| (choice.target.clone(), Some(choice))).collect();
        }
        let asked = |timeline: &Timeline| {
            let mut own = timeline.of(self.event.id);
            own.any(|change| matches!(change.status, Status::Requested | Status::Deferred))
        };
        self.timelines.iter().filter(|(_, line)| asked(line)).map(|(target, _)| (target.clone(), None)).collect()
    }
}

/// The names of what an event decides, as far as it may be seen; the rest is only counted.
struct Cut {
    shown: Vec<(Target, Option<Choice>)>,
    not_disclosed: Vec<ServiceId>,
    withheld_services: usize,
    withheld_purposes: usize,
    withheld_methods: usize,
}

impl Cut {
    fn of(input: &RecordInput<'_>, decided: Vec<(Target, Option<Choice>)>) -> Self {
        let mut cut = Self {
            shown: vec![],
            not_disclosed: vec![],
            withheld_services: 0,
            withheld_purposes: 0,
            withheld_methods: usize::from(input.event.method.is_some() && input.method().is_none()),
        };
        for (target, choice) in decided {
            let disclosed = choice.as_ref().is_none_or(|choice| choice.answer != Answer::NotDisclosed);
            match (input.shown.shows(&target), &target) {
                (false, Target::Service(_)) => cut.withheld_services += 1,
                (false, Target::Purpose(_)) => cut.withheld_purposes += 1,
                (true, Target::Service(service)) if !disclosed => cut.not_disclosed.push(service.clone()),
                (true, _) => cut.shown.push((target, choice)),
            }
        }
        cut
    }

    fn withheld(&self) -> Vec<(&'static str, usize)> {
        let counts = [
            ("services", self.withheld_services),
            ("purposes", self.withheld_purposes),
            ("method", self.withheld_methods),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// Names that are unique within the world from names that are unique within a site.
pub(crate) fn uuid(kind: &str, parts: &[&str]) -> Uuid {
    // Neither site names nor UUIDs hold a line feed; free text comes last.
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("https://avow.example/ns#{kind}\n{}", parts.join("\n")).as_bytes())
}

/// The identifier of an event's record.
#[must_use]
pub fn record_id(event: &ConsentEvent) -> Uuid {
    let subject = event.subject.map(|subject| subject.to_string()).unwrap_or_default();
    uuid("record", &[event.site.as_str(), &subject, &event.id.to_string()])
}

/// The choices that a record shows, those that the banner did not disclose among them.
#[must_use]
pub fn visible_choices(input: &RecordInput<'_>) -> Vec<Choice> {
    decided(input).0
}

/// The same, and what a record leaves out: a field, and of how many.
pub(crate) fn decided(input: &RecordInput<'_>) -> (Vec<Choice>, Vec<(&'static str, usize)>) {
    let decided = input.decided();
    let visible = decided.iter().filter(|(target, _)| input.shown.shows(target));
    let visible = visible.filter_map(|(_, choice)| choice.clone()).collect();
    (visible, Cut::of(input, decided).withheld())
}

/// The names under a record's `avow:missing`.
pub(crate) fn missing_fields(record: &Value) -> Vec<&str> {
    record["avow:missing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The record of one event, whole in itself: a node without `@context`, as [`crate::document`] takes it.
#[must_use]
pub fn record(input: &RecordInput<'_>) -> Value {
    record_in(input, &mut Shared::default())
}

/// The record of one event in a document whose nodes `shared` remembers.
#[must_use]
pub fn record_in(input: &RecordInput<'_>, shared: &mut Shared) -> Value {
    let event = input.event;
    let cut = Cut::of(input, input.decided());
    let mut missing = Missing::default();
    let id = record_id(event);
    let mut node = Node::of("dpv:ConsentRecord").id(format!("urn:uuid:{id}"));
    node.put("dct:conformsTo", Value::Null).put("avow:readAs", dpv::PROFILE);
    node.put("dct:identifier", id.to_string());
    node.put("avow:site", event.site.as_str()).put("avow:event", event.id.to_string());
    node.put("avow:eventType", event.kind.as_str()).put("avow:source", event.source.as_str());
    node.put("avow:regime", event.regime.as_str()).put("avow:receivedAt", written(event.received_at));
    node.put("avow:claimedAt", event.occurred_at_claimed.map(written));
    node.put("avow:settingsVersion", input.site.version.0);
    if let Some(place) = input.place {
        node.put(
            "avow:ledger",
            json!({"@type": "avow:Leaf", "avow:ledgerName": place.ledger, "avow:leafIndex": place.leaf.0}),
        );
    }
    match entities::subject(event) {
        Some(subject) => _ = node.put("dpv:hasDataSubject", subject),
        None => missing.note("pii_principal_id"),
    }
    notices(&mut node, input, &mut missing);
    let key = Key::Settings(input.site.version);
    missing.add(shared.put(&mut node, key, |missing| entities::of_settings(input, missing)));
    process::purposes_at_large(&mut node, input, &cut, shared);
    let processes = cut.shown.iter();
    let processes =
        processes.map(|(target, choice)| process::process(input, target, choice.as_ref(), shared, &mut missing));
    let processes: Vec<Value> = processes.collect();
    node.put("dpv:hasProcess", processes);
    node.put(
        "avow:notDisclosed",
        cut.not_disclosed.iter().map(|service| service.as_str().into()).collect::<Vec<Value>>(),
    );
    let withheld = cut.withheld().into_iter();
    let withheld =
        withheld.map(|(field, count)| json!({"@type": "avow:Withheld", "avow:field": field, "avow:count": count}));
    node.put("avow:withheld", withheld.collect::<Vec<Value>>());
    node.put("avow:missing", missing.list());
    if missing.nothing_mandatory() && !cut.shown.is_empty() {
        node.set("dct:conformsTo", dpv::PROFILE.into());
    }
    node.done()
}

/// TS 27560 `privacy_notice` and `language`: the banner that was shown, by the hash of its text, and the site's notice.
fn notices(node: &mut Node, input: &RecordInput<'_>, missing: &mut Missing) {
    let event = input.event;
    let mut notices = Vec::new();
    let is_known = event.text_hash.is_some() || event.banner_version.is_some();
    // A variant alone does not say which notice it is one of.
    if is_known || event.variant.is_some() {
        let mut banner = Node::of("dpv:ConsentNotice");
        banner.maybe("dct:identifier", event.text_hash.as_deref());
        banner.maybe("dct:language", event.language.as_deref());
        banner.maybe("owl:versionInfo", event.banner_version.as_deref());
        banner.maybe("avow:variant", event.variant.as_deref());
        banner.put("avow:inBundle", input.artefact().is_some() && *input.shown == Shown::All);
        notices.push(banner.done());
    }
    let urls = &input.site.settings.notice_url;
    let tongue = event.language.as_deref().unwrap_or(input.language);
    let primary = tongue.split(['-', '_']).next().unwrap_or_default();
    let own = urls.get_key_value(tongue).or_else(|| urls.get_key_value(primary));
    let any = own.or_else(|| urls.get_key_value("en")).or_else(|| urls.first_key_value());
    if let Some((language, url)) = any.filter(|(_, url)| !url.trim().is_empty()) {
        let mut notice = Node::of("dpv:PrivacyNotice");
        notice.put("schema:url", url.as_str()).put("dct:language", language.as_str());
        notices.push(notice.done());
    } else if !is_known {
        missing.note("privacy_notice");
    }
    node.put("dpv:hasNotice", notices);
    match event.language.as_deref() {
        Some(language) => _ = node.put("dct:language", language),
        None => missing.note("language"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
