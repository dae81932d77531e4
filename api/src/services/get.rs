//! `GET /api/v1/services/{slug}`.

use std::sync::Arc;

use avow_schemas::catalog::{FALLBACK_LANGUAGE, LANGUAGES};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::origin;
use crate::access::Bearer;
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// The entry as it is kept.
const ALL: &str = "all";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Language {
    /// `en`, `fr`, `de`, `es`; a region (`fr-CA`) is taken for its language. `all`: the entry as it is kept, each text an object
    /// of all its languages.
    pub language: Option<String>,
    /// The entry as it was then (RFC 3339, or a day: its midnight in UTC).
    pub at: Option<String>,
}

/// The whole entry of a service in one language. Codes stay as they are; what is not translated is in English and is
/// listed under `fallbacks`. Beside the entry's own fields: `origin` (`avow` for what ships) and `in_force_from`.
#[utoipa::path(
    get, path = "/api/v1/services/{slug}", operation_id = "getService", tag = "services",
    params(("slug" = String, Path, description = "The service's slug"), Language),
    responses(
        (status = 200, description = "The entry; `schemas/json/catalog-entry.schema.json` explains its fields", body = Value),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_service(
    State(api): State<Arc<Api>>,
    _: Bearer,
    Segments(slug): Segments<String>,
    Parameters(asked): Parameters<Language>,
) -> Result<Json<Value>, Problem> {
    let language = asked.language.as_deref().unwrap_or(FALLBACK_LANGUAGE);
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if !LANGUAGES.contains(&primary.as_str()) && language != ALL {
        let problem = Problem::unprocessable("unknown_language", format!("there is no text in {language:?}"));
        return Err(problem.at("language").with("known", json!(LANGUAGES)));
    }
    let directory = api.control.directory();
    let at = asked.at.as_deref().map(|at| {
        let invalid = || Problem::unprocessable("invalid_parameter", "at is an instant in RFC 3339, or a day").at("at");
        moment::read(at).ok_or_else(invalid)
    });
    let at = at.transpose()?.unwrap_or(i64::MAX);
    let catalog = directory.catalog_at(at);
    let entry = match language {
        ALL => catalog.get(&slug).and_then(|service| serde_json::to_value(service).ok()),
        _ => catalog.localized(&slug, &primary),
    };
    let unknown = || Problem::not_found("unknown_service", format!("there is no service {slug:?}"));
    let mut entry = entry.ok_or_else(unknown)?;
    let (origin, in_force_from) = origin(&directory, entry["slug"].as_str().unwrap_or(&slug), at);
    entry["origin"] = json!(origin);
    entry["in_force_from"] = json!(in_force_from);
    Ok(Json(entry))
}
