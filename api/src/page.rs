//! The page: what `api/web` builds, carried in the binary. Where it was not built, its addresses say so.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::Api;
use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// The addresses of the page's views: one document, which finds its own way.
const VIEWS: &[&str] = &[
    "/",
    "/segments",
    "/sites",
    "/services",
    "/services/{*rest}",
    "/experiments",
    "/fairness",
    "/promise",
    "/signals",
    "/bridge",
    "/quality",
    "/audit",
    "/audit/{*rest}",
    "/live",
    "/alerts",
    "/settings",
    "/docs",
    "/invite",
];
const INDEX: &str = "index.html";
/// `/verify`: one file that holds everything, so that a copy on disk works without a network.
const VERIFY: &str = "verify.html";
const FOREVER: &str = "public, max-age=31536000, immutable";

pub fn routes() -> Router<Arc<Api>> {
    let views = VIEWS.iter().fold(Router::new(), |router, view| router.route(view, get(index)));
    let views = views.route("/verify", get(verify));
    let documents = [INDEX, VERIFY];
    let files = Dist::iter().filter(|path| !documents.contains(&path.as_ref()));
    let files = files.filter(|path| !path.ends_with(".br") && !path.ends_with(".gz"));
    let mut paths: Vec<String> = files.map(|path| format!("/{path}")).collect();
    paths.sort();
    paths.into_iter().fold(views, |router, path| router.route(&path, get(file)))
}

async fn index(headers: HeaderMap) -> Response {
    serve(INDEX, &headers)
}

/// The policy of this document is its own: it names the script and the style within it, and allows no request. It says so
/// itself, for its copies.
async fn verify(headers: HeaderMap) -> Response {
    let mut answer = serve(VERIFY, &headers);
    let policy = Dist::get(VERIFY).and_then(|file| HeaderValue::from_str(&own_policy(&file.data)?).ok());
    if let Some(policy) = policy {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The Content-Security-Policy that a document states, and that nobody may frame it, which only a header can say.
fn own_policy(document: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(document).ok()?;
    let (_, stated) = text.split_once("http-equiv=\"Content-Security-Policy\" content=\"")?;
    let (policy, _) = stated.split_once('"')?;
    Some(format!("{policy}; frame-ancestors 'none'"))
}

async fn file(uri: Uri, headers: HeaderMap) -> Response {
    serve(uri.path().trim_start_matches('/'), &headers)
}

fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some((file, encoding)) = smallest(path, headers) else {
        let detail = "this binary was built without the page: build api/web first";
        return Problem::not_found("page_not_built", detail).into_response();
    };
    let tag = format!("\"{}{}\"", encoding.unwrap_or(""), hex(&file.metadata.sha256_hash()[..12]));
    let hashed = path.starts_with("assets/");
    let mut answer = HeaderMap::new();
    let mut say = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(name, value);
        }
    };
    say(header::ETAG, &tag);
    say(header::CACHE_CONTROL, if hashed { FOREVER } else { "no-cache" });
    say(header::VARY, "accept-encoding");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    say(header::CONTENT_TYPE, media_type(path));
    if let Some(encoding) = encoding {
        say(header::CONTENT_ENCODING, encoding);
    }
    let body = match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    (answer, body).into_response()
}

/// The file in the smallest form that is there and that the client takes.
fn smallest(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| accepted.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == name);
    for (encoding, suffix) in [("br", "br"), ("gzip", "gz")] {
        if takes(encoding)
            && let Some(file) = Dist::get(&format!("{path}.{suffix}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Dist::get(path).map(|file| (file, None))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
