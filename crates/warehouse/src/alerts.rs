//! Alerts and who has seen them. A row is a version of an alert, written only on top of the version that it was made from.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::deliveries::once;
use crate::{Warehouse, WarehouseError};

/// An alert. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Alert {
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
    pub version: u32,
    pub rule: String,
    /// Empty: the installation as a whole.
    pub site: String,
    /// The service, or the ledger; empty: the site.
    pub about: String,
    /// When what was seen began.
    pub since: i64,
    pub opened_at: i64,
    /// 0: it is open.
    pub closed_at: i64,
    /// JSON.
    pub seen: String,
    /// JSON.
    pub expected: String,
    /// JSON: what was seen when it was closed; empty while it is open.
    pub ended: String,
    /// Messages of it that are written: 1 that it is open, 2 that it is closed too.
    pub told: u8,
}

/// An alert with who has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Acknowledgement {
    #[serde(with = "clickhouse::serde::uuid")]
    pub alert: Uuid,
    /// ms since 1970.
    pub at: i64,
    /// The token.
    #[serde(with = "clickhouse::serde::uuid")]
    pub by: Uuid,
    pub note: String,
}

impl Alert {
    pub const fn is_open(&self) -> bool {
        self.closed_at == 0
    }
}

const COLUMNS: &str = "a.id, a.version, CAST(a.rule, 'String'), a.site, a.about, toUnixTimestamp64Milli(a.since), \
    toUnixTimestamp64Milli(a.opened_at), toUnixTimestamp64Milli(a.closed_at), a.seen, a.expected, a.ended, a.told";

/// Which alerts are asked for.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Of these sites; `None`: of all, and of the installation as a whole.
    pub sites: Option<Vec<String>>,
    /// Open ones, or closed ones.
    pub open: Option<bool>,
    /// Opened before this moment, ms since 1970.
    pub before: i64,
    pub most: usize,
}

impl Warehouse {
    /// Writes a version of an alert, if the one before it is the newest; the first one only while no alert of that rule, site
    /// and matter is open. Written again it is no harm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_alert(&self, alert: &Alert) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO alerts_data SELECT {id:UUID}, {version:UInt32}, {rule:String}, {site:String}, {about:String}, \
            fromUnixTimestamp64Milli({since:Int64}, 'UTC'), fromUnixTimestamp64Milli({opened:Int64}, 'UTC'), \
            fromUnixTimestamp64Milli({closed:Int64}, 'UTC'), {seen:String}, {expected:String}, {ended:String}, {told:UInt8} \
            WHERE ifNull((SELECT if(count() = 0, 0, max(version)) FROM alerts_data WHERE id = {id:UUID}), 0) + 1 = {version:UInt32} \
            AND ({version:UInt32} > 1 OR ifNull((SELECT count() FROM alerts_data FINAL WHERE rule = {rule:String} \
            AND site = {site:String} AND about = {about:String} AND toUnixTimestamp64Milli(closed_at) = 0), 0) = 0)";
        let query = self.client().query_raw(insert).param("id", alert.id.to_string()).param("version", alert.version);
        let query = query.param("rule", &alert.rule).param("site", &alert.site).param("about", &alert.about);
        let query = query.param("since", alert.since).param("opened", alert.opened_at).param("closed", alert.closed_at);
        let query = query.param("seen", &alert.seen).param("expected", &alert.expected).param("ended", &alert.ended);
        Ok(once(query.param("told", alert.told), format!("{}/{}", alert.id, alert.version)).execute().await?)
    }

    /// The alerts that are open, and those of which not everything was told.
    ///
    /// # Errors
    /// The engine's.
    pub async fn unsettled_alerts(&self) -> Result<Vec<Alert>, WarehouseError> {
        let select = format!(
            "SELECT {COLUMNS} FROM alerts_data AS a FINAL WHERE toUnixTimestamp64Milli(a.closed_at) = 0 OR a.told < 2 \
             ORDER BY a.opened_at, a.id"
        );
        Ok(self.client().query_raw(&select).fetch_all().await?)
    }

    /// Alerts, the newest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, WarehouseError> {
        let select = format!(
            "SELECT {COLUMNS} FROM alerts_data AS a FINAL WHERE a.opened_at < fromUnixTimestamp64Milli({{before:Int64}}, 'UTC') \
             AND ({{all:UInt8}} = 1 OR has({{sites:Array(String)}}, a.site)) \
             AND ({{open:Int8}} = -1 OR (toUnixTimestamp64Milli(a.closed_at) = 0) = {{open:Int8}}) \
             ORDER BY a.opened_at DESC, a.id LIMIT {{most:UInt64}}"
        );
        let query = self.client().query_raw(&select).param("before", filter.before);
        let query = query.param("all", u8::from(filter.sites.is_none()));
        let query = query.param("sites", filter.sites.clone().unwrap_or_default());
        let query = query.param("open", filter.open.map_or(-1, i8::from)).param("most", filter.most as u64);
        Ok(query.fetch_all().await?)
    }

    /// One alert.
    ///
    /// # Errors
    /// The engine's.
    pub async fn alert(&self, id: Uuid) -> Result<Option<Alert>, WarehouseError> {
        let select = format!("SELECT {COLUMNS} FROM alerts_data AS a FINAL WHERE a.id = {{id:UUID}}");
        Ok(self.client().query_raw(&select).param("id", id.to_string()).fetch_optional().await?)
    }

    /// Notes who has seen an alert.
    ///
    /// # Errors
    /// The engine's.
    pub async fn acknowledge(&self, seen: &Acknowledgement) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO alert_acknowledgements SELECT {alert:UUID}, fromUnixTimestamp64Milli({at:Int64}, 'UTC'), \
                      {by:UUID}, {note:String}";
        let query = self.client().query_raw(insert).param("alert", seen.alert.to_string()).param("at", seen.at);
        let query = query.param("by", seen.by.to_string()).param("note", &seen.note);
        Ok(once(query, format!("{}/{}", seen.alert, seen.at)).execute().await?)
    }

    /// Who has seen these alerts.
    ///
    /// # Errors
    /// The engine's.
    pub async fn acknowledgements(&self, alerts: &[Uuid]) -> Result<Vec<Acknowledgement>, WarehouseError> {
        let select = "SELECT k.alert, toUnixTimestamp64Milli(k.at), k.by, k.note FROM alert_acknowledgements AS k FINAL \
                      WHERE has({alerts:Array(UUID)}, k.alert)";
        let alerts: Vec<String> = alerts.iter().map(Uuid::to_string).collect();
        Ok(self.client().query_raw(select).param("alerts", alerts).fetch_all().await?)
    }
}
