//! One subject's events on one site, in the order in which they happened: a key look-up.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// An event of a subject. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct SubjectEvent {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub occurred_at: i64,
    pub received_at: i64,
    pub logged_at: i64,
    pub prompt: String,
    pub method: String,
    pub regime: String,
    pub source: String,
    pub banner_version: String,
    pub language: String,
    pub variant: String,
    pub text_hash: String,
    pub host: String,
    pub path: String,
    pub expires_at: Option<i64>,
    pub config_version: u32,
    /// 1 where it is a decision in the sense of `docs/metrics.md`.
    pub decision: u8,
    /// As the event named them.
    pub categories: Vec<(String, bool)>,
    pub services: Vec<(String, bool)>,
    pub purposes: Vec<(String, bool)>,
    /// Service, category, state, disclosure.
    pub pairs: Vec<(String, String, String, String)>,
    /// Category, state.
    pub category_states: Vec<(String, String)>,
    pub ledger: String,
    pub leaf: u64,
    pub partition: u32,
    pub position: u64,
}

const HISTORY: &str = "\
SELECT toString(id) AS id, CAST(type, 'String') AS type, toUnixTimestamp64Milli(occurred_at) AS occurred_at, \
toUnixTimestamp64Milli(received_at) AS received_at, toUnixTimestamp64Milli(logged_at) AS logged_at, \
CAST(prompt, 'String') AS prompt, CAST(method, 'String') AS method, CAST(regime, 'String') AS regime, \
CAST(source, 'String') AS source, banner_version, language, variant, text_hash, host, path, \
toUnixTimestamp64Milli(expires_at) AS expires_at, config_version, decision, \
CAST(categories, 'Array(Tuple(String, Bool))') AS categories, CAST(services, 'Array(Tuple(String, Bool))') AS services, \
CAST(purposes, 'Array(Tuple(String, Bool))') AS purposes, \
CAST(arrayZip(pair_service, pair_category, pair_state, pair_disclosure), 'Array(Tuple(String, String, String, String))') AS pairs, \
CAST(arrayZip(category_name, category_state), 'Array(Tuple(String, String))') AS category_states, \
CAST(ledger, 'String') AS ledger, leaf, partition, position \
FROM events_data AS e \
WHERE site = {site:String} AND subject = {subject:UUID} AND kind = 'event' \
ORDER BY e.occurred_at, partition, position \
LIMIT {most:UInt64}";

impl Warehouse {
    /// At most `most` events of a subject, oldest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn history(&self, site: &str, subject: Uuid, most: u64) -> Result<Vec<SubjectEvent>, WarehouseError> {
        let client = self.client().clone().with_validation(true);
        let query = client.query_raw(HISTORY).param("site", site).param("subject", subject.to_string());
        Ok(query.param("most", most).fetch_all().await?)
    }
}
