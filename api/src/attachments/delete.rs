//! `DELETE /api/v1/audit/attachments/{site}/{hash}`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::extract::State;
use http::StatusCode;

use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

/// Takes a document out of the exports to come. Bundles that were made keep it, and so does the warehouse, unnamed.
#[utoipa::path(
    delete, path = "/api/v1/audit/attachments/{site}/{hash}", operation_id = "deleteAttachment", tag = "audit",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("hash" = String, Path, description = "`sha256:<hex>` of the document"),
    ),
    responses(
        (status = 204, description = "Taken out"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_attachment(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, hash)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    require(&caller, Scope::AuditExport, Some(&site))?;
    if !api.control.delete_attachment(&site, &hash).await.map_err(refused)? {
        return Err(Problem::not_found("unknown_attachment", format!("{site} has no attachment {hash:?}")));
    }
    tracing::info!(site, hash, by = %caller.id, "api.attachment_deleted");
    Ok(StatusCode::NO_CONTENT)
}
