//! `GET /api/v1/reports/{id}/document`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_schemas::webhook::{ReportForm, ReportRecord};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::figures;
use crate::access::{Bearer, require};
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct By {
    /// From the message `report.ready`. With it no token is needed; without it a token of scope `stats:read` is, and the
    /// report is that of the last period that is over.
    pub link: Option<String>,
}

/// A report: CSV, or a tagged PDF (PDF/A-3a, PDF/UA-1) with the period's numbers, their intervals, the period before and what
/// each number means.
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/document", operation_id = "getReportDocument", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The report's id"), By),
    responses(
        (status = 200, description = "The report", content(
            (String = "text/csv"), (Vec<u8> = "application/pdf"))),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not see these sites", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such report, or the link is not good (any more)", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_report_document(
    State(api): State<Arc<Api>>,
    caller: Option<Bearer>,
    Segments(id): Segments<Uuid>,
    Parameters(by): Parameters<By>,
) -> Result<Response, Problem> {
    let record = api.control.directory().report(id).cloned();
    let unknown = || Problem::not_found("unknown_report", "there is no such report, or the link is not good any more");
    let (record, days) = match (by.link, caller) {
        (Some(link), _) => {
            let record = record.ok_or_else(unknown)?;
            let secret = |report| (report == id).then(|| record.secret.clone());
            let link = avow_webhooks::read_link(&link, moment::now() / 1000, secret).ok_or_else(unknown)?;
            let day = |text: &str| text.parse::<Date>().map_err(|_| unknown());
            let days = (day(&link.first_day)?, day(&link.last_day)?);
            (record, days)
        }
        (None, Some(Bearer(caller))) => {
            let record = record.ok_or_else(unknown)?;
            for site in &record.sites {
                require(&caller, Scope::StatsRead, Some(site.as_str()))?;
            }
            let due = record.last_due(moment::now()).ok_or_else(unknown)?;
            (record, (due.first, due.last))
        }
        (None, None) => return Err(Problem::unauthorized("this needs a link from a message, or a token")),
    };
    let _turn = api.queries.acquire().await.map_err(|_| Problem::unavailable("shutting down"))?;
    let bytes = match record.form {
        ReportForm::Csv => figures::csv(&api, &record, days).await?,
        ReportForm::Pdf => figures::pdf(&api, &record, days).await?,
    };
    Ok(answer(&record, days, bytes))
}

fn answer(record: &ReportRecord, (first, last): (Date, Date), bytes: Vec<u8>) -> Response {
    let (kind, ending) = match record.form {
        ReportForm::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        ReportForm::Pdf => ("application/pdf", "pdf"),
    };
    let name = format!("attachment; filename=\"avow-{}-{first}-{last}.{ending}\"", record.view.as_str());
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
