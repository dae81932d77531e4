//! The message that a report is ready.

use std::time::Duration;

use avow_schemas::webhook::{DueReport, MessageKind, ReportRecord};
use serde_json::json;

use crate::message::written;
use crate::{Link, body, written_link};

/// How long a link is good.
const GOOD_FOR: Duration = Duration::from_secs(14 * 24 * 3600);

/// The body of the message that a report is ready, with its link; `at` is when that was, in milliseconds since 1970.
pub fn report_ready(report: &ReportRecord, due: &DueReport, at: i64, public_url: &str) -> Option<String> {
    let until = at / 1000 + i64::try_from(GOOD_FOR.as_secs()).ok()?;
    let (first_day, last_day) = (due.first.to_string(), due.last.to_string());
    let link = Link { report: report.id, first_day: first_day.clone(), last_day: last_day.clone(), until };
    let link = written_link(&link, &report.secret)?;
    let data = json!({
        "report": report.id, "name": report.name, "sites": report.sites, "from": first_day, "to": last_day,
        "timezone": report.timezone, "form": report.form, "view": report.view, "language": report.language,
        "link": format!("{}/api/v1/reports/{}/document?link={link}", public_url.trim_end_matches('/'), report.id),
        "link_good_until": written(until * 1000),
    });
    Some(body(MessageKind::ReportReady.as_str(), at, &data))
}
