//! Changing webhooks, thresholds and reports. A change is durable, and in force in this process, once the call returns.

use avow_schemas::alert::{AlertRuleRecord, Rule};
use avow_schemas::control::ControlValue;
use avow_schemas::webhook::{ReportRecord, WebhookRecord};
use uuid::Uuid;

use super::{Control, ControlError};

impl Control {
    /// Puts a webhook, or changes it.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn put_webhook(&self, record: WebhookRecord) -> Result<(), ControlError> {
        self.put(&WebhookRecord::key(record.id), Some(&ControlValue::Webhook(record))).await
    }

    /// Deletes a webhook. `false` where there is none of that id.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn delete_webhook(&self, id: Uuid) -> Result<bool, ControlError> {
        if self.directory().webhook(id).is_none() {
            return Ok(false);
        }
        self.put(&WebhookRecord::key(id), None).await?;
        Ok(true)
    }

    /// Sets a rule's thresholds, for a site or for all.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn put_alert_rule(&self, record: AlertRuleRecord) -> Result<(), ControlError> {
        let key = AlertRuleRecord::key(record.settings.rule(), record.site.as_ref().map(|site| site.as_str()));
        self.put(&key, Some(&ControlValue::AlertRule(record))).await
    }

    /// Forgets what was set of a rule, for exactly this site or for all (`None`). `false` where nothing was.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn delete_alert_rule(&self, rule: Rule, site: Option<&str>) -> Result<bool, ControlError> {
        if self.directory().alert_rule(rule, site).is_none() {
            return Ok(false);
        }
        self.put(&AlertRuleRecord::key(rule, site), None).await?;
        Ok(true)
    }

    /// Puts a report.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn put_report(&self, record: ReportRecord) -> Result<(), ControlError> {
        self.put(&ReportRecord::key(record.id), Some(&ControlValue::Report(record))).await
    }

    /// Deletes a report. `false` where there is none of that id.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn delete_report(&self, id: Uuid) -> Result<bool, ControlError> {
        if self.directory().report(id).is_none() {
            return Ok(false);
        }
        self.put(&ReportRecord::key(id), None).await?;
        Ok(true)
    }
}
