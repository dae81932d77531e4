//! `PUT /api/v1/services/{slug}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{origin, read, refused_entry};
use crate::Api;
use crate::access::{Bearer, require_whole};
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Where entries put one by one come from.
const OPERATOR: &str = "operator";

/// An entry of one's own.
#[derive(Serialize, ToSchema)]
pub struct OwnService {
    pub slug: String,
    /// `operator`, or what an import calls itself.
    pub origin: String,
    /// RFC 3339. What is received from then on is counted by it; what was counted before stays.
    pub in_force_from: Option<String>,
    /// False: it was the same already.
    pub changed: bool,
}

/// Puts an entry of one's own into the catalogue, in place of a shipped one of the same slug.
///
/// Only `name` and `category` have to be there. What is left out is *not stated*: codes are `unknown`, facts are named under
/// `unknown`, and `eprivacy` is `consent`. A text may be a plain string, which is English; a cookie needs its `name` alone.
#[utoipa::path(
    put, path = "/api/v1/services/{slug}", operation_id = "putService", tag = "services",
    params(("slug" = String, Path, description = "1 to 64 of a-z 0-9 . - _, beginning with a letter or digit")),
    request_body(
        content = Value, description = "An entry; `schemas/json/catalog-entry.schema.json` explains its fields",
        example = json!({
            "name": "Helpdesk", "category": "preferences", "operator": "Example GmbH", "domains": ["chat.example"],
            "cookies": [{"name": "hd_*", "duration": "P1Y", "purpose": "Recognises who comes back."}]
        })
    ),
    responses(
        (status = 200, description = "In force", body = OwnService),
        (status = 201, description = "New, and in force", body = OwnService),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_service(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(slug): Segments<String>,
    Body(mut entry): Body<Value>,
) -> Result<Response, Problem> {
    require_whole(&caller, Scope::Admin)?;
    let Some(fields) = entry.as_object_mut() else {
        return Err(Problem::unprocessable("invalid_value", "an entry is a JSON object"));
    };
    let given = fields.entry("slug").or_insert_with(|| json!(slug));
    if *given != json!(slug) {
        return Err(Problem::unprocessable("invalid_value", "the slug is another one than in the address").at("/slug"));
    }
    let entry = read(entry).map_err(|error| refused_entry(&error))?;
    let catalog = api.control.directory().catalog();
    catalog.refers(&entry).map_err(|error| refused_entry(&error))?;
    let is_new = catalog.get(&slug).is_none();
    let changed = api.control.put_services(vec![entry], OPERATOR).await.map_err(refused)? > 0;
    tracing::info!(service = slug, by = %caller.id, changed, "api.service_put");
    let directory = api.control.directory();
    let (origin, in_force_from) = origin(&directory, &slug, i64::MAX);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let place = format!("/api/v1/services/{slug}");
    let answer = OwnService { slug, origin: origin.to_owned(), in_force_from, changed };
    Ok((status, [(header::LOCATION, place)], Json(answer)).into_response())
}
