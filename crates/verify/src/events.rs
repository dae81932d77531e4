//! What the opened records say, kept in a few bytes each: enough to compare with it what is said of them elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use avow_ledger::LeafKind;
use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::disclosure::Disclosure;
use crate::said::{Interned, Said, Settings};

/// Enough of a SHA-256 that nobody finds a second text for it.
type Short = [u8; 16];

/// An opened event.
pub struct Event {
    pub leaf: u64,
    /// Of its [`Identity`].
    identity: Short,
    /// Milliseconds since 1970.
    pub occurred_at: i64,
    said: u32,
    pub is_consent: bool,
    pub in_table: bool,
    pub in_document: bool,
}

/// The fields that records.csv and records.jsonld both state; what is not there is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    pub id: &'a str,
    pub site: &'a str,
    pub subject: &'a str,
    pub kind: &'a str,
    /// RFC 3339 with milliseconds.
    pub received_at: &'a str,
    pub source: &'a str,
    pub language: &'a str,
    pub banner_version: &'a str,
    pub variant: &'a str,
    pub text_hash: &'a str,
    pub regime: &'a str,
    pub config_version: i64,
}

impl Identity<'_> {
    fn short(&self) -> Short {
        let mut hash = Sha256::new();
        let texts = [
            self.id,
            self.site,
            self.subject,
            self.kind,
            self.received_at,
            self.source,
            plain(self.language),
            plain(self.banner_version),
            plain(self.variant),
            plain(self.text_hash),
            self.regime,
        ];
        for text in texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(self.config_version.to_be_bytes());
        let mut short = Short::default();
        short.copy_from_slice(&hash.finalize()[..16]);
        short
    }
}

/// Without the apostrophe that keeps a spreadsheet from calculating; what is but white space is empty.
fn plain(text: &str) -> &str {
    let guarded = text.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r']));
    let text = guarded.unwrap_or(text);
    if text.trim().is_empty() { "" } else { text }
}

/// What was opened in a bundle.
#[derive(Default)]
pub struct Events {
    /// By ledger, in the order of leaves.
    by_ledger: BTreeMap<String, Vec<Event>>,
    said: Interned,
    settings: BTreeMap<i64, Settings>,
    pub by_type: BTreeMap<String, u64>,
    pub redacted: u64,
    /// The texts (`sha256:<hex>`) that opened events name, of those that were asked for.
    pub named: BTreeSet<String>,
    /// Every hash that an opened artefact leaf names.
    pub shown: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Version {
    version: i64,
    settings: Settings,
}

impl Events {
    /// Takes what a line opens. `wanted`: texts of which is to be known whether they are named.
    pub fn take(&mut self, record: &Disclosure<'_>, wanted: &BTreeSet<String>) {
        if record.is_redacted() {
            self.redacted += 1;
            return;
        }
        match record.body() {
            Some(body) if record.kind == LeafKind::Settings as u8 => {
                if let Ok(version) = serde_json::from_str::<Version>(body) {
                    self.settings.insert(version.version, version.settings);
                }
            }
            Some(body) if record.kind == LeafKind::Artefact as u8 => {
                let body = serde_json::from_str::<Json>(body).unwrap_or_default();
                let screens = body["screenshots"].as_object().into_iter().flat_map(|screens| screens.values());
                let hashes = [&body["text_hash"], &body["html_hash"]].into_iter().chain(screens);
                self.shown.extend(hashes.filter_map(|hash| Some(hash.as_str()?.to_owned())));
            }
            Some(_) => {}
            None if record.kind == LeafKind::Event as u8 => self.take_event(record, wanted),
            None => {}
        }
    }

