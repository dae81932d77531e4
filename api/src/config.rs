//! What an operator may set of this role: the section `[api]`.

use std::num::NonZeroU32;

use avow_control::SessionLimits;
use avow_warehouse::query::Limits;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Up to how many decisions in scope `visitors` is counted exactly; beyond, it is estimated and said to be.
    pub exact_visitors_up_to: u64,
    /// How many rows an answer may have, all pages together.
    pub max_rows: usize,
    /// How many questions the warehouse works on at once; more wait.
    pub concurrent_queries: usize,
    /// How many requests a minute one token or person may make; 0: as many as it likes.
    pub requests_per_minute: u32,
    /// How long a finished export is kept, in days.
    pub keep_exports_days: u32,
    /// How many live streams may be open at once.
    pub live_streams: usize,
    /// How often the books are looked at for `/metrics`, in seconds, at most; 0: never. Over large tables it is less often.
    pub books_seconds: u64,
    /// How long a session may lie idle, in seconds. Its use is noted in steps of a twelfth of that.
    pub session_idle_seconds: u32,
    /// How long a session lasts in all, in seconds.
    pub session_seconds: u32,
    /// How often the password of one e-mail address may be tried at once; then one more every half minute.
    pub sign_in_attempts: NonZeroU32,
}

impl ApiConfig {
    /// How far a question may go.
    pub(crate) const fn limits(&self) -> Limits {
        Limits { exact_visitors: self.exact_visitors_up_to, rows: self.max_rows }
    }

    /// How long a finished export is kept, in milliseconds.
    pub(crate) fn keep_exports_ms(&self) -> i64 {
        i64::from(self.keep_exports_days) * 86_400_000
    }

    pub(crate) fn session_limits(&self) -> SessionLimits {
        let ms = |seconds: u32| i64::from(seconds) * 1000;
        SessionLimits { idle: ms(self.session_idle_seconds), absolute: ms(self.session_seconds) }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            exact_visitors_up_to: 20_000_000,
            max_rows: 1_000_000,
            concurrent_queries: 8,
            requests_per_minute: 1_200,
            keep_exports_days: 30,
            live_streams: 500,
            books_seconds: 60,
            session_idle_seconds: 12 * 3600,
            session_seconds: 7 * 86_400,
            sign_in_attempts: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
        }
    }
}
