//! Messages to webhooks and what became of each. A row is a version of a delivery; it is written only on top of the version
//! that it was made from, so that of two writers one is too late.

use avow_schemas::webhook::DeliveryState;
use clickhouse::Row;
use clickhouse::query::Query;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// A message to one webhook. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Delivery {
    #[serde(with = "clickhouse::serde::uuid")]
    pub webhook: Uuid,
    /// The value of `webhook-id`.
    pub message: String,
    pub version: u32,
    pub kind: String,
    pub body: String,
    pub made_at: i64,
    pub state: String,
    pub attempts: u32,
    /// 0: not yet.
    pub tried_at: i64,
    /// Of the last answer; 0: there was none.
    pub status: u16,
    pub said: String,
    pub next_at: i64,
}

const COLUMNS: &str = "d.webhook, d.message, d.version, CAST(d.type, 'String'), d.body, toUnixTimestamp64Milli(d.made_at), \
    CAST(d.state, 'String'), d.attempts, toUnixTimestamp64Milli(d.tried_at), d.status, d.said, \
    toUnixTimestamp64Milli(d.next_at)";

impl Delivery {
    /// A message that waits to be sent for the first time.
    pub fn new(webhook: Uuid, message: String, kind: &str, body: String, now: i64) -> Self {
        Self {
            webhook,
            message,
            version: 1,
            kind: kind.to_owned(),
            body,
            made_at: now,
            state: DeliveryState::Pending.as_str().to_owned(),
            attempts: 0,
            tried_at: 0,
            status: 0,
            said: String::new(),
            next_at: now,
        }
    }

    /// The version after this one, in another state.
    #[must_use]
    pub fn then(&self, state: DeliveryState) -> Self {
        Self { version: self.version + 1, state: state.as_str().to_owned(), ..self.clone() }
    }
}

impl Warehouse {
    /// Writes a version of a delivery, if the one before it is the newest. Written again it is no harm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_delivery(&self, delivery: &Delivery) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO webhook_deliveries SELECT {webhook:UUID}, {message:String}, {version:UInt32}, {kind:String}, \
            {body:String}, fromUnixTimestamp64Milli({made:Int64}, 'UTC'), {state:String}, {attempts:UInt32}, \
            fromUnixTimestamp64Milli({tried:Int64}, 'UTC'), {status:UInt16}, {said:String}, \
            fromUnixTimestamp64Milli({next:Int64}, 'UTC') \
            WHERE ifNull((SELECT if(count() = 0, 0, max(version)) FROM webhook_deliveries \
            WHERE webhook = {webhook:UUID} AND message = {message:String}), 0) + 1 = {version:UInt32}";
        let token = format!("{}/{}/{}", delivery.webhook, delivery.message, delivery.version);
        let query = self.client().query_raw(insert).param("webhook", delivery.webhook.to_string());
        let query = query.param("message", &delivery.message).param("version", delivery.version);
        let query = query.param("kind", &delivery.kind).param("body", &delivery.body).param("made", delivery.made_at);
        let query = query.param("state", &delivery.state).param("attempts", delivery.attempts);
        let query = query.param("tried", delivery.tried_at).param("status", delivery.status);
        let query = query.param("said", &delivery.said).param("next", delivery.next_at);
        Ok(once(query, token).execute().await?)
    }

    /// Messages that are due at `now` (ms since 1970), at most `each` of one webhook, those that have waited longest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn due_deliveries(&self, now: i64, each: usize, most: usize) -> Result<Vec<Delivery>, WarehouseError> {
        let select = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries AS d FINAL WHERE d.state = 'pending' \
             AND d.next_at <= fromUnixTimestamp64Milli({{now:Int64}}, 'UTC') \
             ORDER BY d.next_at, d.message LIMIT {{each:UInt64}} BY d.webhook LIMIT {{most:UInt64}}"
        );
        let query = self.client().query_raw(&select).param("now", now);
        Ok(query.param("each", each as u64).param("most", most as u64).fetch_all().await?)
    }

    /// A webhook's messages, newest first, those made before `before` (ms since 1970).
    ///
    /// # Errors
    /// The engine's.
    pub async fn deliveries(&self, webhook: Uuid, before: i64, most: usize) -> Result<Vec<Delivery>, WarehouseError> {
        let select = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries AS d FINAL WHERE d.webhook = {{webhook:UUID}} \
             AND d.made_at < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC') \
             ORDER BY d.made_at DESC, d.message LIMIT {{most:UInt64}}"
        );
        let query = self.client().query_raw(&select).param("webhook", webhook.to_string());
        Ok(query.param("before", before).param("most", most as u64).fetch_all().await?)
    }

    /// One message to a webhook.
    ///
    /// # Errors
    /// The engine's.
    pub async fn delivery(&self, webhook: Uuid, message: &str) -> Result<Option<Delivery>, WarehouseError> {
        let select = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries AS d FINAL WHERE d.webhook = {{webhook:UUID}} \
             AND d.message = {{message:String}}"
        );
        let query = self.client().query_raw(&select).param("webhook", webhook.to_string());
        Ok(query.param("message", message).fetch_optional().await?)
    }
}

/// An insert that makes one part, durable before it is answered, and only once under its token.
pub(crate) fn once(query: Query, token: String) -> Query {
    let settings =
        [("async_insert", "0"), ("max_insert_threads", "1"), ("max_threads", "1"), ("insert_deduplicate", "1")];
    let query = settings.iter().fold(query, |query, (setting, value)| query.with_setting(*setting, *value));
    query.with_setting("insert_deduplication_token", token)
}
