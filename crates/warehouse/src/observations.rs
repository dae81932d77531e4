//! What was seen on pages without consent, service by service, from the `observed` events themselves.

use clickhouse::Row;
use serde::Deserialize;

use crate::{Warehouse, WarehouseError};

/// One service of a site in one state.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Observation {
    pub service: String,
    /// `observed_without_consent` or `observed_for_review`.
    pub state: String,
    pub events: u64,
    /// Milliseconds since 1970.
    pub first_seen: i64,
    pub last_seen: i64,
    /// Pages, and beside each how many events there were.
    pub pages: (Vec<String>, Vec<u64>),
    /// Names of cookies and hosts in these events, those of other services among them.
    pub cookies: Vec<String>,
    pub domains: Vec<String>,
}

impl Warehouse {
    /// What was seen of a site in `[from, to)` (milliseconds since 1970), the most seen first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn observations(&self, site: &str, from: i64, to: i64) -> Result<Vec<Observation>, WarehouseError> {
        let select = "SELECT pair.1 AS service, pair.2 AS state, count() AS events, \
             toInt64(min(toUnixTimestamp64Milli(occurred_at))), toInt64(max(toUnixTimestamp64Milli(occurred_at))), \
             sumMap([concat(host, path)], [toUInt64(1)]), \
             groupUniqArrayArray(1000)(observed_cookies), groupUniqArrayArray(1000)(observed_domains) \
             FROM events_data ARRAY JOIN arrayZip(pair_service, pair_state) AS pair \
             WHERE site = {site:String} AND kind = 'event' AND type = 'observed' \
             AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') \
             AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC') \
             GROUP BY service, state ORDER BY events DESC, service";
        let query = self.client().query_raw(select).param("site", site).param("from", from).param("to", to);
        Ok(query.fetch_all().await?)
    }
}
