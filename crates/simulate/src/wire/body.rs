//! An event as JSON, and a batch of them as the body of `POST /v1/events`, in the forms that the contract allows.
//!
//! Which form a batch takes and which of the fields that no number depends on an event carries follows from its id, so that
//! a repetition looks like the original. `sent_at` is the time of the attempt.

use crate::visitors::context::Source;
use crate::visitors::event::{Event, Kind, Named, Signals};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// Names that bodies need: the sites, by index.
pub(crate) type SiteNames = Arc<[Arc<str>]>;

/// A body with the headers that describe it.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) gzip: bool,
    pub(crate) bytes: Bytes,
}

/// How far a clock may be wrong without being corrected, milliseconds.
const TOLERATED: i64 = 60_000;

/// Writes events into a body, sent at `now` (Unix milliseconds).
///
/// # Errors
/// Where a time is out of any calendar.
pub(crate) fn write(events: &[&Event], sites: &[Arc<str>], now: i64) -> anyhow::Result<Body> {
    let form = events.first().map_or(0, |event| decoration(event) >> 24);
    let mut bytes = Vec::with_capacity(events.len() * 600 + 16);
    let ndjson = form.is_multiple_of(4) && events.len() > 1;
    let single = events.len() == 1 && form.is_multiple_of(2);
    let (open, between, close): (&[u8], &[u8], &[u8]) =
        if ndjson || single { (b"", b"\n", b"") } else { (b"{\"events\":[", b",", b"]}") };
    bytes.extend_from_slice(open);
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            bytes.extend_from_slice(between);
        }
        serde_json::to_writer(&mut bytes, &Wire { event, site: &sites[event.site], now })?;
    }
    bytes.extend_from_slice(close);
    let content_type = match form % 4 {
        0 if ndjson => "application/x-ndjson",
        1 => "application/json",
        _ => "text/plain;charset=UTF-8",
    };
    let gzip = form % 16 == 7;
    if gzip {
        let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
        packed.write_all(&bytes)?;
        bytes = packed.finish()?;
    }
    Ok(Body { content_type, gzip, bytes: bytes.into() })
}

/// Bits that decide about what no number depends on.
fn decoration(event: &Event) -> u32 {
    event.id.as_u128() as u32
}

/// An event on its way.
struct Wire<'a> {
    event: &'a Event,
    site: &'a str,
    now: i64,
}

impl Wire<'_> {
    /// Whether the body tells when it was sent: always where the clock is wrong, never in an import.
    fn tells_when_sent(&self) -> bool {
        self.event.clock_ahead != 0
            || (self.event.context.source != Source::Import && !decoration(self.event).is_multiple_of(3))
    }
}

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let event = self.event;
        let bits = decoration(event);
        let corrected = event.clock_ahead.abs() > TOLERATED;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &event.id)?;
        map.serialize_entry("site", self.site)?;
        map.serialize_entry("type", event.kind.name())?;
        optional(&mut map, "subject", event.subject)?;
        map.serialize_entry("occurred_at", &Time(event.at + if corrected { event.clock_ahead } else { 0 }))?;
        if self.tells_when_sent() {
            map.serialize_entry("sent_at", &Time(self.now + event.clock_ahead))?;
        }
        optional(&mut map, "prompt", event.prompt)?;
        optional(&mut map, "regime", event.regime)?;
        if event.banner_version.is_some() || event.language.is_some() || event.variant.is_some() {
            map.serialize_entry("banner", &Banner(event, bits))?;
        }
        match event.kind {
            Kind::Decided(method) => map.serialize_entry("method", method.name())?,
            Kind::Loaded(state) => map.serialize_entry("state", state)?,
            Kind::Observed(granted) => map.serialize_entry("observed", &Observed { granted })?,
            Kind::Shown | Kind::Withdrawn => {}
        }
        names(&mut map, "categories", &event.categories)?;
        names(&mut map, "services", &event.services)?;
        names(&mut map, "purposes", &event.purposes)?;
        signals(&mut map, &event.signals)?;
        if let Some(ms) = event.effort_ms {
            map.serialize_entry("effort", &Effort { clicks: bits % 5 + 1, ms })?;
        }
        decorate(&mut map, self, bits)?;
        map.end()
    }
}

