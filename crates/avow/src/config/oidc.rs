//! `[oidc]`: a provider of identities (OpenID Connect) at which people sign in, beside their passwords. Off without `issuer`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Secret;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// The provider: its address up to `/.well-known/openid-configuration`.
    pub issuer: Option<String>,
    /// As whom this installation is registered there, as a confidential web client.
    pub client_id: String,
    pub client_secret: Secret,
    /// What is asked for, with spaces between.
    pub scopes: String,
    /// What the button says; by default the issuer's host.
    pub name: Option<String>,
    /// The claim that says whether the e-mail address is verified.
    pub verified_claim: String,
    /// The claim that holds somebody's groups.
    pub role_claim: Option<String>,
    /// What a group is here: `{"avow-admins" = "admin"}`. Whoever is in one is made a person at their first sign-in; without any,
    /// who signs in must have been invited.
    pub roles: BTreeMap<String, GroupRole>,
}

/// What a group is here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GroupRole {
    /// A role, for all sites.
    Role(String),
    /// A role for these sites.
    Limited(LimitedRole),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitedRole {
    pub role: String,
    pub sites: Vec<String>,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            client_secret: Secret::default(),
            scopes: "openid email profile".into(),
            name: None,
            verified_claim: "email_verified".into(),
            role_claim: None,
            roles: BTreeMap::new(),
        }
    }
}
