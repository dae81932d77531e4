//! Who has read what. Rows are appended by the api and go when their time is over; nothing else changes them.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Access {
    /// ms since 1970.
    pub at: i64,
    /// Version 7.
    #[serde(with = "clickhouse::serde::uuid")]
    pub id: Uuid,
    pub request_id: String,
    /// `session`, `token`, `share`, `none`.
    pub entry: String,
    /// Nil: the token of the configuration, or nobody who is known.
    #[serde(with = "clickhouse::serde::uuid")]
    pub caller: Uuid,
    pub name: String,
    pub method: String,
    /// As in the OpenAPI document.
    pub route: String,
    /// Empty: none, or several.
    pub site: String,
    /// A digest; empty: none.
    pub subject: String,
    pub status: u16,
    /// Seconds since 1970.
    pub keep_until: u32,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// From the first to before the last, in ms since 1970.
    pub between: (i64, i64),
    /// Of these sites alone; `None`: all, and what is of no site.
    pub sites: Option<Vec<&'a str>>,
    /// Older than this row: its time and id.
    pub before: Option<(i64, Uuid)>,
    pub limit: u64,
}

const COLUMNS: &str = "toUnixTimestamp64Milli(at) AS at_ms, id, request_id, toString(entry) AS entry, caller, name, \
                       toString(method) AS method, toString(route) AS route, site, subject, status, \
                       toUnixTimestamp(keep_until) AS keep_until_s";

impl Warehouse {
    /// Appends rows. Returns once they are stored, as durably as the engine stores.
    ///
    /// # Errors
    /// The engine's.
    pub async fn append_accesses(&self, rows: &[Access]) -> Result<(), WarehouseError> {
        let mut insert = self.client().insert::<Access>("access_log").await?;
        for row in rows {
            insert.write(row).await?;
        }
        Ok(insert.end().await?)
    }

    /// Rows whose time is not over, the newest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn accesses(&self, asked: &Asked<'_>) -> Result<Vec<Access>, WarehouseError> {
        let mut select = format!(
            "SELECT {COLUMNS} FROM access_log WHERE keep_until > now() \
             AND at >= fromUnixTimestamp64Milli({{from:Int64}}) AND at < fromUnixTimestamp64Milli({{to:Int64}})"
        );
        if asked.sites.is_some() {
            select.push_str(" AND site IN {sites:Array(String)}");
        }
        if asked.before.is_some() {
            select.push_str(" AND (at, id) < (fromUnixTimestamp64Milli({at:Int64}), {id:UUID})");
        }
        select.push_str(" ORDER BY at DESC, id DESC LIMIT {limit:UInt64}");
        let mut query = self.client().query_raw(&select);
        query = query.param("from", asked.between.0).param("to", asked.between.1).param("limit", asked.limit);
        if let Some(sites) = &asked.sites {
            query = query.param("sites", sites);
        }
        if let Some((at, id)) = asked.before {
            query = query.param("at", at).param("id", id.to_string());
        }
        Ok(query.fetch_all().await?)
    }
}
