//! The ledgers' trees as they are stored: entries, nodes at the tiles' edges, heads, checkpoints, and where a checkpoint
//! lies in the operator log. What these rows say follows from `events_data`; whoever writes them twice writes the same. What
//! they mean is `avow_ledger`'s to know.

use std::sync::Arc;

use clickhouse::Row;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::{Encode, ValueWriter};
use clickhouse::native::{Block, DataTypeNode};
use serde::Deserialize;
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// An entry of a log, of which its leaf hash is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    pub ledger: Arc<str>,
    pub leaf: u64,
    pub entry: Vec<u8>,
}

/// The root of the perfect subtree of `2^level` leaves with this number from the left; level 8, 16, ...
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub ledger: Arc<str>,
    pub level: u8,
    pub number: u64,
    pub hash: Hash,
}

/// How far a tree has got.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Head {
    pub ledger: String,
    pub size: u64,
    pub root: Hash,
    /// The roots of its perfect subtrees, largest first.
    pub peaks: Vec<Hash>,
    /// The log's positions below this one are in the partition's trees.
    pub upto: u64,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Checkpoint {
    pub ledger: String,
    pub size: u64,
    pub root: Hash,
    /// The signed note (C2SP signed-note).
    pub note: String,
    /// ms since 1970.
    pub signed_at: i64,
}

/// A checkpoint that is an entry of the operator log.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Anchor {
    pub ledger: String,
    pub size: u64,
    /// Its leaf index in the operator log.
    pub leaf: u64,
    /// The checkpoint's signed note.
    pub note: String,
}

#[derive(Row, Deserialize)]
struct StoredLeaf {
    ledger: String,
    leaf: u64,
    first_byte: u8,
    commitment: Hash,
}

impl From<StoredLeaf> for Leaf {
    fn from(row: StoredLeaf) -> Self {
        Self { ledger: row.ledger.into(), leaf: row.leaf, entry: entry(row.first_byte, &row.commitment) }
    }
}

/// A ledger's name with what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Ledger {
    pub name: String,
    pub site: String,
    pub shard: u32,
    pub period: String,
}

/// Bytes as String.
struct Bytes<'a>(&'a [u8]);

impl Encode for Bytes<'_> {
    fn produces() -> DataTypeNode {
        DataTypeNode::String
    }

    fn encode(&self, writer: &mut ValueWriter<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(writer.write_string(self.0)?)
    }
}

pub(crate) fn column<T: Encode>(
    block: &mut BlockBuilder,
    name: &str,
    values: impl Iterator<Item = T>,
) -> Result<(), WarehouseError> {
    let bad = |e: String| WarehouseError::Block(format!("{name}: {e}"));
    let mut column = block.upsert_column::<T>(name).map_err(|e| bad(e.to_string()))?;
    column.add_all(values).map_err(|e| bad(e.to_string()))?;
    Ok(())
}

/// Durable before it is answered, as one part.
const DURABLE: &[(&str, &str)] = &[("async_insert", "0"), ("max_insert_threads", "1"), ("max_threads", "1")];

impl Warehouse {
    pub(crate) async fn put(&self, table: &str, mut block: BlockBuilder) -> Result<(), WarehouseError> {
        let block: Block = block.build().map_err(|e| WarehouseError::Block(e.to_string()))?;
        let mut insert = self.client().insert_native_unescaped(table);
        for (setting, value) in DURABLE {
            insert = insert.with_setting(*setting, *value);
        }
        insert.write(&block).await?;
        Ok(insert.end().await?)
    }

