//! What an operator may set, section `[ingest]`. Every key has a default; an unknown key is an error.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::decode::MOST_EVENTS;
use crate::steps::clock::ClockRules;

/// A setting that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ingest.{key}: {reason}")]
pub struct ConfigError {
    pub key: &'static str,
    pub reason: String,
}

/// How much of one site is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaConfig {
    pub events_per_second: NonZeroU32,
    /// So many may come at once after a pause.
    pub burst: NonZeroU32,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        const fn number(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self { events_per_second: number(1_000), burst: number(5_000) }
    }
}

/// The section `[ingest]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// `on` or `off` (or `true`, `false`): whether sites are metered.
    #[serde(deserialize_with = "on_or_off")]
    pub quotas: bool,
    /// For sites whose settings have no `quotas` of their own.
    pub default_quota: QuotaConfig,
    /// Of a body, decompressed or not.
    pub max_body_bytes: usize,
    /// Of a body.
    pub max_events: usize,
    /// A header in which the operator's own proxy puts the visitor's country. Anybody can send it where no proxy
    /// overwrites it.
    pub country_header: Option<String>,
    /// A database in MaxMind's format.
    pub country_database: Option<PathBuf>,
    /// How many proxies stand before this server and add to `X-Forwarded-For`; 0: the header is not looked at.
    pub trusted_proxies: usize,
    /// Older events are refused, imports aside.
    pub max_age_days: u32,
    /// Events further in the future are refused.
    pub max_ahead_seconds: u32,
    /// Clocks that are wrong by no more than this are left alone.
    pub clock_tolerance_seconds: u32,
    /// A body that has not arrived by then is given up.
    pub body_timeout_ms: u64,
    /// The log's answer is awaited no longer.
    pub append_timeout_ms: u64,
    /// Requests worked on at once; more are answered 503.
    pub max_in_flight: usize,
    /// Bytes of bodies held at once; more are answered 503.
    pub max_bytes_in_flight: usize,
    /// Refused events written to `consent.rejected`, a second; the others are only counted.
    pub refusals_per_second: NonZeroU32,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            quotas: true,
            default_quota: QuotaConfig::default(),
            max_body_bytes: 1 << 20,
            max_events: 500,
            country_header: None,
            country_database: None,
            trusted_proxies: 0,
            max_age_days: 30,
            max_ahead_seconds: 5 * 60,
            clock_tolerance_seconds: 60,
            body_timeout_ms: 10_000,
            append_timeout_ms: 10_000,
            max_in_flight: 4_096,
            max_bytes_in_flight: 256 << 20,
            refusals_per_second: NonZeroU32::MIN.saturating_add(99),
        }
    }
}

impl IngestConfig {
    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// The first key whose value cannot be followed.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, reason: String| Err(ConfigError { key, reason });
        if !(1..=MOST_EVENTS).contains(&self.max_events) {
            return bad("max_events", format!("must be 1 to {MOST_EVENTS}"));
        }
        // The semaphore that counts these bytes has 32 bits a request.
        if !(1_024..=1 << 30).contains(&self.max_body_bytes) {
            return bad("max_body_bytes", "must be 1 KiB to 1 GiB".into());
        }
        if self.max_in_flight == 0 || self.max_bytes_in_flight < self.max_body_bytes {
            return bad("max_bytes_in_flight", "must hold at least one body".into());
        }
        Ok(())
    }

    pub(crate) fn clock(&self) -> ClockRules {
        ClockRules {
            tolerance_ms: i64::from(self.clock_tolerance_seconds) * 1_000,
            max_age_ms: i64::from(self.max_age_days) * 24 * 60 * 60 * 1_000,
            max_ahead_ms: i64::from(self.max_ahead_seconds) * 1_000,
        }
    }

    pub(crate) const fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    pub(crate) const fn append_timeout(&self) -> Duration {
        Duration::from_millis(self.append_timeout_ms)
    }
}

fn on_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Flag(bool),
        Word(String),
    }
    match Switch::deserialize(deserializer)? {
        Switch::Flag(flag) => Ok(flag),
        Switch::Word(word) => match word.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(serde::de::Error::custom("quotas must be on or off")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_contracts_and_unknown_keys_are_errors() {
        let read = |json: serde_json::Value| serde_json::from_value::<IngestConfig>(json);
        let config = read(serde_json::json!({ "quotas": "off", "default_quota": { "burst": 7 } })).unwrap();
        assert!(!config.quotas && config.default_quota.burst.get() == 7);
        assert_eq!((config.max_events, config.max_body_bytes, config.max_age_days), (500, 1_048_576, 30));
        assert_eq!(
            config.clock(),
            ClockRules { tolerance_ms: 60_000, max_age_ms: 2_592_000_000, max_ahead_ms: 300_000 }
        );
        assert!(config.check().is_ok());
        for bad in [serde_json::json!({ "quota": true }), serde_json::json!({ "quotas": "perhaps" })] {
            assert!(read(bad).is_err());
        }
        assert!(read(serde_json::json!({ "max_events": 0 })).unwrap().check().is_err());
    }
}
