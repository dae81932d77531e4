//! The terms of the Data Privacy Vocabulary that records use, and how codes of ours map onto them.
//!
//! DPV 2.3 (W3C Data Privacy Vocabularies and Controls Community Group, <https://w3id.org/dpv/2.3>) with its extensions
//! PD (personal data), LOC (locations) and EU-GDPR; the fields follow the group's guide "Consent Records and Receipts as
//! per ISO/IEC TS 27560:2023 using DPV" (15 February 2026). A test compares every term below and in the context with
//! `tests/dpv-2.3-terms.txt`, a list of what the vocabulary defines.

use avow_schemas::catalog::{GdprBasis, RecipientKind, RoleKind};

/// The version of DPV.
pub const VERSION: &str = "2.3";

/// The profile by which a record is to be read: TS 27560 `schema_version`.
pub const PROFILE: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// The purposes of DPV 2.3, module `purposes`: what an operator may name as a purpose's type.
const PURPOSES: &str = include_str!("purposes.txt");

/// Codes of LOC for places larger than a country's part: ISO 3166-1 alpha-2, EU, EEA.
const LOCATIONS: &str = include_str!("locations.txt");

/// A purpose type as an operator writes it (`dpv:Marketing`, `Marketing`, or the whole IRI), if DPV has it.
#[must_use]
pub fn purpose(written: &str) -> Option<String> {
    let written = written.trim();
    let name = ["https://w3id.org/dpv#", "dpv:"].iter().find_map(|prefix| written.strip_prefix(prefix));
    let name = name.unwrap_or(written);
    PURPOSES.split_whitespace().any(|known| known == name).then(|| format!("dpv:{name}"))
}

/// The purpose type that a service's group or, failing that, its category stands for. `None` for categories of a site's
/// own, of which nobody but the site knows what they are for.
#[must_use]
pub fn purpose_of_service(group: Option<&str>, category: &str) -> Option<&'static str> {
    Some(match (group, category) {
        (Some("customer-support"), _) => "dpv:CommunicationForCustomerCare",
        (Some("consent-management"), _) => "dpv:LegalCompliance",
        (_, "preferences") => "dpv:ServicePersonalisation",
        (_, "statistics") => "dpv:ServiceUsageAnalytics",
        (_, "marketing") => "dpv:Marketing",
        (_, "necessary") => "dpv:ServiceProvision",
        _ => return None,
    })
}

/// A legal basis as an operator writes it: a code (`consent`), a citation (`Art. 6(1)(a) GDPR`), or a term.
#[must_use]
pub fn legal_basis(written: &str) -> Option<&'static str> {
    let lower = written.trim().to_lowercase();
    if let Some(letter) = lower.split("6(1)(").nth(1).and_then(|rest| rest.chars().next()) {
        return article_6(letter);
    }
    match lower.trim_start_matches("dpv:").replace([' ', '-'], "_").as_str() {
        "consent" | "eu_gdpr:a6_1_a" => article_6('a'),
        "contract" | "eu_gdpr:a6_1_b" => article_6('b'),
        "legal_obligation" | "eu_gdpr:a6_1_c" => article_6('c'),
        "vital_interest" | "vital_interests" | "eu_gdpr:a6_1_d" => article_6('d'),
        "public_task" | "public_interest" | "eu_gdpr:a6_1_e" => article_6('e'),
        "legitimate_interest" | "legitimate_interests" | "eu_gdpr:a6_1_f" => article_6('f'),
        "explicit_consent" | "eu_gdpr:a9_2_a" => Some("eu-gdpr:A9-2-a"),
        _ => None,
    }
}

const fn article_6(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a' => "eu-gdpr:A6-1-a",
        'b' => "eu-gdpr:A6-1-b",
        'c' => "eu-gdpr:A6-1-c",
        'd' => "eu-gdpr:A6-1-d",
        'e' => "eu-gdpr:A6-1-e",
        'f' => "eu-gdpr:A6-1-f",
        _ => return None,
    })
}

