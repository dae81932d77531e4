//! Sending what waits in `webhook_deliveries`. Who owns the log's first partition does so; nobody notes that a message is under
//! way, so that after a kill whoever comes next sends it again, under the same id: at least once.
//!
//! Messages to one webhook are few at once, so that a slow receiver fills its own places and nobody else's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use avow_schemas::webhook::{DeliveryState, Disabled, MessageKind, WebhookRecord};
use avow_warehouse::WarehouseError;
use avow_warehouse::deliveries::Delivery;
use avow_webhooks::{Outcome, Sender, WebhooksConfig};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::partition::Context;

/// How often it is looked what is due.
const EVERY: Duration = Duration::from_millis(500);
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How long what is under way at the end may take.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A delivery by webhook and message.
type Key = (Uuid, String);

/// Sends until `stop`.
pub(crate) async fn keep_delivering(context: &Context, config: Option<WebhooksConfig>, stop: CancellationToken) {
    let Some(config) = config else { return };
    let mut deliverer = Deliverer {
        context: context.clone(),
        sender: Sender::new(&config),
        config: Arc::new(config),
        under_way: HashSet::new(),
        sending: JoinSet::new(),
    };
    let mut pause = EVERY;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = match deliverer.round().await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "webhooks.not_looked");
                AFTER_ERROR
            }
        };
    }
    let _ = tokio::time::timeout(LAST_WAIT, async { while deliverer.sending.join_next().await.is_some() {} }).await;
}

struct Deliverer {
    context: Context,
    config: Arc<WebhooksConfig>,
    sender: Sender,
    under_way: HashSet<Key>,
    sending: JoinSet<Key>,
}

impl Deliverer {
    async fn round(&mut self) -> Result<(), WarehouseError> {
        while let Some(ended) = self.sending.try_join_next() {
            match ended {
                Ok(key) => {
                    self.under_way.remove(&key);
                }
                // Which one it was is not known: what was under way is looked up anew, and may be sent twice.
                Err(error) => {
                    tracing::error!(%error, "webhooks.task_failed");
                    self.under_way.clear();
                }
            }
        }
        let mut of_each: HashMap<Uuid, usize> = HashMap::new();
        for (webhook, _) in &self.under_way {
            *of_each.entry(*webhook).or_default() += 1;
        }
        let each = self.config.at_once_each.max(1);
        let most = self.config.at_once.max(1) + self.under_way.len();
        let now = jiff::Timestamp::now().as_millisecond();
        for delivery in self.context.warehouse.due_deliveries(now, each * 2, most).await? {
            if self.under_way.len() >= self.config.at_once.max(1) {
                break;
            }
            let key = (delivery.webhook, delivery.message.clone());
            let sending = of_each.entry(delivery.webhook).or_default();
            if self.under_way.contains(&key) || *sending >= each {
                continue;
            }
            *sending += 1;
            self.under_way.insert(key.clone());
            let (context, sender, config) = (self.context.clone(), self.sender.clone(), Arc::clone(&self.config));
            self.sending.spawn(async move {
                if let Err(error) = deliver(&context, &sender, &config, delivery).await {
                    tracing::warn!(webhook = %key.0, message = key.1, %error, "webhooks.not_noted");
                }
                key
            });
        }
        Ok(())
    }
}

/// Sends a message once and notes what became of it.
async fn deliver(
    context: &Context,
    sender: &Sender,
    config: &WebhooksConfig,
    delivery: Delivery,
) -> Result<(), WarehouseError> {
    let is_test = delivery.kind == MessageKind::Test.as_str();
    let known = || {
        let webhook = context.control.directory().webhook(delivery.webhook).cloned();
        webhook.filter(|webhook| webhook.disabled.is_none() || is_test)
    };
    let mut webhook = known();
    if webhook.is_none() {
        // Another process may have made it a moment ago. Where the log does not answer, the message waits.
        if let Err(error) = context.control.catch_up().await {
            tracing::warn!(webhook = %delivery.webhook, %error, "webhooks.not_known");
            return Ok(());
        }
        webhook = known();
    }
    let Some(webhook) = webhook else {
        let dropped =
            Delivery { said: "the webhook is deleted or disabled".to_owned(), ..delivery.then(DeliveryState::Dropped) };
        return context.warehouse.put_delivery(&dropped).await;
    };
    let at = jiff::Timestamp::now();
    let (message, body) = (&delivery.message, &delivery.body);
    let outcome = sender.send(&webhook.url, &webhook.secret, message, body, at.as_second()).await;
    let metrics = &context.metrics.webhooks;
    metrics.attempts.with_label_values(&[if outcome.is_success() { "delivered" } else { "failed" }]).inc();
    let noted = noted(&delivery, &outcome, config, at.as_millisecond());
    tracing::debug!(webhook = %webhook.id, message, state = noted.state, status = outcome.status, "webhooks.sent");
    context.warehouse.put_delivery(&noted).await?;
    if outcome.is_gone() && webhook.disabled.is_none() {
        disable(context, &webhook, at.as_millisecond()).await;
    }
    Ok(())
}

