//! What becomes of an event. Each event has exactly one fate, visible to its sender and counted for the operator.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::letter::DeadLetter;

/// Why an event was refused: the closed list of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    Malformed,
    MissingField,
    InvalidValue,
    UnknownSite,
    OriginNotAllowed,
    TooOld,
    InTheFuture,
    TooLarge,
    QuotaExceeded,
}

impl RejectCode {
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::MissingField,
        Self::InvalidValue,
        Self::UnknownSite,
        Self::OriginNotAllowed,
        Self::TooOld,
        Self::InTheFuture,
        Self::TooLarge,
        Self::QuotaExceeded,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::MissingField => "missing_field",
            Self::InvalidValue => "invalid_value",
            Self::UnknownSite => "unknown_site",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::TooOld => "too_old",
            Self::InTheFuture => "in_the_future",
            Self::TooLarge => "too_large",
            Self::QuotaExceeded => "quota_exceeded",
        }
    }

    /// Whether a refusal is written to `consent.rejected`. What anybody can cause without knowing a site is only counted,
    /// so that a flood of it fills nothing.
    pub const fn is_logged(self) -> bool {
        !matches!(self, Self::Malformed | Self::UnknownSite | Self::OriginNotAllowed | Self::QuotaExceeded)
    }
}

/// A refusal: the reason and, for the sender, what exactly. `detail` never repeats personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Rejection {
    pub code: RejectCode,
    pub detail: String,
}

impl Rejection {
    pub fn new(code: RejectCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A line of `consent.rejected` (JSON): a refused event by ingest, a dead letter by the processor, or the api's note that a
/// dead letter was sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RejectedRecord {
    /// Ingest refused the event. Personal data (subject, page, view, signals) is not in it.
    Refused { at_ms: i64, site: String, id: Option<String>, code: RejectCode, detail: String },
    /// The processor could not decode or apply a record of the log.
    DeadLetter(DeadLetter),
    /// The dead letter of this record was sent to `consent.events` again.
    Replayed { at_ms: i64, log_id: Uuid, partition: u32, position: u64 },
}
