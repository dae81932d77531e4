//! What a sender is told: the body of a 202, or a problem (RFC 9457) with a `code` of the contract's closed list and the
//! place in the input.

use std::borrow::Cow;
use std::time::Duration;

use avow_schemas::control::Scope;
use avow_schemas::fate::RejectCode;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use problem_details::ProblemDetails;
use serde::Serialize;
use uuid::Uuid;

use crate::decode::Unreadable;
use crate::receipts::EventReceipt;

/// An event that was refused, as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedEvent {
    pub index: usize,
    /// Where it had one that is a UUID.
    pub id: Option<Uuid>,
    pub code: RejectCode,
    pub detail: String,
}

/// Something that was left out of an event (or of the body, where `index` is null).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub index: Option<usize>,
    pub id: Option<Uuid>,
    /// JSON pointer within the event.
    pub field: String,
    pub detail: &'static str,
}

/// 202: `accepted` events are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    pub accepted: usize,
    pub rejected: Vec<RejectedEvent>,
    pub warnings: Vec<Warning>,
    /// Of the accepted events, in their order, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Vec<EventReceipt>>,
    /// When events that were over the quota may be sent again.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let wait = self.retry_after;
        with_retry_after((StatusCode::ACCEPTED, Json(self)).into_response(), wait)
    }
}

/// Anything but a 202.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: Option<RejectCode>,
    detail: Cow<'static, str>,
    at: Option<(usize, usize)>,
    rejected: Option<Vec<RejectedEvent>>,
    retry_after: Option<Duration>,
    remedy: Remedy,
}

/// What a header says about doing it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    None,
    Authenticate,
    Allow(&'static str),
}

/// Members of a problem beyond those of RFC 9457.
#[derive(Serialize)]
struct Extension {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<RejectCode>,
    /// Of the decoded body, from 1; the column in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<Vec<RejectedEvent>>,
}

impl Problem {
    fn new(status: StatusCode, code: Option<RejectCode>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), at: None, rejected: None, retry_after: None, remedy: Remedy::None }
    }

    /// 400: not readable as what it says it is.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(RejectCode::Malformed), detail)
    }

    /// 408: the body did not come.
    pub fn too_slow(limit: Duration) -> Self {
        let detail = format!("the body did not arrive within {} ms", limit.as_millis());
        Self::new(StatusCode::REQUEST_TIMEOUT, Some(RejectCode::Malformed), detail)
    }

    /// 413.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Some(RejectCode::TooLarge), detail)
    }

    /// 415: a content type or coding that we do not take.
    pub fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(RejectCode::InvalidValue), detail)
    }

    /// 503: this process works on as many requests as it may.
    pub fn busy() -> Self {
        Self::unavailable("too many requests at once", Duration::from_secs(1))
    }

    /// 401.
    pub fn unauthorized(detail: &'static str) -> Self {
        Self { remedy: Remedy::Authenticate, ..Self::new(StatusCode::UNAUTHORIZED, None, detail) }
    }

    /// 403: the token lacks the scope.
    pub fn scope_missing(scope: Scope) -> Self {
        Self::new(StatusCode::FORBIDDEN, None, format!("the token does not have the scope {}", scope.as_str()))
    }

    /// 403: the token may not speak for the site of any of the events.
    pub fn sites_forbidden(rejected: Vec<RejectedEvent>) -> Self {
        let problem = Self::new(StatusCode::FORBIDDEN, None, "the token speaks for none of the sites of these events");
        Self { rejected: Some(rejected), ..problem }
    }

    /// 403: the site is not observed, or not by this browser.
    pub fn not_observed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, None, detail)
    }

    /// 404.
    pub fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, detail)
    }

    /// 405.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, None, format!("this takes {allow}"));
        Self { remedy: Remedy::Allow(allow), ..problem }
    }

    /// 422: there is no event in the body, though the body is in order.
    pub fn no_event() -> Self {
        let problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, Some(RejectCode::MissingField), "/events holds no event");
        Self { rejected: Some(Vec::new()), ..problem }
    }

    /// 422, or 429 where nothing but quotas stands in the way: no event is acceptable.
    pub fn none_acceptable(rejected: Vec<RejectedEvent>, retry_after: Option<Duration>) -> Self {
        let code = rejected.first().map(|first| first.code);
        let over_quota = rejected.iter().all(|event| event.code == RejectCode::QuotaExceeded);
        let (status, detail) = if over_quota {
            (StatusCode::TOO_MANY_REQUESTS, "over the quota: send the same ids again later")
        } else {
            (StatusCode::UNPROCESSABLE_ENTITY, "no event is acceptable: see rejected")
        };
        Self { rejected: Some(rejected), retry_after, ..Self::new(status, code, detail) }
    }

    /// 503: nothing is promised; the same ids may be sent again.
    pub fn unavailable(detail: &'static str, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, None, detail) }
    }
}

impl From<Unreadable> for Problem {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Malformed { detail, at } => Self { at, ..Self::malformed(detail) },
            Unreadable::TooMany { most } => Self::too_large(format!("a body has at most {most} events")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let extension = Extension {
            code: self.code,
            line: self.at.map(|(line, _)| line),
            column: self.at.map(|(_, column)| column),
            rejected: self.rejected,
        };
        let details = ProblemDetails::from_status_code(self.status).with_detail(self.detail).with_extensions(extension);
        let mut response = with_retry_after(details.into_response(), self.retry_after);
        let (name, value) = match self.remedy {
            Remedy::None => return response,
            Remedy::Authenticate => (WWW_AUTHENTICATE, "Bearer realm=\"avow\""),
            Remedy::Allow(methods) => (ALLOW, methods),
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response
    }
}

/// Adds `Retry-After` in whole seconds, at least one.
fn with_retry_after(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}
