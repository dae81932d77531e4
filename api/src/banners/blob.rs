//! `GET /api/v1/banners/{site}/{text_hash}/html` and `.../screenshots/{screen}`: what a caller has put, handed back so that
//! no browser runs it.

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::banner::{Evidence, Screen, digest};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::{may_read_of, unknown};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// No script, no form, no frame above it, and nothing fetched from elsewhere.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";

/// The banner as it was rendered, as it was put last.
#[utoipa::path(
    get, path = "/api/v1/banners/{site}/{text_hash}/html", operation_id = "getBannerHtml", tag = "banners",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("text_hash" = String, Path, description = "`sha256:<hex>` of the artefact"),
    ),
    responses(
        (status = 200, description = "As it was put, under a policy that runs nothing", body = String, content_type = "text/html"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_banner_html(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, text_hash)): Segments<(String, String)>,
) -> Result<Response, Problem> {
    served(&api, &caller, &site, &text_hash, |evidence| evidence.html_hash.clone()).await
}

/// A screenshot of the banner, as it was put last.
#[utoipa::path(
    get, path = "/api/v1/banners/{site}/{text_hash}/screenshots/{screen}", operation_id = "getBannerScreenshot",
    tag = "banners",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("text_hash" = String, Path, description = "`sha256:<hex>` of the artefact"),
        ("screen" = String, Path, description = "`mobile` or `desktop`"),
    ),
    responses(
        (status = 200, description = "PNG, JPEG or WebP, as it was put", body = Vec<u8>, content_type = "image/png"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_banner_screenshot(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, text_hash, screen)): Segments<(String, String, String)>,
) -> Result<Response, Problem> {
    let hash_of = |evidence: &Evidence| evidence.screenshots.get(&Screen::parse(&screen)?).cloned();
    served(&api, &caller, &site, &text_hash, hash_of).await
}

async fn served(
    api: &Api,
    caller: &Caller,
    site: &str,
    text_hash: &str,
    hash_of: impl FnOnce(&Evidence) -> Option<String> + Send,
) -> Result<Response, Problem> {
    may_read_of(caller, site)?;
    let directory = api.control.directory();
    let banner = directory.banner(site, text_hash).ok_or_else(|| unknown(site, text_hash))?;
    let none = || Problem::not_found("not_kept", format!("nothing of the kind was put beside {text_hash}"));
    let hash = hash_of(&banner.current().evidence).ok_or_else(none)?;
    let blob = api.warehouse.blob(digest(&hash).unwrap_or_default()).await?;
    let blob = blob.ok_or_else(|| Problem::not_found("not_kept", format!("the warehouse does not hold {hash}")))?;
    let media_type = match blob.media_type.as_str() {
        "text/html" => "text/html; charset=utf-8",
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/webp" => "image/webp",
        _ => "application/octet-stream",
    };
    let mut response = blob.bytes.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
