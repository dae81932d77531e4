//! `/api/v1/subjects/{id}`: what one person has chosen, and had chosen at a moment; her data for herself by a token or a receipt (Art. 15
//! and 20 GDPR);
//! her erasure (Art. 17), what stands against it, and her restriction (Art. 18).

pub mod erase;
pub mod export;
pub mod get;
pub mod hold;
mod mark;
pub mod mine;
pub mod restrict;
mod state;

use avow_control::Caller;
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::Api;
use crate::access::require;
use crate::problem::Problem;

const LONGEST_REASON: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfSite {
    pub site: String,
}

/// The site of this name, for a caller who may do this on it.
fn site(api: &Api, caller: &Caller, scope: Scope, name: &str) -> Result<SiteId, Problem> {
    require(caller, scope, Some(name))?;
    let directory = api.control.directory();
    let site = directory.sites().map(|(site, _)| site).find(|site| site.as_str() == name).cloned();
    site.ok_or_else(|| Problem::unprocessable("unknown_site", format!("there is no site {name:?}")).at("site"))
}

/// A reason as it may be kept for ever.
fn reason(text: Option<&str>, subject: Uuid) -> Result<String, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| {
        let detail = "say why: a query parameter `reason`, or a JSON body {\"reason\": \"...\"}";
        Problem::unprocessable("missing_reason", detail).at("reason")
    })?;
    let invalid = |detail: &str| Problem::unprocessable("invalid_value", detail).at("reason");
    if text.chars().count() > LONGEST_REASON {
        return Err(invalid("the reason has at most 500 characters"));
    }
    let lower = text.to_lowercase();
    if lower.contains(&subject.to_string()) || lower.contains(&subject.simple().to_string()) {
        return Err(invalid("the reason is kept when the subject is gone: it must not name it"));
    }
    Ok(text.to_owned())
}

/// The nil UUID stands for nobody: events without a subject are under it.
fn somebody(subject: Uuid, site: &str) -> Result<Uuid, Problem> {
    if subject.is_nil() { Err(unknown(subject, site)) } else { Ok(subject) }
}

fn unknown(subject: Uuid, site: &str) -> Problem {
    Problem::not_found("unknown_subject", format!("no event of {subject} on {site}"))
}