    /// Adds entries. Once more is no harm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_leaves(&self, leaves: &[Leaf]) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", leaves.iter().map(|row| &*row.ledger))?;
        column(&mut block, "leaf", leaves.iter().map(|row| row.leaf))?;
        column(&mut block, "entry", leaves.iter().map(|row| Bytes(&row.entry)))?;
        self.put("ledger_leaves", block).await
    }

    /// Adds nodes. Once more is no harm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_nodes(&self, nodes: &[Node]) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", nodes.iter().map(|row| &*row.ledger))?;
        column(&mut block, "level", nodes.iter().map(|row| row.level))?;
        column(&mut block, "number", nodes.iter().map(|row| row.number))?;
        column(&mut block, "hash", nodes.iter().map(|row| crate::rows::Bytes32(row.hash)))?;
        self.put("ledger_nodes", block).await
    }

    /// Puts heads, in one part: what they cover is stored before.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_heads(&self, log_id: Uuid, partition: u32, heads: &[Head]) -> Result<(), WarehouseError> {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut block = BlockBuilder::new();
        column(&mut block, "log_id", heads.iter().map(|_| log_id))?;
        column(&mut block, "partition", heads.iter().map(|_| partition))?;
        column(&mut block, "ledger", heads.iter().map(|row| row.ledger.as_str()))?;
        column(&mut block, "size", heads.iter().map(|row| row.size))?;
        column(&mut block, "root", heads.iter().map(|row| crate::rows::Bytes32(row.root)))?;
        let peaks = |row: &Head| row.peaks.iter().map(|peak| crate::rows::Bytes32(*peak)).collect::<Vec<_>>();
        column(&mut block, "peaks", heads.iter().map(peaks))?;
        column(&mut block, "upto", heads.iter().map(|row| row.upto))?;
        column(&mut block, "made_at", heads.iter().map(|_| crate::rows::Moment(now)))?;
        self.put("ledger_heads", block).await
    }

    /// The newest head of a ledger.
    ///
    /// # Errors
    /// The engine's.
    pub async fn head(&self, ledger: &str) -> Result<Option<Head>, WarehouseError> {
        let select = "SELECT ledger, size, root, peaks, upto FROM ledger_heads WHERE ledger = {ledger:String} \
                      ORDER BY size DESC LIMIT 1";
        Ok(self.client().query_raw(select).param("ledger", ledger).fetch_optional().await?)
    }

    /// The newest head of every ledger.
    ///
    /// # Errors
    /// The engine's.
    pub async fn heads(&self) -> Result<Vec<Head>, WarehouseError> {
        let select = "SELECT ledger, size, root, peaks, upto FROM ledger_heads ORDER BY size DESC LIMIT 1 BY ledger";
        Ok(self.client().query_raw(select).fetch_all().await?)
    }

    /// How far a partition's trees have got: positions below are in them.
    ///
    /// # Errors
    /// The engine's.
    pub async fn trees_upto(&self, log_id: Uuid, partition: u32) -> Result<u64, WarehouseError> {
        let select = "SELECT toUInt64(ifNull(max(upto), 0)) FROM ledger_heads WHERE log_id = {log:UUID} \
                      AND partition = {partition:UInt32}";
        let query = self.client().query_raw(select).param("log", log_id.to_string()).param("partition", partition);
        Ok(query.fetch_one().await?)
    }

    /// The leaves of the events and control records at positions `[from, to)` of a partition, in log order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn leaves_of(
        &self,
        log_id: Uuid,
        partition: u32,
        from: u64,
        to: u64,
    ) -> Result<Vec<Leaf>, WarehouseError> {
        let select = "SELECT ledger, leaf, leaf_kind AS first_byte, commitment FROM events_data WHERE kind != 'range' \
                      AND log_id = {log:UUID} AND partition = {partition:UInt32} AND position >= {from:UInt64} \
                      AND position < {to:UInt64} AND ledger != '' ORDER BY position";
        let query = self.client().query_raw(select).param("log", log_id.to_string()).param("partition", partition);
        let rows: Vec<StoredLeaf> = query.param("from", from).param("to", to).fetch_all().await?;
        Ok(rows.into_iter().map(Leaf::from).collect())
    }

    /// The leaves `[from, to)` of a ledger, in order, from `events_data`, which is not sorted by them: for repairs.
    ///
    /// # Errors
    /// The engine's.
    pub async fn leaves_between(&self, ledger: &str, from: u64, to: u64) -> Result<Vec<Leaf>, WarehouseError> {
        let select = "SELECT ledger, leaf, leaf_kind AS first_byte, commitment FROM events_data WHERE kind != 'range' \
                      AND ledger = {ledger:String} AND leaf >= {from:UInt64} AND leaf < {to:UInt64} ORDER BY leaf";
        let query = self.client().query_raw(select).param("ledger", ledger).param("from", from).param("to", to);
        let rows: Vec<StoredLeaf> = query.fetch_all().await?;
        Ok(rows.into_iter().map(Leaf::from).collect())
    }

    /// The entries `[from, to)` of a log, in order, as far as they are there.
    ///
    /// # Errors
    /// The engine's.
    pub async fn entries(&self, ledger: &str, from: u64, to: u64) -> Result<Vec<Vec<u8>>, WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Entry {
            #[serde(with = "serde_bytes")]
            entry: Vec<u8>,
        }
        let select = "SELECT entry FROM ledger_leaves WHERE ledger = {ledger:String} AND leaf >= {from:UInt64} \
                      AND leaf < {to:UInt64} ORDER BY leaf LIMIT 1 BY leaf";
        let query = self.client().query_raw(select).param("ledger", ledger).param("from", from).param("to", to);
        Ok(query.fetch_all::<Entry>().await?.into_iter().map(|row| row.entry).collect())
    }

    /// The nodes `[from, to)` of a log at a level (8, 16, ...), in order, as far as they are there.
    ///
    /// # Errors
    /// The engine's.
    pub async fn nodes(&self, ledger: &str, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, WarehouseError> {
        let select = "SELECT hash FROM ledger_nodes WHERE ledger = {ledger:String} AND level = {level:UInt8} \
                      AND number >= {from:UInt64} AND number < {to:UInt64} ORDER BY number LIMIT 1 BY number";
        let query = self.client().query_raw(select).param("ledger", ledger).param("level", level);
        #[derive(Row, Deserialize)]
        struct Line {
            hash: Hash,
        }
        let lines: Vec<Line> = query.param("from", from).param("to", to).fetch_all().await?;
        Ok(lines.into_iter().map(|line| line.hash).collect())
    }

    /// The newest checkpoint of every log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, WarehouseError> {
        let select = "SELECT ledger, size, root, note, toUnixTimestamp64Milli(signed_at) AS signed_at \
                      FROM ledger_checkpoints FINAL";
        Ok(self.client().query_raw(select).fetch_all().await?)
    }

    /// The newest checkpoint of a log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn checkpoint(&self, ledger: &str) -> Result<Option<Checkpoint>, WarehouseError> {
        let select = "SELECT ledger, size, root, note, toUnixTimestamp64Milli(signed_at) AS signed_at \
                      FROM ledger_checkpoints FINAL WHERE ledger = {ledger:String}";
        Ok(self.client().query_raw(select).param("ledger", ledger).fetch_optional().await?)
    }

    /// Puts checkpoints.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_checkpoints(&self, checkpoints: &[Checkpoint]) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", checkpoints.iter().map(|row| row.ledger.as_str()))?;
        column(&mut block, "size", checkpoints.iter().map(|row| row.size))?;
        column(&mut block, "root", checkpoints.iter().map(|row| crate::rows::Bytes32(row.root)))?;
        column(&mut block, "note", checkpoints.iter().map(|row| row.note.as_str()))?;
        column(&mut block, "signed_at", checkpoints.iter().map(|row| crate::rows::Moment(row.signed_at)))?;
        self.put("ledger_checkpoints", block).await
    }

    /// Where the newest anchored checkpoint of every log lies in the operator log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn anchors(&self) -> Result<Vec<Anchor>, WarehouseError> {
        let select = "SELECT ledger, size, leaf, note FROM ledger_anchors FINAL";
        Ok(self.client().query_raw(select).fetch_all().await?)
    }

    /// The newest anchored checkpoint of a log.
    ///
    /// # Errors
    /// The engine's.
    pub async fn anchor(&self, ledger: &str) -> Result<Option<Anchor>, WarehouseError> {
        let select = "SELECT ledger, size, leaf, note FROM ledger_anchors FINAL WHERE ledger = {ledger:String}";
        Ok(self.client().query_raw(select).param("ledger", ledger).fetch_optional().await?)
    }

    /// Puts anchors.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_anchors(&self, anchors: &[Anchor]) -> Result<(), WarehouseError> {
        let mut block = BlockBuilder::new();
        column(&mut block, "ledger", anchors.iter().map(|row| row.ledger.as_str()))?;
        column(&mut block, "size", anchors.iter().map(|row| row.size))?;
        column(&mut block, "leaf", anchors.iter().map(|row| row.leaf))?;
        column(&mut block, "note", anchors.iter().map(|row| row.note.as_str()))?;
        self.put("ledger_anchors", block).await
    }

    /// Appends entries to a log that has one writer at a time, at `from`; nothing where another one has written there.
    ///
    /// # Errors
    /// The engine's; also of a statement that may have landed: read back what is there.
    pub async fn append_entries(&self, ledger: &str, from: u64, entries: &[String]) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO ledger_leaves SELECT {ledger:String}, {from:UInt64} + number - 1, entry FROM \
                      (SELECT {entries:Array(String)} AS entries, arrayEnumerate(entries) AS numbers) \
                      ARRAY JOIN entries AS entry, numbers AS number \
                      WHERE ifNull((SELECT if(count() = 0, 0, max(leaf) + 1) FROM ledger_leaves WHERE ledger = {ledger:String}), 0) = {from:UInt64}";
        let query = self.client().query_raw(insert).param("ledger", ledger).param("from", from);
        let mut query = query.param("entries", entries);
        for (setting, value) in DURABLE {
            query = query.with_setting(*setting, *value);
        }
        let query = query.with_setting("insert_deduplicate", "1");
        Ok(query.with_setting("insert_deduplication_token", format!("{ledger}/{from}")).execute().await?)
    }

    /// Every ledger that has a name.
    ///
    /// # Errors
    /// The engine's.
    pub async fn ledgers(&self) -> Result<Vec<Ledger>, WarehouseError> {
        let select = "SELECT name, CAST(site, 'String') AS site, shard, CAST(period, 'String') AS period FROM ledgers \
                      ORDER BY site, shard, period, made_at, name LIMIT 1 BY site, shard, period";
        Ok(self.client().query_raw(select).fetch_all().await?)
    }

    /// Records stored since a moment (ms since 1970), by ledger, from the books.
    ///
    /// # Errors
    /// The engine's.
    pub async fn stored_since(&self, since: i64) -> Result<Vec<(String, u64)>, WarehouseError> {
        #[derive(Row, Deserialize)]
        struct Line {
            ledger: String,
            stored: u64,
        }
        let select = "SELECT ledger, sum(toUInt64(stored)) AS stored FROM (SELECT book_ledger, book_stored FROM events_data \
                      WHERE site = '' AND kind = 'range' AND occurred_at >= fromUnixTimestamp64Milli({since:Int64})) \
                      ARRAY JOIN book_ledger AS ledger, book_stored AS stored WHERE ledger != '' GROUP BY ledger";
        let lines: Vec<Line> = self.client().query_raw(select).param("since", since).fetch_all().await?;
        Ok(lines.into_iter().map(|line| (line.ledger, line.stored)).collect())
    }
}

/// The entry of a leaf: its kind's byte and the commitment.
pub fn entry(kind: u8, commitment: &Hash) -> Vec<u8> {
    let mut entry = Vec::with_capacity(33);
    entry.push(kind);
    entry.extend_from_slice(commitment);
    entry
}
