//! Growing the trees of one partition behind its events: leaves, nodes, closed days and heads, in this order, so that a head
//! stands only over what is stored. The heads are the watermark.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_ledger::frontier::Frontier;
use avow_ledger::{DayClose, merkle};
use avow_warehouse::Warehouse;
use avow_warehouse::days::ClosedDay;
use avow_warehouse::trees::{Head, Leaf, Node};
use uuid::Uuid;

use crate::TreeError;

/// Levels between the rows of a tile and the next tile's: 2^8 hashes are a tile.
pub(crate) const TILE_HEIGHT: u8 = 8;
/// Positions that are caught up in one step.
const STEP: u64 = 100_000;
/// Leaves that are written at once at most.
const MOST_LEAVES: usize = 100_000;
/// How long leaves wait to be written with others.
const LINGER: Duration = Duration::from_secs(2);

/// The trees of one partition.
pub struct Grower {
    warehouse: Arc<Warehouse>,
    log_id: Uuid,
    partition: u32,
    trees: HashMap<Arc<str>, Frontier>,
    /// Positions below are in the trees as they are here.
    reached: u64,
    leaves: Vec<Leaf>,
    nodes: Vec<Node>,
    closed: Vec<ClosedDay>,
    /// Trees that have grown since their head was written.
    grown: BTreeSet<Arc<str>>,
    /// Trees that do not fit their leaves, and grow no more until the partition is opened again.
    broken: HashSet<Arc<str>>,
    /// Since when something waits to be written.
    since: Option<Instant>,
}

