//! What `consent.control` holds of people: who may sign in, their credentials, their sessions, invitations that wait, and
//! the links by which a view is shared. Whatever opens something is kept as a hash.
//!
//! What administrators say of a person and what the person does are under two keys: a change of one never writes over a
//! change of the other that another process makes at the same time.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::control::Scope;
use crate::event::code;
use crate::ids::SiteId;

code!(
    /// What a person is here for.
    Role {
        Analyst = "analyst", Auditor = "auditor", Admin = "admin",
    }
);

impl Role {
    /// What the role may do.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Analyst => &[Scope::StatsRead],
            Self::Auditor => &[Scope::StatsRead, Scope::AuditRead, Scope::AuditExport],
            Self::Admin => Scope::ALL,
        }
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    pub id: Uuid,
    pub name: String,
    /// In lower case. Of two persons with one address the one made first counts.
    pub email: String,
    pub role: Role,
    /// Limited to these sites; `None`: all.
    pub sites: Option<Vec<SiteId>>,
    /// ms since 1970.
    pub made_at: i64,
    /// May not sign in since then, in ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<i64>,
}

impl PersonRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("person/{}", self.id)
    }

    /// Whether this person administers the whole installation.
    pub fn is_whole_admin(&self) -> bool {
        self.role == Role::Admin && self.sites.is_none() && self.disabled_at.is_none()
    }
}

/// With what a person signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    pub person: Uuid,
    /// Argon2id, as a PHC string; `None`: none yet, or taken away.
    pub password: Option<String>,
    /// Of the sessions those of this number are open: a higher one ends all before.
    pub epoch: u64,
    /// ms since 1970.
    pub made_at: i64,
}

impl Credential {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("credential/{}", self.person)
    }
}

/// Whom a provider of identities (OpenID Connect) says that a person is. A key of its own: it never writes over a password that
/// another process changes at the same time. Of two that one issuer has for one person the one made first counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRecord {
    pub person: Uuid,
    /// The provider's `iss`, and its `sub` for them.
    pub issuer: String,
    pub subject: String,
    /// ms since 1970.
    pub made_at: i64,
}

impl IdentityRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        identity_key(&self.issuer, &self.subject)
    }
}

/// Under which key it stands who an issuer's subject is: SHA-256(issuer || 0x00 || subject), in hexadecimal.
pub fn identity_key(issuer: &str, subject: &str) -> String {
    let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize();
    format!("identity/{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A session: the browser has the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    pub id: Uuid,
    pub person: Uuid,
    /// SHA-256 of the cookie's value, hexadecimal.
    pub hash: String,
    /// The credential's when it began.
    pub epoch: u64,
    /// ms since 1970.
    pub made_at: i64,
}

impl SessionRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("session/{}", self.id)
    }
}

/// When a session was last noted to be used. Under a key of its own: who notes it does not bring back a session that ends
/// meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRecord {
    pub session: Uuid,
    /// ms since 1970.
    pub at: i64,
}

impl SeenRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("seen/{}", self.session)
    }
}

/// An invitation: whoever has the secret sets the person's password, once. A person has one at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRecord {
    pub person: Uuid,
    /// SHA-256 of the secret, hexadecimal.
    pub hash: String,
    /// The person or token that asked.
    pub by: Uuid,
    /// ms since 1970.
    pub made_at: i64,
    /// ms since 1970.
    pub expires_at: i64,
    /// The redemption that was first in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed: Option<Uuid>,
}

impl InvitationRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("invitation/{}", self.person)
    }
}

/// A link that shows one view to whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRecord {
    pub id: Uuid,
    pub name: String,
    /// The view's path with its query string.
    pub path: String,
    /// The sites in the view; `None`: all that its creator may see.
    pub sites: Option<Vec<SiteId>>,
    pub period: SharedPeriod,
    /// SHA-256 of the secret, hexadecimal.
    pub hash: String,
    /// The person or token that made it; with their access it ends.
    pub by: Uuid,
    /// ms since 1970.
    pub made_at: i64,
    /// ms since 1970.
    pub expires_at: i64,
}

impl ShareRecord {
    /// Its key in the topic.
    pub fn key(&self) -> String {
        format!("share/{}", self.id)
    }
}

/// Of which days a shared view may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedPeriod {
    /// From the first to the last, both included (`2026-11-24`).
    Days(String, String),
    /// This many days, the last one being today.
    Last(u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ControlValue;

    #[test]
    fn a_role_has_what_the_roles_below_it_have() {
        let has = |role: Role, scope: Scope| role.scopes().contains(&scope);
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].scopes().iter().all(|scope| has(pair[1], *scope)), "{pair:?}");
        }
        assert!(!has(Role::Auditor, Scope::SubjectsErase) && Role::Admin.scopes() == Scope::ALL);
    }

    #[test]
    fn what_is_kept_of_people_is_read_back_as_it_was_written() {
        let id = Uuid::from_u128(7);
        let values = [
            ControlValue::Person(PersonRecord {
                id,
                name: "Ada".into(),
                email: "ada@example.org".into(),
                role: Role::Auditor,
                sites: None,
                made_at: 1,
                disabled_at: None,
            }),
            ControlValue::Credential(Credential { person: id, password: None, epoch: 2, made_at: 1 }),
            ControlValue::Identity(IdentityRecord {
                person: id,
                issuer: "https://id.example.org".into(),
                subject: "4711".into(),
                made_at: 1,
            }),
            ControlValue::Share(ShareRecord {
                id,
                name: "November".into(),
                path: "/?site=shop.example".into(),
                sites: Some(vec![SiteId::new("shop.example").unwrap()]),
                period: SharedPeriod::Last(28),
                hash: "00".into(),
                by: id,
                made_at: 1,
                expires_at: 2,
            }),
        ];
        for value in values {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<ControlValue>(&text).unwrap(), value, "{text}");
        }
    }
}
