//! Alerts: each minute the rules are looked at, by the time up to which everything is counted. What is off becomes an alert,
//! what is right again closes one; both are messages to webhooks.
//!
//! Who owns the log's first partition evaluates. Should two do so for a moment, one alert comes of it: its id is made of rule,
//! site, matter and since when, its rows are written only on top of one another ([`avow_warehouse::alerts`]), and its
//! messages have ids of their own made of that. The order is alert, messages, that they are written: a kill in between leaves
//! what `told` says, and the next round makes up for it.

mod before_consent;
mod checkpoints;
mod consent;
mod silence;
mod statistics;

use std::collections::HashMap;
use std::time::Duration;

use avow_log::Topic;
use avow_schemas::alert::{Rule, RuleSettings};
use avow_schemas::record::derived_id;
use avow_schemas::webhook::MessageKind;
use avow_warehouse::alerts::Alert;
use avow_warehouse::query::freshness;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::partition::Context;
use crate::{ProcessorError, Signing, webhooks};

/// What an operator may set: the section `[alerts]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    pub enabled: bool,
    /// How often the rules are looked at.
    pub every_seconds: u64,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self { enabled: true, every_seconds: 60 }
    }
}

/// How alerts are evaluated and told.
#[derive(Debug, Clone)]
pub struct Alerting {
    pub config: AlertsConfig,
    /// Where the page is: the beginning of links in messages.
    pub public_url: String,
}

/// What an alert is of: rule, site (empty: the installation), and the service or ledger (empty: the site).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Matter {
    pub(crate) rule: Rule,
    pub(crate) site: String,
    pub(crate) about: String,
}

/// What a look at a matter says. Where it says nothing, there is no verdict, and everything stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It is off, since that moment (ms since 1970).
    Off { since: i64, seen: Value, expected: Value },
    /// It is as it should be.
    Right { seen: Value },
}

/// What all rules look at.
pub(crate) struct Look<'a> {
    pub(crate) context: &'a Context,
    /// Everything before is counted, ms since 1970.
    pub(crate) now: i64,
    open: &'a HashMap<Matter, Alert>,
}

impl Look<'_> {
    /// The alert that is open of this, if one is.
    pub(crate) fn open(&self, matter: &Matter) -> Option<&Alert> {
        self.open.get(matter)
    }

    /// What alerts of a rule are open of.
    pub(crate) fn open_of(&self, rule: Rule) -> impl Iterator<Item = &Matter> {
        self.open.keys().filter(move |matter| matter.rule == rule)
    }

    /// The thresholds of a rule for a site.
    pub(crate) fn settings(&self, rule: Rule, site: &str) -> RuleSettings {
        self.context.control.directory().alert_rule_of(rule, site)
    }
}

/// Evaluates until `stop`.
pub(crate) async fn keep_evaluating(
    context: &Context,
    alerting: Option<Alerting>,
    signing: Option<Signing>,
    stop: CancellationToken,
) {
    let Some(alerting) = alerting.filter(|alerting| alerting.config.enabled) else { return };
    let every = Duration::from_secs(alerting.config.every_seconds.max(1));
    let operator = |signing: Signing| signing.witnessing.map_or(Duration::ZERO, |witnessing| witnessing.every);
    let mut evaluator = Evaluator {
        public_url: alerting.public_url,
        operator_period: signing.map(operator),
        silence: silence::Silence::default(),
        consent: consent::Consent::default(),
        checkpoints: checkpoints::Checkpoints::default(),
    };
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        if let Err(error) = evaluator.round(context).await {
            context.metrics.webhooks.failures.inc();
            tracing::warn!(%error, "alerts.not_evaluated");
        }
    }
}

struct Evaluator {
    public_url: String,
    /// Between two checkpoints of the operator log; none: nothing is signed here.
    operator_period: Option<Duration>,
    silence: silence::Silence,
    consent: consent::Consent,
    checkpoints: checkpoints::Checkpoints,
}

