//! What proves an export: each record opened, the tiles with its leaves, the checkpoints, and their places in the operator
//! log. Read after the events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use avow_ledger::VerifierKey;
use avow_ledger::note::Note;
use avow_ledger::tile::{self, TileKind, TilePath};
use avow_ledger::tlog_proof::TlogProof;
use avow_schemas::control::LedgerKey;
use avow_trees::read::Reader;
use avow_trees::{OPERATOR, TreeError, keys};
use avow_warehouse::Warehouse;
use avow_warehouse::export::ExportScope;
use avow_warehouse::records::{Content, Record};
use avow_warehouse::trees::Anchor;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use super::archive::Part;
use super::days::Days;
use super::order::{Lines, Of};
use super::reach::Reach;
use super::work::WorkError;
use super::{disclosure, time};

/// Bytes that are sent to the writer at once.
const LOT: usize = 64 << 10;

/// What is proven, for manifest and report.
#[derive(Default)]
pub struct Proven {
    /// What the manifest says of each log.
    pub described: Vec<Value>,
    pub operator: Option<Value>,
    pub logs: u64,
    /// Leaves that are opened.
    pub opened: u64,
    /// Of those, the ones that no checkpoint covers: all where nothing is signed.
    pub uncovered: u64,
    /// Events among the opened.
    pub events: u64,
    /// Leaves of erased and restricted subjects, of which nothing is opened.
    pub redacted: u64,
    /// The first and the last closed day of the period.
    pub closed: Option<(String, String)>,
    /// Signatures of the operator log's checkpoint by others than the operator.
    pub cosigned: usize,
    pub is_stamped: bool,
}

/// The leaves of a ledger that are opened: by tile, a bit for each.
type Opened = BTreeMap<u64, [u64; 4]>;

/// Sends what proves the records of `scope` and the artefacts `shown`; `lines` opens the events among them.
///
/// # Errors
/// The warehouse's; where the writer has stopped.
pub async fn send(
    warehouse: &Arc<Warehouse>,
    reach: Option<&Reach>,
    (scope, shown): (&ExportScope, &[String]),
    tombstones: BTreeSet<(String, u64)>,
    lines: Lines,
    parts: &Sender<Part>,
) -> Result<Proven, WorkError> {
    let days = Days::of(warehouse, scope).await?;
    let controls = days.controls().into_iter().chain(tombstones).collect();
    let (touched, events, redacted) = disclosures(warehouse, (scope, shown, &controls), lines, parts).await?;
    days.send_maps(warehouse, scope, parts).await?;
    let opened = touched.values().map(number).sum();
    let mut proven = Proven { opened, events, redacted, closed: days.closed(scope), ..Proven::default() };
    let Some(Reach { keys, ml_dsa, operator, anchors }) = reach else {
        proven.uncovered = proven.opened;
        return Ok(proven);
    };
    let reader = Reader::new(Arc::clone(warehouse));
    let mut reached = Vec::new();
    for (ledger, opened) in touched {
        let Some(anchor) = anchors.get(&ledger) else { continue };
        file(parts, format!("logs/{ledger}/checkpoint"), anchor.note.clone().into_bytes()).await?;
        for path in tile::tiles_of(anchor.size).filter(|path| is_wanted(path, &opened)) {
            if let Some(bytes) = reader.tile(&ledger, &path, anchor.size).await? {
                file(parts, format!("logs/{ledger}/{path}"), bytes).await?;
            }
        }
        let proof = proof(&reader, anchor, operator.size, &operator.note).await?;
        file(parts, format!("proofs/{ledger}.tlog-proof"), proof.into_bytes()).await?;
        proven.described.push(described(keys, &ledger, (anchor.size, &anchor.note))?);
        proven.logs += 1;
        reached.push((anchor.clone(), last(&opened)));
    }
    proven.is_stamped = time::send(warehouse, &reader, &reached, parts).await?;
    let note = Note::parse(&operator.note).map_err(TreeError::from)?;
    let key = keys::signed_by(keys, OPERATOR, &note)?;
    proven.cosigned = note.signatures.iter().filter(|signature| signature.name != *key.name()).count();
    proven.operator = Some(described(keys, OPERATOR, (operator.size, &operator.note))?);
    file(parts, "operator/checkpoint".to_owned(), operator.note.clone().into_bytes()).await?;
    file(parts, "trust.policy".to_owned(), policy(&key, ml_dsa.as_ref()).into_bytes()).await?;
    let is_it = |one: &Arc<LedgerKey>| keys::verifier(one, OPERATOR).is_ok_and(|one| one == key);
    let upto = keys.iter().position(is_it).map_or(0, |at| at + 1);
    let changes = keys[..upto].iter().filter_map(|key| key.change.clone());
    for (number, change) in (1..).zip(changes) {
        file(parts, format!("keys/{number}.note"), change.into_bytes()).await?;
    }
    Ok(proven)
}

