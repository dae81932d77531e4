//! `GET /beacon.js` and `GET /beacon-<banner>.js`: the browser SDK, built into the binary from `ingest/beacon/dist/`. It is the
//! same for every site and visitor, so any cache may keep it; its ETag is the SHA-256 of its text.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_embed::Embed;

use crate::answer::Problem;

#[derive(Embed)]
#[folder = "beacon/dist/"]
#[allow_missing = true]
struct Dist;

const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600, stale-while-revalidate=86400");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// A script and its ETag.
#[derive(Clone)]
pub struct Script {
    text: Bytes,
    etag: HeaderValue,
}

impl Script {
    /// `beacon.js`; `None` where the binary was built without it.
    pub fn embedded() -> Option<Self> {
        Self::named("beacon.js")
    }

    /// The scripts for one banner each, by their paths.
    pub fn banners() -> Vec<(String, Self)> {
        let names = Dist::iter().filter(|name| name.starts_with("beacon-") && name.ends_with(".js"));
        names.filter_map(|name| Some((format!("/{name}"), Self::named(&name)?))).collect()
    }

    fn named(name: &str) -> Option<Self> {
        let file = Dist::get(name)?;
        let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::try_from(format!("\"{hash}\"")).ok()?;
        Some(Self { text: Bytes::from(file.data.into_owned()), etag })
    }
}

/// Answers a `GET` of one of them.
pub fn serve(script: Option<&Script>, headers: &HeaderMap) -> Response {
    let Some(script) = script else {
        return Problem::not_found("this server was built without the beacon: `make` builds it first").into_response();
    };
    let fresh = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = fresh.flat_map(|list| list.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == script.etag.as_bytes()
    });
    let (status, body) = match fresh {
        true => (StatusCode::NOT_MODIFIED, Body::empty()),
        false => (StatusCode::OK, Body::from(script.text.clone())),
    };
    let headers = [
        (ETAG, script.etag.clone()),
        (CACHE_CONTROL, AN_HOUR),
        (CONTENT_TYPE, JAVASCRIPT),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (http::HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (status, headers, body).into_response()
}
