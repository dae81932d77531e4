//! The file that a job has made, as it is fetched: whole or in parts (RFC 9110, section 14).

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::{Job, State};
use crate::problem::Problem;

/// A file and what it is called outside.
pub struct Download {
    pub path: PathBuf,
    pub media_type: &'static str,
    pub name: String,
    pub sha256: Option<String>,
}

/// Serves the file of a job that is done.
///
/// # Errors
/// 409 where it is not done, or has failed.
pub async fn download<T>(job: &Job<T>, file: Download, request: Request) -> Result<Response, Problem> {
    if job.state != State::Done {
        let detail = job.error.clone().unwrap_or_else(|| "the export is not done yet".to_owned());
        return Err(Problem::new(StatusCode::CONFLICT, "not_done", detail));
    }
    let served = ServeFile::new(file.path).oneshot(request).await;
    let mut response = served.map(|response| response.map(Body::new)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", file.name)) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Some(tag) = file.sha256.and_then(|sha256| HeaderValue::from_str(&format!("\"{sha256}\"")).ok()) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
