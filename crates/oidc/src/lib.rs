//! Sign-in by one OpenID Connect provider: the authorization code flow with PKCE, state and nonce (RFC 6749, RFC 7636, OpenID
//! Connect Core 1.0). A browser is sent to the provider with what [`Provider::begin`] makes; what it comes back with is checked by
//! [`Provider::resume`] and [`Provider::identify`]. Who that is here, and what they may, is not this crate's.
//!
//! The library that speaks the protocol is seen here only, and compiled with the feature `client` alone.

#[cfg(feature = "client")]
mod claims;
#[cfg(feature = "client")]
mod flow;
#[cfg(feature = "client")]
mod http;
#[cfg(feature = "client")]
mod provider;
mod settings;
#[cfg(not(feature = "client"))]
mod without;

#[cfg(feature = "client")]
pub use provider::Provider;
pub use settings::{InvalidSettings, Settings};
#[cfg(not(feature = "client"))]
pub use without::Provider;

/// How long somebody may take at the provider, in milliseconds.
pub const LASTS_MS: i64 = 10 * 60_000;

/// A sign-in that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser is to go.
    pub url: String,
    /// What the browser is to keep until it comes back, and nobody else: the value of a cookie.
    pub kept: String,
}

/// A sign-in that was begun here, by this browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where the reader was.
    pub path: String,
    nonce: String,
    verifier: String,
}

/// Who a provider says that somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider, and its name for them: together they say who it is, for ever (OpenID Connect Core, 5.7).
    pub issuer: String,
    pub subject: String,
    /// In lower case.
    pub email: Option<String>,
    /// Whether the provider has made sure that the address is theirs.
    pub email_verified: bool,
    pub name: Option<String>,
    /// What the claim of roles holds.
    pub groups: Vec<String>,
}

/// Why a sign-in does not go on. The texts are for the operator's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    #[error("the provider does not answer: {0}")]
    Unavailable(String),
    #[error("what came is of no sign-in that this browser has begun here: {0}")]
    NotBegun(&'static str),
    #[error("the provider's answer does not hold: {0}")]
    Refused(String),
}
