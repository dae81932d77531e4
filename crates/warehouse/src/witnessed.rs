//! What witnesses and time stamping authorities say of the operator log, and which of the other logs' checkpoints that
//! covers: the anchors by their places in it.

use clickhouse::Row;
use clickhouse::native::builder::BlockBuilder;
use serde::Deserialize;

use crate::trees::{Anchor, Bytes, Checkpoint, column};
use crate::{Warehouse, WarehouseError};

/// A checkpoint that was stamped (RFC 3161).
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Stamp {
    pub ledger: String,
    pub size: u64,
    /// The checkpoint's signed note; its text was stamped.
    pub note: String,
    /// The authority's answer, DER.
    #[serde(with = "serde_bytes")]
    pub response: Vec<u8>,
    /// ms since 1970, by this machine's clock.
    pub stamped_at: i64,
}

const STAMPS: &str = "SELECT ledger, size, note, response, toUnixTimestamp64Milli(stamped_at) AS stamped_at \
                      FROM ledger_stamps FINAL WHERE ledger = {ledger:String}";

impl Warehouse {
    /// The newest checkpoint of a log that was signed and may have been shown to witnesses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn candidate(&self, ledger: &str) -> Result<Option<Checkpoint>, WarehouseError> {
        let select = "SELECT ledger, size, root, note, toUnixTimestamp64Milli(signed_at) AS signed_at \
                      FROM ledger_candidates FINAL WHERE ledger = {ledger:String}";
        Ok(self.client().query_raw(select).param("ledger", ledger).fetch_optional().await?)
    }

    /// Writes down a checkpoint that is going to be shown to witnesses.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_candidate(&self, checkpoint: &Checkpoint) -> Result<(), WarehouseError> {
        self.put_signed("ledger_candidates", std::slice::from_ref(checkpoint)).await
    }

    /// The newest checkpoint of a log among the operator log's first `size` entries.
    ///
    /// # Errors
    /// The engine's.
    pub async fn anchor_within(&self, ledger: &str, size: u64) -> Result<Option<Anchor>, WarehouseError> {
        let select = "SELECT ledger, size, leaf, note FROM ledger_anchor_history WHERE ledger = {ledger:String} \
                      AND leaf < {size:UInt64} ORDER BY leaf DESC LIMIT 1";
        Ok(self.client().query_raw(select).param("ledger", ledger).param("size", size).fetch_optional().await?)
    }

    /// The first checkpoint of a log in the operator log that has its entry `leaf`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn anchor_of(&self, ledger: &str, leaf: u64) -> Result<Option<Anchor>, WarehouseError> {
        let select = "SELECT ledger, size, leaf, note FROM ledger_anchor_history AS anchor \
                      WHERE ledger = {ledger:String} AND anchor.size > {leaf:UInt64} ORDER BY anchor.leaf LIMIT 1";
        Ok(self.client().query_raw(select).param("ledger", ledger).param("leaf", leaf).fetch_optional().await?)
    }

    /// Puts a stamp.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_stamp(&self, stamp: &Stamp) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", std::iter::once(stamp.ledger.as_str()))?;
        column(&mut block, "size", std::iter::once(stamp.size))?;
        column(&mut block, "note", std::iter::once(stamp.note.as_str()))?;
        column(&mut block, "response", std::iter::once(Bytes(&stamp.response)))?;
        column(&mut block, "stamped_at", std::iter::once(crate::rows::Moment(stamp.stamped_at)))?;
        self.put("ledger_stamps", block).await
    }

    /// The newest stamp of a log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stamp(&self, ledger: &str) -> Result<Option<Stamp>, WarehouseError> {
        let select = format!("{STAMPS} ORDER BY size DESC LIMIT 1");
        Ok(self.client().query_raw(&select).param("ledger", ledger).fetch_optional().await?)
    }

    /// The first stamp of a log that covers its entry `leaf`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stamp_of(&self, ledger: &str, leaf: u64) -> Result<Option<Stamp>, WarehouseError> {
        let select = format!("{STAMPS} AND size > {{leaf:UInt64}} ORDER BY size LIMIT 1");
        Ok(self.client().query_raw(&select).param("ledger", ledger).param("leaf", leaf).fetch_optional().await?)
    }
}
