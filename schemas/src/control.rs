//! What `consent.control` holds: sites, tokens, banners, as JSON values under keys. The topic is compacted; a key that
//! must keep its history carries a UUID v7 (a site's versions), a key that is one thing carries that thing's id.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::code;
use crate::ids::SiteId;
use crate::settings::SiteSettings;

code!(
    /// What a token may do.
    Scope {
        EventsWrite = "events:write", StatsRead = "stats:read", AuditRead = "audit:read", AuditExport = "audit:export",
        SubjectsErase = "subjects:erase", Admin = "admin",
    }
);

/// A value of `consent.control`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one at a time is read and taken apart")]
pub enum ControlValue {
    /// Key `site/<site>/<uuid v7>`: one version of a site's settings. The log's order numbers them.
    Site { site: SiteId, made_at: i64, settings: SiteSettings },
    /// Key `token/<id>`: a token; an empty value deletes it.
    Token(TokenRecord),
    /// Key `banner/<site>/<sha256>`: a banner artefact.
    Banner { site: SiteId, hash: String, artefact: serde_json::Value, made_at: i64 },
}

/// A token as it is kept: never the secret, only its SHA-256 (the secret has 256 random bits, so no slow hash is needed).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    pub id: Uuid,
    pub name: String,
    /// SHA-256 of the whole token, hexadecimal.
    pub hash: String,
    pub scopes: Vec<Scope>,
    /// Limited to these sites; `None`: all.
    pub sites: Option<Vec<SiteId>>,
    pub made_at: i64,
    pub expires_at: Option<i64>,
}
