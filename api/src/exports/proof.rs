//! What proves an export: each record opened, the tiles with its leaves, the checkpoints, and their places in the operator
//! log. Read after the rows, up to the newest checkpoint that the operator log has.

use std::collections::{BTreeMap, BTreeSet};

use avow_ledger::commitment::{Commitment, disclose};
use avow_ledger::hex;
use avow_ledger::note::Note;
use avow_ledger::tile::{self, TileKind, TilePath};
use avow_ledger::tlog_proof::TlogProof;
use avow_schemas::control::LedgerKey;
use avow_schemas::event::{ConsentEvent, Objections};
use avow_schemas::leaf;
use avow_trees::read::Reader;
use avow_trees::{OPERATOR, TreeError, keys};
use avow_warehouse::Warehouse;
use avow_warehouse::export::ExportScope;
use avow_warehouse::records::{Content, Record};
use avow_warehouse::trees::Anchor;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use super::archive::Part;
use super::time;
use super::work::WorkError;

/// Bytes that are sent to the writer at once.
const LOT: usize = 64 << 10;

/// What the manifest says of the logs.
pub struct Logs {
    pub logs: Value,
    pub operator: Value,
}

/// Sends what proves the records of `scope`.
///
/// # Errors
/// The warehouse's; where the writer has stopped.
pub async fn send(
    warehouse: &std::sync::Arc<Warehouse>,
    key: &LedgerKey,
    scope: &ExportScope,
    parts: &Sender<Part>,
) -> Result<Option<Logs>, WorkError> {
    let Some(operator) = warehouse.checkpoint(OPERATOR).await? else { return Ok(None) };
    let touched = disclosures(warehouse, scope, parts).await?;
    let reader = Reader::new(std::sync::Arc::clone(warehouse));
    let (mut logs, mut reached) = (Vec::new(), Vec::new());
    for (ledger, Touched { tiles, last }) in touched {
        // Entries of the operator log beyond its checkpoint have no proof yet.
        let Some(anchor) = warehouse.anchor_within(&ledger, operator.size).await? else { continue };
        file(parts, format!("logs/{ledger}/checkpoint"), anchor.note.clone().into_bytes()).await?;
        for path in tile::tiles_of(anchor.size).filter(|path| is_wanted(path, &tiles)) {
            if let Some(bytes) = reader.tile(&ledger, &path, anchor.size).await? {
                file(parts, format!("logs/{ledger}/{path}"), bytes).await?;
            }
        }
        let proof = proof(&reader, &anchor, operator.size, &operator.note).await?;
        file(parts, format!("proofs/{ledger}.tlog-proof"), proof.into_bytes()).await?;
        logs.push(described(key, &ledger, anchor.size)?);
        reached.push((anchor, last));
    }
    time::send(warehouse, &reader, &reached, parts).await?;
    file(parts, "operator/checkpoint".to_owned(), operator.note.into_bytes()).await?;
    Ok(Some(Logs { logs: logs.into(), operator: described(key, OPERATOR, operator.size)? }))
}

/// Hash tiles: those with leaves of the export, the right edge, and all above the leaves.
fn is_wanted(path: &TilePath, leaf_tiles: &BTreeSet<u64>) -> bool {
    match path.kind {
        TileKind::Entries => false,
        TileKind::Hashes { level: 0 } => path.width < tile::HASHES_PER_TILE || leaf_tiles.contains(&path.index),
        TileKind::Hashes { .. } => true,
    }
}

fn described(key: &LedgerKey, ledger: &str, size: u64) -> Result<Value, TreeError> {
    let origin = keys::origin(&key.origin, ledger);
    let public_key = keys::verifier(key, &origin)?.to_string();
    Ok(json!({"name": ledger, "origin": origin, "public_key": public_key, "size": size}))
}

/// The proof that a checkpoint is an entry of the operator log.
pub(super) async fn proof(reader: &Reader, anchor: &Anchor, size: u64, note: &str) -> Result<String, TreeError> {
    let hashes = reader.inclusion(OPERATOR, anchor.leaf, size).await?;
    let proof = TlogProof { extra: None, index: anchor.leaf, hashes, checkpoint: Note::parse(note)? };
    Ok(proof.to_string())
}

