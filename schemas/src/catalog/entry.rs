//! The form of one catalogue file, field by field. `schemas/json/catalog-entry.schema.json` says the same to everybody
//! who does not read Rust; a test holds the two together. Unknown keys are errors: a typo must not hide a fact.
//!
//! A fact that nobody could establish is not guessed and not left out in silence: its field is absent and its name
//! stands under [`Service::unknown`]. Serialised again, an absent field is `null`: all keys are always there.

use serde::{Deserialize, Serialize};

use super::codes::{
    CookieType, DpiaAdvice, EprivacyRule, Evidence, GdprBasis, Level, Match, OutsideEea, RecipientKind, RoleKind,
    Storage, When,
};
use super::lifetime::Lifetime;
use super::text::Text;
use super::{CatalogError, validate};
use crate::ids::ServiceId;

/// One service, as its file says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// For editors: where the JSON Schema lies. Not used.
    #[serde(rename = "$schema", default, skip_serializing)]
    pub schema: Option<String>,
    /// The service's identifier, `^[a-z0-9][a-z0-9._-]{0,63}$`; the file is `<slug>.json`.
    pub slug: ServiceId,
    /// Slugs that it had before; an event that names one of them is about this service.
    #[serde(default)]
    pub formerly: Vec<ServiceId>,
    /// The name as the vendor writes it.
    pub name: String,
    /// Code of the group of like services, such as `customer-support`.
    pub group: String,
    /// Codes, such as `website`.
    pub tags: Vec<String>,
    /// Category by default: `necessary`, `preferences`, `statistics`, `marketing`, or an operator's own code.
    pub category: String,
    /// What it might be taken for, where names collide.
    #[serde(default)]
    pub disambiguation: Option<Text>,
    /// One sentence.
    pub summary: Text,
    /// What the service does for the site and the visitor.
    pub what_it_does: Text,
    /// By which means it recognises a visitor.
    pub how_it_tracks: Tracking,
    /// What is collected.
    pub data_collected: Vec<DataItem>,
    /// Who is what under the GDPR.
    pub role: Role,
    /// On what the processing rests.
    pub legal_basis: LegalBasis,
    /// Whether storing and reading in the browser needs consent, for the service as a whole.
    pub eprivacy: EprivacyRule,
    /// Why so.
    pub eprivacy_note: Text,
    /// The overall risk for visitors.
    pub risk_level: Level,
    /// Why so.
    pub risk_note: Text,
    /// Laws to be looked at.
    pub regulations: Vec<Regulation>,
    /// When an impact assessment is due.
    pub dpia: Dpia,
    /// Risk of special-category data (Art. 9 GDPR).
    pub special_category_risk: SpecialCategoryRisk,
    /// Who operates it. May be unknown.
    #[serde(default)]
    pub operator: Option<Operator>,
    /// Where the data are stored. May be unknown.
    #[serde(default)]
    pub server_location: Option<ServerLocation>,
    /// Transfers to third countries and their safeguards (Chapter V GDPR). May be unknown.
    #[serde(default)]
    pub transfers: Option<Transfers>,
    /// Recipients and sub-processors. May be unknown.
    #[serde(default)]
    pub recipients: Option<Vec<Recipient>>,
    /// How long data are kept. May be unknown.
    #[serde(default)]
    pub retention: Option<Text>,
    /// What has to be deleted when consent is withdrawn.
    pub deletion_on_withdrawal: Text,
    /// Hosts that the script talks to, lower case; each stands for everything below it. May be unknown.
    #[serde(default)]
    pub domains: Option<Vec<String>>,
    /// Cookies and web-storage entries; an empty list says that it is known to set none. May be unknown.
    #[serde(default)]
    pub cookies: Option<Vec<Cookie>>,
    /// Sample text for the banner, in the site's voice.
    pub consent_text: Text,
    /// Steps to deploy it compliantly, in order.
    pub deployment: Vec<Text>,
    /// What a site could use instead.
    pub alternatives: Vec<Alternative>,
    /// Slugs of like services.
    pub related: Vec<ServiceId>,
    /// Questions that operators ask.
    pub faq: Vec<Faq>,
    /// The vendor's privacy policy. May be unknown.
    #[serde(default)]
    pub policy_url: Option<String>,
    /// Where the facts come from.
    pub sources: Vec<Source>,
    /// The day on which they were last compared with the sources, `YYYY-MM-DD`.
    pub checked_on: jiff::civil::Date,
    /// Names of the fields above that could not be established.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Its number in the IAB Global Vendor List, by which TC strings name it.
    #[serde(default)]
    pub iab_vendor: Option<u16>,
    /// Of that list's purposes (1 to 24), those for which it asks consent. May be unknown; empty if it asks consent for none.
    #[serde(default)]
    pub iab_purposes: Option<Vec<u16>>,
}

