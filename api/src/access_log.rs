//! Who has read what: every request to what concerns single persons, audits or the installation, and every export of numbers,
//! becomes a row of the warehouse's `access_log`. What yields a single person's data is noted before its answer leaves, or
//! there is no answer; the rest a moment later. A row names the route and a digest, never a subject.

pub mod list;
mod noted;
mod notes;
mod routes;

use std::sync::{Arc, OnceLock};

use avow_control::Caller;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use noted::noted;
pub use notes::Notes;

/// What a digest of a subject begins with; the version of this way of hashing.
const DOMAIN: &str = "avow/access/1";

/// What an operator may set of it: the section `[access_log]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessLogConfig {
    /// How long a row is kept, in days. It holds for rows that are written from then on.
    pub days: u32,
}

impl Default for AccessLogConfig {
    /// A year, and what it takes to look back on it.
    fn default() -> Self {
        Self { days: 400 }
    }
}

/// Where extracting a request's caller leaves who it was.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<OnceLock<Caller>>);

impl Seen {
    pub fn is(&self, caller: &Caller) {
        let _ = self.0.set(caller.clone());
    }
}

/// What an answer is about, where the request's address does not say: an extension of the response.
#[derive(Debug, Clone, Default)]
pub struct Concerns {
    pub site: String,
    pub subject: Option<Uuid>,
}

/// A subject of a site, hashed: SHA-256([`DOMAIN`] || site || 0x00 || the subject's 16 bytes), in hexadecimal. Whoever knows
/// the subject (122 random bits) finds its rows; nobody reads a subject out of them.
fn digest(site: &str, subject: Uuid) -> String {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(site);
    hash.update([0]);
    hash.update(subject.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
