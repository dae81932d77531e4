//! The service catalogue: what consent is given *to*.
//!
//! One JSON file per service lies in `schemas/catalog/`; its form is fixed by `schemas/json/catalog-entry.schema.json`
//! and explained in `schemas/catalog/README.md`. The files are embedded at build time, parsed and checked once, and
//! then read by everybody who has to turn `chaport` into a name, a category, a cookie table or a consent text.
//! Operators' own entries and imports have the same form, of which they may leave most out ([`Service::parse_brief`]); they are
//! laid over the shipped ones ([`Catalog::with`]).

mod brief;
mod codes;
mod entry;
mod lifetime;
mod localized;
mod matching;
#[cfg(test)]
mod tests;
mod text;
mod validate;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub use codes::{
    CookieType, DpiaAdvice, EprivacyRule, Evidence, GdprBasis, Level, Match, OutsideEea, RecipientKind, RoleKind,
    Storage, When,
};
pub use entry::{
    Alternative, Cookie, DataItem, Dpia, Faq, LegalBasis, Operator, OtherBasis, Recipient, Regulation, Role,
    ServerLocation, Service, Source, SpecialCategoryRisk, Tracking, Transfers,
};
pub use lifetime::Lifetime;
pub use text::{FALLBACK_LANGUAGE, LANGUAGES, Text};
pub use validate::{is_cookie_name, is_url};

use crate::ids::ServiceId;

/// Why an entry, or the catalogue as a whole, was not taken. The message names the file and the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {field}: {reason}")]
pub struct CatalogError {
    /// The file's name, such as `chaport.json`; for entries from elsewhere whatever the caller passed as name.
    pub file: String,
    /// Path of the field within the file, such as `cookies[1].purpose`; `.` is the whole file.
    pub field: String,
    /// What is wrong, in one sentence.
    pub reason: String,
}

/// Lists the embedded files. A new service is one more word here; a test compares the list with the folder.
macro_rules! embedded {
    ($($slug:literal),* $(,)?) => {
        &[$((concat!($slug, ".json"), include_str!(concat!("../catalog/", $slug, ".json")))),*]
    };
}

/// File name and text of every entry that ships with Avow.
const EMBEDDED: &[(&str, &str)] = embedded![
    "11sight",
    "42chat",
    "8x8",
    "acquire-live-chat",
    "activengage",
    "ada",
    "chaport",
    "chatwoot",
    "crisp",
    "flowconsent",
    "rocket-chat",
    "userlike",
];

#[expect(
    clippy::expect_used,
    reason = "the bytes are part of the binary; `builtin_is_valid` parses the very same ones"
)]
static BUILTIN: LazyLock<Arc<Catalog>> =
    LazyLock::new(|| Arc::new(Catalog::parse(EMBEDDED.iter().copied()).expect("the embedded catalogue is valid")));

/// All known services, by slug.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    services: BTreeMap<ServiceId, Arc<Service>>,
    /// Former slugs, each with today's.
    formerly: BTreeMap<ServiceId, ServiceId>,
}

impl Catalog {
    /// The catalogue that ships with Avow, parsed and checked at the first call.
    #[must_use]
    pub fn builtin() -> &'static Arc<Self> {
        &BUILTIN
    }

    /// This catalogue with an operator's entries laid over it: one of the same slug takes the place of what was there. What an
    /// entry says of another that is not there any more is left as it stands.
    #[must_use]
    pub fn with(&self, entries: impl IntoIterator<Item = Arc<Service>>) -> Self {
        let mut services = self.services.clone();
        services.extend(entries.into_iter().map(|entry| (entry.slug.clone(), entry)));
        let formerly = services.values().flat_map(|service| service.formerly.iter().map(|slug| (slug, &service.slug)));
        let free = formerly.filter(|(slug, _)| !services.contains_key(*slug));
        let formerly = free.map(|(former, slug)| (former.clone(), slug.clone())).collect();
        Self { services, formerly }
    }

    /// Whether what an entry says of others exists here.
    ///
    /// # Errors
    /// Names the field that points nowhere.
    pub fn refers(&self, entry: &Service) -> Result<(), CatalogError> {
        validate::references_of(self, entry)
    }

    /// Reads entries given as (file name, JSON text) and checks them, each alone and all together.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and field.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, CatalogError> {
        files
            .into_iter()
            .map(|(file, json)| Service::parse(file, json))
            .collect::<Result<Vec<_>, _>>()
            .and_then(Self::from_services)
    }

    /// Puts entries together: slugs are unique, former ones too, and every alternative and related service exists.
    ///
    /// # Errors
    /// Names the entry (`<slug>.json`) and the field that points nowhere.
    pub fn from_services(entries: impl IntoIterator<Item = Service>) -> Result<Self, CatalogError> {
        let mut services = BTreeMap::new();
        for entry in entries {
            let (slug, file) = (entry.slug.clone(), entry.file_name());
            if services.insert(slug.clone(), Arc::new(entry)).is_some() {
                return Err(CatalogError {
                    file,
                    field: "slug".to_owned(),
                    reason: format!("`{slug}` is there twice"),
                });
            }
        }
        let formerly = validate::former_slugs(&services)?;
        let catalog = Self { services, formerly };
        validate::references(&catalog)?;
        Ok(catalog)
    }

    /// The entry that has this slug or had it formerly.
    #[must_use]
    pub fn get(&self, slug: &str) -> Option<&Service> {
        self.services.get(slug).or_else(|| self.services.get(self.formerly.get(slug)?)).map(Arc::as_ref)
    }

    /// All entries in the order of their slugs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Service> {
        self.services.values().map(Arc::as_ref)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is no entry at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The whole entry in one language, as a JSON object, or nothing if the slug is unknown.
    ///
    /// `language` is a BCP 47 tag, of which the primary part counts (`fr-CA` reads as `fr`); what is not translated
    /// comes in English and is listed under `fallbacks`. The object has the keys of [`Service`], in that order, each
    /// exactly once and always there, after `language` and `fallbacks`:
    ///
    /// - every [`Text`] is one string; codes, names, addresses and cookie names are as in the file;
    /// - an unknown fact is `null`, an unknown list `[]`; `unknown` names both;
    /// - `cookies[].duration` is in words, with the file's code beside it as `duration_code`;
    /// - `alternatives[]` has `name` beside `slug` (both `null` for an alternative that is no service);
    /// - `related[]` is `{slug, name}`.
    #[must_use]
    pub fn localized(&self, slug: &str, language: &str) -> Option<serde_json::Value> {
        self.get(slug).map(|service| localized::localize(self, service, language))
    }

    /// Slugs of the services that set a cookie of this name, in slug order. Names are case-sensitive (RFC 6265).
    #[must_use]
    pub fn match_cookie(&self, name: &str) -> Vec<&ServiceId> {
        self.iter().filter(|s| s.cookie(name).is_some()).map(|s| &s.slug).collect()
    }

    /// Slugs of the services that this host belongs to (the listed domain or anything below it), in slug order.
    #[must_use]
    pub fn match_domain(&self, host: &str) -> Vec<&ServiceId> {
        self.iter().filter(|s| s.owns_domain(host)).map(|s| &s.slug).collect()
    }
}
