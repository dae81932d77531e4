//! The fields of ISO/IEC TS 27560:2023 that a record lacks, by the standard's names.

use std::collections::BTreeSet;

use serde_json::Value;

/// Mandatory fields of the standard that settings, catalogue or event may fail to state.
pub const MANDATORY: &[&str] = &[
    "entity_id",
    "event_state",
    "event_time",
    "jurisdiction",
    "language",
    "party_address",
    "party_contact",
    "party_name",
    "pii_controllers",
    "pii_principal_id",
    "pii_type",
    "privacy_notice",
    "purpose",
    "recipient_third_parties",
    "retention_period",
    "storage_locations",
    "withdrawal_method",
];

/// Optional ones.
pub const OPTIONAL: &[&str] = &[
    "authority_party",
    "collection_method",
    "geographic_restrictions",
    "lawful_basis",
    "processing_locations",
    "processing_method",
    "purpose_type",
];

/// A set of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing(BTreeSet<&'static str>);

impl Missing {
    pub(super) fn note(&mut self, field: &'static str) {
        debug_assert!(MANDATORY.contains(&field) || OPTIONAL.contains(&field), "{field}");
        self.0.insert(field);
    }

    pub(super) fn note_unless(&mut self, present: bool, field: &'static str) {
        if !present {
            self.note(field);
        }
    }

    pub(super) fn add(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    pub(super) fn list(&self) -> Vec<Value> {
        self.0.iter().map(|field| Value::from(*field)).collect()
    }

    pub(super) fn nothing_mandatory(&self) -> bool {
        !MANDATORY.iter().any(|field| self.0.contains(field))
    }
}
