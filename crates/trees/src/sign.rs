//! Signing: each log's newest head becomes a checkpoint when it is due, if it follows from the last one that was signed;
//! checkpoints become entries of the operator log, and that log's checkpoint is signed. One process does so at a time: who
//! owns the log's first partition.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use avow_ledger::checkpoint::Checkpoint as Text;
use avow_ledger::frontier::Frontier;
use avow_ledger::{merkle, proof};
use avow_warehouse::Warehouse;
use avow_warehouse::trees::{Anchor, Checkpoint, Head, Node};
use uuid::Uuid;

use crate::keys::NoteSigner;
use crate::read::Reader;
use crate::{OPERATOR, TreeError, grow};

/// Checkpoints that become entries of the operator log in one statement.
const MOST_ENTRIES: usize = 200;

/// Signs the checkpoints of an installation.
pub struct Signer {
    warehouse: Arc<Warehouse>,
    reader: Reader,
    keys: NoteSigner,
    signed: HashMap<String, Checkpoint>,
    /// Sizes of the newest entries of the operator log, by log.
    anchored: HashMap<String, u64>,
    operator: Frontier,
    /// The size of the operator log's checkpoint that is published.
    published: u64,
    /// Whether a checkpoint of the operator log is published by [`Signer::publish`] alone.
    holds: bool,
    /// Logs whose stored trees contradict what was signed, with the size at which that was said.
    refused: HashMap<String, u64>,
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    pub signed: usize,
    pub anchored: usize,
    /// Logs that are not signed any more.
    pub refused: usize,
}

impl Signer {
    /// Reads what has been signed.
    ///
    /// # Errors
    /// The engine's; where the operator log's head does not fit its entries.
    pub async fn open(warehouse: Arc<Warehouse>, keys: NoteSigner) -> Result<Self, TreeError> {
        let reader = Reader::new(Arc::clone(&warehouse));
        let by_name = |checkpoint: Checkpoint| (checkpoint.ledger.clone(), checkpoint);
        let mut signed: HashMap<String, Checkpoint> = warehouse.checkpoints().await?.into_iter().map(by_name).collect();
        let published = signed.get(OPERATOR).map_or(0, |checkpoint| checkpoint.size);
        if let Some(candidate) = warehouse.candidate(OPERATOR).await?.filter(|candidate| candidate.size > published) {
            signed.insert(OPERATOR.to_owned(), candidate);
        }
        let anchored = warehouse.anchors().await?.into_iter().map(|anchor| (anchor.ledger, anchor.size)).collect();
        let (operator, holds, refused) = (Frontier::new(), false, HashMap::new());
        let mut signer = Self { warehouse, reader, keys, signed, anchored, operator, published, holds, refused };
        signer.load_operator().await?;
        Ok(signer)
    }

    /// Leaves it to the caller when the operator log's checkpoint is signed ([`Signer::candidate`]) and published
    /// ([`Signer::publish`]).
    pub const fn hold_operator(&mut self) {
        self.holds = true;
    }

