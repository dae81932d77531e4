//! Reading trees: tiles, and the nodes that a proof needs. Stored are leaves and the nodes at tiles' edges; any other node is
//! at most 128 of these.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use avow_ledger::proof::{self, Nodes};
use avow_ledger::tile::{HASHES_PER_TILE, TileKind, TilePath};
use avow_ledger::{Hash, merkle, tile};
use avow_warehouse::Warehouse;

use crate::TreeError;

/// Reads the trees of a warehouse.
#[derive(Clone)]
pub struct Reader {
    warehouse: Arc<Warehouse>,
}

/// Hashes of one ledger, by level and number: those that were fetched.
struct Fetched {
    ledger: String,
    hashes: HashMap<(u8, u64), Hash>,
}

impl Nodes for Fetched {
    type Error = TreeError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, TreeError> {
        let (base, first, count) = base(level, index);
        let hash = |number| {
            let missing = || TreeError::Missing {
                ledger: self.ledger.clone(),
                what: format!("the subtree {number} of 2^{base} leaves"),
            };
            self.hashes.get(&(base, number)).copied().ok_or_else(missing)
        };
        let hashes: Result<Vec<Hash>, TreeError> = (first..first + count).map(hash).collect();
        Ok(merkle::root(hashes?))
    }
}

/// The stored hashes under a node: their level, the first one's number, how many.
const fn base(level: u8, index: u64) -> (u8, u64, u64) {
    let above = level % 8;
    (level - above, index << above, 1 << above)
}

impl Reader {
    pub const fn new(warehouse: Arc<Warehouse>) -> Self {
        Self { warehouse }
    }

    /// The root of the first `size` leaves, from what is stored of leaves and nodes.
    ///
    /// # Errors
    /// The engine's; [`TreeError::Missing`].
    pub async fn root(&self, ledger: &str, size: u64) -> Result<Hash, TreeError> {
        let fetched = self.fetch(ledger, &proof::nodes_for_root(size), size).await?;
        proof::root_of(&fetched, size)
    }

    /// The inclusion proof of a leaf in the tree of `size` leaves (RFC 6962, section 2.1.1). `index` is below `size`.
    ///
    /// # Errors
    /// As [`Reader::root`].
    pub async fn inclusion(&self, ledger: &str, index: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
        let fetched = self.fetch(ledger, &proof::nodes_for_inclusion(index, size), size).await?;
        proof::inclusion(&fetched, index, size)
    }

    /// The consistency proof between two sizes of a tree (RFC 6962, section 2.1.2).
    ///
    /// # Errors
    /// As [`Reader::root`].
    pub async fn consistency(&self, ledger: &str, from: u64, to: u64) -> Result<Vec<Hash>, TreeError> {
        let fetched = self.fetch(ledger, &proof::nodes_for_consistency(from, to), to).await?;
        proof::consistency(&fetched, from, to)
    }

    /// A tile of the tree of `size` leaves, as its bytes (C2SP tlog-tiles); `None` where that tree has no such tile. A
    /// partial tile may be asked for in any width that the tree has had.
    ///
    /// # Errors
    /// As [`Reader::root`].
    pub async fn tile(&self, ledger: &str, path: &TilePath, size: u64) -> Result<Option<Vec<u8>>, TreeError> {
        let level = match path.kind {
            TileKind::Entries => 0,
            TileKind::Hashes { level } => level.saturating_mul(8),
        };
        let width = u64::from(path.width);
        let from = path.index.saturating_mul(u64::from(HASHES_PER_TILE));
        let to = from.saturating_add(width);
        if level >= 64 || to > size >> level {
            return Ok(None);
        }
        let missing = || TreeError::Missing { ledger: ledger.to_owned(), what: format!("tile {path}") };
        let bytes = if level == 0 {
            let entries = self.warehouse.entries(ledger, from, to).await?;
            if entries.len() as u64 != width {
                return Err(missing());
            }
            match path.kind {
                TileKind::Entries => tile::bundle(&entries).map_err(|_| missing())?,
                TileKind::Hashes { .. } => entries.iter().flat_map(|entry| merkle::leaf_hash(entry)).collect(),
            }
        } else {
            let hashes = self.warehouse.nodes(ledger, level, from, to).await?;
            if hashes.len() as u64 != width {
                return Err(missing());
            }
            hashes.concat()
        };
        Ok(Some(bytes))
    }

    /// Fetches what is stored under these nodes of the tree of `size` leaves, a tile at a time.
    async fn fetch(&self, ledger: &str, wanted: &[(u8, u64)], size: u64) -> Result<Fetched, TreeError> {
        let mut tiles: BTreeMap<(u8, u64), (u64, u64)> = BTreeMap::new();
        for &(level, index) in wanted {
            let (base, first, count) = base(level, index);
            let tile = first / u64::from(HASHES_PER_TILE);
            let range = tiles.entry((base, tile)).or_insert((first, first + count));
            *range = (range.0.min(first), range.1.max(first + count));
        }
        let mut hashes = HashMap::new();
        for ((level, _), (from, to)) in tiles {
            let to = to.min(size >> level);
            let found: Vec<Hash> = if level == 0 {
                let entries = self.warehouse.entries(ledger, from, to).await?;
                entries.iter().map(|entry| merkle::leaf_hash(entry)).collect()
            } else {
                self.warehouse.nodes(ledger, level, from, to).await?
            };
            if found.len() as u64 != to - from {
                let what = format!("part of the subtrees {from} to {to} of 2^{level} leaves");
                return Err(TreeError::Missing { ledger: ledger.to_owned(), what });
            }
            hashes.extend((from..to).zip(found).map(|(number, hash)| ((level, number), hash)));
        }
        Ok(Fetched { ledger: ledger.to_owned(), hashes })
    }
}
