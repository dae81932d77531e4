//! `GET /api/v1/sites`.

use std::sync::Arc;

use avow_control::{Caller, Entry};
use avow_schemas::control::Scope;
use avow_schemas::settings::SiteVersion;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Site;
use crate::Api;
use crate::access::Bearer;
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct Sites {
    pub sites: Vec<Site>,
}

/// Whoever reads numbers, reads audits or administers may know which sites there are.
///
/// # Errors
/// 403 for everybody else.
pub(crate) fn may_read(caller: &Caller) -> Result<(), Problem> {
    if [Scope::StatsRead, Scope::AuditRead, Scope::Admin].iter().any(|scope| caller.has(*scope)) {
        return Ok(());
    }
    Err(Problem::forbidden("scope_missing", "this needs a token of scope stats:read, audit:read or admin"))
}

/// The sites that the token may see, by name.
#[utoipa::path(
    get, path = "/api/v1/sites", operation_id = "listSites", tag = "sites",
    responses(
        (status = 200, body = Sites),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_sites(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Sites>, Problem> {
    may_read(&caller)?;
    let directory = api.control.directory();
    let seen = directory.sites().filter(|(site, _)| caller.may_see(site.as_str()));
    let of = |version: &SiteVersion| match caller.entry {
        Entry::Share { .. } => Site::in_a_shared_view(version),
        Entry::Token | Entry::Session { .. } => Site::of(version),
    };
    Ok(Json(Sites { sites: seen.map(|(_, history)| of(history.current())).collect() }))
}
