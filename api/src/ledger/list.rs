//! `GET /log`.

use std::collections::HashMap;
use std::sync::Arc;

use avow_ledger::key::VerifierKey;
use avow_schemas::control::{LedgerKey, Scope};
use avow_trees::keys;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::access::Bearer;
use crate::problem::{Problem, ProblemDocument};

/// The logs of this installation.
#[derive(Serialize, ToSchema)]
pub struct Logs {
    pub logs: Vec<Log>,
}

/// One log.
#[derive(Serialize, ToSchema)]
pub struct Log {
    /// As in `/log/{log}/checkpoint`.
    pub name: String,
    /// As in its checkpoints' first line.
    pub origin: String,
    /// With what its checkpoints are signed: a verifier key (C2SP signed-note).
    pub public_key: String,
    /// Entries under its newest checkpoint.
    pub size: u64,
    /// Whose ledger it is; only for `audit:read`, of the token's sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The half-year of a site's ledger, such as `2026H2`; only for `audit:read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// The logs that have a checkpoint. `operator` is the one whose entries are all others' checkpoints.
#[utoipa::path(
    get, path = "/log", tag = "ledger",
    responses(
        (status = 200, description = "The logs", body = Logs),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_logs(State(api): State<Arc<Api>>, bearer: Option<Bearer>) -> Result<Json<Logs>, Problem> {
    let Some(key) = api.control.directory().ledger_key().cloned() else { return Ok(Json(Logs { logs: Vec::new() })) };
    let auditor = bearer.map(|Bearer(caller)| caller).filter(|caller| caller.has(Scope::AuditRead));
    let owners: HashMap<String, (String, String)> = match &auditor {
        None => HashMap::new(),
        Some(_) => {
            let ledgers = api.warehouse.ledgers().await?;
            ledgers.into_iter().map(|ledger| (ledger.name, (ledger.site, ledger.period))).collect()
        }
    };
    let mut logs = Vec::new();
    for checkpoint in api.warehouse.checkpoints().await? {
        let owner = owners.get(&checkpoint.ledger);
        let owner = owner.filter(|(site, _)| auditor.as_ref().is_some_and(|caller| caller.may_see(site)));
        let origin = keys::origin(&key.origin, &checkpoint.ledger);
        let public_key = verifier(&key, &origin)?.to_string();
        let (site, period) = owner.cloned().unzip();
        logs.push(Log { name: checkpoint.ledger, origin, public_key, size: checkpoint.size, site, period });
    }
    logs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(Logs { logs }))
}

/// The key that verifies a log's checkpoints.
pub fn verifier(key: &LedgerKey, origin: &str) -> Result<VerifierKey, Problem> {
    keys::verifier(key, origin).map_err(|error| Problem::internal(error.to_string()))
}
