//! From the rows of one event to the event as `POST /v1/events` takes it.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use avow_schemas::event::{EventType, Method, Prompt, Regime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::rows::Row;
use super::choices::{self, Chosen};
use super::ids::{self, Of};
use super::mapping::{Field, Mapping, at, text};
use super::refusal::Refusal;
use super::time;
use super::vendors::Vendor;

const BANNER: &[(&str, Field)] = &[
    ("version", Field::Version),
    ("language", Field::Language),
    ("variant", Field::Variant),
    ("text_hash", Field::TextHash),
];

/// What became of rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    Event(Map<String, Value>),
    /// And why.
    Skipped(String),
}

/// Makes events of a vendor's rows.
pub struct Maker {
    vendor: Vendor,
    mapping: Mapping,
    site: Option<String>,
    zone: Option<TimeZone>,
}

impl Maker {
    pub fn new(vendor: Vendor, mapping: Mapping, site: Option<String>, zone: Option<&str>) -> anyhow::Result<Self> {
        let zone = zone.or(mapping.timezone.as_deref());
        let zone =
            zone.map(|name| TimeZone::get(name).with_context(|| format!("no time zone {name:?}"))).transpose()?;
        Ok(Self { vendor, mapping, site, zone })
    }

    pub const fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether a row belongs to the event of those before it.
    pub fn continues(&self, before: &[Row], row: &Row) -> bool {
        let by = &self.mapping.group_by;
        let first = before.first().filter(|_| !by.is_empty());
        first.is_some_and(|first| by.iter().all(|column| at(first, column) == at(row, column)))
    }

    /// The line on which an event goes on that other rows have interrupted: it would be made of a part of its rows.
    pub fn torn(&self, rows: impl Iterator<Item = Row>) -> Option<u64> {
        let (mut begun, mut last) = (HashSet::new(), None);
        for row in rows {
            let event = Some(ids::derived(Of::Event, self.vendor, "", &self.unnamed(std::slice::from_ref(&row))));
            if event != last && !begun.insert(event) {
                return Some(row.line);
            }
            last = event;
        }
        None
    }

    /// Makes the event of these rows, of which there is at least one.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn make(&self, rows: &[Row]) -> Result<Made, Refusal> {
        let Some(first) = rows.first() else { return Ok(Made::Skipped("empty".into())) };
        for skip in &self.mapping.skip {
            let said = at(first, &skip.column).and_then(text);
            if said.is_some_and(|said| skip.values.iter().any(|value| value.eq_ignore_ascii_case(&said))) {
                return Ok(Made::Skipped(skip.why.clone()));
            }
        }
        if self.mapping.as_sent {
            return self.as_sent(first).map(Made::Event);
        }
        let chosen = choices::read(&self.mapping.choices, rows)?;
        let said = Said { mapping: &self.mapping, row: first };
        let site = self.site(said)?;
        let id = match said.text(Field::Id)? {
            Some(theirs) => ids::derived(Of::Event, self.vendor, &site, &theirs),
            None => ids::derived(Of::Event, self.vendor, &site, &self.unnamed(rows)),
        };
        self.event(said, &site, id, &chosen)
    }

    /// What an event is that has no id: what its rows have in common, or all that its row says.
    fn unnamed(&self, rows: &[Row]) -> String {
        let by = &self.mapping.group_by;
        match rows.first() {
            Some(first) if !by.is_empty() => {
                let mut common = Row { line: 0, cells: Map::new() };
                for column in by {
                    common.cells.insert(column.clone(), at(first, column).cloned().unwrap_or_default());
                }
                ids::content(&[common])
            }
            _ => ids::content(rows),
        }
    }

    fn site(&self, said: Said<'_>) -> Result<String, Refusal> {
        let own = || said.text(Field::Site);
        let site = self.site.clone().map_or_else(own, |site| Ok(Some(site)))?;
        site.ok_or_else(|| Refusal::missing(said.row.line, "names no site; give --site"))
    }

    fn event(&self, said: Said<'_>, site: &str, id: Uuid, chosen: &Chosen) -> Result<Made, Refusal> {
        let kind = match said.word(Field::Type, EventType::parse)? {
            Some(kind @ (EventType::Shown | EventType::Decided | EventType::Withdrawn)) => kind,
            None if chosen.is_withdrawal() => EventType::Withdrawn,
            None => EventType::Decided,
            Some(kind) => return Err(said.wrong(Field::Type, format!("{} cannot be imported", kind.as_str()))),
        };
        let method = said.word(Field::Method, Method::parse)?.filter(|_| kind == EventType::Decided);
        if kind == EventType::Decided && chosen.names_nothing() && method != Some(Method::Dismiss) {
            if chosen.is_silent() {
                return Ok(Made::Skipped("says nothing of a choice".into()));
            }
            return Err(Refusal::missing(said.row.line, "names no category, service or purpose that was chosen"));
        }
        let mut event = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                event.insert(name.into(), value);
            }
        };
        put("id", Some(json!(id)));
        put("site", Some(json!(site)));
        put("type", Some(json!(kind.as_str())));
        put("subject", self.subject(said, site, id, kind)?);
        let occurred_at = self.time(said, Field::OccurredAt)?;
        put("occurred_at", Some(occurred_at.ok_or_else(|| Refusal::missing(said.row.line, "has no time"))?));
        put("method", method.map(|method| json!(method.as_str())));
        put("prompt", said.word(Field::Prompt, Prompt::parse)?.map(|prompt| json!(prompt.as_str())));
        put("regime", said.word(Field::Regime, Regime::parse)?.map(|regime| json!(regime.as_str())));
        put("expires_at", self.time(said, Field::ExpiresAt)?);
        put("view", said.json(Field::View)?);
        put("page", said.json(Field::Page)?);
        put("layer", said.layer()?);
        put("banner", said.object(BANNER)?);
        put("signals", said.object(&[("tcf", Field::Tcf), ("gpp", Field::Gpp)])?);
        let is_choice = kind != EventType::Shown;
        let flags = |flags: &BTreeMap<String, bool>| (is_choice && !flags.is_empty()).then(|| json!(flags));
        put("categories", flags(&chosen.categories));
        put("services", flags(&chosen.services));
        put("purposes", flags(&chosen.purposes));
        Ok(Made::Event(event))
    }

    fn subject(&self, said: Said<'_>, site: &str, id: Uuid, kind: EventType) -> Result<Option<Value>, Refusal> {
        let theirs = said.text(Field::Subject)?;
        let subject = match theirs {
            Some(theirs) => Some(ids::subject(self.vendor, site, &theirs)),
            None if kind == EventType::Shown => None,
            None if self.mapping.own_subject => Some(ids::derived(Of::Subject, self.vendor, site, &id.to_string())),
            None => {
                let what = "names nobody who chose; a map can give each such event a subject of its own (own_subject)";
                return Err(Refusal::missing(said.row.line, what));
            }
        };
        Ok(subject.map(|subject| json!(subject)))
    }

    fn time(&self, said: Said<'_>, field: Field) -> Result<Option<Value>, Refusal> {
        let Some(text) = said.text(field)? else { return Ok(None) };
        let read = time::read(&text, self.mapping.time_format.as_deref(), self.zone.as_ref());
        read.map(|at| Some(json!(at.to_string()))).map_err(|what| said.wrong(field, what))
    }

    /// An event of another installation. What it has is checked by the server alone.
    fn as_sent(&self, row: &Row) -> Result<Map<String, Value>, Refusal> {
        let mut event = row.cells.clone();
        let own = row.cells.get("site").and_then(Value::as_str);
        let site = match (&self.site, own) {
            (Some(named), Some(own)) if named != own => {
                return Err(Refusal::invalid(row.line, "site", format!("is of the site {own:?}, not of {named:?}")));
            }
            (Some(site), _) => site.clone(),
            (None, Some(own)) => own.to_owned(),
            (None, None) => return Err(Refusal::missing(row.line, "names no site; give --site")),
        };
        if row.cells.get("id").is_none_or(Value::is_null) {
            let id = ids::derived(Of::Event, self.vendor, &site, &ids::content(std::slice::from_ref(row)));
            event.insert("id".into(), json!(id));
        }
        event.insert("site".into(), json!(site));
        Ok(event)
    }
}

