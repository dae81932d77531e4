//! `PUT /api/v1/sites/{site}`.

use std::sync::Arc;

use avow_control::ControlError;
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::settings::SiteSettings;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::Site;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};

/// Creates a site, or replaces its settings.
///
/// Answers once the change is durable and in force in this process. Settings equal to those in force make no new version.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}", operation_id = "putSite", tag = "sites",
    params(("site" = String, Path, description = "1 to 253 of a-z 0-9 . - _, beginning with a letter or digit")),
    request_body = inline(crate::openapi::Settings),
    responses(
        (status = 200, description = "In force", body = Site),
        (status = 201, description = "Created and in force", body = Site),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ledger.shards` of a site that exists stays as it is", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_site(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(site): Segments<String>,
    Body(settings): Body<SiteSettings>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, Some(&site))?;
    let site =
        SiteId::new(&site).map_err(|error| Problem::unprocessable("invalid_site", error.to_string()).at("site"))?;
    let is_new = api.control.directory().site(site.as_str()).is_none();
    let version = api.control.put_site(&site, settings).await.map_err(refused)?;
    tracing::info!(site = %site, version = version.version.0, by = %caller.id, "api.site_put");
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, format!("/api/v1/sites/{site}"))], Json(Site::of(&version))).into_response())
}

/// What the control plane refuses, as a problem.
pub(crate) fn refused(error: ControlError) -> Problem {
    match error {
        ControlError::Invalid(invalid) => {
            let place = format!("/{}", invalid.field.replace('.', "/"));
            Problem::unprocessable("invalid_value", invalid.to_string()).at(place)
        }
        ControlError::ShardsFixed { .. } => {
            Problem::new(StatusCode::CONFLICT, "shards_fixed", error.to_string()).at("/ledger/shards")
        }
        ControlError::UnknownSite(_) => Problem::unprocessable("unknown_site", error.to_string()).at("/site"),
        ControlError::InvalidArtefact(invalid) => {
            Problem::unprocessable("invalid_value", invalid.problem).at(invalid.at)
        }
        ControlError::Log(_) | ControlError::NotYetInForce => Problem::unavailable(error.to_string()),
        ControlError::Randomness(_) | ControlError::Encode(_) => Problem::internal(error.to_string()),
    }
}