    fn take_event(&mut self, record: &Disclosure<'_>, wanted: &BTreeSet<String>) {
        let opened = Opened::of(record);
        let banner = |name: &str| opened.banner[name].as_str().unwrap_or_default();
        let received_at = opened.number("received_at").map(written).unwrap_or_default();
        let identity = Identity {
            id: opened.text("id"),
            site: opened.text("site"),
            subject: opened.text("subject"),
            kind: opened.text("type"),
            received_at: &received_at,
            source: opened.text("source"),
            language: banner("language"),
            banner_version: banner("version"),
            variant: banner("variant"),
            text_hash: banner("text_hash"),
            regime: opened.text("regime"),
            config_version: opened.number("config_version").unwrap_or_default(),
        };
        *self.by_type.entry(identity.kind.to_owned()).or_default() += 1;
        if wanted.contains(identity.text_hash) {
            self.named.insert(identity.text_hash.to_owned());
        }
        let asks = matches!(identity.kind, "shown" | "decided" | "withdrawn");
        let event = Event {
            leaf: record.leaf,
            identity: identity.short(),
            occurred_at: opened.number("occurred_at").unwrap_or_default(),
            is_consent: asks && !identity.subject.is_empty(),
            said: self.said.number(opened.said(&identity)),
            in_table: false,
            in_document: false,
        };
        self.by_ledger.entry(record.ledger.clone()).or_default().push(event);
    }

    /// The event at a leaf, with what it says and the settings that it cites, where they are opened.
    pub fn find(&mut self, ledger: &str, leaf: u64) -> Option<(&mut Event, &Said, Option<&Settings>)> {
        let events = self.by_ledger.get_mut(ledger)?;
        let at = events.binary_search_by_key(&leaf, |event| event.leaf).ok()?;
        let event = events.get_mut(at)?;
        let said = self.said.get(event.said)?;
        Some((event, said, self.settings.get(&said.config_version)))
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, &Event)> {
        self.by_ledger.iter().flat_map(|(ledger, events)| events.iter().map(move |event| (ledger.as_str(), event)))
    }
}

impl Event {
    /// Whether these are its fields.
    pub fn is(&self, identity: &Identity<'_>) -> bool {
        self.identity == identity.short()
    }
}

/// Milliseconds since 1970 as the readable files write them.
pub fn written(ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap_or_default())
}

/// The opened fields of an event, read.
struct Opened {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
    banner: Json,
    prompt: Json,
    purposes: Option<BTreeMap<String, bool>>,
    categories: BTreeMap<String, bool>,
    services: BTreeMap<String, bool>,
    has_method: bool,
}

impl Opened {
    fn of(record: &Disclosure<'_>) -> Self {
        let mut opened = Self {
            texts: BTreeMap::new(),
            numbers: BTreeMap::new(),
            banner: Json::Null,
            prompt: Json::Null,
            purposes: None,
            categories: BTreeMap::new(),
            services: BTreeMap::new(),
            has_method: false,
        };
        record.each_field(|name, value| match name {
            "id" | "site" | "type" | "subject" | "source" | "regime" | "method" => {
                opened.has_method |= name == "method";
                opened.texts.extend(value.read::<String>().map(|text| (name.to_owned(), text)));
            }
            "occurred_at" | "received_at" | "config_version" => {
                opened.numbers.extend(value.read::<i64>().map(|number| (name.to_owned(), number)));
            }
            "banner" => opened.banner = value.read().unwrap_or_default(),
            "prompt" => opened.prompt = value.read().unwrap_or_default(),
            "purposes" => opened.purposes = value.read(),
            name => {
                let flag = |map: &mut BTreeMap<String, bool>, key: &str| {
                    map.extend(value.read::<bool>().map(|yes| (key.to_owned(), yes)));
                };
                match name.split_once('/') {
                    Some(("categories", category)) => flag(&mut opened.categories, category),
                    Some(("services", service)) => flag(&mut opened.services, service),
                    _ => {}
                }
            }
        });
        opened
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.numbers.get(name).copied()
    }

    fn said(&self, identity: &Identity<'_>) -> Said {
        Said {
            kind: identity.kind.to_owned(),
            method: self.texts.get("method").cloned(),
            prompt: self.prompt["prompt"].as_str().unwrap_or_default().to_owned(),
            categories: self.categories.clone(),
            services: self.services.clone(),
            purposes: self.purposes.clone().unwrap_or_default(),
            config_version: identity.config_version,
            has_text: !identity.text_hash.is_empty(),
            is_cut: !self.has_method,
        }
    }
}
