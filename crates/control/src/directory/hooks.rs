//! Webhooks, the thresholds of alerts, and reports, as they are in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_schemas::alert::{AlertRuleRecord, Rule, RuleSettings};
use avow_schemas::webhook::{ReportRecord, WebhookRecord};
use uuid::Uuid;

use super::Directory;

#[derive(Debug, Clone, Default)]
pub(super) struct Hooks {
    webhooks: BTreeMap<Uuid, Arc<WebhookRecord>>,
    /// By their key.
    rules: BTreeMap<String, Arc<AlertRuleRecord>>,
    reports: BTreeMap<Uuid, Arc<ReportRecord>>,
}

impl Hooks {
    pub(super) fn put_webhook(&mut self, record: WebhookRecord) {
        self.webhooks.insert(record.id, Arc::new(record));
    }

    pub(super) fn put_rule(&mut self, key: &str, record: AlertRuleRecord) {
        self.rules.insert(key.to_owned(), Arc::new(record));
    }

    pub(super) fn put_report(&mut self, record: ReportRecord) {
        self.reports.insert(record.id, Arc::new(record));
    }

    pub(super) fn delete(&mut self, key: &str) {
        let id = |prefix| key.strip_prefix(prefix).and_then(|id| Uuid::try_parse(id).ok());
        if let Some(id) = id("webhook/") {
            self.webhooks.remove(&id);
        } else if let Some(id) = id("report/") {
            self.reports.remove(&id);
        } else {
            self.rules.remove(key);
        }
    }
}

impl Directory {
    pub fn webhook(&self, id: Uuid) -> Option<&Arc<WebhookRecord>> {
        self.hooks.webhooks.get(&id)
    }

    /// All webhooks, by id.
    pub fn webhooks(&self) -> impl Iterator<Item = &Arc<WebhookRecord>> {
        self.hooks.webhooks.values()
    }

    pub fn report(&self, id: Uuid) -> Option<&Arc<ReportRecord>> {
        self.hooks.reports.get(&id)
    }

    /// All reports, by id.
    pub fn reports(&self) -> impl Iterator<Item = &Arc<ReportRecord>> {
        self.hooks.reports.values()
    }

    /// The thresholds that were set for exactly this site, or for all (`None`).
    pub fn alert_rule(&self, rule: Rule, site: Option<&str>) -> Option<&Arc<AlertRuleRecord>> {
        self.hooks.rules.get(&AlertRuleRecord::key(rule, site))
    }

    /// The thresholds in force for a site: its own, or those of all, or the defaults.
    pub fn alert_rule_of(&self, rule: Rule, site: &str) -> RuleSettings {
        let own = (!site.is_empty()).then(|| self.alert_rule(rule, Some(site))).flatten();
        let set = own.or_else(|| self.alert_rule(rule, None));
        set.map_or_else(|| RuleSettings::default_of(rule), |record| record.settings.clone())
    }
}
