//! Where single records lie in the ledgers: the event that a receipt names, the tombstones of erasures.

use std::collections::BTreeSet;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::days::DAY_MS;
use crate::{Warehouse, WarehouseError};

impl Warehouse {
    /// Where the tombstones of these erasures lie: ledger and leaf.
    ///
    /// # Errors
    /// The engine's.
    pub async fn tombstones(&self, site: &str, erasures: &[String]) -> Result<BTreeSet<(String, u64)>, WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Place {
            ledger: String,
            leaf: u64,
        }
        if erasures.is_empty() {
            return Ok(BTreeSet::new());
        }
        let select = "SELECT ledger, leaf FROM events_data WHERE site = {site:String} AND kind = 'control' \
                      AND subject = toUUID('00000000-0000-0000-0000-000000000000') AND control_kind = 'tombstone' \
                      AND has({erasures:Array(String)}, JSONExtractString(control_body, 'erasure'))";
        let query = self.client().query_raw(select).param("site", site).param("erasures", erasures);
        let places: Vec<Place> = query.fetch_all().await?;
        Ok(places.into_iter().map(|place| (place.ledger, place.leaf)).collect())
    }
}

/// Where an event lies that a commitment names, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub ledger: String,
    pub leaf: u64,
    /// Zeroes of one that was erased.
    pub seed: [u8; 32],
    pub subject: Option<Uuid>,
}

impl Warehouse {
    /// The event of a site with this commitment that was received at `received_at` (ms since 1970).
    ///
    /// # Errors
    /// The engine's.
    pub async fn committed(
        &self,
        site: &str,
        commitment: &[u8; 32],
        received_at: i64,
    ) -> Result<Option<Committed>, WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Line {
            ledger: String,
            leaf: u64,
            seed: [u8; 32],
            #[serde(with = "clickhouse::serde::uuid")]
            subject: Uuid,
        }
        // A day before, for logs whose clock is behind.
        let select = "SELECT ledger, leaf, seed, subject FROM events_data WHERE site = {site:String} AND leaf_kind = 1 \
                      AND logged_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') \
                      AND commitment = toFixedString(unhex({commitment:String}), 32) \
                      ORDER BY kind = 'event' LIMIT 1";
        let commitment: String = commitment.iter().map(|byte| format!("{byte:02x}")).collect();
        // Far outside of what the engine's calendar has, there is no event.
        let since = received_at.clamp(0, 4_102_444_800_000).saturating_sub(DAY_MS);
        let query = self.client().query_raw(select).param("site", site).param("since", since);
        let line: Option<Line> = query.param("commitment", commitment).fetch_optional().await?;
        Ok(line.map(|Line { ledger, leaf, seed, subject }| Committed {
            ledger,
            leaf,
            seed,
            subject: (!subject.is_nil()).then_some(subject),
        }))
    }
}
