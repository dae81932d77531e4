//! `PUT /api/v1/audit/attachments`.

use std::sync::Arc;

use avow_schemas::banner::{digest, sha256};
use avow_schemas::control::{Attachment, Scope};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::AttachmentLine;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

const MOST_BYTES: usize = 8 << 20;
/// The largest document as base64 in JSON.
pub(crate) const BODY_LIMIT: usize = 12 << 20;
/// Characters of a title and an issuer at most.
const MOST_CHARS: usize = 200;
const MEDIA_TYPES: [&str; 3] = ["application/pdf", "text/html", "text/plain"];

/// A document of a third party.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "site": "shop.example", "title": "Audit of the consent records", "issuer": "Prüfer GmbH", "date": "2026-11-20",
    "media_type": "text/plain", "content": "Tm90aGluZyB0byByZW1hcmsuCg==",
}))]
pub struct PutAttachment {
    pub site: String,
    /// 1 to 200 characters.
    pub title: String,
    /// Who wrote it, 1 to 200 characters.
    pub issuer: String,
    /// Its own date: `2026-11-24`.
    pub date: String,
    /// `application/pdf`, `text/html` or `text/plain`.
    pub media_type: String,
    /// In base64, 8 MiB at most before that.
    pub content: String,
}

/// Puts a document that goes into every export of the site from now on, unless it is cut to services. It is addressed by the
/// SHA-256 of its bytes; putting the same bytes again changes what is said of them.
#[utoipa::path(
    put, path = "/api/v1/audit/attachments", operation_id = "putAttachment", tag = "audit", request_body = PutAttachment,
    responses(
        (status = 200, description = "It was there; what is said of it is in force", body = AttachmentLine),
        (status = 201, description = "In force", body = AttachmentLine),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "It is larger than it may be", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_attachment(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<PutAttachment>,
) -> Result<Response, Problem> {
    require(&caller, Scope::AuditExport, Some(&asked.site))?;
    let directory = api.control.directory();
    let site = directory.sites().map(|(site, _)| site).find(|site| site.as_str() == asked.site).cloned();
    let unknown = || Problem::unprocessable("unknown_site", format!("there is no site {:?}", asked.site)).at("/site");
    let site = site.ok_or_else(unknown)?;
    checked(&asked)?;
    let bytes = content(&asked.media_type, &asked.content).map_err(|problem| problem.at("/content"))?;
    let attachment = Attachment {
        hash: sha256(&bytes),
        title: asked.title,
        issuer: asked.issuer,
        date: asked.date,
        media_type: asked.media_type,
        size_bytes: bytes.len() as u64,
        made_at: moment::now(),
        site,
    };
    let kept =
        api.warehouse.put_blob(digest(&attachment.hash).unwrap_or_default(), &attachment.media_type, &bytes).await;
    kept.map_err(|error| {
        tracing::error!(%error, "api.warehouse_failed");
        Problem::unavailable("the warehouse did not take the document")
    })?;
    let known = directory.attachments(attachment.site.as_str());
    let status = match known.iter().any(|one| one.hash == attachment.hash) {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let body = AttachmentLine::of(&attachment);
    let location = format!("/api/v1/audit/attachments/{}/{}", body.site, body.hash);
    api.control.put_attachment(attachment).await.map_err(refused)?;
    tracing::info!(site = body.site, hash = body.hash, by = %caller.id, "api.attachment_put");
    Ok((status, [(header::LOCATION, location)], Json(body)).into_response())
}

fn checked(asked: &PutAttachment) -> Result<(), Problem> {
    for (at, text) in [("/title", &asked.title), ("/issuer", &asked.issuer)] {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MOST_CHARS || text.contains(char::is_control) {
            let rule = format!("must have 1 to {MOST_CHARS} characters, none of them a control character");
            return Err(Problem::unprocessable("invalid_value", rule).at(at));
        }
    }
    if asked.date.len() != 10 || asked.date.parse::<Date>().is_err() {
        let detail = format!("{:?} is no day", asked.date);
        return Err(Problem::unprocessable("invalid_date", detail).at("/date"));
    }
    if !MEDIA_TYPES.contains(&asked.media_type.as_str()) {
        let problem = Problem::unprocessable("invalid_value", format!("{:?} is not taken", asked.media_type));
        return Err(problem.at("/media_type").with("known", json!(MEDIA_TYPES)));
    }
    Ok(())
}

/// The document, if it is what it is said to be.
fn content(media_type: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let at_most = |bytes: usize| match bytes <= MOST_BYTES {
        true => Ok(()),
        false => {
            let detail = format!("the document has {bytes} bytes, {MOST_BYTES} are the most");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
        }
    };
    let invalid = |detail: String| Problem::unprocessable("invalid_value", detail);
    // Before it is decoded: four characters carry three bytes, but for the last two.
    at_most((text.len() / 4 * 3).saturating_sub(2))?;
    let bytes = STANDARD.decode(text).map_err(|error| invalid(format!("is not base64: {error}")))?;
    at_most(bytes.len())?;
    let fits = match media_type {
        "application/pdf" => bytes.starts_with(b"%PDF-"),
        _ => !bytes.is_empty() && std::str::from_utf8(&bytes).is_ok(),
    };
    if fits { Ok(bytes) } else { Err(invalid(format!("is no {media_type}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_what_it_is_said_to_be() {
        let of = |media_type: &str, bytes: &[u8]| content(media_type, &STANDARD.encode(bytes)).is_ok();
        assert!(of("application/pdf", b"%PDF-1.7\n") && of("text/plain", "ü".as_bytes()));
        assert!(!of("application/pdf", b"<p>") && !of("text/html", &[0xff]) && !of("text/plain", b""));
        assert!(of("text/plain", &vec![b' '; MOST_BYTES]) && !of("text/plain", &vec![b' '; MOST_BYTES + 1]));
        assert!(content("text/plain", "no base64").is_err());
    }
}
