//! What an operator may set: the section `[webhooks]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Allowed;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Addresses that begin with `http://` are taken; without it those of this machine alone.
    pub allow_http: bool,
    /// Messages go to addresses of private networks and of this machine.
    pub allow_private: bool,
    /// The pauses before the second attempt, the third, and so on; after the last one the message has failed.
    pub retry_seconds: Vec<u64>,
    /// How long a receiver may take to answer, in seconds.
    pub timeout_seconds: u64,
    /// Messages under way at once.
    pub at_once: usize,
    /// Messages under way to one webhook at once.
    pub at_once_each: usize,
    /// Where people reach this installation, for links in messages; by default the address that this process listens on.
    pub public_url: Option<String>,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_private: false,
            // As the specification recommends.
            retry_seconds: vec![
                5,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                24 * HOUR,
            ],
            timeout_seconds: 15,
            at_once: 64,
            at_once_each: 4,
            public_url: None,
        }
    }
}

impl WebhooksConfig {
    /// The pause after so many attempts; none where it was the last.
    pub fn pause_after(&self, attempts: u32) -> Option<Duration> {
        let place = usize::try_from(attempts).ok()?.checked_sub(1)?;
        self.retry_seconds.get(place).copied().map(Duration::from_secs)
    }

    /// To which addresses messages may go.
    pub const fn allowed(&self) -> Allowed {
        Allowed { http: self.allow_http, private: self.allow_private }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let config = WebhooksConfig::default();
        let pauses: Vec<Duration> = (1..).map_while(|attempts| config.pause_after(attempts)).collect();
        assert_eq!(pauses.len(), 9);
        assert!(pauses.is_sorted());
        assert_eq!(config.pause_after(0), None);
    }
}
