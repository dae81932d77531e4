//! What is shown of a dead letter. Never its bytes: they may hold a subject.

use avow_control::Directory;
use avow_schemas::record::{self, LogRecord, site_and_shard};
use serde::Serialize;
use utoipa::ToSchema;

use super::index::Whole;
use crate::moment;

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct Letter {
    /// The log, partition and position of the record; null: written by a version that did not note the log.
    pub log_id: Option<uuid::Uuid>,
    pub partition: u32,
    pub position: u64,
    /// As the record's key names it.
    pub site: String,
    /// When the record was logged, RFC 3339.
    pub at: String,
    /// Why it could not be decoded or applied then.
    pub reason: String,
    pub size_bytes: u64,
    /// What stands in its way still; null: sent again now, it would be stored (or dropped as a repeat).
    pub obstacle: Option<String>,
    /// Whether it was sent again.
    pub replayed: bool,
}

impl Letter {
    pub fn of(whole: &Whole, replayed: bool, directory: &Directory) -> Self {
        let letter = &whole.letter;
        Self {
            log_id: (!letter.log_id.is_nil()).then_some(letter.log_id),
            partition: letter.partition,
            position: letter.position,
            site: site_and_shard(&letter.key).0.to_owned(),
            at: moment::written(letter.at_ms),
            reason: letter.reason.clone(),
            size_bytes: whole.value.len() as u64,
            obstacle: obstacle(whole, directory),
            replayed,
        }
    }
}

/// Why the processor would bury the record again: what it looks at, in its order.
fn obstacle(whole: &Whole, directory: &Directory) -> Option<String> {
    let record = match record::decode(&whole.value) {
        Ok(record) => record,
        Err(error) => return Some(error.to_string()),
    };
    let site = record.site().as_str();
    if site_and_shard(&String::from_utf8_lossy(&whole.key)).0 != site {
        return Some(format!("the record's site {site} is not that of its key"));
    }
    match &record {
        LogRecord::ControlRecord(_) => None,
        LogRecord::ConsentEvent(event) => {
            let version = event.config_version;
            let known = directory.site(site).is_some_and(|history| history.version(version).is_some());
            (!known).then(|| format!("settings version {} of site {site} is not known", version.0))
        }
    }
}