pub(super) async fn file(parts: &Sender<Part>, name: String, bytes: Vec<u8>) -> Result<(), WorkError> {
    send_part(parts, Part::File(name)).await?;
    send_part(parts, Part::More(bytes)).await
}

async fn send_part(parts: &Sender<Part>, part: Part) -> Result<(), WorkError> {
    parts.send(part).await.map_err(|_| WorkError::WriterStopped)
}

/// What is opened of a ledger.
#[derive(Default)]
struct Touched {
    /// The tiles of leaves that it needs.
    tiles: BTreeSet<u64>,
    /// The last leaf.
    last: u64,
}

/// Sends `disclosures.jsonl`; what it opens, by ledger.
async fn disclosures(
    warehouse: &Warehouse,
    scope: &ExportScope,
    parts: &Sender<Part>,
) -> Result<BTreeMap<String, Touched>, WorkError> {
    send_part(parts, Part::File("disclosures.jsonl".to_owned())).await?;
    let mut touched: BTreeMap<String, Touched> = BTreeMap::new();
    let mut records = warehouse.records(scope)?;
    let mut lot = Vec::with_capacity(LOT + 4096);
    while let Some(record) = records.next().await? {
        let ledger = touched.entry(record.ledger.clone()).or_default();
        ledger.tiles.insert(record.leaf / u64::from(tile::HASHES_PER_TILE));
        ledger.last = ledger.last.max(record.leaf);
        lot.extend_from_slice(disclosure(&record, &scope.services).to_string().as_bytes());
        lot.push(b'\n');
        if lot.len() >= LOT {
            send_part(parts, Part::More(std::mem::replace(&mut lot, Vec::with_capacity(LOT + 4096)))).await?;
        }
    }
    send_part(parts, Part::More(lot)).await?;
    Ok(touched)
}

/// A record opened: as a whole, or, where the export is cut to services, without what it says of others.
fn disclosure(record: &Record, services: &[String]) -> Value {
    let mut line = json!({"ledger": record.ledger, "leaf": record.leaf, "kind": record.leaf_kind});
    match &record.content {
        Content::Redacted => line["redacted"] = true.into(),
        Content::Control { body, .. } => line["body"] = body.as_str().into(),
        Content::Event { event, .. } => {
            let fields = fields(event, &record.commitment);
            if services.is_empty() {
                line["seed"] = hex::encode(&event.seed.0).into();
                let raw = |(name, value): &(String, String)| json!([name, RawValue::from_string(value.clone()).ok()]);
                line["fields"] = fields.iter().map(raw).collect();
            } else {
                let is_shown = |name: &str| match name.strip_prefix("services/") {
                    Some(service) => services.iter().any(|shown| shown == service),
                    None => !matches!(name, "purposes" | "objections" | "signals" | "observed" | "method"),
                };
                let parts = disclose(&event.seed.0, &fields, |_, name| is_shown(name));
                line["parts"] = serde_json::to_value(parts).unwrap_or_default();
            }
        }
    }
    line
}

/// The fields that the leaf commits to. The table does not tell objections to nothing from none: the commitment does.
fn fields(event: &ConsentEvent, commitment: &[u8; 32]) -> Vec<(String, String)> {
    let of = |event: &ConsentEvent| {
        let mut fields: Vec<(String, String)> = Vec::with_capacity(40);
        leaf::each_field(event, |name, value| {
            fields.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
        });
        fields
    };
    let is_committed = |fields: &[(String, String)]| {
        let mut made = Commitment::new(&event.seed.0);
        fields.iter().for_each(|(name, value)| made.field(name, value.as_bytes()));
        made.finish() == *commitment
    };
    let plain = of(event);
    if event.objections.is_some() || is_committed(&plain) {
        return plain;
    }
    let other = of(&ConsentEvent { objections: Some(Objections::default()), ..event.clone() });
    if is_committed(&other) { other } else { plain }
}
