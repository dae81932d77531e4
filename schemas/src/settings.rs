//! A site's settings, as `PUT /api/v1/sites/{site}` takes them. Each change is a new version; a record cites the version
//! that was in force.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::code;
use crate::ids::{ConfigVersion, ServiceId, SiteId};

code!(
    /// What closing the banner without a choice means.
    DismissMeans { Refusal = "refusal", NoChoice = "no_choice" }
);
code!(
    /// Whether a controller decides alone (GDPR Art. 4(7)) or with others (Art. 26).
    ControllerRole { Sole = "sole", Joint = "joint" }
);
code!(
    /// Whether the beacon may look which services of the catalogue are on the page.
    ObserveMode { Off = "off", Audit = "audit", All = "all" }
);
code!(
    /// How a site's ledgers are named in public.
    LedgerName { Opaque = "opaque", Site = "site" }
);

/// Everything but `name` has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSettings {
    pub name: String,
    /// Exact (`https://shop.example`) or with one leading wildcard (`https://*.shop.example`). Empty: none is allowed
    /// that carries an `Origin`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Service -> category.
    #[serde(default)]
    pub services: BTreeMap<ServiceId, String>,
    /// IANA time zone.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Paths that may be kept, `*` for one segment: `/checkout`, `/product/*`.
    #[serde(default)]
    pub page_templates: Vec<String>,
    #[serde(default = "refusal")]
    pub dismiss_means: DismissMeans,
    /// Cells with fewer decisions are hidden from those without `audit:read`.
    #[serde(default = "five")]
    pub suppress_below: u32,
    #[serde(default)]
    pub validity_days: ValidityDays,
    #[serde(default)]
    pub retention: Retention,
    #[serde(default)]
    pub quotas: Quotas,
    #[serde(default)]
    pub controllers: Vec<Controller>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<Party>,
    /// By language.
    #[serde(default)]
    pub notice_url: BTreeMap<String, String>,
    #[serde(default)]
    pub jurisdictions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<Withdrawal>,
    #[serde(default)]
    pub purposes: Vec<Purpose>,
    #[serde(default)]
    pub ledger: LedgerSettings,
    #[serde(default, skip_serializing_if = "ObserveSettings::is_off")]
    pub observe: ObserveSettings,
}

fn utc() -> String {
    "UTC".into()
}
const fn refusal() -> DismissMeans {
    DismissMeans::Refusal
}
const fn five() -> u32 {
    5
}

/// How long a choice holds, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidityDays {
    pub granted: u32,
    pub refused: u32,
}

impl Default for ValidityDays {
    fn default() -> Self {
        Self { granted: 180, refused: 180 }
    }
}

/// How long events are kept, in months; none given: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    pub shown: Option<u32>,
    pub refused: Option<u32>,
    pub granted: Option<u32>,
}

/// What ingest takes of one site; none given: the server's own limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    pub events_per_second: Option<u32>,
    pub burst: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    pub name: String,
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub contact: String,
    #[serde(default)]
    pub dpo: String,
    #[serde(default = "sole")]
    pub role: ControllerRole,
}

const fn sole() -> ControllerRole {
    ControllerRole::Sole
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub name: String,
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub contact: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    pub method: String,
    #[serde(default)]
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    pub id: String,
    #[serde(default)]
    pub dpv: String,
    #[serde(default)]
    pub text: BTreeMap<String, String>,
    #[serde(default)]
    pub legal_basis: String,
    #[serde(default)]
    pub data: Vec<String>,
    #[serde(default)]
    pub sensitive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerSettings {
    /// Into how many keys of the log, and so ledgers, the site is split.
    pub shards: u32,
    pub name: LedgerName,
    /// When given, always kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<u32>,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { shards: 1, name: LedgerName::Opaque, checkpoint_seconds: None }
    }
}

/// Reading cookies is itself access to a visitor's device (EDPB Guidelines 2/2023), so it is off unless somebody answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObserveSettings {
    /// `audit`: in the operator's own test browser alone, by a signed switch. `all`: in every browser.
    pub mode: ObserveMode,
    /// On what observing visitors rests. `all` needs it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub legal_basis: String,
}

impl Default for ObserveSettings {
    fn default() -> Self {
        Self { mode: ObserveMode::Off, legal_basis: String::new() }
    }
}

impl ObserveSettings {
    fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

/// A version of a site's settings and since when it is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteVersion {
    pub site: SiteId,
    pub version: ConfigVersion,
    /// Milliseconds since 1970; strictly rising from version to version of a site.
    pub in_force_from: i64,
    pub settings: SiteSettings,
}

/// What is wrong with settings, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidSettings {
    pub field: String,
    pub problem: String,
}

impl SiteSettings {
    /// Settings with nothing but a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            origins: Vec::new(),
            services: BTreeMap::new(),
            timezone: utc(),
            page_templates: Vec::new(),
            dismiss_means: refusal(),
            suppress_below: five(),
            validity_days: ValidityDays::default(),
            retention: Retention::default(),
            quotas: Quotas::default(),
            controllers: Vec::new(),
            processor: None,
            notice_url: BTreeMap::new(),
            jurisdictions: Vec::new(),
            authority: None,
            withdrawal: None,
            purposes: Vec::new(),
            ledger: LedgerSettings::default(),
            observe: ObserveSettings::default(),
        }
    }

    /// Checks what the types alone do not, and brings category names into their canonical form.
    ///
    /// # Errors
    /// The first field that is not as it must be.
    pub fn checked(mut self) -> Result<Self, InvalidSettings> {
        let bad = |field: &str, problem: String| InvalidSettings { field: field.into(), problem };
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            return Err(bad("name", "must have 1 to 200 characters".into()));
        }
        for origin in &self.origins {
            check_origin(origin).map_err(|problem| bad("origins", format!("{origin:?} {problem}")))?;
        }
        for (service, category) in &mut self.services {
            let Some(canonical) = crate::category::canonical(category) else {
                return Err(bad("services", format!("{service}: {category:?} is no category name")));
            };
            *category = canonical.into_owned();
        }
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            return Err(bad("timezone", format!("{:?} is not a known IANA time zone", self.timezone)));
        }
        if let Some(template) = self.page_templates.iter().find(|t| !t.starts_with('/') || t.len() > 200) {
            return Err(bad(
                "page_templates",
                format!("{template:?} must begin with / and have at most 200 characters"),
            ));
        }
        if self.observe.mode == ObserveMode::All && self.observe.legal_basis.trim().is_empty() {
            let why = "must say on what observing visitors rests: names of cookies are read in their browsers";
            return Err(bad("observe.legal_basis", why.into()));
        }
        if !(1..=1024).contains(&self.ledger.shards) {
            return Err(bad("ledger.shards", "must be 1 to 1024".into()));
        }
        if self.ledger.checkpoint_seconds == Some(0) {
            return Err(bad("ledger.checkpoint_seconds", "must be at least 1".into()));
        }
        Ok(self)
    }

    /// The category that the settings give a service.
    pub fn category_of(&self, service: &str) -> Option<&str> {
        self.services.get(service).map(String::as_str)
    }
}

fn check_origin(origin: &str) -> Result<(), &'static str> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let Some(rest) = rest else { return Err("must begin with https:// or http://") };
    let host = rest.strip_prefix("*.").unwrap_or(rest);
    if host.is_empty() || host.contains(['/', '*', '?', '#', '@', ' ']) || host != host.to_ascii_lowercase() {
        return Err("must be scheme://host[:port] in lower case, with at most one leading *.");
    }
    Ok(())
}
