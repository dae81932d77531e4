//! `POST /api/v1/audit/exports`.

use std::sync::Arc;

use avow_schemas::catalog::LANGUAGES;
use avow_schemas::control::Scope;
use avow_schemas::ids::ServiceId;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::{Asked, Export, OfExport};
use crate::access::{Bearer, require};
use crate::access_log::Concerns;
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// An export to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"site": "shop.example", "from": "2026-11-01", "to": "2026-12-01", "language": "en"}))]
pub struct NewExport {
    pub site: String,
    /// Included: a day (its midnight in UTC) or an instant (RFC 3339), of the log's own time.
    pub from: String,
    /// Excluded.
    pub to: String,
    #[serde(default)]
    pub subject: Option<Uuid>,
    /// Only events that say something of one of these services. What they say of others is withheld, field by field, in
    /// every file of the bundle.
    #[serde(default)]
    pub services: Vec<String>,
    /// `en`, `fr`, `de`, `es`.
    #[serde(default = "english")]
    pub language: String,
}

fn english() -> String {
    "en".into()
}

/// Asks for an export. It is made in the background; `Location` tells how it stands.
#[utoipa::path(
    post, path = "/api/v1/audit/exports", operation_id = "createExport", tag = "audit", request_body = NewExport,
    responses(
        (status = 202, description = "Queued, durably", body = Export, headers(("Location" = String, description = "The path of the export"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_export(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(new): Body<NewExport>,
) -> Result<Response, Problem> {
    require(&caller, Scope::AuditExport, Some(&new.site))?;
    let asked = checked(new, &api)?;
    let concerns = Concerns { site: asked.site.clone(), subject: asked.subject };
    let job = api.exports.queue.begin(caller.id, OfExport::of(asked)).await;
    let job = job.map_err(|error| Problem::unavailable(format!("the export cannot be kept: {error}")))?;
    tracing::info!(export = %job.id, site = job.of.asked.site, by = %caller.id, "api.export_queued");
    let location = [(header::LOCATION, job.location())];
    Ok((StatusCode::ACCEPTED, Extension(concerns), location, Json(Export::of(&job))).into_response())
}

fn checked(new: NewExport, api: &Api) -> Result<Asked, Problem> {
    if api.control.directory().site(&new.site).is_none() {
        return Err(Problem::unprocessable("unknown_site", format!("there is no site {:?}", new.site)).at("/site"));
    }
    let instant = |text: &str, at: &str| {
        let detail = format!("{text:?} is neither a day nor RFC 3339");
        moment::read(text).ok_or_else(|| Problem::unprocessable("invalid_date", detail).at(at))
    };
    let (from, to) = (instant(&new.from, "/from")?, instant(&new.to, "/to")?);
    if from >= to || from < 0 {
        return Err(Problem::unprocessable("invalid_date_range", "`from` must lie before `to`, after 1970").at("/from"));
    }
    if !LANGUAGES.contains(&new.language.as_str()) {
        let problem = Problem::unprocessable("unknown_language", format!("there is no text in {:?}", new.language));
        return Err(problem.at("/language").with("known", json!(LANGUAGES)));
    }
    for (i, service) in new.services.iter().enumerate() {
        ServiceId::new(service).map_err(|error| {
            Problem::unprocessable("unknown_service", error.to_string()).at(format!("/services/{i}"))
        })?;
    }
    Ok(Asked { site: new.site, from, to, subject: new.subject, services: new.services, language: new.language })
}
