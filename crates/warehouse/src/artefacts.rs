//! Banner artefacts: the blobs kept beside them, each under the SHA-256 of its bytes; what the control records in
//! `events_data` say was shown; and which events name an artefact that was never put.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Warehouse, WarehouseError};

/// Bytes with what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

#[derive(Row, Serialize)]
struct NewBlob<'a> {
    hash: [u8; 32],
    media_type: &'a str,
    bytes: &'a [u8],
}

#[derive(Row, Deserialize)]
struct KeptBlob {
    media_type: String,
    bytes: Vec<u8>,
}

/// The control record of a banner artefact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtefactRecord {
    pub site: String,
    /// The shard under whose key it lies; `None`: in an earlier log, and so before everything of this one.
    pub shard: Option<u32>,
    pub body: String,
}

#[derive(Row, Deserialize)]
struct RecordRow {
    site: String,
    ledger: String,
    is_earlier: u8,
    control_body: String,
}

#[derive(Row, Deserialize)]
struct LedgerRow {
    name: String,
    shard: u32,
}

#[derive(Row, Deserialize)]
struct UnknownRow {
    site: String,
    events: u64,
}

/// The control records of banner artefacts of `{sites}`: found by key, since they have no subject.
const RECORDS: &str = "site IN {sites:Array(String)} AND subject = toUUID('00000000-0000-0000-0000-000000000000') \
                       AND kind = 'control' AND control_kind = 'banner_artefact'";

impl Warehouse {
    /// Keeps a blob under the SHA-256 of its bytes. Returns once it is there; one that is there already is left as it is.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_blob(&self, hash: [u8; 32], media_type: &str, bytes: &[u8]) -> Result<(), WarehouseError> {
        if self.has_blob(hash).await? {
            return Ok(());
        }
        let mut insert = self.client().insert::<NewBlob<'_>>("artefacts").await?;
        insert.write(&NewBlob { hash, media_type, bytes }).await?;
        insert.end().await?;
        if self.has_blob(hash).await? {
            return Ok(());
        }
        Err(WarehouseError::UnknownState(format!("the artefact {} was not kept", hex(hash))))
    }

    async fn has_blob(&self, hash: [u8; 32]) -> Result<bool, WarehouseError> {
        let count = "SELECT count() FROM artefacts WHERE hash = toFixedString(unhex({hash:String}), 32)";
        Ok(self.client().query_raw(count).param("hash", hex(hash)).fetch_one::<u64>().await? > 0)
    }

    /// A blob by the SHA-256 of its bytes.
    ///
    /// # Errors
    /// The engine's.
    pub async fn blob(&self, hash: [u8; 32]) -> Result<Option<Blob>, WarehouseError> {
        let select = "SELECT toString(media_type) AS media_type, bytes FROM artefacts \
                      WHERE hash = toFixedString(unhex({hash:String}), 32) LIMIT 1";
        let row = self.client().query_raw(select).param("hash", hex(hash)).fetch_optional::<KeptBlob>().await?;
        Ok(row.map(|KeptBlob { media_type, bytes }| Blob { media_type, bytes }))
    }

    /// The control records of these sites' banner artefacts that lie before position `upto` of a partition of a log, and
    /// those of earlier logs; oldest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn artefact_records(
        &self,
        sites: &[&str],
        log_id: Uuid,
        partition: u32,
        upto: u64,
    ) -> Result<Vec<ArtefactRecord>, WarehouseError> {
        let select = format!(
            "SELECT toString(site) AS site, ledger, toUInt8(log_id != {{log:UUID}}) AS is_earlier, control_body \
             FROM events_data WHERE {RECORDS} \
             AND (log_id != {{log:UUID}} OR (partition = {{partition:UInt32}} AND position < {{upto:UInt64}})) \
             ORDER BY logged_at, position"
        );
        let query = self.client().query_raw(&select).param("sites", sites).param("log", log_id.to_string());
        let rows: Vec<RecordRow> = query.param("partition", partition).param("upto", upto).fetch_all().await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let names = "SELECT name, shard FROM ledgers WHERE site IN {sites:Array(String)}";
        let names: Vec<LedgerRow> = self.client().query_raw(names).param("sites", sites).fetch_all().await?;
        let shards: HashMap<String, u32> = names.into_iter().map(|row| (row.name, row.shard)).collect();
        let record = |row: RecordRow| {
            let shard = if row.is_earlier == 1 { None } else { Some(shards.get(&row.ledger).copied().unwrap_or(0)) };
            ArtefactRecord { site: row.site, shard, body: row.control_body }
        };
        Ok(rows.into_iter().map(record).collect())
    }

    /// By site, the events that name a banner artefact which was never put.
    ///
    /// # Errors
    /// The engine's.
    pub async fn unknown_text_hashes(&self, sites: &[String]) -> Result<HashMap<String, u64>, WarehouseError> {
        let select = format!(
            "SELECT toString(site) AS site, count() AS events FROM events_data \
             WHERE site IN {{sites:Array(String)}} AND kind = 'event' AND text_hash != '' AND (toString(site), text_hash) NOT IN \
             (SELECT toString(site), JSONExtractString(control_body, 'text_hash') FROM events_data WHERE {RECORDS}) \
             GROUP BY site"
        );
        let rows: Vec<UnknownRow> = self.client().query_raw(&select).param("sites", sites).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.site, row.events)).collect())
    }
}

fn hex(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