/// The legal basis of a catalogue entry.
#[must_use]
pub const fn gdpr_basis(basis: GdprBasis) -> &'static str {
    match basis {
        GdprBasis::Consent => "eu-gdpr:A6-1-a",
        GdprBasis::Contract => "eu-gdpr:A6-1-b",
        GdprBasis::LegalObligation => "eu-gdpr:A6-1-c",
        GdprBasis::VitalInterests => "eu-gdpr:A6-1-d",
        GdprBasis::PublicTask => "eu-gdpr:A6-1-e",
        GdprBasis::LegitimateInterest => "eu-gdpr:A6-1-f",
        GdprBasis::Unknown => "dpv:LegalBasis",
    }
}

/// The category of PD for a kind of data in the catalogue's or the operator's code; where PD has none that fits, DPV's
/// root, `dpv:PersonalData`.
#[must_use]
pub fn personal_data(code: &str) -> &'static str {
    match code {
        "ip_address" => "pd:IPAddress",
        "user_agent" => "pd:UserAgent",
        "visitor_id" => "pd:UID",
        "chat_content" => "pd:Communication",
        "page_context" => "pd:BrowsingBehaviour",
        "contact_details" => "pd:Contact",
        "phone" => "pd:TelephoneNumber",
        "email" => "pd:EmailAddress",
        "name" => "pd:Name",
        "location" => "pd:Location",
        "consent_choice" => "pd:PrivacyPreference",
        _ => "dpv:PersonalData",
    }
}

/// The basis of a transfer to a third country (GDPR Chapter V) for the catalogue's code of a safeguard.
#[must_use]
pub fn safeguard(code: &str) -> Option<&'static str> {
    Some(match code {
        "adequacy_decision" => "eu-gdpr:AdequacyDecision",
        "standard_contractual_clauses" => "eu-gdpr:SCCByCommission",
        "binding_corporate_rules" => "eu-gdpr:A46-2-b",
        _ => return None,
    })
}

/// A place by its code (`EU`, `FR`), if LOC has it.
#[must_use]
pub fn location(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    LOCATIONS.split_whitespace().any(|known| known == code).then(|| format!("loc:{code}"))
}

/// What a recipient is; the vendor is what its role under the GDPR makes it.
#[must_use]
pub const fn recipient(kind: RecipientKind, vendor: RoleKind) -> &'static str {
    match kind {
        RecipientKind::Site => "dpv:DataController",
        RecipientKind::Vendor => role(vendor),
        RecipientKind::SubProcessor => "dpv:DataSubProcessor",
        RecipientKind::Integration => "dpv:ThirdParty",
    }
}

/// A role under the GDPR (Art. 4(7), 4(8), 26). A joint controller is one of a `dpv:JointDataControllers` group.
#[must_use]
pub const fn role(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Controller | RoleKind::JointController => "dpv:DataController",
        RoleKind::Processor => "dpv:DataProcessor",
        RoleKind::Unknown => "dpv:Recipient",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_or_not_invented() {
        for written in ["dpv:Marketing", "Marketing", "https://w3id.org/dpv#Marketing", " Marketing "] {
            assert_eq!(purpose(written).as_deref(), Some("dpv:Marketing"));
        }
        assert_eq!(purpose("dpv:Chatting"), None);
        for written in ["consent", "Art. 6(1)(a) GDPR", "art. 6(1)(A)", "eu-gdpr:A6-1-a"] {
            assert_eq!(legal_basis(written), Some("eu-gdpr:A6-1-a"), "{written}");
        }
        assert_eq!(legal_basis("Art. 6(1)(z)"), None);
        assert_eq!(legal_basis("because"), None);
        assert_eq!(location("eu").as_deref(), Some("loc:EU"));
        assert_eq!(location("Atlantis"), None);
    }
}