impl Service {
    /// Reads one entry and checks everything that can be checked without the others.
    ///
    /// # Errors
    /// Names the file and the field.
    pub fn parse(file: &str, json: &str) -> Result<Self, CatalogError> {
        let mut input = serde_json::Deserializer::from_str(json);
        let service: Self = serde_path_to_error::deserialize(&mut input).map_err(|error| CatalogError {
            file: file.to_owned(),
            field: error.path().to_string(),
            reason: error.inner().to_string(),
        })?;
        input.end().map_err(|error| CatalogError {
            file: file.to_owned(),
            field: ".".to_owned(),
            reason: error.to_string(),
        })?;
        validate::entry(file, &service)?;
        validate::stated(file, &service)?;
        Ok(service)
    }

    /// Reads an operator's own entry or an imported one: what it may leave out is put in as not stated ([`super::brief`]).
    /// `today` is when it was checked, unless it says so itself.
    ///
    /// # Errors
    /// Names the slug and the field.
    pub fn parse_brief(entry: serde_json::Value, today: jiff::civil::Date) -> Result<Self, CatalogError> {
        let slug = entry.get("slug").and_then(serde_json::Value::as_str).unwrap_or("entry").to_owned();
        let whole = super::brief::completed(entry, today);
        let service: Self = serde_path_to_error::deserialize(whole).map_err(|error| CatalogError {
            file: slug.clone(),
            field: error.path().to_string(),
            reason: error.inner().to_string(),
        })?;
        validate::entry(&slug, &service)?;
        Ok(service)
    }

    /// Code of the category by default.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The name of the file that holds this entry.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.json", self.slug)
    }
}

/// Means of recognising a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// Codes, such as `javascript_widget` or `persistent_cookies`.
    pub techniques: Vec<String>,
    /// The same in words.
    pub text: Text,
}

/// One kind of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataItem {
    /// Code, such as `ip_address`.
    pub code: String,
    /// When it is collected.
    pub when: When,
    /// The same in words.
    pub text: Text,
}

/// Who is what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The vendor.
    pub vendor: RoleKind,
    /// The site that embeds the service.
    pub site: RoleKind,
    /// What follows from it.
    pub note: Text,
}

/// The legal basis under the GDPR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// The basis to go by.
    pub gdpr_basis: GdprBasis,
    /// Its citation, such as `Art. 6(1)(a) GDPR`.
    pub article: String,
    /// For what it holds.
    pub note: Text,
    /// Other bases for parts of the processing.
    #[serde(default)]
    pub others: Vec<OtherBasis>,
}

/// A basis that holds for a part of the processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherBasis {
    /// The basis.
    pub gdpr_basis: GdprBasis,
    /// Its citation.
    pub article: String,
    /// For which part, under which conditions.
    pub note: Text,
}

/// A law to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regulation {
    /// Code, such as `gdpr`.
    pub code: String,
    /// Its usual name.
    pub name: Text,
}

/// Impact assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dpia {
    /// Whether to expect one.
    pub advice: DpiaAdvice,
    /// In words.
    pub note: Text,
    /// Situations that call for one.
    pub triggers: Vec<Text>,
}

/// Risk of special-category data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialCategoryRisk {
    /// How likely.
    pub level: Level,
    /// Why, and what to do.
    pub note: Text,
}

/// The company behind the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-2 code. May be unknown (`operator.country`).
    #[serde(default)]
    pub country: Option<String>,
    /// What to know about it.
    #[serde(default)]
    pub note: Option<Text>,
}

/// Where data are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerLocation {
    /// ISO 3166-1 alpha-2 codes, `EU`, or `self` for the site's own servers.
    pub regions: Vec<String>,
    /// In words.
    pub note: Text,
}

/// Transfers to third countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfers {
    /// Whether there are any.
    pub outside_eea: OutsideEea,
    /// Codes: `adequacy_decision`, `standard_contractual_clauses`, ...
    pub safeguards: Vec<String>,
    /// In words.
    pub note: Text,
}

/// Somebody who receives data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// What it is.
    pub kind: RecipientKind,
    /// Its name, if it has one.
    #[serde(default)]
    pub name: Option<String>,
    /// For what it receives data.
    pub text: Text,
}

/// A cookie or web-storage entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Its name, or the pattern of its names.
    pub name: String,
    /// How to compare the name.
    #[serde(rename = "match")]
    pub matching: Match,
    /// Where it is kept.
    pub storage: Storage,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: CookieType,
    /// How long it lives.
    pub duration: Lifetime,
    /// What it is for.
    pub purpose: Text,
    /// Whether it needs consent.
    pub eprivacy: EprivacyRule,
    /// Who says so.
    pub evidence: Evidence,
}

/// What a site could use instead: another service, or something without one (a help page, a form).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Slug of another entry; absent for an alternative that is no service.
    #[serde(default)]
    pub slug: Option<ServiceId>,
    /// Whether it does without cookies.
    pub cookieless: bool,
    /// Why it is one.
    pub text: Text,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faq {
    /// The question.
    pub question: Text,
    /// The answer.
    pub answer: Text,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The title, in the language of the source.
    pub title: String,
    /// The address.
    pub url: String,
}
