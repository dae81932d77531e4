//! Why nobody was signed in, as a code that the page explains in the reader's language. What the provider says stays in the log.

use avow_oidc::OidcError;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use crate::access::cookie;
use crate::problem::Problem;

/// Why nobody was signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The person or the provider has said no.
    Denied,
    /// Of no sign-in that this browser has begun within ten minutes.
    Expired,
    /// The provider does not answer.
    Unavailable,
    /// What the provider answers does not hold.
    Invalid,
    /// The e-mail address is missing or not verified.
    Unverified,
    /// Nobody was invited with this address.
    Unknown,
    /// The person may not sign in.
    Disabled,
    /// The provider knows the person by another account.
    OtherAccount,
    /// Too often.
    TooMany,
    /// The log does not take the session.
    Failed,
}

impl Refusal {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
            Self::Invalid => "invalid",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
            Self::OtherAccount => "other_account",
            Self::TooMany => "too_many",
            Self::Failed => "failed",
        }
    }
}

/// Said to the operator in the log.
impl From<OidcError> for Refusal {
    fn from(error: OidcError) -> Self {
        match &error {
            OidcError::Unavailable(_) => {
                tracing::warn!(%error, "api.oidc_unavailable");
                Self::Unavailable
            }
            OidcError::NotBegun(_) => {
                tracing::info!(%error, "api.oidc_not_begun");
                Self::Expired
            }
            OidcError::Refused(_) => {
                tracing::warn!(%error, "api.oidc_invalid");
                Self::Invalid
            }
        }
    }
}

/// Sends a browser to where it was, or to the beginning, with why nobody was signed in.
pub fn sent_back(parts: &Parts, path: &str, refusal: Refusal) -> Result<Response, Problem> {
    tracing::info!(code = refusal.code(), "api.oidc_refused");
    sent(parts, &format!("{path}#signin={}", refusal.code()), None)
}

/// Sends a browser to one of our own paths. It forgets the sign-in, or keeps the one that is given, for so many seconds.
pub fn sent(parts: &Parts, to: &str, kept: Option<(&str, i64)>) -> Result<Response, Problem> {
    let to = HeaderValue::from_str(to).map_err(|_| Problem::internal("the address cannot be written"))?;
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, to);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::SET_COOKIE, cookie::set_sign_in(parts, kept)?);
    Ok(response)
}
