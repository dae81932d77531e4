//! `POST /api/v1/services`.

use std::collections::BTreeSet;
use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::ids::ServiceId;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{SHIPPED, read, refused_entry};
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// In one request.
const MOST: usize = 500;
/// An entry with many cookies has 100 kB and more.
pub(crate) const BODY_LIMIT: usize = 8 << 20;

/// Entries of one origin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"origin": "gvl", "entries": [{"slug": "iab-1", "name": "Example", "category": "marketing", "iab_vendor": 1}]}))]
pub struct ImportedServices {
    /// What the import calls itself: 1 to 64 of a-z 0-9 . - _, not `avow`.
    pub origin: String,
    /// At most 500, each with its `slug`, else as `PUT /api/v1/services/{slug}` takes it.
    #[schema(value_type = Vec<Object>)]
    pub entries: Vec<Value>,
}

#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// New, or another than before.
    pub changed: usize,
    /// The same as before.
    pub unchanged: usize,
}

/// Puts many entries of one's own into the catalogue: all of them, or none where one cannot be taken.
#[utoipa::path(
    post, path = "/api/v1/services", operation_id = "importServices", tag = "services",
    request_body = ImportedServices,
    responses(
        (status = 200, description = "In force", body = Imported),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn import_services(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<ImportedServices>,
) -> Result<Json<Imported>, Problem> {
    require_whole(&caller, Scope::Admin)?;
    if ServiceId::new(&asked.origin).is_err() || asked.origin == SHIPPED {
        let detail = "the origin is 1 to 64 of a-z 0-9 . - _, and not `avow`";
        return Err(Problem::unprocessable("invalid_value", detail).at("/origin"));
    }
    let total = asked.entries.len();
    if !(1..=MOST).contains(&total) {
        return Err(Problem::unprocessable("invalid_value", format!("1 to {MOST} entries at once")).at("/entries"));
    }
    let mut entries = Vec::with_capacity(total);
    let mut slugs = BTreeSet::new();
    for (index, entry) in asked.entries.into_iter().enumerate() {
        let beneath = |problem: Problem| problem.beneath(&format!("/entries/{index}"));
        let entry = read(entry).map_err(|error| beneath(refused_entry(&error)))?;
        if !slugs.insert(entry.slug.clone()) {
            let detail = format!("`{}` is there twice", entry.slug);
            return Err(beneath(Problem::unprocessable("invalid_value", detail).at("/slug")));
        }
        entries.push(entry);
    }
    let catalog = api.control.directory().catalog().with(entries.iter().cloned().map(Arc::new));
    for (index, entry) in entries.iter().enumerate() {
        let found = catalog.refers(entry);
        found.map_err(|error| refused_entry(&error).beneath(&format!("/entries/{index}")))?;
    }
    let changed = api.control.put_services(entries, &asked.origin).await.map_err(refused)?;
    tracing::info!(origin = asked.origin, changed, by = %caller.id, "api.services_imported");
    Ok(Json(Imported { changed, unchanged: total - changed }))
}
