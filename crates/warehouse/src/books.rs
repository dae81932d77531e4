//! The books: what was read from the log of a site, and what became of it, against the rows that are there.

pub mod ranges;

use clickhouse::Row;
use serde::Deserialize;

use crate::{Warehouse, WarehouseError};

/// One site's books. `site` is empty for records of which no site could be read.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Books {
    pub site: String,
    /// Records of the log, by position.
    pub read: u64,
    pub stored: u64,
    pub repeats: u64,
    pub dead_letters: u64,
    /// Rows in the table: consent events, and control records.
    pub events: u64,
    pub controls: u64,
    /// ... and what is left of erased events.
    pub erased: u64,
    /// When the last of its ranges was logged, in milliseconds since 1970; 0: never.
    pub logged_to: i64,
}

impl Books {
    /// Whether every record read has exactly one fate, and every stored one its row.
    pub const fn balance(&self) -> bool {
        self.read == self.stored + self.repeats + self.dead_letters
            && self.stored == self.events + self.controls + self.erased
    }
}

// One pass, and so one set of parts: a range row and its rows lie in the same part, so they are seen together or not at all.
const BOOKS: &str = "\
SELECT site_name AS site, read, stored, repeats, dead_letters, events, controls, erased, logged_to FROM (\
SELECT if(kind = 'range', book_of, CAST(site, 'String')) AS site_name, \
sumIf(toUInt64(book_r), kind = 'range') AS read, sumIf(toUInt64(book_s), kind = 'range') AS stored, \
sumIf(toUInt64(book_x), kind = 'range') AS repeats, sumIf(toUInt64(book_d), kind = 'range') AS dead_letters, \
countIf(kind = 'event' AND NOT {SUPERSEDED}) AS events, countIf(kind = 'control') AS controls, \
countIf(kind = 'erased') AS erased, \
maxIf(toUnixTimestamp64Milli(logged_at), kind = 'range') AS logged_to \
FROM events_data LEFT ARRAY JOIN book_site AS book_of, book_read AS book_r, book_stored AS book_s, book_repeats AS book_x, \
book_dead AS book_d \
WHERE (site = '' OR site IN {sites:Array(String)}) \
AND logged_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND logged_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC') \
GROUP BY site_name) \
WHERE site_name IN {sites:Array(String)} AND read + events + controls + erased > 0 ORDER BY site_name";

impl Warehouse {
    /// The books of these sites over what was logged from `from` to before `to` (milliseconds since 1970). An empty name
    /// among the sites asks for the records of which no site could be read. A range belongs to the moment of its end, so
    /// books and rows need agree only over whole ranges: over all time, always.
    ///
    /// # Errors
    /// The engine's.
    pub async fn books(&self, sites: &[String], from: i64, to: i64) -> Result<Vec<Books>, WarehouseError> {
        let client = self.client().clone().with_validation(true);
        let query = client.query_raw(&self.without_superseded(BOOKS).await?);
        Ok(query.param("sites", sites).param("from", from).param("to", to).fetch_all().await?)
    }
}