/// The last opened leaf.
fn last(opened: &Opened) -> u64 {
    let of_tile = |(tile, bits): (&u64, &[u64; 4])| {
        let word = bits.iter().rposition(|word| *word != 0)?;
        let bit = u64::from(bits[word].checked_ilog2()?);
        Some(tile * u64::from(tile::HASHES_PER_TILE) + word as u64 * 64 + bit)
    };
    opened.last_key_value().and_then(of_tile).unwrap_or(0)
}

/// How many leaves are opened.
fn number(opened: &Opened) -> u64 {
    opened.values().flatten().map(|word| u64::from(word.count_ones())).sum()
}

/// Whose signatures the bundle says are to be accepted (C2SP tlog-policy). A reader compares it with what he has from
/// elsewhere: a bundle cannot vouch for its own key.
fn policy(key: &VerifierKey, ml_dsa: Option<&VerifierKey>) -> String {
    let besides = ml_dsa.map(|key| format!("log {key}\n")).unwrap_or_default();
    format!(
        "# The key that this bundle is signed with, as the bundle itself says. Compare it with what you have from elsewhere,\n\
         # and trust that: avow verify does not look at this file unless you give it as --policy.\n\
         log {key}\n{besides}quorum none\n"
    )
}

/// Hash tiles: those with leaves of the export, the right edge, and all above the leaves.
fn is_wanted(path: &TilePath, opened: &Opened) -> bool {
    match path.kind {
        TileKind::Entries => false,
        TileKind::Hashes { level: 0 } => path.width < tile::HASHES_PER_TILE || opened.contains_key(&path.index),
        TileKind::Hashes { .. } => true,
    }
}

/// What the manifest says of a log, with the newest of the keys that have signed its checkpoint.
fn described(published: &[Arc<LedgerKey>], ledger: &str, (size, note): (u64, &str)) -> Result<Value, TreeError> {
    let key = keys::signed_by(published, ledger, &Note::parse(note)?)?;
    Ok(json!({"name": ledger, "origin": key.name().as_str(), "public_key": key.to_string(), "size": size}))
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

pub(super) async fn send_part(parts: &Sender<Part>, part: Part) -> Result<(), WorkError> {
    parts.send(part).await.map_err(|_| WorkError::WriterStopped)
}

/// Sends `disclosures.jsonl`: `lines`, which has the events, and what there is besides. What it opens, by ledger, how many of
/// that are events, and how many are there without being opened.
async fn disclosures(
    warehouse: &Warehouse,
    (scope, shown, controls): (&ExportScope, &[String], &BTreeSet<(String, u64)>),
    mut lines: Lines,
    parts: &Sender<Part>,
) -> Result<(BTreeMap<String, Opened>, u64, u64), WorkError> {
    // What is cut to services has events alone.
    if scope.services.is_empty() {
        let mut besides = warehouse.besides(scope, shown, controls)?;
        while let Some(record) = besides.next().await? {
            add(&mut lines, &record, &scope.services).await?;
        }
    }
    let parts = parts.clone();
    tokio::task::spawn_blocking(move || merge(lines, &parts)).await.map_err(std::io::Error::other)?
}

/// Adds the line of a record.
pub(super) async fn add(lines: &mut Lines, record: &Record, services: &[String]) -> std::io::Result<()> {
    let of = match record.content {
        Content::Control { .. } => Of::Control,
        Content::Redacted => Of::Redacted,
        Content::Event { .. } => Of::Event,
    };
    lines.push(&record.ledger, record.leaf, of, |out| disclosure::write(record, services, out)).await
}

fn merge(lines: Lines, parts: &Sender<Part>) -> Result<(BTreeMap<String, Opened>, u64, u64), WorkError> {
    let send = |part| parts.blocking_send(part).map_err(|_| WorkError::WriterStopped);
    send(Part::File("disclosures.jsonl".to_owned()))?;
    let mut touched: BTreeMap<String, Opened> = BTreeMap::new();
    let (mut events, mut redacted) = (0, 0);
    let mut lot = Vec::with_capacity(LOT + 4096);
    lines.in_order(|ledger, leaf, of, line| {
        let width = u64::from(tile::HASHES_PER_TILE);
        let at = usize::try_from(leaf % width / 64).unwrap_or(0);
        if !touched.contains_key(ledger) {
            touched.insert(ledger.to_owned(), Opened::new());
        }
        let opened = touched.get_mut(ledger).map(|opened| opened.entry(leaf / width).or_default());
        opened.into_iter().for_each(|tile| tile[at] |= 1 << (leaf % 64));
        events += u64::from(of == Of::Event);
        redacted += u64::from(of == Of::Redacted);
        lot.extend_from_slice(line);
        if lot.len() >= LOT {
            send(Part::More(std::mem::replace(&mut lot, Vec::with_capacity(LOT + 4096))))?;
        }
        Ok::<_, WorkError>(())
    })?;
    send(Part::More(lot))?;
    Ok((touched, events, redacted))
}
