//! The fields of ISO/IEC TS 27560:2023 that a record lacks, by the standard's names.

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

/// A set of them: a bit for each, the mandatory ones first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Missing(u32);

const _: () = assert!(MANDATORY.len() + OPTIONAL.len() <= 32);

impl Missing {
    pub(super) fn note(&mut self, field: &'static str) {
        let at = MANDATORY.iter().chain(OPTIONAL).position(|known| *known == field);
        debug_assert!(at.is_some(), "{field}");
        self.0 |= at.map_or(0, |at| 1 << at);
    }

    pub(super) fn note_unless(&mut self, present: bool, field: &'static str) {
        if !present {
            self.note(field);
        }
    }

    pub(super) const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// By name.
    pub(super) fn list(self) -> Vec<Value> {
        let all = MANDATORY.iter().chain(OPTIONAL).enumerate();
        let mut names: Vec<&str> = all.filter(|(at, _)| self.0 >> at & 1 == 1).map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.into_iter().map(Value::from).collect()
    }

    pub(super) const fn nothing_mandatory(self) -> bool {
        self.0.trailing_zeros() as usize >= MANDATORY.len()
    }
}
