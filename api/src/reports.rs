//! `/api/v1/reports`: reports that are made again and again, and told of by webhook. The report itself is made when it is
//! asked for, by a link that is good for a while, or by a token.

pub mod create;
pub mod delete;
pub mod document;
mod figures;
pub mod list;
pub mod send;

use avow_schemas::webhook::ReportRecord;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::moment;

/// A scheduled report.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduledReport)]
pub struct Report {
    pub id: Uuid,
    pub name: String,
    /// Which webhook is told.
    pub webhook: Uuid,
    pub sites: Vec<String>,
    /// `day`, `week` (from Monday), `month`.
    pub every: String,
    /// The hour at which it is made, 0 to 23, in `timezone`.
    pub hour: u8,
    /// IANA.
    pub timezone: String,
    /// `csv`, `pdf`.
    pub form: String,
    /// `overview`, `services`.
    pub view: String,
    /// `en`, `fr`, `de`, `es`.
    pub language: String,
    /// RFC 3339.
    pub made_at: String,
    /// When the next one is due.
    pub next_at: Option<String>,
}

impl Report {
    fn of(record: &ReportRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.clone(),
            webhook: record.webhook,
            sites: record.sites.iter().map(ToString::to_string).collect(),
            every: record.every.as_str().to_owned(),
            hour: record.hour,
            timezone: record.timezone.clone(),
            form: record.form.as_str().to_owned(),
            view: record.view.as_str().to_owned(),
            language: record.language.clone(),
            made_at: moment::written(record.made_at),
            next_at: record.next_due(moment::now()).map(moment::written),
        }
    }
}
