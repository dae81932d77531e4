//! `GET /api/v1/services/{slug}`.

use avow_schemas::catalog::{Catalog, FALLBACK_LANGUAGE, LANGUAGES};
use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::access::Bearer;
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Language {
    /// `en`, `fr`, `de`, `es`; a region (`fr-CA`) is taken for its language.
    pub language: Option<String>,
}

/// The whole entry of a service in one language. Codes stay as they are; what is not translated is in English and is
/// listed under `fallbacks`.
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
    _: Bearer,
    Segments(slug): Segments<String>,
    Parameters(asked): Parameters<Language>,
) -> Result<Json<Value>, Problem> {
    let language = asked.language.as_deref().unwrap_or(FALLBACK_LANGUAGE);
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if !LANGUAGES.contains(&primary.as_str()) {
        let problem = Problem::unprocessable("unknown_language", format!("there is no text in {language:?}"));
        return Err(problem.at("language").with("known", json!(LANGUAGES)));
    }
    let entry = Catalog::builtin().localized(&slug, &primary);
    entry.map(Json).ok_or_else(|| Problem::not_found("unknown_service", format!("there is no service {slug:?}")))
}
