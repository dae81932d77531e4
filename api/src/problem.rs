//! Refusals: RFC 9457 problem documents with a stable `code`.

use avow_warehouse::WarehouseError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use problem_details::{JsonProblemDetails, ProblemDetails};
use serde::Serialize;
use serde_json::{Map, Value};

/// A refusal. `code` is for programs, `detail` for people; further members say where and what.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    pub members: Map<String, Value>,
    /// When to try again, where that is known.
    pub retry_after_seconds: u16,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), members: Map::new(), retry_after_seconds: 5 }
    }

    /// 401: no token, or none of ours (RFC 6750, section 3).
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503: something that this role stands on does not answer now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// 429: too often.
    pub fn too_many(code: &'static str, detail: impl Into<String>, retry_after_seconds: u16) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        Self { retry_after_seconds, ..problem }
    }

    /// Adds where in the input the trouble is, as a JSON Pointer (RFC 6901) or the name of a parameter.
    pub fn at(self, place: impl Into<String>) -> Self {
        self.with("at", Value::String(place.into()))
    }

    /// The same where what was wrong lies within something else, at `place`.
    pub fn beneath(self, place: &str) -> Self {
        match self.members.get("at").and_then(Value::as_str).map(|at| format!("{place}{at}")) {
            Some(at) => self.at(at),
            None => self,
        }
    }

    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.members.insert(member.to_owned(), value);
        self
    }
}

/// Said to the operator in the log, and to the caller that it may pass.
impl From<WarehouseError> for Problem {
    fn from(error: WarehouseError) -> Self {
        tracing::error!(%error, "api.warehouse_failed");
        Self::unavailable("the warehouse did not answer")
    }
}

#[derive(Serialize)]
struct Members {
    code: &'static str,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(http.status = self.status.as_u16(), code = self.code, error = self.detail, "api.failed");
        }
        let status = self.status;
        let details = ProblemDetails::from_status_code(status).with_detail(self.detail);
        let details = details.with_extensions(Members { code: self.code, more: self.members });
        let mut response = JsonProblemDetails::from(details).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, self.retry_after_seconds.into());
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The shape of a problem document, for the OpenAPI document.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The status' own phrase.
    pub title: String,
    pub status: u16,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What is wrong, for programs.
    pub code: String,
    /// Where in the input: a JSON Pointer or the name of a parameter.
    pub at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_is_a_problem_document() {
        let response = Problem::unprocessable("unknown_metric", "\"x\" is no metric").at("/metrics/0").into_response();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        insta::assert_snapshot!(String::from_utf8(body.to_vec()).unwrap());
        let response = Problem::unauthorized("no token").into_response();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}
