//! A line of `disclosures.jsonl`: a record opened as a whole, or, where the export is cut to services, without what it says
//! of others.

use std::collections::BTreeSet;

use avow_ledger::commitment::{Commitment, disclose};
use avow_ledger::hex;
use avow_schemas::event::ConsentEvent;
use avow_schemas::leaf;
use avow_trees::as_committed;
use avow_warehouse::records::{Choice, Content, Record};
use serde_json::json;

/// Fields that say something of all services at once, or of how the choice among them was made.
const OF_ALL: &[&str] = &["method", "purposes", "objections", "signals", "effort", "state", "observed"];

/// Appends the line of a record; `services` are those that it is cut to, none: all.
pub fn write(record: &Record, services: &[String], out: &mut Vec<u8>) {
    let mut line = json!({"ledger": record.ledger, "leaf": record.leaf, "kind": record.leaf_kind});
    match &record.content {
        Content::Redacted => line["redacted"] = true.into(),
        Content::Control { body, .. } => line["body"] = body.as_str().into(),
        Content::Event { event, .. } if services.is_empty() => {
            let head = line.to_string();
            out.extend_from_slice(head.trim_end_matches('}').as_bytes());
            whole(event, &record.commitment, out);
            return out.extend_from_slice(b"}\n");
        }
        Content::Event { event, pairs } => {
            let shown = Cut::of(event, pairs, services);
            let fields = fields(event, &record.commitment);
            let parts = disclose(&event.seed.0, &fields, |_, name| shown.shows(name));
            line["parts"] = serde_json::to_value(parts).unwrap_or_default();
        }
    }
    out.extend_from_slice(line.to_string().as_bytes());
    out.push(b'\n');
}

/// Writes an event's seed and fields. Its commitment is made on the way: mostly it is the right one, and there is no need
/// to ask what the event looked like that was committed to.
fn whole(event: &ConsentEvent, committed: &[u8; 32], out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"seed\":\"");
    out.extend_from_slice(hex::encode(&event.seed.0).as_bytes());
    out.extend_from_slice(b"\",\"fields\":");
    let begin = out.len();
    let mut commitment = Commitment::new(&event.seed.0);
    put_fields(event, out, |name, value| commitment.field(name, value));
    if commitment.finish() != *committed
        && let Some(other) = as_committed(event, committed)
    {
        out.truncate(begin);
        put_fields(&other, out, |_, _| {});
    }
}

/// Writes `[["id","..."], ...]`.
fn put_fields(event: &ConsentEvent, out: &mut Vec<u8>, mut each: impl FnMut(&str, &[u8])) {
    let mut before = b'[';
    leaf::each_field(event, |name, value| {
        out.extend_from_slice(&[before, b'[']);
        before = b',';
        // Names of services and categories may hold anything; a Vec takes whatever is written.
        let _ = serde_json::to_writer(&mut *out, name);
        out.push(b',');
        out.extend_from_slice(value);
        out.push(b']');
        each(name, value);
    });
    out.push(b']');
}

/// What of an event is shown to one who may see some services only.
struct Cut<'a> {
    services: &'a [String],
    /// The categories on which the choice of a shown service rests. Others, and those of services that the event names,
    /// would only tell of the rest.
    categories: BTreeSet<&'a str>,
}

impl<'a> Cut<'a> {
    fn of(event: &ConsentEvent, pairs: &'a [Choice], services: &'a [String]) -> Self {
        let shown = pairs.iter().filter(|pair| services.contains(&pair.service));
        let inherits = shown.filter(|pair| !event.services.contains_key(&pair.service));
        Self { services, categories: inherits.map(|pair| pair.category.as_str()).collect() }
    }

    fn shows(&self, field: &str) -> bool {
        match field.split_once('/') {
            Some(("services", service)) => self.services.iter().any(|shown| shown == service),
            Some(("categories", category)) => self.categories.contains(category),
            _ => !OF_ALL.contains(&field),
        }
    }
}

/// The fields that the leaf commits to.
fn fields(event: &ConsentEvent, commitment: &[u8; 32]) -> Vec<(String, String)> {
    let committed = as_committed(event, commitment);
    let mut fields: Vec<(String, String)> = Vec::with_capacity(40);
    leaf::each_field(committed.as_ref().unwrap_or(event), |name, value| {
        fields.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
    });
    fields
}
