//! A line of `disclosures.jsonl`: a record opened as a whole, or, where the export is cut to services, without what it says
//! of others.

use std::collections::BTreeSet;

use avow_ledger::commitment::disclose;
use avow_ledger::hex;
use avow_schemas::event::ConsentEvent;
use avow_schemas::leaf;
use avow_trees::as_committed;
use avow_warehouse::records::{Choice, Content, Record};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Fields that say something of all services at once, or of how the choice among them was made.
const OF_ALL: &[&str] = &["method", "purposes", "objections", "signals", "effort", "state", "observed"];

/// The line of a record; `services` are those that it is cut to, none: all.
pub fn disclosure(record: &Record, services: &[String]) -> Value {
    let mut line = json!({"ledger": record.ledger, "leaf": record.leaf, "kind": record.leaf_kind});
    match &record.content {
        Content::Redacted => line["redacted"] = true.into(),
        Content::Control { body, .. } => line["body"] = body.as_str().into(),
        Content::Event { event, pairs } => {
            let fields = fields(event, &record.commitment);
            if services.is_empty() {
                line["seed"] = hex::encode(&event.seed.0).into();
                let raw = |(name, value): &(String, String)| json!([name, RawValue::from_string(value.clone()).ok()]);
                line["fields"] = fields.iter().map(raw).collect();
            } else {
                let shown = Cut::of(event, pairs, services);
                let parts = disclose(&event.seed.0, &fields, |_, name| shown.shows(name));
                line["parts"] = serde_json::to_value(parts).unwrap_or_default();
            }
        }
    }
    line
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
