//! `POST /api/v1/reports`.

use std::sync::Arc;

use avow_records::report::Language;
use avow_schemas::control::Scope;
use avow_schemas::webhook::{Every, ReportForm, ReportRecord, ReportView};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Report;
use crate::access::{Bearer, require};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::webhooks::{handled, sites};
use crate::{Api, moment};

/// A report to be scheduled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewScheduledReport, example = json!({
    "name": "Weekly", "webhook": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10", "sites": ["shop.example"], "every": "week",
    "hour": 7, "timezone": "Europe/Paris", "form": "pdf", "language": "fr"
}))]
pub struct NewReport {
    /// 1 to 200 characters.
    pub name: String,
    /// Which webhook is told.
    pub webhook: Uuid,
    #[schema(min_items = 1)]
    pub sites: Vec<String>,
    /// `day`: of the day before; `week`: on Mondays, of the week before; `month`: on the first, of the month before.
    pub every: String,
    /// The hour at which it is made, 0 to 23, in `timezone`.
    #[serde(default)]
    pub hour: u8,
    /// IANA.
    #[serde(default = "utc")]
    #[schema(default = "UTC")]
    pub timezone: String,
    /// `csv`, `pdf`.
    pub form: String,
    /// Of CSV: `overview`, day by day; `services`, one row a service. A PDF has both.
    #[serde(default = "overview")]
    #[schema(default = "overview")]
    pub view: String,
    /// Of PDF: `en`, `fr`, `de`, `es`.
    #[serde(default = "english")]
    #[schema(default = "en")]
    pub language: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn overview() -> String {
    ReportView::Overview.as_str().to_owned()
}

fn english() -> String {
    "en".to_owned()
}

/// Schedules a report. Small cells are withheld in it as from a token without `audit:read`: its links need no token.
#[utoipa::path(
    post, path = "/api/v1/reports", operation_id = "createReport", tag = "webhooks", request_body = NewReport,
    responses(
        (status = 201, body = Report),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create_report(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<NewReport>,
) -> Result<Response, Problem> {
    require(&caller, Scope::Admin, None)?;
    let invalid = |at: &str, detail: String| Problem::unprocessable("invalid_value", detail).at(at);
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(invalid("/name", "name must have 1 to 200 characters".to_owned()));
    }
    handled(&api, &caller, asked.webhook)?;
    let none = |what: &str, text: &str| format!("{text:?} is no {what}");
    let every = Every::parse(&asked.every).ok_or_else(|| invalid("/every", none("interval", &asked.every)))?;
    let form = ReportForm::parse(&asked.form).ok_or_else(|| invalid("/form", none("form", &asked.form)))?;
    let view = ReportView::parse(&asked.view).ok_or_else(|| invalid("/view", none("view", &asked.view)))?;
    let language = Language::parse(&asked.language);
    let language = language.ok_or_else(|| invalid("/language", none("language of reports", &asked.language)))?;
    if asked.hour > 23 {
        return Err(invalid("/hour", "hour must be 0 to 23".to_owned()));
    }
    let sites = sites(Some(&asked.sites), &caller, Scope::Admin, &api)?.unwrap_or_default();
    let secret = avow_webhooks::fresh_secret().map_err(|error| Problem::internal(format!("no randomness: {error}")))?;
    let record = ReportRecord {
        id: Uuid::now_v7(),
        webhook: asked.webhook,
        name: name.to_owned(),
        sites,
        every,
        hour: asked.hour,
        timezone: asked.timezone,
        form,
        view,
        language: language.code().to_owned(),
        secret,
        made_at: moment::now(),
    };
    if record.last_due(record.made_at).is_none() {
        return Err(invalid("/timezone", none("known IANA time zone", &record.timezone)));
    }
    let (location, body) = (format!("/api/v1/reports/{}", record.id), Report::of(&record));
    tracing::info!(report = %record.id, by = %caller.id, "api.report_scheduled");
    api.control.put_report(record).await.map_err(refused)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(body)).into_response())
}
