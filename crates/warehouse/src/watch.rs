//! What alerts are judged by: counts of the roll-up by site and time. Times are in seconds since 1970.

use clickhouse::Row;
use serde::Deserialize;

use crate::{Warehouse, WarehouseError};

/// Seconds of a quarter of an hour, the roll-up's grain in time.
pub const QUARTER: i64 = 900;
/// Seconds of a week.
pub const WEEK: i64 = 7 * 24 * 3600;

/// Whatever happened on a site, as far as the roll-up counts it.
const ACTIVITY: &str = "shown + decisions + dismissed + automatic + withdrawals + loaded";

/// What a site has sent in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Activity {
    pub site: String,
    /// The first and the last quarter of an hour in which there was something.
    pub first: i64,
    pub last: i64,
    pub events: u64,
}

/// How much there was in the same window so many weeks ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub struct WeekCount {
    pub weeks_ago: u32,
    pub events: u64,
}

impl Warehouse {
    /// What each site has sent since a moment; sites that have sent nothing are left out.
    ///
    /// # Errors
    /// The engine's.
    pub async fn activity(&self, since: i64) -> Result<Vec<Activity>, WarehouseError> {
        let select = format!(
            "SELECT CAST(r.site, 'String'), toInt64(min(toUnixTimestamp(r.quarter))), \
             toInt64(max(toUnixTimestamp(r.quarter))), sum({ACTIVITY}) AS events FROM rates_15m_data AS r \
             WHERE r.site != '' AND r.grain = 'total' AND r.quarter >= toDateTime({{since:Int64}}, 'UTC') \
             AND {ACTIVITY} > 0 GROUP BY r.site"
        );
        Ok(self.client().query_raw(&select).param("since", since).fetch_all().await?)
    }

    /// When a site has first sent something since a moment, by the quarter of an hour.
    ///
    /// # Errors
    /// The engine's.
    pub async fn first_activity(&self, site: &str, since: i64) -> Result<Option<i64>, WarehouseError> {
        let select = format!(
            "SELECT toInt64(min(toUnixTimestamp(r.quarter))) FROM rates_15m_data AS r WHERE r.site = {{site:String}} \
             AND r.grain = 'total' AND r.quarter >= toDateTime({{since:Int64}}, 'UTC') AND {ACTIVITY} > 0 HAVING count() > 0"
        );
        Ok(self.client().query_raw(&select).param("site", site).param("since", since).fetch_optional().await?)
    }

    /// What a site has sent in the window `[to - length, to)` of each of the `weeks` weeks before. `to` is the beginning of a
    /// quarter of an hour; weeks without anything are left out.
    ///
    /// # Errors
    /// The engine's.
    pub async fn same_window(
        &self,
        site: &str,
        to: i64,
        length: i64,
        weeks: u32,
    ) -> Result<Vec<WeekCount>, WarehouseError> {
        let select = format!(
            "SELECT toUInt32(intDiv({{to:Int64}} - 1 - toUnixTimestamp(r.quarter), {WEEK})) AS weeks_ago, sum({ACTIVITY}) AS events \
             FROM rates_15m_data AS r WHERE r.site = {{site:String}} AND r.grain = 'total' \
             AND r.quarter >= toDateTime({{from:Int64}}, 'UTC') AND r.quarter < toDateTime({{upto:Int64}}, 'UTC') \
             AND modulo({{to:Int64}} - 1 - toUnixTimestamp(r.quarter), {WEEK}) < {{length:Int64}} \
             GROUP BY weeks_ago ORDER BY weeks_ago"
        );
        let query = self.client().query_raw(&select).param("site", site).param("to", to).param("length", length);
        let from = to - i64::from(weeks) * WEEK - length;
        Ok(query.param("from", from).param("upto", to - WEEK).fetch_all().await?)
    }
}

/// What was decided on a site in the same block of hours so many weeks ago: opt-in alone, without bots.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct ConsentBlock {
    pub site: String,
    /// 0: the block itself.
    pub weeks_ago: u32,
    /// (decision, service) pairs.
    pub granted: u64,
    pub denied: u64,
    pub decisions: u64,
}

