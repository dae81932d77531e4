//! `PUT /api/v1/banners`.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_control::ControlError;
use avow_schemas::banner::{Artefact, Evidence, InvalidArtefact, MOST_BYTES, Screen, addressed, digest, sha256};
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Kept;
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;

const MOST_HTML_BYTES: usize = 1 << 20;
const MOST_SCREENSHOT_BYTES: usize = 4 << 20;
/// The largest parts together, as JSON and base64.
pub(crate) const BODY_LIMIT: usize = 16 << 20;

/// What a visitor was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "site": "shop.example",
    "artefact": {
        "language": "en", "version": "2026-11-01",
        "layers": [{"text": "May we?", "buttons": [{"action": "accept_all", "label": "Yes"}, {"action": "reject_all", "label": "No"}]}],
        "services": ["chaport"], "purposes": ["support"], "categories": ["preferences"],
    },
}))]
pub struct PutBanner {
    pub site: String,
    /// Of the shape of `schemas/json/banner-artefact.schema.json`, 256 KiB at most. It is hashed as it is, fields that Avow
    /// does not know included.
    #[schema(value_type = Object)]
    pub artefact: Value,
    /// `sha256:<hex>` of the code that collects the consent.
    #[serde(default)]
    pub code_hash: Option<String>,
    /// The banner as it was rendered, 1 MiB at most.
    #[serde(default)]
    pub html: Option<String>,
    #[serde(default)]
    pub screenshots: Screenshots,
}

/// PNG, JPEG or WebP in base64, 4 MiB each at most before that.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Screenshots {
    pub mobile: Option<String>,
    pub desktop: Option<String>,
}

/// Where it is from now on.
#[derive(Serialize, ToSchema)]
pub struct BannerPut {
    pub site: String,
    /// What events send as `banner.text_hash`: `sha256:<hex>` of the artefact's canonical JSON (RFC 8785).
    pub text_hash: String,
    #[serde(flatten)]
    pub evidence: Kept,
    /// Whether it was not there before.
    pub created: bool,
}

/// A blob to be kept.
struct NewBlob {
    hash: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// Puts what a visitor was shown: the artefact, and of what is kept beside it (code hash, HTML, screenshots) what is given;
/// the rest stays as it is.
///
/// Answers once that is durable and in force: events that are acknowledged after the answer are read against it. Putting
/// the same again changes nothing.
#[utoipa::path(
    put, path = "/api/v1/banners", operation_id = "putBanner", tag = "banners", request_body = PutBanner,
    responses(
        (status = 200, description = "It was there; what is kept beside it is in force", body = BannerPut),
        (status = 201, description = "In force", body = BannerPut),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "A part is larger than it may be", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_banner(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<PutBanner>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, Some(&asked.site))?;
    let directory = api.control.directory();
    let site = directory.sites().map(|(site, _)| site).find(|site| site.as_str() == asked.site).cloned();
    let unknown = || Problem::unprocessable("unknown_site", format!("there is no site {:?}", asked.site)).at("/site");
    let site = site.ok_or_else(unknown)?;
    Artefact::of(&asked.artefact).map_err(misshapen)?;
    let (canonical, _) = addressed(&asked.artefact).map_err(|e| Problem::internal(e.to_string()))?;
    at_most("the artefact", canonical.len(), MOST_BYTES).map_err(|problem| problem.at("/artefact"))?;
    let (evidence, blobs) = evidence(asked.code_hash, asked.html, asked.screenshots)?;
    for blob in blobs {
        let hash = digest(&blob.hash).unwrap_or_default();
        let kept = api.warehouse.put_blob(hash, blob.media_type, &blob.bytes).await;
        kept.map_err(|error| {
            tracing::error!(%error, "api.warehouse_failed");
            Problem::unavailable("the warehouse did not take what is to be kept beside the artefact")
        })?;
    }
    let put = api.control.put_banner(&site, asked.artefact, evidence).await;
    let (banner, created) = put.map_err(|error| match error {
        ControlError::InvalidArtefact(invalid) => misshapen(invalid),
        other => refused(other),
    })?;
    tracing::info!(%site, text_hash = banner.text_hash, created, by = %caller.id, "api.banner_put");
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/banners/{site}/{}", banner.text_hash);
    let evidence = Kept::of(&banner.current().evidence);
    let body = BannerPut { site: site.to_string(), text_hash: banner.text_hash.clone(), evidence, created };
    Ok((status, [(header::LOCATION, location)], Json(body)).into_response())
}

fn misshapen(invalid: InvalidArtefact) -> Problem {
    Problem::unprocessable("invalid_value", invalid.problem).at(format!("/artefact{}", invalid.at))
}

fn at_most(what: &str, bytes: usize, most: usize) -> Result<(), Problem> {
    if bytes <= most {
        return Ok(());
    }
    let detail = format!("{what} has {bytes} bytes, {most} are the most");
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
}

/// What is to be kept beside the artefact, by hash, and the bytes behind the hashes.
fn evidence(
    code_hash: Option<String>,
    html: Option<String>,
    screenshots: Screenshots,
) -> Result<(Evidence, Vec<NewBlob>), Problem> {
    let code_hash = match code_hash {
        Some(hash) if digest(&hash).is_none() => {
            let rule = "must be sha256: and 64 hexadecimal digits";
            return Err(Problem::unprocessable("invalid_value", rule).at("/code_hash"));
        }
        hash => hash.map(|hash| hash.to_ascii_lowercase()),
    };
    let mut blobs = Vec::new();
    let mut keep = |media_type, bytes: Vec<u8>| {
        let hash = sha256(&bytes);
        blobs.push(NewBlob { hash: hash.clone(), media_type, bytes });
        hash
    };
    let html_hash = match html {
        None => None,
        Some(html) => {
            at_most("the HTML", html.len(), MOST_HTML_BYTES).map_err(|problem| problem.at("/html"))?;
            Some(keep("text/html", html.into_bytes()))
        }
    };
    let mut hashes = BTreeMap::new();
    for (screen, text) in [(Screen::Mobile, screenshots.mobile), (Screen::Desktop, screenshots.desktop)] {
        let Some(text) = text else { continue };
        let at = format!("/screenshots/{}", screen.as_str());
        let (media_type, bytes) = picture(&text).map_err(|problem| problem.at(at))?;
        hashes.insert(screen, keep(media_type, bytes));
    }
    Ok((Evidence { code_hash, html_hash, screenshots: hashes }, blobs))
}

/// A picture from its base64, with what its first bytes say that it is.
fn picture(text: &str) -> Result<(&'static str, Vec<u8>), Problem> {
    let invalid = |detail: &str| Problem::unprocessable("invalid_value", detail);
    // Before it is decoded: four characters carry three bytes.
    at_most("the screenshot", text.len() / 4 * 3, MOST_SCREENSHOT_BYTES + 2)?;
    let bytes = STANDARD.decode(text).map_err(|error| invalid(&format!("is not base64: {error}")))?;
    at_most("the screenshot", bytes.len(), MOST_SCREENSHOT_BYTES)?;
    let media_type = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return Err(invalid("is neither PNG nor JPEG nor WebP")),
    };
    Ok((media_type, bytes))
}
