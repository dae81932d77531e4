//! Step 4: visitors' clocks are wrong. Where `sent_at` differs from the time of arrival by more than the tolerance, the
//! difference is added to `occurred_at`, and both times are kept. Then the event must be recent enough, and not ahead.
//!
//! An import carries times that somebody recorded long ago: they are taken as they are.

use std::sync::Arc;

use avow_schemas::fate::{RejectCode, Rejection};
use avow_schemas::settings::SiteVersion;

use super::site::Known;
use crate::decode::{Fields, Name};
use crate::sender::Sender;

/// 2000-01-01: no consent banner is older.
const OLDEST_IMPORT: i64 = 946_684_800_000;

/// What times are taken, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRules {
    pub tolerance_ms: i64,
    pub max_age_ms: i64,
    pub max_ahead_ms: i64,
}

/// An event's times, in milliseconds since 1970, and the settings that were in force when it happened.
#[derive(Debug, Clone)]
pub struct Times {
    pub occurred_at: i64,
    /// As sent, where the clock was corrected.
    pub claimed: Option<i64>,
    pub sent_at: Option<i64>,
    pub in_force: Arc<SiteVersion>,
}

/// Corrects and checks the event's times.
///
/// # Errors
/// `missing_field`, `invalid_value`, `too_old`, `in_the_future`.
pub fn corrected(
    rules: &ClockRules,
    fields: &Fields<'_>,
    sender: &Sender,
    known: &Known<'_>,
) -> Result<Times, Rejection> {
    let field = fields.field(Name::OccurredAt);
    let claimed = field.time()?.ok_or_else(|| field.missing())?;
    let sent_at = fields.field(Name::SentAt).time()?;
    let off_by = sent_at.map_or(0, |sent_at| sender.received_at - sent_at);
    let wrong = off_by.abs() > rules.tolerance_ms && !sender.import;
    let occurred_at = if wrong { claimed + off_by } else { claimed };
    if occurred_at - sender.received_at > rules.max_ahead_ms {
        return Err(Rejection::new(
            RejectCode::InTheFuture,
            "/occurred_at is in the future, its clock corrected by /sent_at",
        ));
    }
    let (oldest, detail) = if sender.import {
        (OLDEST_IMPORT, "/occurred_at is before the year 2000")
    } else {
        (sender.received_at - rules.max_age_ms, "/occurred_at is too long ago; an administrator's token may import it")
    };
    if occurred_at < oldest {
        return Err(Rejection::new(RejectCode::TooOld, detail));
    }
    let in_force = Arc::clone(known.history.at(occurred_at));
    Ok(Times { occurred_at, claimed: wrong.then_some(claimed), sent_at, in_force })
}
