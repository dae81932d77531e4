//! `/api/v1/banners`: what visitors were shown, addressed by the hash of its canonical JSON, and the evidence kept beside it.

pub mod blob;
pub mod get;
pub mod list;
pub mod put;

use std::collections::BTreeMap;

use avow_control::{Banner, BannerVersion, Caller};
use avow_schemas::banner::Evidence;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::moment;
use crate::problem::Problem;
use crate::sites::list::may_read;

/// A banner artefact in short.
#[derive(Serialize, ToSchema)]
pub struct BannerLine {
    pub site: String,
    /// `sha256:<hex>` of the artefact's canonical JSON (RFC 8785).
    pub text_hash: String,
    /// BCP 47.
    #[schema(value_type = String)]
    pub language: Value,
    #[schema(value_type = Option<String>)]
    pub version: Value,
    #[schema(value_type = Option<String>)]
    pub variant: Value,
    /// The services that it names.
    #[schema(value_type = Vec<String>)]
    pub services: Value,
    /// When it was first put, RFC 3339.
    pub known_from: String,
    #[serde(flatten)]
    pub evidence: Kept,
}

/// What is kept beside an artefact.
#[derive(Serialize, ToSchema)]
pub struct Kept {
    /// `sha256:<hex>` of the code that collected the consent.
    pub code_hash: Option<String>,
    /// `sha256:<hex>` of the banner as it was rendered.
    pub html_hash: Option<String>,
    /// `sha256:<hex>` by `mobile` and `desktop`.
    pub screenshots: BTreeMap<String, String>,
}

/// What was kept beside an artefact from a moment on.
#[derive(Serialize, ToSchema)]
pub struct KeptVersion {
    /// RFC 3339.
    pub made_at: String,
    #[serde(flatten)]
    pub evidence: Kept,
}

impl Kept {
    fn of(evidence: &Evidence) -> Self {
        let screenshots = evidence.screenshots.iter().map(|(screen, hash)| (screen.as_str().to_owned(), hash.clone()));
        Self {
            code_hash: evidence.code_hash.clone(),
            html_hash: evidence.html_hash.clone(),
            screenshots: screenshots.collect(),
        }
    }
}

impl KeptVersion {
    fn of(version: &BannerVersion) -> Self {
        Self { made_at: moment::written(version.made_at), evidence: Kept::of(&version.evidence) }
    }
}

impl BannerLine {
    fn of(banner: &Banner) -> Self {
        let field = |name: &str| banner.artefact.get(name).cloned();
        Self {
            site: banner.site.to_string(),
            text_hash: banner.text_hash.clone(),
            language: field("language").unwrap_or_default(),
            version: field("version").unwrap_or_default(),
            variant: field("variant").unwrap_or_default(),
            services: field("services").unwrap_or_else(|| Value::Array(Vec::new())),
            known_from: moment::written(banner.known_from()),
            evidence: Kept::of(&banner.current().evidence),
        }
    }
}

/// Whoever may know which sites there are may know what these show.
///
/// # Errors
/// 403 for everybody else, and for another site than the token is for.
fn may_read_of(caller: &Caller, site: &str) -> Result<(), Problem> {
    may_read(caller)?;
    if caller.may_see(site) {
        return Ok(());
    }
    Err(Problem::forbidden("site_forbidden", format!("the token is not for the site {site:?}")))
}

/// What is asked for was never put.
fn unknown(site: &str, text_hash: &str) -> Problem {
    Problem::not_found("unknown_banner", format!("{site} has no banner artefact {text_hash:?}"))
}
