//! `GET /api/v1/audit/attachments`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AttachmentLine;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttachmentsOf {
    pub site: String,
}

#[derive(Serialize, ToSchema)]
pub struct Attachments {
    pub attachments: Vec<AttachmentLine>,
}

/// The documents that go into a site's exports, oldest first.
#[utoipa::path(
    get, path = "/api/v1/audit/attachments", operation_id = "listAttachments", tag = "audit", params(AttachmentsOf),
    responses(
        (status = 200, body = Attachments),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_attachments(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(AttachmentsOf { site }): Parameters<AttachmentsOf>,
) -> Result<Json<Attachments>, Problem> {
    require(&caller, Scope::AuditExport, Some(&site))?;
    let directory = api.control.directory();
    if directory.site(&site).is_none() {
        return Err(Problem::not_found("unknown_site", format!("there is no site {site:?}")));
    }
    let attachments = directory.attachments(&site).into_iter().map(|one| AttachmentLine::of(one)).collect();
    Ok(Json(Attachments { attachments }))
}
