//! `GET /log`.

use std::collections::HashMap;
use std::sync::Arc;

use avow_ledger::{Note, VerifierKey};
use avow_schemas::control::{LedgerKey, Scope};
use avow_trees::{TreeError, keys};
use avow_warehouse::trees::Checkpoint;
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
    /// With what its newest checkpoint is signed: a verifier key (C2SP signed-note).
    pub public_key: String,
    /// Keys that have signed its earlier checkpoints, or sign them as well, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_keys: Vec<String>,
    /// The ML-DSA-44 key with which that is signed besides; of the operator log, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ml_dsa_key: Option<String>,
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
    let directory = api.control.directory();
    let published = directory.ledger_keys();
    if published.is_empty() {
        return Ok(Json(Logs { logs: Vec::new() }));
    }
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
        let key = signed_by(published, &checkpoint)?;
        let all = keys::verifiers(published, &checkpoint.ledger).map_err(internal)?;
        let former_keys = all.iter().skip_while(|other| **other != key).skip(1).map(VerifierKey::to_string).collect();
        let (origin, public_key) = (key.name().to_string(), key.to_string());
        let (site, period) = owner.cloned().unzip();
        let ml_dsa_key = keys::ml_dsa_key(directory.ml_dsa_keys(), &checkpoint.note).map(|key| key.to_string());
        let (name, size) = (checkpoint.ledger, checkpoint.size);
        logs.push(Log { name, origin, public_key, former_keys, ml_dsa_key, size, site, period });
    }
    logs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(Logs { logs }))
}

/// The newest of the keys that have signed a checkpoint.
fn signed_by(published: &[Arc<LedgerKey>], checkpoint: &Checkpoint) -> Result<VerifierKey, Problem> {
    let note = Note::parse(&checkpoint.note).map_err(|error| internal(error.into()))?;
    keys::signed_by(published, &checkpoint.ledger, &note).map_err(internal)
}

fn internal(error: TreeError) -> Problem {
    Problem::internal(error.to_string())
}