impl Grower {
    /// Takes the trees up where their heads stand and catches up with the events, which stand at `events`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn open(warehouse: Arc<Warehouse>, log_id: Uuid, partition: u32, events: u64) -> Result<Self, TreeError> {
        let reached = warehouse.trees_upto(log_id, partition).await?;
        let (trees, leaves, nodes, closed) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        let (grown, broken) = (BTreeSet::new(), HashSet::new());
        let mut grower =
            Self { warehouse, log_id, partition, trees, reached, leaves, nodes, closed, grown, broken, since: None };
        if reached + STEP < events {
            tracing::info!(partition, from = reached, to = events, "ledger.catching_up");
        }
        while grower.reached < events {
            let to = events.min(grower.reached + STEP);
            let leaves = grower.warehouse.leaves_of(log_id, partition, grower.reached, to).await?;
            grower.add(leaves, to).await?;
            grower.write().await?;
        }
        Ok(grower)
    }

    /// Adds the leaves of the positions up to `to`, in log order. A ledger whose leaves do not fit its tree stands still from
    /// there on, and says so; its events are counted all the same.
    ///
    /// # Errors
    /// The engine's.
    pub async fn add(&mut self, leaves: Vec<Leaf>, to: u64) -> Result<(), TreeError> {
        for leaf in leaves {
            if self.broken.contains(&leaf.ledger) {
                continue;
            }
            let ledger = Arc::clone(&leaf.ledger);
            match self.add_one(leaf).await {
                Err(error @ (TreeError::Gap { .. } | TreeError::BadHead { .. })) => {
                    tracing::error!(%error, self.partition, "ledger.broken");
                    self.broken.insert(ledger);
                }
                done => done?,
            }
        }
        self.reached = to;
        Ok(())
    }

    /// How many ledgers stand still because their leaves do not fit.
    pub fn broken(&self) -> usize {
        self.broken.len()
    }

    async fn add_one(&mut self, leaf: Leaf) -> Result<(), TreeError> {
        let size = self.size_of(&leaf.ledger).await?;
        if leaf.leaf > size {
            // A head that was lost, with those of other ledgers after it still there.
            let missing = self.warehouse.leaves_between(&leaf.ledger, size, leaf.leaf).await?;
            missing.into_iter().try_for_each(|leaf| self.push(leaf))?;
        }
        self.push(leaf)
    }

    async fn size_of(&mut self, ledger: &Arc<str>) -> Result<u64, TreeError> {
        if let Some(tree) = self.trees.get(ledger) {
            return Ok(tree.size());
        }
        let tree = match self.warehouse.head(ledger).await? {
            None => Frontier::new(),
            Some(head) => frontier(head)?,
        };
        let size = tree.size();
        self.trees.insert(Arc::clone(ledger), tree);
        Ok(size)
    }

    /// Adds a leaf to its tree, which is loaded; one that is in it already is left out.
    fn push(&mut self, leaf: Leaf) -> Result<(), TreeError> {
        let tree = self.trees.entry(Arc::clone(&leaf.ledger)).or_default();
        let size = tree.size();
        if leaf.leaf < size {
            return Ok(());
        }
        if leaf.leaf > size {
            return Err(TreeError::Gap { ledger: leaf.ledger.to_string(), leaf: leaf.leaf, size });
        }
        let nodes = &mut self.nodes;
        tree.push(merkle::leaf_hash(&leaf.entry), |level, number, hash| {
            if level % TILE_HEIGHT == 0 {
                nodes.push(Node { ledger: Arc::clone(&leaf.ledger), level, number, hash: *hash });
            }
        });
        self.since.get_or_insert_with(Instant::now);
        self.grown.insert(Arc::clone(&leaf.ledger));
        self.closed.extend(leaf.close.as_deref().and_then(|body| closed(body, &leaf)));
        self.leaves.push(leaf);
        Ok(())
    }

    /// Writes what waits, if it is much or has waited for long.
    ///
    /// # Errors
    /// The engine's.
    pub async fn write_if_due(&mut self) -> Result<(), TreeError> {
        let waited = self.since.is_some_and(|since| since.elapsed() >= LINGER);
        if waited || self.leaves.len() >= MOST_LEAVES { self.write().await } else { Ok(()) }
    }

    /// Writes what waits: leaves, nodes, closed days, heads.
    ///
    /// # Errors
    /// The engine's; what waits still does.
    pub async fn write(&mut self) -> Result<(), TreeError> {
        if self.grown.is_empty() {
            return Ok(());
        }
        self.warehouse.put_leaves(&self.leaves).await?;
        if !self.nodes.is_empty() {
            self.warehouse.put_nodes(&self.nodes).await?;
        }
        self.warehouse.put_closed_days(&self.closed).await?;
        let heads: Vec<Head> =
            self.grown.iter().filter_map(|ledger| Some(head(ledger, self.trees.get(ledger)?, self.reached))).collect();
        self.warehouse.put_heads(self.log_id, self.partition, &heads).await?;
        self.leaves.clear();
        self.nodes.clear();
        self.closed.clear();
        self.grown.clear();
        self.since = None;
        Ok(())
    }
}

/// The day that a leaf closes.
fn closed(body: &str, leaf: &Leaf) -> Option<ClosedDay> {
    let close = DayClose::parse(body.as_bytes());
    let close = close.inspect_err(|error| tracing::error!(%error, %leaf.ledger, leaf.leaf, "ledger.bad_day_close"));
    let DayClose { ledger, first, end, day, .. } = close.ok()?;
    let (close_ledger, close_leaf, body) = (leaf.ledger.to_string(), leaf.leaf, body.to_owned());
    Some(ClosedDay { ledger, first, end, day, close_ledger, close_leaf, body })
}

/// A tree's head.
pub(crate) fn head(ledger: &str, tree: &Frontier, upto: u64) -> Head {
    Head { ledger: ledger.to_owned(), size: tree.size(), root: tree.root(), peaks: tree.peaks().to_vec(), upto }
}

/// The tree that a head describes.
pub(crate) fn frontier(head: Head) -> Result<Frontier, TreeError> {
    let tree = Frontier::from_peaks(head.size, head.peaks).filter(|tree| tree.root() == head.root);
    tree.ok_or(TreeError::BadHead { ledger: head.ledger, size: head.size })
}