/// What is kept of an attempt: delivered, or when it is tried again, or that it has failed.
fn noted(delivery: &Delivery, outcome: &Outcome, config: &WebhooksConfig, at: i64) -> Delivery {
    let attempts = delivery.attempts + 1;
    let pause = config.pause_after(attempts).filter(|_| !outcome.is_gone());
    let state = match pause {
        _ if outcome.is_success() => DeliveryState::Delivered,
        Some(_) => DeliveryState::Pending,
        None => DeliveryState::Failed,
    };
    let pause = pause.map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2));
    Delivery {
        attempts,
        tried_at: at,
        status: outcome.status.unwrap_or(0),
        said: outcome.said.clone(),
        next_at: at.saturating_add(pause),
        ..delivery.then(state)
    }
}

/// The receiver has said that it is gone: it is told nothing any more.
async fn disable(context: &Context, webhook: &WebhookRecord, at: i64) {
    let reason = "the receiver answered 410 (Gone)".to_owned();
    let disabled = WebhookRecord { disabled: Some(Disabled { at, reason }), ..webhook.clone() };
    match context.control.put_webhook(disabled).await {
        Ok(()) => tracing::warn!(webhook = %webhook.id, "webhooks.disabled"),
        // It says so again the next time.
        Err(error) => tracing::warn!(webhook = %webhook.id, %error, "webhooks.not_disabled"),
    }
}

/// Writes a message to every webhook that wants it. Written again, with the same id, it is no harm.
pub(crate) async fn tell(
    context: &Context,
    kind: MessageKind,
    site: Option<&str>,
    (id, at): (Uuid, i64),
    data: &Value,
) -> Result<(), WarehouseError> {
    let body = avow_webhooks::body(kind.as_str(), at, data);
    let directory = context.control.directory();
    let wanted: Vec<Uuid> = directory.webhooks().filter(|hook| hook.wants(kind, site)).map(|hook| hook.id).collect();
    for webhook in wanted {
        let message = avow_webhooks::message_id(id);
        let delivery =
            Delivery::new(webhook, message, kind.as_str(), body.clone(), jiff::Timestamp::now().as_millisecond());
        context.warehouse.put_delivery(&delivery).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(attempts: u32, status: Option<u16>) -> Delivery {
        let mut delivery = Delivery::new(Uuid::nil(), "msg_1".into(), "webhook.test", "{}".into(), 0);
        delivery.attempts = attempts;
        noted(&delivery, &Outcome { status, said: "x".into() }, &WebhooksConfig::default(), 1000)
    }

    #[test]
    fn an_attempt_ends_a_message_or_is_followed_by_another() {
        let delivered = after(0, Some(204));
        assert_eq!((delivered.state.as_str(), delivered.attempts, delivered.version), ("delivered", 1, 2));
        let again = after(0, Some(500));
        assert_eq!((again.state.as_str(), again.next_at, again.status), ("pending", 6000, 500));
        let silent = after(3, None);
        assert_eq!((silent.state.as_str(), silent.next_at, silent.status), ("pending", 1000 + 7_200_000, 0));
        assert_eq!(after(9, Some(500)).state, "failed");
        assert_eq!(after(0, Some(410)).state, "failed");
        assert_eq!(after(0, Some(302)).state, "pending", "a redirection is not followed");
    }
}
