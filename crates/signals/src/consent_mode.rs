//! Google Consent Mode, version 2: `granted` or `denied` by consent type.

use std::collections::BTreeMap;

use avow_schemas::category::{MARKETING, PREFERENCES, STATISTICS};

use crate::Answer;
use crate::finding::{Finding, compared, worst};

/// The category of a consent type; none of `security_storage`, and of types that are not known.
fn category(consent_type: &str) -> Option<&'static str> {
    match consent_type {
        "ad_storage" | "ad_user_data" | "ad_personalization" => Some(MARKETING),
        "analytics_storage" => Some(STATISTICS),
        "functionality_storage" | "personalization_storage" => Some(PREFERENCES),
        _ => None,
    }
}

/// None where nothing was sent.
pub(crate) fn finding(modes: &BTreeMap<String, String>, answer: &Answer<'_>) -> Option<Finding> {
    let one = |(name, mode): (&String, &String)| match (mode.as_str(), category(name)) {
        ("granted", Some(category)) => compared(true, answer.category(category)),
        ("denied", Some(category)) => compared(false, answer.category(category)),
        ("granted" | "denied", None) => Finding::Incomparable,
        _ => Finding::Unreadable,
    };
    (!modes.is_empty()).then(|| worst(modes.iter().map(one)))
}
