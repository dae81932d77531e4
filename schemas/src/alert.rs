//! Alerts: the rules by which they open and close, and the thresholds that an operator sets for a site or for all. What each
//! means, and why its default is as it is: `docs/alerts.md`.

use serde::{Deserialize, Serialize};

use crate::event::code;
use crate::ids::SiteId;
use crate::settings::InvalidSettings;

code!(
    /// What is watched.
    Rule {
        ConsentRate = "consent_rate", BeforeConsent = "before_consent", IngestionSilent = "ingestion_silent",
        CheckpointLate = "checkpoint_late",
    }
);

/// The thresholds of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum RuleSettings {
    ConsentRate(ConsentRateRule),
    BeforeConsent(BeforeConsentRule),
    IngestionSilent(IngestionSilentRule),
    CheckpointLate(CheckpointLateRule),
}

/// The consent rate of a block of hours lies outside of what is usual for that block of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentRateRule {
    pub enabled: bool,
    /// Hours in a block: a divisor of 24.
    pub block_hours: u32,
    /// A block with fewer decisions says nothing.
    pub min_decisions: u64,
    /// The same blocks of so many weeks before are looked at ...
    pub weeks: u32,
    /// ... and at least so many of them must say something.
    pub min_weeks: u32,
    /// Half the band's width, in scaled median absolute deviations.
    pub band: f64,
}

/// A service was seen before consent was given to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeforeConsentRule {
    pub enabled: bool,
    /// Sightings in 24 hours, where there was none in the four weeks before.
    pub min_first: u64,
    /// Sightings in 24 hours, where there were some before.
    pub min_usual: u64,
    /// Half the band's width, in scaled median absolute deviations of the daily share.
    pub band: f64,
}

/// A site sends nothing, though it usually does at this time of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestionSilentRule {
    pub enabled: bool,
    /// None for so many minutes ...
    pub minutes: u32,
    /// ... on a site with more events a day than this.
    pub daily: u64,
    /// Or the silence is less probable than this, by what was usual.
    pub probability: f64,
    pub weeks: u32,
    pub min_weeks: u32,
}

/// Leaves wait for a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointLateRule {
    pub enabled: bool,
    /// For so many times the ledger's own period.
    pub periods: u32,
}

impl Default for ConsentRateRule {
    fn default() -> Self {
        Self { enabled: true, block_hours: 3, min_decisions: 100, weeks: 8, min_weeks: 4, band: 3.0 }
    }
}

impl Default for BeforeConsentRule {
    fn default() -> Self {
        Self { enabled: true, min_first: 1, min_usual: 20, band: 3.0 }
    }
}

impl Default for IngestionSilentRule {
    fn default() -> Self {
        Self { enabled: true, minutes: 120, daily: 1000, probability: 0.001, weeks: 8, min_weeks: 3 }
    }
}

impl Default for CheckpointLateRule {
    fn default() -> Self {
        Self { enabled: true, periods: 3 }
    }
}

/// Thresholds as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRuleRecord {
    /// `None`: for every site that has none of its own.
    pub site: Option<SiteId>,
    pub settings: RuleSettings,
    /// ms since 1970.
    pub made_at: i64,
}

impl AlertRuleRecord {
    /// Its key in the control topic.
    pub fn key(rule: Rule, site: Option<&str>) -> String {
        format!("alert-rule/{}/{}", rule.as_str(), site.unwrap_or("*"))
    }
}

const MOST_WEEKS: u32 = 26;

impl RuleSettings {
    /// A rule's thresholds where nothing was set.
    pub fn default_of(rule: Rule) -> Self {
        match rule {
            Rule::ConsentRate => Self::ConsentRate(ConsentRateRule::default()),
            Rule::BeforeConsent => Self::BeforeConsent(BeforeConsentRule::default()),
            Rule::IngestionSilent => Self::IngestionSilent(IngestionSilentRule::default()),
            Rule::CheckpointLate => Self::CheckpointLate(CheckpointLateRule::default()),
        }
    }

    pub const fn rule(&self) -> Rule {
        match self {
            Self::ConsentRate(_) => Rule::ConsentRate,
            Self::BeforeConsent(_) => Rule::BeforeConsent,
            Self::IngestionSilent(_) => Rule::IngestionSilent,
            Self::CheckpointLate(_) => Rule::CheckpointLate,
        }
    }

    pub const fn is_enabled(&self) -> bool {
        match self {
            Self::ConsentRate(rule) => rule.enabled,
            Self::BeforeConsent(rule) => rule.enabled,
            Self::IngestionSilent(rule) => rule.enabled,
            Self::CheckpointLate(rule) => rule.enabled,
        }
    }

    /// Checks what the types alone do not.
    ///
    /// # Errors
    /// The first threshold that is not as it must be.
    pub fn checked(self) -> Result<Self, InvalidSettings> {
        let must = |holds: bool, field: &str, problem: &str| {
            if holds { Ok(()) } else { Err(InvalidSettings { field: field.into(), problem: problem.into() }) }
        };
        let band = |band: f64| must((0.5..=20.0).contains(&band), "band", "must be 0.5 to 20");
        let weeks = |weeks: u32, least: u32| {
            must((1..=MOST_WEEKS).contains(&weeks), "weeks", "must be 1 to 26")?;
            must((1..=weeks).contains(&least), "min_weeks", "must be 1 to weeks")
        };
        match &self {
            Self::ConsentRate(rule) => {
                let divides = rule.block_hours > 0 && 24 % rule.block_hours == 0;
                must(divides, "block_hours", "must divide 24")?;
                must(rule.min_decisions > 0, "min_decisions", "must be at least 1")?;
                weeks(rule.weeks, rule.min_weeks)?;
                band(rule.band)?;
            }
            Self::BeforeConsent(rule) => {
                must(rule.min_first > 0, "min_first", "must be at least 1")?;
                must(rule.min_usual > 0, "min_usual", "must be at least 1")?;
                band(rule.band)?;
            }
            Self::IngestionSilent(rule) => {
                must((15..=10_080).contains(&rule.minutes), "minutes", "must be 15 to 10080")?;
                let is_one = rule.probability > 0.0 && rule.probability <= 0.5;
                must(is_one, "probability", "must be above 0 and at most 0.5")?;
                weeks(rule.weeks, rule.min_weeks)?;
            }
            Self::CheckpointLate(rule) => must((2..=1000).contains(&rule.periods), "periods", "must be 2 to 1000")?,
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_and_go_through_the_topic() {
        for rule in Rule::ALL {
            let settings = RuleSettings::default_of(*rule);
            assert_eq!(settings.rule(), *rule);
            let record = AlertRuleRecord { site: None, settings: settings.checked().unwrap(), made_at: 1 };
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<AlertRuleRecord>(&text).unwrap(), record, "{text}");
        }
        assert_eq!(AlertRuleRecord::key(Rule::ConsentRate, None), "alert-rule/consent_rate/*");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let seven = ConsentRateRule { block_hours: 7, ..ConsentRateRule::default() };
        assert_eq!(RuleSettings::ConsentRate(seven).checked().unwrap_err().field, "block_hours");
        let never = IngestionSilentRule { probability: f64::NAN, ..IngestionSilentRule::default() };
        assert_eq!(RuleSettings::IngestionSilent(never).checked().unwrap_err().field, "probability");
        assert!(serde_json::from_str::<ConsentRateRule>(r#"{"bands": 3}"#).is_err());
    }
}
