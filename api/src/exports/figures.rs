//! A report's figures and the first decisions of it, counted event by event.

use std::collections::BTreeMap;

use avow_records::choice::{Answer, Target, is_no_choice};
use avow_records::report::{Counts, Followed, Summary};
use avow_records::{RecordInput, Shown, Status, visible_choices};
use avow_schemas::event::EventType;
use avow_schemas::ids::SubjectId;
use serde_json::{Value, json};

/// Decisions that a report shows one by one.
const MOST_SUMMARIES: usize = 200;

/// What is counted of the events of an export.
#[derive(Default)]
pub struct Figures {
    pub records: u64,
    pub by_type: BTreeMap<&'static str, u64>,
    pub counts: Counts,
    /// Those that are in a ledger.
    pub placed: u64,
    /// Erased ones.
    pub redacted: u64,
    /// Decisions and withdrawals.
    pub decided: u64,
    /// Of those, the ones that name a text which is known.
    pub texts_known: u64,
    last_subject: Option<SubjectId>,
    first: BTreeMap<(i64, u64), Summary>,
}

impl Figures {
    pub fn add(&mut self, input: &RecordInput<'_>) {
        let event = input.event;
        self.records += 1;
        self.placed += u64::from(input.place.is_some());
        *self.by_type.entry(event.kind.as_str()).or_default() += 1;
        match self.counts.events.iter_mut().find(|(kind, _)| *kind == event.kind) {
            Some((_, count)) => *count += 1,
            None => self.counts.events.push((event.kind, 1)),
        }
        if !matches!(event.kind, EventType::Decided | EventType::Withdrawn) {
            return;
        }
        self.decided += 1;
        self.texts_known += u64::from(input.artefact.is_some());
        let mut summary = summary(input);
        for choice in visible_choices(input) {
            let name = name(input, &choice.target);
            match choice.answer {
                Answer::Granted => summary.granted.push(name),
                Answer::Denied => summary.refused.push(name),
                Answer::Withdrawn => summary.withdrawn.push(name),
                Answer::NotDisclosed => summary.not_disclosed.push(name),
            }
            if matches!(choice.target, Target::Service(_)) {
                self.counts.grants += u64::from(choice.answer == Answer::Granted);
                self.counts.refusals += u64::from(choice.answer == Answer::Denied);
            }
        }
        if event.kind == EventType::Withdrawn {
            self.counts.withdrawals += 1;
        } else if !is_no_choice(event, &input.site.settings) {
            self.counts.decisions += 1;
            // A subject's events come one after another.
            if event.subject.is_some() && event.subject != self.last_subject {
                self.counts.subjects += 1;
                self.last_subject = event.subject;
            }
        }
        self.keep(event.occurred_at, summary);
    }

    /// Keeps a summary if it is among the first.
    fn keep(&mut self, at: i64, summary: Summary) {
        self.first.insert((at, self.decided), summary);
        if self.first.len() > MOST_SUMMARIES {
            self.first.pop_last();
        }
    }

    /// The first decisions in order of time.
    pub fn summaries(&self) -> Vec<Summary> {
        self.first.values().cloned().collect()
    }

    /// What the manifest says of them, and of so many records that are not opened.
    pub fn counts(&self, redacted: u64) -> Value {
        json!({
            "records": self.records, "by_type": self.by_type, "redacted": redacted,
            "decisions": self.counts.decisions, "withdrawals": self.counts.withdrawals, "subjects": self.counts.subjects,
            "granted": self.counts.grants, "denied": self.counts.refusals,
        })
    }
}

fn name(input: &RecordInput<'_>, target: &Target) -> String {
    match target {
        Target::Service(slug) => match input.catalog.get(slug.as_str()) {
            Some(entry) => entry.name.clone(),
            None => slug.to_string(),
        },
        Target::Purpose(id) => id.clone(),
    }
}

fn summary(input: &RecordInput<'_>) -> Summary {
    let event = input.event;
    Summary {
        subject: event.subject.map(|subject| subject.to_string()).unwrap_or_default(),
        at: event.occurred_at,
        kind: event.kind,
        method: event.method.filter(|_| *input.shown == Shown::All),
        method_withheld: *input.shown != Shown::All,
        banner_version: event.banner_version.clone(),
        language: event.language.clone(),
        text_hash: event.text_hash.clone(),
        granted: vec![],
        refused: vec![],
        withdrawn: vec![],
        not_disclosed: vec![],
        followed: followed(input),
    }
}

/// Of each consent that the event gave: what ended it, or came next.
fn followed(input: &RecordInput<'_>) -> Vec<Followed> {
    let mut followed = Vec::new();
    for (target, timeline) in input.timelines.iter().filter(|(target, _)| input.shown.shows(target)) {
        let mut later = timeline.changes().iter().skip_while(|change| change.of != input.event.id);
        if !later.next().is_some_and(|change| matches!(change.status, Status::Given | Status::Renewed)) {
            continue;
        }
        let next = later.next();
        followed.extend(next.map(|next| Followed { at: next.at, status: next.status, name: name(input, target) }));
    }
    followed
}
