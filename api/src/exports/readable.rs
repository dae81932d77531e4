//! What is read of a bundle's records: records.jsonld (ISO/IEC TS 27560 in DPV) and records.csv, written subject by
//! subject, so that one subject's events lie in memory and no more; and the report's figures, counted on the way.
//!
//! records.csv has a row for every event. records.jsonld has a record for every event that asked a known subject or was
//! decided by one: a banner that was shown to nobody in particular, a page view and an observation are no consent records.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use avow_records::document::{DocumentWriter, Header};
use avow_records::table::{self, COLUMNS};
use avow_records::{Artefact, Facts, Place, RecordInput, Shared, Shown, record_in, statuses};
use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, EventType};
use avow_schemas::ids::LeafIndex;
use avow_schemas::settings::SiteVersion;
use avow_warehouse::records::{Content, Record};
use serde_json::Value;

use super::archive::ArchiveError;
use super::figures::Figures;

/// What an export is about: all that is known beside the records.
pub struct About {
    pub header: Header,
    /// Up to when states are followed, milliseconds since 1970.
    pub until: i64,
    /// Before which moment of the log's time no event is left out, milliseconds since 1970.
    pub whole_before: i64,
    /// The versions of the site's settings, in their order; never empty.
    pub versions: Vec<SiteVersion>,
    /// The site's banner artefacts by `text_hash`.
    pub artefacts: BTreeMap<String, Value>,
    pub shown: Shown,
    pub catalog: Arc<Catalog>,
}

/// An event with what is known of it beside what it says.
struct Entry {
    event: ConsentEvent,
    place: Option<Place>,
    /// In log order within its ledger.
    logged: (i64, u64),
    /// Whether it was read against its artefact: one that was put later did not count yet.
    was_known: bool,
}

/// The two files in the making.
pub struct Readable<'a, D: Write, T: Write> {
    about: &'a About,
    document: DocumentWriter<D>,
    shared: Shared,
    table: csv::Writer<T>,
    figures: Figures,
}

impl<'a, D: Write, T: Write> Readable<'a, D, T> {
    /// Writes the heads of both.
    pub fn begin(document: D, table: T, about: &'a About) -> Result<Self, ArchiveError> {
        let mut table = csv::Writer::from_writer(table);
        table.write_record(COLUMNS.map(|(name, _)| name))?;
        Ok(Self {
            about,
            document: DocumentWriter::begin(document, &about.header)?,
            shared: Shared::in_document(),
            table,
            figures: Figures::default(),
        })
    }

    /// Writes those of these events that lie in the period. They are one subject's, or nobody's.
    pub fn history(&mut self, records: Vec<Record>) -> Result<(), ArchiveError> {
        let (from, to) = (self.about.header.from, self.about.header.to);
        let is_asked = |record: &Record| (from..to).contains(&record.logged_at);
        if !records.iter().any(is_asked) {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            if matches!(record.content, Content::Redacted) && is_asked(&record) {
                self.figures.redacted += 1;
            }
            entries.extend(entry(record));
        }
        entries.sort_by_key(|entry| (entry.event.occurred_at, entry.logged));
        let about = self.about;
        let facts = Facts { versions: &about.versions, catalog: &about.catalog, artefacts: &about.artefacts };
        let of_subject = entries.first().is_some_and(|entry| entry.event.subject.is_some());
        let timelines = if of_subject {
            let history: Vec<ConsentEvent> = entries.iter().map(Entry::as_read).collect();
            statuses(&history, &facts, self.about.until)
        } else {
            BTreeMap::new()
        };
        for entry in entries.iter().filter(|entry| (from..to).contains(&entry.logged.0)) {
            let Some(site) = facts.version(&entry.event).or(self.about.versions.first()) else { continue };
            let artefact = entry.was_known.then(|| facts.artefact(&entry.event)).flatten();
            let hash = entry.event.text_hash.as_deref();
            self.write(&RecordInput {
                event: &entry.event,
                site,
                catalog: facts.catalog,
                artefact: hash.zip(artefact).map(|(hash, value)| Artefact { hash, value }),
                timelines: &timelines,
                place: entry.place.as_ref(),
                shown: &self.about.shown,
                language: &self.about.header.language,
            })?;
        }
        Ok(())
    }

    fn write(&mut self, input: &RecordInput<'_>) -> Result<(), ArchiveError> {
        let kind = input.event.kind;
        let asks = matches!(kind, EventType::Shown | EventType::Decided | EventType::Withdrawn);
        let made = (asks && input.event.subject.is_some()).then(|| record_in(input, &mut self.shared));
        if let Some(made) = &made {
            for node in self.shared.take_new() {
                self.document.node(&node)?;
            }
            self.document.record(made)?;
        }
        self.table.write_record(table::row(input, made.as_ref()))?;
        self.figures.add(input);
        Ok(())
    }

    /// Writes what ends both; the figures.
    pub fn end(mut self) -> Result<Figures, ArchiveError> {
        self.document.end()?;
        self.table.flush()?;
        Ok(self.figures)
    }
}

/// `None` where there is nothing of an event left.
fn entry(record: Record) -> Option<Entry> {
    let Content::Event { event, pairs } = record.content else { return None };
    let place = Place { ledger: record.ledger, leaf: LeafIndex(record.leaf), logged_at: record.logged_at };
    Some(Entry {
        was_known: pairs.iter().all(|pair| pair.disclosure != "unproven"),
        logged: (record.logged_at, record.leaf),
        place: (!place.ledger.is_empty()).then_some(place),
        event: *event,
    })
}

impl Entry {
    /// The event as it was read.
    fn as_read(&self) -> ConsentEvent {
        let mut event = self.event.clone();
        if !self.was_known {
            event.text_hash = None;
        }
        event
    }
}
