//! Ledger names, drawn before the first leaf and kept for ever; the ledgers' next leaf indexes; and what the
//! roll-up has already admitted as distinct values.

use std::collections::{HashMap, HashSet};

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

#[derive(Row, Deserialize)]
struct NextLeaf {
    ledger: String,
    next: u64,
}

#[derive(Row, Deserialize)]
struct Values {
    site: String,
    day: i64,
    languages: Vec<String>,
    versions: Vec<String>,
    variants: Vec<String>,
}

/// The distinct values that the roll-up holds for one site and day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    pub languages: HashSet<String>,
    pub versions: HashSet<String>,
    pub variants: HashSet<String>,
}

impl Warehouse {
    /// The name of a ledger: the earliest drawn for (site, shard, period). Where there is none, `fresh` becomes it unless
    /// another process is faster.
    ///
    /// # Errors
    /// The engine's.
    pub async fn ledger_name(
        &self,
        site: &str,
        shard: u32,
        period: &str,
        fresh: impl FnOnce() -> String,
    ) -> Result<String, WarehouseError> {
        if let Some(name) = self.drawn_name(site, shard, period).await? {
            return Ok(name);
        }
        let insert = "INSERT INTO ledgers SELECT {site:String}, {shard:UInt32}, {period:String}, {name:String}, now64(3) \
                      WHERE (SELECT count() FROM ledgers WHERE site = {site:String} AND shard = {shard:UInt32} \
                      AND period = {period:String}) = 0";
        let query = self.client().query_raw(insert).param("site", site).param("shard", shard);
        query.param("period", period).param("name", fresh()).execute().await?;
        let drawn = self.drawn_name(site, shard, period).await?;
        drawn.ok_or_else(|| WarehouseError::UnknownState(format!("the name of {site}'s ledger {period} was not kept")))
    }

    async fn drawn_name(&self, site: &str, shard: u32, period: &str) -> Result<Option<String>, WarehouseError> {
        let select = "SELECT name FROM ledgers WHERE site = {site:String} AND shard = {shard:UInt32} \
                      AND period = {period:String} ORDER BY made_at, name LIMIT 1";
        let query = self.client().query_raw(select).param("site", site).param("shard", shard).param("period", period);
        Ok(query.fetch_optional::<Name>().await?.map(|row| row.name))
    }

    /// The next leaf index of every ledger that has grown since a moment (ms since 1970) in a partition.
    ///
    /// # Errors
    /// The engine's.
    pub async fn next_leaves(
        &self,
        log_id: Uuid,
        partition: u32,
        since: i64,
    ) -> Result<HashMap<String, u64>, WarehouseError> {
        let select = "SELECT ledger, max(next) AS next FROM (SELECT book_ledger, book_next_leaf FROM events_data \
                      WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} \
                      AND logged_at >= fromUnixTimestamp64Milli({since:Int64})) \
                      ARRAY JOIN book_ledger AS ledger, book_next_leaf AS next WHERE ledger != '' GROUP BY ledger";
        let query = self.client().query_raw(select).param("log", log_id.to_string()).param("partition", partition);
        let rows: Vec<NextLeaf> = query.param("since", since).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.ledger, row.next)).collect())
    }

    /// The distinct languages, banner versions and variants that the roll-up has, by site and UTC day since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub async fn admitted(
        &self,
        wanted: &HashSet<(String, i64)>,
    ) -> Result<HashMap<(String, i64), Admitted>, WarehouseError> {
        let select = "SELECT toString(site) AS site, toInt64(toUnixTimestamp(quarter) DIV 86400) AS day, \
                      groupUniqArrayIf(toString(language), language NOT IN ('', 'other')) AS languages, \
                      groupUniqArrayIf(toString(banner_version), banner_version NOT IN ('', 'other')) AS versions, \
                      groupUniqArrayIf(toString(variant), variant NOT IN ('', 'other')) AS variants \
                      FROM rates_15m_data WHERE grain = 'total' AND site IN {sites:Array(String)} \
                      AND quarter >= toDateTime({first:Int64} * 86400, 'UTC') \
                      AND quarter < toDateTime(({last:Int64} + 1) * 86400, 'UTC') GROUP BY site, day";
        let sites: HashSet<&str> = wanted.iter().map(|(site, _)| site.as_str()).collect();
        let sites: Vec<&str> = sites.into_iter().collect();
        let days = wanted.iter().map(|(_, day)| *day);
        let query = self.client().query_raw(select).param("sites", sites);
        let query = query.param("first", days.clone().min().unwrap_or(0)).param("last", days.max().unwrap_or(0));
        let rows: Vec<Values> = query.fetch_all().await?;
        let admitted = rows.into_iter().map(|row| {
            let values = Admitted {
                languages: row.languages.into_iter().collect(),
                versions: row.versions.into_iter().collect(),
                variants: row.variants.into_iter().collect(),
            };
            ((row.site, row.day), values)
        });
        Ok(admitted.filter(|(key, _)| wanted.contains(key)).collect())
    }
}
