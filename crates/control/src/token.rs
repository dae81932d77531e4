//! Tokens: `avow_<id>_<secret>`, id a UUID in 32 hexadecimal digits, secret 32 random bytes in hexadecimal. Kept is the
//! SHA-256 of the whole.

use std::sync::Arc;

use avow_schemas::control::{Scope, TokenRecord};
use avow_schemas::ids::SiteId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

const PREFIX: &str = "avow_";

/// Who is calling, and what they may.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's id, or nil for the bootstrap token.
    pub id: Uuid,
    pub name: Arc<str>,
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
        Self { id: Uuid::nil(), name: "bootstrap".into(), scopes: Scope::ALL.into(), sites: None }
    }

    pub(crate) fn of(record: &TokenRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.as_str().into(),
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

/// A fresh token's text and its id.
///
/// # Errors
/// Where the system has no randomness.
pub(crate) fn fresh() -> Result<(Uuid, String), getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let id = Uuid::now_v7();
    Ok((id, format!("{PREFIX}{}_{}", id.simple(), hex(&secret))))
}

/// The id in a token's text, if it has a token's form.
pub(crate) fn id_of(token: &str) -> Option<Uuid> {
    Uuid::try_parse(token.strip_prefix(PREFIX)?.split_once('_')?.0).ok()
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
        let (id, token) = fresh().unwrap();
        assert_eq!(id_of(&token), Some(id));
        assert_eq!(hash(&token).len(), 64);
        for other in ["", "avow_", "avow_zz_x", "Bearer", "avow_0199f0a26f0b7c319d5e0d6f2c1f9a10"] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }
}
