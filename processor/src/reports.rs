//! Scheduled reports: once one is due, and everything up to that moment is counted, its webhook is told where it lies. The
//! report itself is made when somebody asks for it. The message's id is made of the report and the moment: told again by
//! whoever comes next it is no harm.

use std::collections::HashMap;
use std::time::Duration;

use avow_schemas::record::derived_id;
use avow_schemas::webhook::{DueReport, MessageKind, ReportRecord};
use avow_warehouse::deliveries::Delivery;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ProcessorError;
use crate::alerts::{Alerting, counted_to};
use crate::partition::Context;

/// Tells of reports until `stop`.
pub(crate) async fn keep_reporting(context: &Context, alerting: Option<Alerting>, stop: CancellationToken) {
    let Some(alerting) = alerting else { return };
    let every = Duration::from_secs(alerting.config.every_seconds.max(1));
    let mut told: HashMap<Uuid, i64> = HashMap::new();
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        if let Err(error) = round(context, &alerting.public_url, &mut told).await {
            tracing::warn!(%error, "reports.not_told");
        }
    }
}

/// `told` has the moment of the newest report that was told of, by report.
async fn round(context: &Context, public_url: &str, told: &mut HashMap<Uuid, i64>) -> Result<(), ProcessorError> {
    let directory = context.control.directory();
    if directory.reports().next().is_none() {
        return Ok(());
    }
    let Some(now) = counted_to(context).await? else { return Ok(()) };
    for report in directory.reports() {
        let is_on = directory.webhook(report.webhook).is_some_and(|webhook| webhook.disabled.is_none());
        let Some(due) = due(report, now, told).filter(|_| is_on) else { continue };
        if let Some(delivery) = delivery(report, &due, public_url) {
            context.warehouse.put_delivery(&delivery).await?;
            tracing::info!(report = %report.id, last_day = %due.last, "reports.told");
        }
        told.insert(report.id, due.at);
    }
    Ok(())
}

/// The report that is due and was not told of: none from before it was scheduled.
fn due(report: &ReportRecord, now: i64, told: &HashMap<Uuid, i64>) -> Option<DueReport> {
    report.last_due(now).filter(|due| due.at > report.made_at && told.get(&report.id) != Some(&due.at))
}

/// The message of a report that is due.
fn delivery(report: &ReportRecord, due: &DueReport, public_url: &str) -> Option<Delivery> {
    let body = avow_webhooks::report_ready(report, due, due.at, public_url)?;
    let message = avow_webhooks::message_id(derived_id(&format!("report/{}/{}", report.id, due.at)));
    Some(Delivery::new(report.webhook, message, MessageKind::ReportReady.as_str(), body, due.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_schemas::webhook::{Every, ReportForm, ReportView};

    #[test]
    fn each_report_is_told_of_once_and_none_from_before_it_was_scheduled() {
        let day = 24 * 3600 * 1000;
        let report = ReportRecord {
            id: Uuid::from_u128(1),
            webhook: Uuid::from_u128(2),
            name: "Daily".into(),
            sites: Vec::new(),
            every: Every::Day,
            hour: 6,
            timezone: "UTC".into(),
            form: ReportForm::Pdf,
            view: ReportView::Overview,
            language: "en".into(),
            secret: "secret".into(),
            made_at: 10 * day + day / 2,
        };
        let mut told = HashMap::new();
        assert_eq!(due(&report, 11 * day, &told), None, "the one of that morning is from before");
        let first = due(&report, 11 * day + day / 2, &told).unwrap();
        assert_eq!((first.at, first.last.to_string()), (11 * day + day / 4, "1970-01-11".to_owned()));
        let message = delivery(&report, &first, "https://avow.example/").unwrap();
        assert_eq!(message.message, delivery(&report, &first, "https://avow.example/").unwrap().message);
        assert!(
            message
                .body
                .contains("https://avow.example/api/v1/reports/00000000-0000-0000-0000-000000000001/document?link=")
        );
        told.insert(report.id, first.at);
        assert_eq!(due(&report, 11 * day + day / 2 + 1, &told), None);
        assert!(due(&report, 12 * day + day / 2, &told).is_some());
    }
}