impl Evaluator {
    async fn round(&mut self, context: &Context) -> Result<(), ProcessorError> {
        let unsettled = context.warehouse.unsettled_alerts().await?;
        let mut open = HashMap::new();
        for alert in unsettled {
            let alert = self.told(context, alert).await?;
            if let Some(matter) = matter(&alert).filter(|_| alert.is_open()) {
                open.insert(matter, alert);
            }
        }
        context.metrics.webhooks.open.set(i64::try_from(open.len()).unwrap_or(i64::MAX));
        let Some(now) = counted_to(context).await? else { return Ok(()) };
        let look = Look { context, now, open: &open };
        let mut verdicts = self.silence.look(&look).await?;
        verdicts.extend(self.consent.look(&look).await?);
        verdicts.extend(before_consent::look(&look).await?);
        if let Some(period) = self.operator_period {
            verdicts.extend(self.checkpoints.look(&look, period).await?);
        }
        for (matter, verdict) in verdicts {
            match (open.get(&matter), verdict) {
                (None, Verdict::Off { since, seen, expected }) => {
                    self.open(context, &matter, (since, now), (&seen, &expected)).await?;
                }
                (Some(alert), Verdict::Right { seen }) => self.close(context, alert, now, &seen).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        context: &Context,
        matter: &Matter,
        (since, now): (i64, i64),
        (seen, expected): (&Value, &Value),
    ) -> Result<(), ProcessorError> {
        let Matter { rule, site, about } = matter;
        let rule = rule.as_str();
        let alert = Alert {
            id: derived_id(&format!("alert/{rule}/{site}/{about}/{since}")),
            version: 1,
            rule: rule.to_owned(),
            site: site.clone(),
            about: about.clone(),
            since,
            opened_at: now,
            closed_at: 0,
            seen: seen.to_string(),
            expected: expected.to_string(),
            ended: String::new(),
            told: 0,
        };
        context.warehouse.put_alert(&alert).await?;
        // Of what another one has written meanwhile, that one tells.
        if context.warehouse.alert(alert.id).await?.as_ref() == Some(&alert) {
            tracing::warn!(alert = %alert.id, rule, site, about, "alerts.opened");
            self.told(context, alert).await?;
        }
        Ok(())
    }

    async fn close(&self, context: &Context, alert: &Alert, now: i64, seen: &Value) -> Result<(), ProcessorError> {
        let closed =
            Alert { version: alert.version + 1, closed_at: now.max(1), ended: seen.to_string(), ..alert.clone() };
        context.warehouse.put_alert(&closed).await?;
        if context.warehouse.alert(closed.id).await?.as_ref() == Some(&closed) {
            let Alert { id, rule, site, about, .. } = alert;
            tracing::info!(alert = %id, rule, site, about, "alerts.closed");
            self.told(context, closed).await?;
        }
        Ok(())
    }

    /// Writes the messages of an alert that are not written, and notes that they are.
    async fn told(&self, context: &Context, mut alert: Alert) -> Result<Alert, ProcessorError> {
        let mut due = Vec::new();
        if alert.told < 1 {
            due.push((MessageKind::AlertOpened, alert.opened_at));
        }
        if alert.told < 2 && !alert.is_open() {
            due.push((MessageKind::AlertClosed, alert.closed_at));
        }
        if due.is_empty() {
            return Ok(alert);
        }
        let site = (!alert.site.is_empty()).then_some(alert.site.as_str());
        for (kind, at) in due {
            let id = derived_id(&format!("{}/{}", kind.as_str(), alert.id));
            let data = self.data(&alert, kind);
            webhooks::tell(context, kind, site, (id, at), &data).await?;
        }
        alert.told = if alert.is_open() { 1 } else { 2 };
        alert.version += 1;
        context.warehouse.put_alert(&alert).await?;
        Ok(alert)
    }

    /// What a message says of an alert.
    fn data(&self, alert: &Alert, kind: MessageKind) -> Value {
        let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let mut data = json!({
            "id": alert.id, "rule": alert.rule,
            "site": (!alert.site.is_empty()).then_some(&alert.site),
            "about": (!alert.about.is_empty()).then_some(&alert.about),
            "since": written(alert.since), "opened_at": written(alert.opened_at), "closed_at": null,
            "seen": read(&alert.seen), "expected": read(&alert.expected),
            "link": format!("{}/alerts?id={}", self.public_url.trim_end_matches('/'), alert.id),
        });
        if kind == MessageKind::AlertClosed {
            data["closed_at"] = written(alert.closed_at).into();
            data["ended"] = read(&alert.ended);
        }
        data
    }
}

fn matter(alert: &Alert) -> Option<Matter> {
    let rule = Rule::parse(&alert.rule)?;
    Some(Matter { rule, site: alert.site.clone(), about: alert.about.clone() })
}

/// The moment up to which whatever was acknowledged is counted (ms since 1970): now, where the roll-up has all of the log.
pub(crate) async fn counted_to(context: &Context) -> Result<Option<i64>, ProcessorError> {
    let asked_at = jiff::Timestamp::now().as_millisecond();
    let mut ends = Vec::new();
    for partition in 0..context.log.partitions(Topic::Events) {
        ends.push(context.log.end(Topic::Events, partition).await?);
    }
    let log_id = context.log.identity().log_id;
    let fresh = freshness(context.warehouse.client(), log_id, &ends, asked_at).await;
    Ok(fresh.map_err(|error| ProcessorError::Stage(format!("how far is counted: {error}")))?.counted_to)
}

/// Milliseconds since 1970 as RFC 3339.
pub(crate) fn written(milliseconds: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
