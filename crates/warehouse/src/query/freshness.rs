//! How far the numbers have got: the roll-up's watermark in each partition of the log, and the moment up to which whatever
//! was acknowledged is counted.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use serde::Deserialize;
use uuid::Uuid;

use super::error::QueryError;

/// One past the last position that is counted, by partition. An answer cannot change while they do not.
pub type Marks = BTreeMap<u32, u64>;

/// How fresh an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    pub marks: Marks,
    /// Milliseconds since 1970; `None` where a partition with records has not been counted at all.
    pub counted_to: Option<i64>,
}

#[derive(Debug, Row, Deserialize)]
struct Mark {
    partition_of: u32,
    counted: u64,
}

#[derive(Debug, Row, Deserialize)]
struct Newest {
    logged_ms: i64,
}

/// The roll-up's watermarks.
///
/// # Errors
/// What the engine says.
pub async fn marks(client: &Client, log_id: Uuid) -> Result<Marks, QueryError> {
    // The row of site '' with service = partition and category = log id carries the watermark.
    let sql = "SELECT toUInt32OrZero(CAST(service, 'String')) AS partition_of, max(upto) AS counted \
               FROM rates_15m_data WHERE site = '' AND category = {log:String} GROUP BY partition_of";
    let rows = client.query_raw(sql).param("log", log_id.to_string()).fetch_all::<Mark>().await?;
    Ok(rows.into_iter().map(|row| (row.partition_of, row.counted)).collect())
}

/// The freshness of an answer that is read afterwards. `ends` are the log's ends by partition, read no earlier than the
/// moment `asked_at` (milliseconds since 1970): where everything up to them is counted, the answer is of that moment.
///
/// # Errors
/// What the engine says.
pub async fn freshness(client: &Client, log_id: Uuid, ends: &[u64], asked_at: i64) -> Result<Freshness, QueryError> {
    let marks = marks(client, log_id).await?;
    let mut counted_to = Some(asked_at);
    for (partition, end) in (0_u32..).zip(ends) {
        let counted = marks.get(&partition).copied().unwrap_or(0);
        if counted < *end {
            let newest = newest_before(client, log_id, partition, counted, asked_at).await?;
            counted_to = counted_to.zip(newest).map(|(a, b)| a.min(b));
        }
    }
    Ok(Freshness { marks, counted_to })
}

/// When the last range below a position was logged. Range rows sort by their time, so the last hour is tried first.
async fn newest_before(
    client: &Client,
    log_id: Uuid,
    partition: u32,
    counted: u64,
    asked_at: i64,
) -> Result<Option<i64>, QueryError> {
    let sql = "SELECT toUnixTimestamp64Milli(max(logged_at)) AS logged_ms FROM events_data \
               WHERE site = '' AND kind = 'range' AND log_id = toUUID({log:String}) AND partition = {partition:UInt32} \
               AND range_to <= {counted:UInt64} AND occurred_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') \
               HAVING count() > 0";
    for since in [asked_at - 3_600_000, 0] {
        let query = client.query_raw(sql).param("log", log_id.to_string()).param("partition", partition);
        let query = query.param("counted", counted).param("since", since);
        if let Some(row) = query.fetch_optional::<Newest>().await? {
            return Ok(Some(row.logged_ms));
        }
    }
    Ok(None)
}