    /// Signs what is due. `interval` is the time that is to lie between two checkpoints of a log; `now_ms` since 1970.
    ///
    /// # Errors
    /// The engine's. What is not done is done in the next round.
    pub async fn round(&mut self, interval: impl Fn(&str) -> Duration, now_ms: i64) -> Result<Round, TreeError> {
        let mut round = Round::default();
        let mut fresh = Vec::new();
        for head in self.warehouse.heads().await? {
            if head.ledger == OPERATOR || !self.is_due(&head, &interval, now_ms) {
                continue;
            }
            match self.sign(&head, now_ms).await {
                Ok(checkpoint) => {
                    self.refused.remove(&head.ledger);
                    fresh.push(checkpoint);
                }
                Err(error @ (TreeError::Contradiction { .. } | TreeError::Missing { .. })) => {
                    if self.refused.insert(head.ledger.clone(), head.size) != Some(head.size) {
                        tracing::error!(%error, "ledger.not_signed");
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if !fresh.is_empty() {
            self.warehouse.put_checkpoints(&fresh).await?;
        }
        round.signed = fresh.len();
        round.refused = self.refused.len();
        self.signed.extend(fresh.into_iter().map(|checkpoint| (checkpoint.ledger.clone(), checkpoint)));
        round.anchored = self.anchor().await?;
        if !self.holds
            && let Some(checkpoint) = self.candidate(now_ms).await?
            && checkpoint.size > self.published
        {
            self.publish(checkpoint).await?;
        }
        Ok(round)
    }

    /// The operator log's newest signed checkpoint: of all its entries. One that is held is written down first, so that
    /// nothing is ever signed that does not follow from what a witness has seen.
    ///
    /// # Errors
    /// The engine's; where what is stored does not follow from what was signed.
    pub async fn candidate(&mut self, now_ms: i64) -> Result<Option<Checkpoint>, TreeError> {
        let head = grow::head(OPERATOR, &self.operator, 0);
        if self.signed.get(OPERATOR).map_or(0, |last| last.size) < head.size {
            let checkpoint = self.sign(&head, now_ms).await?;
            if self.holds {
                self.warehouse.put_candidate(&checkpoint).await?;
            }
            self.signed.insert(OPERATOR.to_owned(), checkpoint);
        }
        Ok(self.signed.get(OPERATOR).cloned())
    }

    /// Publishes a checkpoint of the operator log, with whatever cosignatures its note has.
    ///
    /// # Errors
    /// The engine's.
    pub async fn publish(&mut self, checkpoint: Checkpoint) -> Result<(), TreeError> {
        self.warehouse.put_checkpoints(std::slice::from_ref(&checkpoint)).await?;
        self.published = checkpoint.size;
        Ok(())
    }

    /// The size of the operator log's checkpoint that is published.
    pub const fn published(&self) -> u64 {
        self.published
    }

    fn is_due(&self, head: &Head, interval: &impl Fn(&str) -> Duration, now_ms: i64) -> bool {
        let Some(last) = self.signed.get(&head.ledger) else { return true };
        let waited = Duration::from_millis(now_ms.saturating_sub(last.signed_at).max(0).unsigned_abs());
        head.size > last.size && waited >= interval(&head.ledger)
    }

    /// The checkpoint of a head, if the head follows from the last checkpoint, by what is stored.
    async fn sign(&self, head: &Head, now_ms: i64) -> Result<Checkpoint, TreeError> {
        let contradiction = |size| {
            let ledger = head.ledger.clone();
            move |source| TreeError::Contradiction { ledger, size, source }
        };
        if self.reader.root(&head.ledger, head.size).await? != head.root {
            return Err(contradiction(head.size)(proof::ProofError::Root));
        }
        if let Some(last) = self.signed.get(&head.ledger) {
            let path = self.reader.consistency(&head.ledger, last.size, head.size).await?;
            proof::verify_consistency(last.size, &last.root, &path, head.size, &head.root)
                .map_err(contradiction(last.size))?;
        }
        self.note(&head.ledger, head.size, head.root, now_ms).await
    }

    async fn note(&self, ledger: &str, size: u64, root: [u8; 32], now_ms: i64) -> Result<Checkpoint, TreeError> {
        let text = Text { origin: self.keys.origin(ledger), size, root, extensions: Vec::new() }.text();
        let note = self.keys.checkpoint(ledger, text).await?;
        Ok(Checkpoint { ledger: ledger.to_owned(), size, root, note: note.to_string(), signed_at: now_ms })
    }

    /// Appends checkpoints to the operator log that are not there yet.
    async fn anchor(&mut self) -> Result<usize, TreeError> {
        let is_new = |checkpoint: &&Checkpoint| {
            checkpoint.ledger != OPERATOR
                && self.anchored.get(&checkpoint.ledger).is_none_or(|size| *size < checkpoint.size)
        };
        let mut waiting: Vec<Checkpoint> = self.signed.values().filter(is_new).cloned().collect();
        waiting.sort_by(|a, b| a.ledger.cmp(&b.ledger));
        for some in waiting.chunks(MOST_ENTRIES) {
            self.append(some).await?;
        }
        Ok(waiting.len())
    }

    async fn append(&mut self, checkpoints: &[Checkpoint]) -> Result<(), TreeError> {
        let from = self.operator.size();
        let texts: Vec<String> = checkpoints.iter().map(|checkpoint| text_of(&checkpoint.note).to_owned()).collect();
        let answer = self.warehouse.append_entries(OPERATOR, from, &texts).await;
        let there = self.warehouse.entries(OPERATOR, from, from + texts.len() as u64).await?;
        if !there.iter().map(Vec::as_slice).eq(texts.iter().map(String::as_bytes)) {
            // Somebody else has written there, or nobody: read what there is, and try again in the next round.
            answer?;
            return self.load_operator().await;
        }
        self.grow_operator(there).await?;
        let anchors: Vec<Anchor> = checkpoints
            .iter()
            .zip(from..)
            .map(|(c, leaf)| Anchor { ledger: c.ledger.clone(), size: c.size, leaf, note: c.note.clone() })
            .collect();
        self.warehouse.put_anchors(&anchors).await?;
        self.anchored.extend(anchors.into_iter().map(|anchor| (anchor.ledger, anchor.size)));
        Ok(())
    }

    /// Takes the operator log up where its head stands, and the entries beyond.
    async fn load_operator(&mut self) -> Result<(), TreeError> {
        self.operator = self.warehouse.head(OPERATOR).await?.map_or(Ok(Frontier::new()), grow::frontier)?;
        loop {
            let from = self.operator.size();
            let entries = self.warehouse.entries(OPERATOR, from, from + MOST_ENTRIES as u64).await?;
            if entries.is_empty() {
                return Ok(());
            }
            self.grow_operator(entries).await?;
        }
    }

    /// Adds stored entries to the operator log's tree, and stores its nodes and head.
    async fn grow_operator(&mut self, entries: Vec<Vec<u8>>) -> Result<(), TreeError> {
        let ledger: Arc<str> = OPERATOR.into();
        let mut nodes = Vec::new();
        for entry in &entries {
            self.operator.push(merkle::leaf_hash(entry), |level, number, hash| {
                if level % grow::TILE_HEIGHT == 0 {
                    nodes.push(Node { ledger: Arc::clone(&ledger), level, number, hash: *hash });
                }
            });
        }
        if !nodes.is_empty() {
            self.warehouse.put_nodes(&nodes).await?;
        }
        let head = grow::head(OPERATOR, &self.operator, 0);
        Ok(self.warehouse.put_heads(Uuid::nil(), 0, &[head]).await?)
    }
}

/// What a note says, without its signatures.
fn text_of(note: &str) -> &str {
    note.find("\n\n").map_or(note, |end| &note[..=end])
}
