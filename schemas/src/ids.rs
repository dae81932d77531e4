//! Names that must not be mixed up, each its own type.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// Why a text is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: {rule}")]
pub struct InvalidName {
    pub what: &'static str,
    pub text: String,
    pub rule: &'static str,
}

fn checked(
    what: &'static str,
    text: &str,
    most: usize,
    rule: &'static str,
    ok: fn(u8) -> bool,
) -> Result<Box<str>, InvalidName> {
    let bytes = text.as_bytes();
    let fits =
        !bytes.is_empty() && bytes.len() <= most && bytes[0].is_ascii_alphanumeric() && bytes.iter().all(|b| ok(*b));
    if fits { Ok(text.into()) } else { Err(InvalidName { what, text: text.chars().take(80).collect(), rule }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $most:literal, $rule:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $type(Box<str>);

        impl $type {
            /// # Errors
            /// Where the text breaks the rule of this kind of name.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                checked($what, text, $most, $rule, $ok).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A web property, named like a host: `shop.example`.
    SiteId, "site", 253, "1 to 253 of a-z 0-9 . - _, beginning with a letter or digit",
    |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_')
);
name!(
    /// A service's slug in the catalogue or of the site's own: `chaport`, `rocket-chat`, `gvl.755`.
    ServiceId, "service", 64, "1 to 64 of a-z 0-9 . - _, beginning with a letter or digit",
    |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_')
);

macro_rules! uuid_name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(#[serde(with = "crate::record::uuid_text")] pub Uuid);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_name!(
    /// The pseudonymous random id that a banner keeps in its consent cookie.
    SubjectId
);
uuid_name!(
    /// An event's id, chosen by its sender.
    EventId
);

/// A version of a site's settings, counted from 1 in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct ConfigVersion(pub i64);

/// The index of a leaf in its ledger, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct LeafIndex(pub u64);
