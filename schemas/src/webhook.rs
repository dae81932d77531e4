//! Webhooks and what goes to them: the control plane's records of webhooks and of scheduled reports, and the states of a
//! delivery.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::code;
use crate::ids::SiteId;

code!(
    /// What a message can be about.
    MessageKind {
        AlertOpened = "alert.opened", AlertClosed = "alert.closed", ReportReady = "report.ready", Test = "webhook.test",
    }
);
code!(
    /// How far a message to a webhook has got. `failed`: after the last attempt; `dropped`: its webhook is gone or disabled.
    DeliveryState { Pending = "pending", Delivered = "delivered", Failed = "failed", Dropped = "dropped" }
);
code!(
    /// How often a report is made.
    Every { Day = "day", Week = "week", Month = "month" }
);
code!(
    /// What a report tells: the totals day by day, or the rates by service.
    ReportView { Overview = "overview", Services = "services" }
);
code!(
    /// In what form a report is read.
    ReportForm { Csv = "csv", Pdf = "pdf" }
);

/// A webhook as it is kept. The secret is kept as it is: messages are signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRecord {
    pub id: Uuid,
    pub url: String,
    /// `whsec_` and base64.
    pub secret: String,
    /// Of what it is told.
    pub events: Vec<MessageKind>,
    /// Of which sites; `None`: of all, and of the installation as a whole.
    pub sites: Option<Vec<SiteId>>,
    pub description: String,
    /// ms since 1970.
    pub made_at: i64,
    /// It is told nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// Since when (ms since 1970) a webhook is told nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: i64,
    pub reason: String,
}

impl WebhookRecord {
    /// Its key in the control topic.
    pub fn key(id: Uuid) -> String {
        format!("webhook/{id}")
    }

    /// Whether it is to be told of this; no site: it is of the installation as a whole.
    pub fn wants(&self, kind: MessageKind, site: Option<&str>) -> bool {
        let of_site = match (&self.sites, site) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(sites), Some(site)) => sites.iter().any(|one| one.as_str() == site),
        };
        self.disabled.is_none() && of_site && self.events.contains(&kind)
    }
}

/// A report that is made again and again, and whose link goes to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecord {
    pub id: Uuid,
    pub webhook: Uuid,
    pub name: String,
    pub sites: Vec<SiteId>,
    pub every: Every,
    /// The hour of the day at which it is made, in `timezone`.
    pub hour: u8,
    /// IANA.
    pub timezone: String,
    pub form: ReportForm,
    pub view: ReportView,
    /// `en`, `fr`, `de`, `es`.
    pub language: String,
    /// What its links are signed with.
    pub secret: String,
    /// ms since 1970.
    pub made_at: i64,
}

impl ReportRecord {
    /// Its key in the control topic.
    pub fn key(id: Uuid) -> String {
        format!("report/{id}")
    }

    /// The newest report that was due by a moment (ms since 1970). None where the time zone is not known.
    pub fn last_due(&self, by: i64) -> Option<DueReport> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        let today = Timestamp::from_millisecond(by).ok()?.to_zoned_datetime(zone.clone()).date();
        let begins = |date: Date| match self.every {
            Every::Day => Some(date),
            Every::Week => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok(),
            Every::Month => Some(date.first_of_month()),
        };
        let due = |date: Date| {
            let at = date.at(i8::try_from(self.hour).ok()?, 0, 0, 0).to_zoned_datetime(zone.clone()).ok()?;
            let last = date.yesterday().ok()?;
            Some(DueReport { at: at.timestamp().as_millisecond(), first: begins(last)?, last })
        };
        let this = begins(today)?;
        due(this).filter(|due| due.at <= by).or_else(|| due(begins(this.yesterday().ok()?)?))
    }

    /// When the next report is due after a moment (ms since 1970).
    pub fn next_due(&self, after: i64) -> Option<i64> {
        const DAY_MS: i64 = 24 * 3600 * 1000;
        let last = self.last_due(after)?.at;
        let later = (1..=33).filter_map(|days| self.last_due(after + days * DAY_MS));
        later.map(|due| due.at).find(|at| *at > last)
    }
}

/// A report that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueReport {
    /// ms since 1970.
    pub at: i64,
    /// The days that it is about, both included, in the report's time zone.
    pub first: Date,
    pub last: Date,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_told_of_what_it_asks_for() {
        let site = |name: &str| SiteId::new(name).unwrap();
        let all = WebhookRecord {
            id: Uuid::nil(),
            url: "https://hooks.example/".into(),
            secret: "whsec_".into(),
            events: vec![MessageKind::AlertOpened],
            sites: None,
            description: String::new(),
            made_at: 0,
            disabled: None,
        };
        let one = WebhookRecord { sites: Some(vec![site("shop.example")]), ..all.clone() };
        let opened = MessageKind::AlertOpened;
        assert!(all.wants(opened, None) && all.wants(opened, Some("shop.example")));
        assert!(!all.wants(MessageKind::AlertClosed, None));
        assert!(one.wants(opened, Some("shop.example")));
        assert!(!one.wants(opened, Some("other.example")) && !one.wants(opened, None));
        let off = WebhookRecord { disabled: Some(Disabled { at: 1, reason: "410".into() }), ..all };
        assert!(!off.wants(opened, None));
    }

    fn due(every: Every, hour: u8, by: &str) -> (String, String, String) {
        let report = ReportRecord {
            id: Uuid::nil(),
            webhook: Uuid::nil(),
            name: String::new(),
            sites: Vec::new(),
            every,
            hour,
            timezone: "Europe/Paris".into(),
            form: ReportForm::Csv,
            view: ReportView::Overview,
            language: "en".into(),
            secret: String::new(),
            made_at: 0,
        };
        let by = by.parse::<Timestamp>().unwrap().as_millisecond();
        let due = report.last_due(by).unwrap();
        let next = Timestamp::from_millisecond(report.next_due(by).unwrap()).unwrap();
        (
            Timestamp::from_millisecond(due.at).unwrap().to_string(),
            format!("{} {}", due.first, due.last),
            next.to_string(),
        )
    }

    #[test]
    fn reports_are_due_by_the_clock_of_their_zone() {
        let told = |at: &str, days: &str, next: &str| (at.to_owned(), days.to_owned(), next.to_owned());
        assert_eq!(
            due(Every::Day, 7, "2026-11-24T06:00:00Z"),
            told("2026-11-24T06:00:00Z", "2026-11-23 2026-11-23", "2026-11-25T06:00:00Z")
        );
        assert_eq!(
            due(Every::Day, 7, "2026-11-24T05:59:59Z"),
            told("2026-11-23T06:00:00Z", "2026-11-22 2026-11-22", "2026-11-24T06:00:00Z")
        );
        // A Tuesday, a Monday before the hour, and after a clock change.
        assert_eq!(
            due(Every::Week, 7, "2026-11-24T00:00:00Z"),
            told("2026-11-23T06:00:00Z", "2026-11-16 2026-11-22", "2026-11-30T06:00:00Z")
        );
        assert_eq!(
            due(Every::Week, 7, "2026-10-26T05:00:00Z"),
            told("2026-10-19T05:00:00Z", "2026-10-12 2026-10-18", "2026-10-26T06:00:00Z")
        );
        assert_eq!(
            due(Every::Month, 0, "2026-03-15T00:00:00Z"),
            told("2026-02-28T23:00:00Z", "2026-02-01 2026-02-28", "2026-03-31T22:00:00Z")
        );
    }
}
