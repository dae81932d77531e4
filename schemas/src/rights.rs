//! What single persons' rights leave in `consent.control`: erasures (Art. 17 GDPR), legal holds (Art. 17(3)(e)) and
//! restrictions (Art. 18). None of them names the subject: it carries a salted hash, so that whoever knows the subject finds
//! it, and nobody reads a subject out of it. So nothing in that topic has to be forgotten later.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::SiteId;
use crate::record::{ControlKind, ControlRecord, derived_id};

/// What a hash of a subject begins with; the version of this way of hashing.
pub const DOMAIN: &str = "avow/subject/1";

/// A subject of a site, hashed: SHA-256([`DOMAIN`] || salt as it is written || site || 0x00 || the subject's 16
/// bytes). Both in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HashedSubject {
    /// 16 random bytes. Records of one site share it as far as they can, so that one pass over the subjects finds them all.
    pub salt: String,
    pub digest: String,
}

impl HashedSubject {
    pub fn of(salt: &str, site: &str, subject: Uuid) -> Self {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(salt);
        hash.update(site);
        hash.update([0]);
        hash.update(subject.as_bytes());
        let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { salt: salt.to_owned(), digest }
    }

    /// Whether it is this subject.
    pub fn is(&self, site: &str, subject: Uuid) -> bool {
        Self::of(&self.salt, site, subject).digest == self.digest
    }
}

/// A subject's erasure: durable before its tombstone is in the log, kept for ever, applied again to what a backup brings
/// back. It takes the subject's events that lie before the tombstone in the log, and those received before it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Random: what the tombstone says of it.
    pub id: Uuid,
    pub site: SiteId,
    #[serde(flatten)]
    pub subject: HashedSubject,
    /// Why, in the operator's words.
    pub reason: String,
    /// The token that asked.
    pub by: Uuid,
    /// ms since 1970.
    pub made_at: i64,
}

/// What a tombstone's leaf commits to. It names nobody: without `consent.control` nothing leads from it to a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub erasure: Uuid,
    /// ms since 1970.
    pub made_at: i64,
}

impl Erasure {
    /// Its key in the control topic.
    pub fn key(&self) -> String {
        format!("erasure/{}/{}", self.site, self.id)
    }

    /// The body of its tombstone: canonical JSON (RFC 8785).
    pub fn body(&self) -> String {
        // Keys in order, no whitespace, a UUID and an integer below 2^53: it is canonical as it stands.
        format!(r#"{{"erasure":"{}","made_at":{}}}"#, self.id, self.made_at)
    }

    /// Its tombstone under a key of the log: written twice it is a repeat.
    pub fn tombstone(&self, key: &str) -> ControlRecord {
        ControlRecord {
            id: crate::ids::EventId(derived_id(&format!("tombstone/{key}/{}", self.id))),
            site: self.site.clone(),
            kind: ControlKind::Tombstone,
            version: 0,
            made_at: self.made_at,
            body: self.body(),
        }
    }
}

/// A legal hold or a restriction of a subject. One that has ended stays, and says by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub site: SiteId,
    #[serde(flatten)]
    pub subject: HashedSubject,
    /// Why, in the operator's words.
    pub reason: String,
    /// It ends by itself then, in ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// The token that asked.
    pub by: Uuid,
    /// ms since 1970.
    pub made_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// Who ended it, and when (ms since 1970).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub by: Uuid,
    pub at: i64,
}

impl Mark {
    /// Its key in the control topic, under `hold` or `restriction`.
    pub fn key(&self, kind: &str) -> String {
        format!("{kind}/{}/{}", self.site, self.subject.digest)
    }

    /// Whether it holds at a moment, in ms since 1970.
    pub fn is_in_force(&self, at: i64) -> bool {
        self.ended.is_none() && self.until.is_none_or(|until| until > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_is_canonical_and_names_nobody() {
        let subject = Uuid::from_u128(0x5b0c_6a5e_6a0c_4e0e_a8f2_7a0f_5f6d_1c22);
        let site = SiteId::new("shop.example").unwrap();
        let erasure = Erasure {
            id: Uuid::from_u128(7),
            subject: HashedSubject::of("00ff", site.as_str(), subject),
            site,
            reason: "asked".into(),
            by: Uuid::nil(),
            made_at: 1_700_000_000_000,
        };
        let canonical =
            serde_json_canonicalizer::to_string(&Tombstone { erasure: erasure.id, made_at: erasure.made_at });
        assert_eq!(erasure.body(), canonical.unwrap());
        assert!(erasure.subject.is("shop.example", subject) && !erasure.subject.is("other.example", subject));
        let kept = serde_json::to_string(&erasure).unwrap();
        assert!(!kept.contains(&subject.to_string()) && !kept.contains(&subject.simple().to_string()));
        assert_eq!(serde_json::from_str::<Erasure>(&kept).unwrap(), erasure);
    }

    #[test]
    fn a_mark_ends_when_it_is_ended_or_by_itself() {
        let subject = HashedSubject { salt: "00".into(), digest: "ff".into() };
        let site = SiteId::new("shop.example").unwrap();
        let mark =
            Mark { site, subject, reason: String::new(), until: Some(10), by: Uuid::nil(), made_at: 0, ended: None };
        assert!(mark.is_in_force(9) && !mark.is_in_force(10));
        assert!(!Mark { ended: Some(Ended { by: Uuid::nil(), at: 5 }), ..mark }.is_in_force(9));
    }
}
