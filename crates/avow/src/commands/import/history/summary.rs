//! What became of a file's rows, in numbers.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::super::table;
use super::marker::Marker;
use super::refusal::Refusal;

/// The fate of every row: of no event (refused, skipped), or of an event (accepted, refused by the server).
#[derive(Debug, Default)]
pub struct Summary {
    pub rows: u64,
    pub events: u64,
    sent: u64,
    accepted: u64,
    /// By code, as read here and as the server says.
    refused: BTreeMap<&'static str, u64>,
    refused_by_server: BTreeMap<String, u64>,
    /// By reason.
    skipped: BTreeMap<String, u64>,
    /// By type and method.
    kinds: BTreeMap<String, u64>,
    left_out: BTreeMap<String, u64>,
    /// Columns that nothing is taken from.
    unread: Vec<String>,
}

impl Summary {
    pub fn new(unread: Vec<String>) -> Self {
        Self { unread, ..Self::default() }
    }

    pub fn count(&mut self, event: &Map<String, Value>) {
        self.events += 1;
        let word = |name: &str| event.get(name).and_then(Value::as_str);
        let kind = word("type").unwrap_or("no type");
        let kind = word("method").map_or_else(|| kind.to_owned(), |method| format!("{kind} {method}"));
        *self.kinds.entry(kind).or_default() += 1;
    }

    pub fn skip(&mut self, why: String) {
        *self.skipped.entry(why).or_default() += 1;
    }

    pub fn refuse(&mut self, refusal: &Refusal) {
        *self.refused.entry(refusal.code.as_str()).or_default() += 1;
    }

    /// Takes over what the server has said so far.
    pub fn answered(&mut self, marker: &Marker) {
        (self.sent, self.accepted) = (marker.sent, marker.accepted);
        self.refused_by_server.clone_from(&marker.refused);
        self.left_out.clone_from(&marker.left_out);
    }

    pub fn refused_in_all(&self) -> u64 {
        self.refused.values().chain(self.refused_by_server.values()).sum()
    }

    pub fn print(&self, path: &Path) {
        let name = path.display().to_string();
        let mut table = table([name.as_str(), ""]);
        let mut add = |what: &str, count: u64| {
            table.add_row([what.to_owned(), count.to_string()]);
        };
        add("rows", self.rows);
        add("events", self.events);
        for (kind, events) in &self.kinds {
            add(&format!("  {kind}"), *events);
        }
        for (why, events) in &self.skipped {
            add(&format!("skipped: {why}"), *events);
        }
        add("sent", self.sent);
        add("accepted", self.accepted);
        let here = self.refused.iter().map(|(code, lines)| (*code, "", lines));
        let there = self.refused_by_server.iter().map(|(code, lines)| (code.as_str(), " by the server", lines));
        for (code, by, lines) in here.chain(there) {
            add(&format!("refused{by}: {code}"), *lines);
        }
        for (field, events) in &self.left_out {
            add(&format!("left out of events: {field}"), *events);
        }
        println!("{table}");
        if !self.unread.is_empty() {
            println!("columns that nothing is taken from: {}", self.unread.join(", "));
        }
    }
}