/// Fields that no number depends on.
fn decorate<M: SerializeMap>(map: &mut M, wire: &Wire<'_>, bits: u32) -> Result<(), M::Error> {
    let has = |bit: u32| bits >> bit & 1 == 1;
    if has(4) {
        map.serialize_entry("view", &format!("{bits:08x}"))?;
    }
    if has(5) {
        let path = ["", "checkout?cart=9", "article/17"][(bits >> 6) as usize % 3];
        map.serialize_entry("page", &format!("https://{}/{path}", wire.site))?;
    }
    if matches!(wire.event.kind, Kind::Shown | Kind::Decided(_)) && has(8) {
        map.serialize_entry("layer", &(bits % 2 + 1))?;
    }
    if matches!(wire.event.kind, Kind::Decided(_)) {
        if has(9) && has(10) {
            map.serialize_entry("expires_at", &Time(wire.event.at + 180 * 86_400_000))?;
        }
        // A TC string says itself what was objected to.
        if has(11) && has(12) && wire.event.signals.tcf.is_none() {
            map.serialize_entry("objections", &Objections)?;
        }
    }
    Ok(())
}

fn optional<M: SerializeMap, T: Serialize>(map: &mut M, name: &'static str, value: Option<T>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
}

fn names<M: SerializeMap>(map: &mut M, name: &'static str, named: &Named) -> Result<(), M::Error> {
    if named.is_empty() { Ok(()) } else { map.serialize_entry(name, &Names(named)) }
}

fn signals<M: SerializeMap>(map: &mut M, sent: &Signals) -> Result<(), M::Error> {
    let mut signals = serde_json::Map::new();
    if let Some(tcf) = &sent.tcf {
        signals.insert("tcf".to_owned(), tcf.as_str().into());
    }
    if !sent.consent_mode.is_empty() {
        let modes = sent.consent_mode.iter().map(|(name, mode)| ((*name).to_owned(), (*mode).into()));
        signals.insert("consent_mode".to_owned(), serde_json::Value::Object(modes.collect()));
    }
    if sent.gpc {
        signals.insert("gpc".to_owned(), true.into());
    }
    if signals.is_empty() { Ok(()) } else { map.serialize_entry("signals", &signals) }
}

struct Names<'a>(&'a Named);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().copied())
    }
}

/// Unix milliseconds, as RFC 3339 in UTC.
struct Time(i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let instant = Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        to.collect_str(&format_args!("{instant:.3}"))
    }
}

struct Banner<'a>(&'a Event, u32);

impl Serialize for Banner<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(event, bits) = self;
        let mut map = to.serialize_map(None)?;
        optional(&mut map, "version", event.banner_version)?;
        optional(&mut map, "language", event.language)?;
        optional(&mut map, "variant", event.variant)?;
        if bits >> 13 & 7 == 0 {
            // An artefact that nobody registered: what is inherited stays unproven.
            map.serialize_entry("text_hash", &format!("sha256:{:064x}", bits >> 20))?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Effort {
    clicks: u32,
    ms: u32,
}

struct Observed {
    granted: bool,
}

impl Serialize for Observed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("cookies", &["chaport_uid"])?;
        map.serialize_entry("domains", &["app.chaport.com"])?;
        map.serialize_entry("others", &3)?;
        map.serialize_entry("state", &BTreeMap::from([("chaport", self.granted)]))?;
        map.end()
    }
}

struct Objections;

impl Serialize for Objections {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry("purposes", &["iab-7"])?;
        map.end()
    }
}