/// How often a service was seen before consent to it, in the 24 hours that ended so many days ago.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Sighted {
    pub site: String,
    pub service: String,
    pub days_ago: u32,
    pub sightings: u64,
    /// The first quarter of an hour of these.
    pub first: i64,
}

/// What a site has sent in the 24 hours that ended so many days ago.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct DayActivity {
    pub site: String,
    pub days_ago: u32,
    pub events: u64,
}

impl Warehouse {
    /// What was decided in the block `[to - length, to)`, and in the same one of each of the `weeks` weeks before, by site.
    ///
    /// # Errors
    /// The engine's.
    pub async fn consent_blocks(&self, to: i64, length: i64, weeks: u32) -> Result<Vec<ConsentBlock>, WarehouseError> {
        let select = format!(
            "SELECT CAST(r.site, 'String') AS of_site, \
             toUInt32(intDiv({{to:Int64}} - 1 - toUnixTimestamp(r.quarter), {WEEK})) AS weeks_ago, \
             sumIf(r.granted, r.grain = 'service'), sumIf(r.denied, r.grain = 'service'), \
             sumIf(r.decisions, r.grain = 'total') \
             FROM rates_15m_data AS r WHERE r.site != '' AND r.grain IN ('total', 'service') AND r.bot = 'no' \
             AND r.regime = 'opt_in' AND r.quarter >= toDateTime({{from:Int64}}, 'UTC') \
             AND r.quarter < toDateTime({{to:Int64}}, 'UTC') \
             AND modulo({{to:Int64}} - 1 - toUnixTimestamp(r.quarter), {WEEK}) < {{length:Int64}} \
             GROUP BY of_site, weeks_ago"
        );
        let query = self.client().query_raw(&select).param("to", to).param("length", length);
        Ok(query.param("from", to - i64::from(weeks) * WEEK - length).fetch_all().await?)
    }

    /// Services that were seen before consent to them, by day, in the day that ends at `to` and the `days` days before.
    ///
    /// # Errors
    /// The engine's.
    pub async fn sighted(&self, to: i64, days: u32) -> Result<Vec<Sighted>, WarehouseError> {
        let select = "SELECT CAST(r.site, 'String') AS of_site, CAST(r.service, 'String') AS of_service, \
             toUInt32(intDiv({to:Int64} - 1 - toUnixTimestamp(r.quarter), 86400)) AS days_ago, \
             sum(r.observed_without_consent), toInt64(min(toUnixTimestamp(r.quarter))) \
             FROM rates_15m_data AS r WHERE r.site != '' AND r.grain = 'service' AND r.observed_without_consent > 0 \
             AND r.quarter >= toDateTime({from:Int64}, 'UTC') AND r.quarter < toDateTime({to:Int64}, 'UTC') \
             GROUP BY of_site, of_service, days_ago";
        let from = to - 86_400 * (i64::from(days) + 1);
        Ok(self.client().query_raw(select).param("to", to).param("from", from).fetch_all().await?)
    }

    /// What these sites have sent, by day, in the day that ends at `to` and the `days` days before.
    ///
    /// # Errors
    /// The engine's.
    pub async fn daily_activity(
        &self,
        sites: &[String],
        to: i64,
        days: u32,
    ) -> Result<Vec<DayActivity>, WarehouseError> {
        let select = format!(
            "SELECT CAST(r.site, 'String') AS of_site, \
             toUInt32(intDiv({{to:Int64}} - 1 - toUnixTimestamp(r.quarter), 86400)) AS days_ago, sum({ACTIVITY}) AS events \
             FROM rates_15m_data AS r WHERE r.site IN {{sites:Array(String)}} AND r.grain = 'total' \
             AND r.quarter >= toDateTime({{from:Int64}}, 'UTC') AND r.quarter < toDateTime({{to:Int64}}, 'UTC') \
             GROUP BY of_site, days_ago HAVING events > 0"
        );
        let query = self.client().query_raw(&select).param("sites", sites).param("to", to);
        Ok(query.param("from", to - 86_400 * (i64::from(days) + 1)).fetch_all().await?)
    }
}
