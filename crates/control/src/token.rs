//! Secrets that open something, `<kind>_<id>_<secret>`: tokens (`avow`), sessions, invitations, shared views. The id is a UUID
//! in 32 hexadecimal digits, the secret 32 random bytes in hexadecimal. Kept is the SHA-256 of the whole. And who a caller is
//! who has one.

use std::sync::Arc;

use avow_schemas::control::{Scope, TokenRecord};
use avow_schemas::ids::SiteId;
use avow_schemas::people::{PersonRecord, Role, ShareRecord, SharedPeriod};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{ControlError, directory};

/// What the holder of the bootstrap token is called.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// What a secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    Token,
    Session,
    Invitation,
    Share,
}

impl Secret {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "avow_",
            Self::Session => "session_",
            Self::Invitation => "invitation_",
            Self::Share => "share_",
        }
    }
}

/// By what a caller came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Token,
    /// A person, in this session.
    Session {
        session: Uuid,
        role: Role,
    },
    /// A shared view: `id` is the link's, and questions are about these days.
    Share {
        period: SharedPeriod,
    },
}

/// Who is calling, and what they may.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The id of the person, the token (nil: the bootstrap token) or the shared view.
    pub id: Uuid,
    pub name: Arc<str>,
    pub entry: Entry,
    /// When this ends by itself, in ms since 1970.
    pub ends_at: Option<i64>,
    scopes: Arc<[Scope]>,
    sites: Option<Arc<[SiteId]>>,
}

/// The outcome of asking for a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Granted,
    ScopeMissing,
    SiteForbidden,
}

impl Caller {
    /// The holder of the bootstrap token: every scope, every site.
    pub(crate) fn bootstrap() -> Self {
        Self {
            id: Uuid::nil(),
            name: BOOTSTRAP.into(),
            entry: Entry::Token,
            ends_at: None,
            scopes: Scope::ALL.into(),
            sites: None,
        }
    }

    /// A person in a session.
    pub(crate) fn person(record: &PersonRecord, session: Uuid, ends_at: i64) -> Self {
        Self {
            id: record.id,
            name: record.name.as_str().into(),
            entry: Entry::Session { session, role: record.role },
            ends_at: Some(ends_at),
            scopes: record.role.scopes().into(),
            sites: record.sites.clone().map(Into::into),
        }
    }

    /// Whoever has the link of a shared view. `sites`: what the view and its creator's access have in common.
    pub(crate) fn share(record: &ShareRecord, sites: Option<Vec<SiteId>>) -> Self {
        Self {
            id: record.id,
            name: record.name.as_str().into(),
            entry: Entry::Share { period: record.period.clone() },
            ends_at: Some(record.expires_at),
            scopes: [Scope::StatsRead].into(),
            sites: sites.map(Into::into),
        }
    }

    pub(crate) fn of(record: &TokenRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.as_str().into(),
            entry: Entry::Token,
            ends_at: record.expires_at,
            scopes: record.scopes.clone().into(),
            sites: record.sites.clone().map(Into::into),
        }
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The sites the caller is limited to; `None`: all.
    pub fn sites(&self) -> Option<&[SiteId]> {
        self.sites.as_deref()
    }

    pub fn may_see(&self, site: &str) -> bool {
        self.sites.as_ref().is_none_or(|sites| sites.iter().any(|s| s.as_str() == site))
    }

    /// Whether the caller may ask about these days (`2026-11-24`), both included.
    pub fn may_ask_about(&self, from: &str, to: &str) -> bool {
        match &self.entry {
            Entry::Share { period } => directory::shows(period, (from, to), jiff::Timestamp::now()),
            Entry::Token | Entry::Session { .. } => true,
        }
    }

    /// Whether the caller may do this on that site (`None`: on no particular site).
    pub fn access(&self, scope: Scope, site: Option<&str>) -> Access {
        if !self.has(scope) {
            Access::ScopeMissing
        } else if site.is_some_and(|site| !self.may_see(site)) {
            Access::SiteForbidden
        } else {
            Access::Granted
        }
    }
}

/// A fresh secret that opens what has this id.
///
/// # Errors
/// Where the system has no randomness.
pub(crate) fn fresh(kind: Secret, id: Uuid) -> Result<String, ControlError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|e| ControlError::Randomness(e.to_string()))?;
    Ok(format!("{}{}_{}", kind.prefix(), id.simple(), hex(&secret)))
}

/// The id in a secret, if it has the form of its kind.
pub(crate) fn id_of(kind: Secret, secret: &str) -> Option<Uuid> {
    Uuid::try_parse(secret.strip_prefix(kind.prefix())?.split_once('_')?.0).ok()
}

pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_id_and_is_kept_as_a_hash() {
        let id = Uuid::now_v7();
        let token = fresh(Secret::Token, id).unwrap();
        assert_eq!(id_of(Secret::Token, &token), Some(id));
        assert_eq!(hash(&token).len(), 64);
        let session = fresh(Secret::Session, id).unwrap();
        assert_eq!((id_of(Secret::Session, &session), id_of(Secret::Token, &session)), (Some(id), None));
        for other in ["", "avow_", "avow_zz_x", "Bearer", "avow_0199f0a26f0b7c319d5e0d6f2c1f9a10"] {
            assert_eq!(id_of(Secret::Token, other), None, "{other}");
        }
    }
}
