//! What `consent.control` holds: sites, tokens, people, banners, attachments, writers' schemas, webhooks, as JSON values under keys. The topic is compacted; a key that
//! must keep its history carries a UUID v7 (a site's versions), a key that is one thing carries that thing's id.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alert::AlertRuleRecord;
use crate::banner::Evidence;
use crate::catalog::Service;
use crate::event::code;
use crate::ids::{ServiceId, SiteId};
use crate::people::{
    Credential, IdentityRecord, InvitationRecord, PersonRecord, SeenRecord, SessionRecord, ShareRecord,
};
use crate::record::{Framing, SCHEMA_V1, SchemaRef, fingerprint};
use crate::rights::{Erasure, Mark};
use crate::settings::SiteSettings;
use crate::webhook::{ReportRecord, WebhookRecord};

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
    Site {
        site: SiteId,
        made_at: i64,
        settings: SiteSettings,
    },
    /// Key `token/<id>`: a token; an empty value deletes it.
    Token(TokenRecord),
    /// Key `banner/<site>/<sha256>/<uuid v7>`: a banner artefact by its address, `sha256:<hex>`, and what is kept beside it;
    /// another one of the same address when that has changed.
    Banner {
        site: SiteId,
        hash: String,
        artefact: serde_json::Value,
        made_at: i64,
        #[serde(flatten)]
        evidence: Evidence,
    },
    /// Key `service/<slug>/<uuid v7>`: an operator's own entry of the catalogue as it is from then on; none: what the operator said
    /// of the service holds no more, and what is shipped does.
    Service {
        slug: ServiceId,
        made_at: i64,
        /// Where it comes from, such as `operator` or `gvl`.
        origin: String,
        entry: Option<Box<Service>>,
    },
    /// Key `attachment/<site>/<sha256>`: a document of a third party that goes into the site's exports; an empty value deletes
    /// it.
    Attachment(Attachment),
    /// Key `schema/<fingerprint>` or `schema/<fingerprint>/<registry id>`: a schema with which records of `consent.events`
    /// are written.
    Schema(WriterSchema),
    /// Key `ledger-key/<public key>`: a key with which checkpoints are signed.
    LedgerKey(LedgerKey),
    MlDsaKey(MlDsaKey),
    /// Key `erasure/<site>/<id>`: a subject was erased.
    Erasure(Erasure),
    /// Key `hold/<site>/<digest>`: a subject may not be erased.
    Hold(Mark),
    /// Key `restriction/<site>/<digest>`: a subject's events are kept and not used.
    Restriction(Mark),
    /// Key `person/<id>`: somebody who may sign in; an empty value removes them, as it does with those that follow.
    Person(PersonRecord),
    /// Key `credential/<person>`: with what.
    Credential(Credential),
    /// Key `identity/<SHA-256 of issuer and subject>`: as whom a provider of identities knows them.
    Identity(IdentityRecord),
    /// Key `session/<id>`: who has.
    Session(SessionRecord),
    /// Key `seen/<session>`: when a session was last used.
    Seen(SeenRecord),
    /// Key `invitation/<person>`: who is asked to choose a password.
    Invitation(InvitationRecord),
    /// Key `share/<id>`: a view for whoever has the link.
    Share(ShareRecord),
    /// Key `webhook/<id>`: where messages go; an empty value deletes it.
    Webhook(WebhookRecord),
    /// Key `alert-rule/<rule>/<site or *>`: thresholds; an empty value brings the defaults back.
    AlertRule(AlertRuleRecord),
    /// Key `report/<id>`: a report that is made again and again; an empty value deletes it.
    Report(ReportRecord),
}

/// A document of a third party, such as an audit report. Its bytes lie in the warehouse under their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub site: SiteId,
    /// `sha256:<hex>` of its bytes.
    pub hash: String,
    pub title: String,
    /// Who wrote it.
    pub issuer: String,
    /// Its date, `2026-11-24`.
    pub date: String,
    /// `application/pdf`, `text/html`, `text/plain`.
    pub media_type: String,
    pub size_bytes: u64,
    /// When it was put, milliseconds since 1970.
    pub made_at: i64,
}

impl Attachment {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("attachment/{}/{}", self.site, self.hash.trim_start_matches("sha256:"))
    }

    /// The name of its file in a bundle.
    pub fn file(&self) -> String {
        let extension = match self.media_type.as_str() {
            "application/pdf" => "pdf",
            "text/html" => "html",
            _ => "txt",
        };
        format!("attachments/{}.{extension}", self.hash.trim_start_matches("sha256:"))
    }
}

/// A key with which the ledgers' checkpoints are signed, published before its first signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerKey {
    /// The origin of the operator log; those of the others begin with it.
    pub origin: String,
    /// Ed25519, 32 bytes in hexadecimal.
    pub public_key: String,
    pub made_at: i64,
    /// With which the key before it hands over: a note that both have signed (`avow_ledger::key_change`). The first key
    /// has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl LedgerKey {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("ledger-key/{}", self.public_key)
    }
}

/// A key with which the operator log's checkpoints are signed besides, published before its first signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MlDsaKey {
    /// ML-DSA-44, named as the operator log: a verifier key (C2SP signed-note).
    pub vkey: String,
    pub made_at: i64,
}

impl MlDsaKey {
    /// Its key in the topic: up to the id, without the public key.
    pub fn key(&self) -> String {
        format!("ml-dsa-key/{}", self.vkey.rsplit_once('+').map_or(self.vkey.as_str(), |(id, _)| id))
    }
}

/// A writer's schema, published before its first record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterSchema {
    /// CRC-64-AVRO in hexadecimal, as it stands in a record's header.
    pub fingerprint: String,
    /// Avro's JSON.
    pub schema: String,
    /// Its id in the schema registry, where the writer cites that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_id: Option<u32>,
    pub made_at: i64,
}

impl WriterSchema {
    /// This version's, as a process that frames so writes it.
    pub fn own(framing: Framing, made_at: i64) -> Self {
        let registry_id = match framing {
            Framing::SingleObject => None,
            Framing::Registered(id) => Some(id),
        };
        Self { fingerprint: hex(fingerprint()), schema: SCHEMA_V1.into(), registry_id, made_at }
    }

    /// Its key in the topic.
    pub fn key(&self) -> String {
        match self.registry_id {
            None => format!("schema/{}", self.fingerprint),
            Some(id) => format!("schema/{}/{id}", self.fingerprint),
        }
    }

    /// Whether a record that cites so was written with it.
    pub fn is(&self, cited: SchemaRef) -> bool {
        match cited {
            SchemaRef::Fingerprint(fingerprint) => self.fingerprint == hex(fingerprint),
            SchemaRef::Id(id) => self.registry_id == Some(id),
        }
    }
}

fn hex(fingerprint: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(fingerprint))
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
