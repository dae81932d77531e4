//! What an audit compares, as it arrives: every entry of every ledger, and every checkpoint that the operator log holds, each
//! ledger by ledger and in order, so that neither side is ever in memory as a whole.

use clickhouse::query::RowCursor;
use clickhouse::{Row, RowOwned, RowRead};
use serde::Deserialize;
use uuid::Uuid;

use crate::records::lean;
use crate::trees::Head;
use crate::{Warehouse, WarehouseError};

/// Of a record what its leaf and its place are.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Placed {
    pub ledger: String,
    pub leaf: u64,
    /// The leaf's kind, its first byte.
    pub leaf_kind: u8,
    pub commitment: [u8; 32],
    /// Where it lies in the log.
    pub partition: u32,
    pub position: u64,
    /// Whether nothing but that is left of it.
    pub is_erased: u8,
}

/// A stored entry. One leaf may have several rows, which are to say the same.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct StoredEntry {
    pub ledger: String,
    pub leaf: u64,
    #[serde(with = "serde_bytes")]
    pub entry: Vec<u8>,
}

/// A checkpoint that the operator log holds.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Sealed {
    /// What its origin ends with.
    pub ledger: String,
    pub size: u64,
    /// Of the operator log.
    pub leaf: u64,
    #[serde(with = "serde_bytes")]
    pub entry: Vec<u8>,
}

/// Rows as they arrive.
pub struct Rows<T>(RowCursor<T>);

impl<T: RowOwned + RowRead> Rows<T> {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// The engine's.
    pub async fn next(&mut self) -> Result<Option<T>, WarehouseError> {
        Ok(self.0.next().await?)
    }
}

/// Records that have a leaf, up to a position of each partition.
pub(crate) const LEAVES: &str = "kind != 'range' AND ledger != '' \
     AND (log_id != {log:UUID} OR position < {upto:Array(UInt64)}[partition + 1])";

impl Warehouse {
    /// The places of all records that have a leaf, ledger by ledger in the order of their leaves; of a log `log_id` those below
    /// the given position of each partition, of earlier logs all. What of them is not needed for the order
    /// [`Warehouse::all_records`] has, so that little is sorted.
    ///
    /// # Errors
    /// The engine's.
    pub fn all_places(&self, log_id: Uuid, upto: &[u64]) -> Result<Rows<Placed>, WarehouseError> {
        let select = format!(
            "SELECT ledger, leaf, leaf_kind, commitment, partition, position, \
             kind != 'control' AND seed = toFixedString('', 32) AS is_erased FROM events_data WHERE {LEAVES} \
             ORDER BY ledger, leaf, position, kind = 'event' LIMIT 1 BY ledger, leaf, position"
        );
        let query = self.client().query_raw(&select).param("log", log_id.to_string()).param("upto", upto);
        Ok(Rows(lean(query).with_setting("max_bytes_before_external_sort", "67108864").fetch()?))
    }

    /// Every stored entry of every log, by log and leaf: the order in which they lie.
    ///
    /// # Errors
    /// The engine's.
    pub fn all_entries(&self) -> Result<Rows<StoredEntry>, WarehouseError> {
        let select = "SELECT ledger, leaf, entry FROM ledger_leaves ORDER BY ledger, leaf";
        let query = self.client().query_raw(select).with_setting("optimize_read_in_order", "1");
        Ok(Rows(query.fetch()?))
    }

    /// Every checkpoint in the operator log below `size`, by its ledger and its size.
    ///
    /// # Errors
    /// The engine's.
    pub fn sealed(&self, operator: &str, size: u64) -> Result<Rows<Sealed>, WarehouseError> {
        let select = "SELECT splitByChar('/', arrayElement(splitByChar('\\n', entry), 1))[-1] AS ledger, \
                      toUInt64OrZero(arrayElement(splitByChar('\\n', entry), 2)) AS size, operator.leaf AS leaf, entry \
                      FROM (SELECT leaf, entry FROM ledger_leaves WHERE ledger = {operator:String} \
                      AND leaf < {upto:UInt64} ORDER BY leaf LIMIT 1 BY leaf) AS operator ORDER BY ledger, size, leaf";
        let query = self.client().query_raw(select).param("operator", operator).param("upto", size);
        Ok(Rows(query.with_setting("max_bytes_before_external_sort", "268435456").fetch()?))
    }

    /// How many records `Warehouse::all_records` gives.
    ///
    /// # Errors
    /// The engine's.
    pub async fn count_records(&self, log_id: Uuid, upto: &[u64]) -> Result<u64, WarehouseError> {
        let select = format!("SELECT count() FROM events_data WHERE {LEAVES}");
        let query = self.client().query_raw(&select).param("log", log_id.to_string()).param("upto", upto);
        Ok(query.fetch_one().await?)
    }

    /// Every head that is stored as the newest of its ledger in its partition: those of one ledger are to be one.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stored_heads(&self) -> Result<Vec<Head>, WarehouseError> {
        let select = "SELECT ledger, size, root, peaks, upto FROM ledger_heads FINAL ORDER BY ledger, size";
        Ok(self.client().query_raw(select).fetch_all().await?)
    }
}