/// What a row says in the fields of a map.
#[derive(Clone, Copy)]
struct Said<'r> {
    mapping: &'r Mapping,
    row: &'r Row,
}

impl Said<'_> {
    /// In our words, where the map has them.
    fn text(self, field: Field) -> Result<Option<String>, Refusal> {
        let places = self.mapping.fields.get(&field);
        let found = places.into_iter().flat_map(|places| places.each()).find_map(|place| at(self.row, place));
        let theirs = match found {
            None => return Ok(self.mapping.constants.get(&field).cloned()),
            Some(value @ (Value::Array(_) | Value::Object(_))) => {
                let what = if value.is_array() { "is a list" } else { "is an object" };
                return Err(self.wrong(field, what.to_owned()));
            }
            Some(value) => text(value),
        };
        let Some(theirs) = theirs else { return Ok(self.mapping.constants.get(&field).cloned()) };
        let words = self.mapping.values.get(&field);
        let ours = words.and_then(|words| words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&theirs)));
        Ok(match ours {
            Some((_, ours)) => Some(ours.clone()).filter(|ours| !ours.is_empty()),
            None => Some(theirs),
        })
    }

    /// A word of one of our closed lists.
    fn word<T>(self, field: Field, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let unknown = || self.wrong(field, format!("{text:?} is not known; a map can say what it means (values)"));
        parse(&text).map(Some).ok_or_else(unknown)
    }

    fn json(self, field: Field) -> Result<Option<Value>, Refusal> {
        Ok(self.text(field)?.map(Value::from))
    }

    fn layer(self) -> Result<Option<Value>, Refusal> {
        let Some(text) = self.text(Field::Layer)? else { return Ok(None) };
        let layer =
            text.parse::<u32>().map_err(|_| self.wrong(Field::Layer, format!("{text:?} is no whole number")))?;
        Ok(Some(layer.into()))
    }

    fn object(self, members: &[(&str, Field)]) -> Result<Option<Value>, Refusal> {
        let mut object = Map::new();
        for (name, field) in members {
            if let Some(value) = self.json(*field)? {
                object.insert((*name).to_owned(), value);
            }
        }
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    fn wrong(self, field: Field, what: String) -> Refusal {
        let places = self.mapping.fields.get(&field).map_or(&[][..], |places| places.each());
        let place = places.iter().find(|place| at(self.row, place).is_some()).or(places.first());
        place.map_or_else(
            || Refusal::missing(self.row.line, what.clone()),
            |place| Refusal::invalid(self.row.line, place, what.clone()),
        )
    }
}
