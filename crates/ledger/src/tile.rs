//! Tiles and entry bundles of C2SP tlog-tiles: their paths, which of them a tree has, what is in them, and the nodes of the
//! tree computed from them.

use std::fmt;
use std::str::FromStr;

use crate::Hash;
use crate::merkle;
use crate::proof::Nodes;

/// The hashes of a full tile, and the entries of a full bundle.
pub const HASHES_PER_TILE: u16 = 256;

/// The tree levels that one tile spans.
const LEVELS: u8 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes: of leaves at level 0, of full tiles of the level below at the others, 0 to 63.
    Hashes {
        /// The tile's level, each spanning 8 levels of the tree.
        level: u8,
    },
    /// Entries.
    Entries,
}

/// Where a tile lies, below the log's prefix: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    /// What it holds.
    pub kind: TileKind,
    /// Which of its level, from 0.
    pub index: u64,
    /// How many hashes or entries: 1 to 256. Below 256 it is partial.
    pub width: u16,
}

impl TilePath {
    /// The hash tile from which node (level, index) of a tree of `size` leaves is computed, as wide as that tree has it.
    /// `None` where the tree has no such perfect subtree.
    pub fn of_node(level: u8, index: u64, size: u64) -> Option<Self> {
        let end = (u128::from(index) + 1).checked_shl(level.into())?;
        if level >= 64 || end > u128::from(size) {
            return None;
        }
        let (tile_level, height) = (level / LEVELS, level % LEVELS);
        let index = (index << height) >> LEVELS;
        let width = width(size >> (LEVELS * tile_level), index)?;
        Some(Self { kind: TileKind::Hashes { level: tile_level }, index, width })
    }

    /// The bundle with the entry at `index` of a tree of `size` leaves. `None` where there is none.
    pub fn of_entry(index: u64, size: u64) -> Option<Self> {
        let index = (index < size).then_some(index >> LEVELS)?;
        Some(Self { kind: TileKind::Entries, index, width: width(size, index)? })
    }

    /// The full tile at this place, to be read where a partial one is gone.
    pub fn full(self) -> Self {
        Self { width: HASHES_PER_TILE, ..self }
    }
}

/// How wide tile `index` is, where its level has `count` hashes in all. `None` where it is empty.
fn width(count: u64, index: u64) -> Option<u16> {
    let before = index.checked_mul(HASHES_PER_TILE.into())?;
    let width = count.checked_sub(before)?.min(HASHES_PER_TILE.into());
    u16::try_from(width).ok().filter(|width| *width > 0)
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => write!(f, "tile/entries/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < HASHES_PER_TILE { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Why a path is not that of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the path of a tile")]
pub struct TilePathError;

impl FromStr for TilePath {
    type Err = TilePathError;

    /// Strict: one path per tile.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let read = || {
            let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let kind = match kind {
                "entries" => TileKind::Entries,
                level => TileKind::Hashes { level: level.parse().ok().filter(|level| *level < 64)? },
            };
            let (index, width) = match rest.split_once(".p/") {
                Some((index, width)) => (index, width.parse().ok().filter(|width| (1..256).contains(width))?),
                None => (rest, HASHES_PER_TILE),
            };
            let index = index.split('/').try_fold(0_u64, |index, group| {
                let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
                index.checked_mul(1000)?.checked_add(group)
            })?;
            Some(Self { kind, index, width })
        };
        // Signs, missing or leading zeroes, and an x too many or too few all show when it is written again.
        read().filter(|tile| tile.to_string() == path).ok_or(TilePathError)
    }
}

/// All hash tiles and entry bundles of a tree of `size` leaves, partial ones included: level by level, then the bundles.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TilePath> {
    let levels = (0..LEVELS).map(move |level| (TileKind::Hashes { level }, size >> (LEVELS * level)));
    levels.chain([(TileKind::Entries, size)]).flat_map(|(kind, count)| {
        (0..count.div_ceil(HASHES_PER_TILE.into()))
            .filter_map(move |index| Some(TilePath { kind, index, width: width(count, index)? }))
    })
}

/// Why a tile's or bundle's bytes are not what its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A hash tile of another length than 32 bytes times its width.
    #[error("the tile has {found} bytes, not the {expected} of its width")]
    Length {
        /// Of its width.
        expected: usize,
        /// That are there.
        found: usize,
    },
    /// A bundle that ends within an entry or before its last one.
    #[error("the bundle is cut off in entry {0}")]
    Cut(u16),
    /// A bundle with bytes after its last entry.
    #[error("the bundle goes on after its last entry")]
    Trailing,
    /// An entry longer than 65,535 bytes.
    #[error("an entry of {0} bytes is too long for a bundle")]
    Entry(usize),
}

/// The hashes of a tile of this width, read strictly.
///
/// # Errors
/// [`TileError::Length`].
pub fn hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    match bytes.as_chunks::<32>() {
        (hashes, []) if hashes.len() == usize::from(width) => Ok(hashes.to_vec()),
        _ => Err(TileError::Length { expected: usize::from(width) * 32, found: bytes.len() }),
    }
}

/// Adds an entry to a bundle: its length as u16 big-endian, then itself.
///
/// # Errors
/// [`TileError::Entry`] where it is longer than 65,535 bytes.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(entry.len()).map_err(|_| TileError::Entry(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// A bundle of these entries.
///
/// # Errors
/// [`TileError::Entry`] where one is longer than 65,535 bytes.
pub fn bundle<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    entries.into_iter().try_for_each(|entry| push_entry(&mut bundle, entry.as_ref()))?;
    Ok(bundle)
}

/// The entries of a bundle of this width, read strictly: as many as that, and nothing after them.
///
/// # Errors
/// [`TileError::Cut`] or [`TileError::Trailing`].
pub fn entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(width.min(HASHES_PER_TILE).into());
    for number in 0..width {
        let (length, after) = rest.split_first_chunk().ok_or(TileError::Cut(number))?;
        let (entry, after) =
            after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(TileError::Cut(number))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::Trailing) }
}

/// The nodes of a tree of `size` leaves, computed from its hash tiles, which `read` gives by path.
#[derive(Debug, Clone)]
pub struct TileNodes<F> {
    size: u64,
    read: F,
}

/// Why a node cannot be had from tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileNodeError<E> {
    /// The tile cannot be read.
    #[error(transparent)]
    Read(E),
    /// The tile is not what its path says.
    #[error("{path}: {error}")]
    Tile {
        /// The tile.
        path: TilePath,
        /// What is wrong.
        error: TileError,
    },
    /// The tree has no such node.
    #[error("a tree of {size} leaves has no node {index} at level {level}")]
    Outside {
        /// The tree's size.
        size: u64,
        /// The node's level.
        level: u8,
        /// The node's index.
        index: u64,
    },
}

impl<F> TileNodes<F> {
    /// `read` is called for each node with the path of its tile, as wide as the tree of `size` leaves has it, and gives
    /// exactly that many hashes; it keeps what it has read, if that is worth it.
    pub fn new(size: u64, read: F) -> Self {
        Self { size, read }
    }
}

impl<F, B, E> Nodes for TileNodes<F>
where
    F: Fn(&TilePath) -> Result<B, E>,
    B: AsRef<[u8]>,
{
    type Error = TileNodeError<E>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let outside = TileNodeError::Outside { size: self.size, level, index };
        let Some(path) = TilePath::of_node(level, index, self.size) else { return Err(outside) };
        let bytes = (self.read)(&path).map_err(TileNodeError::Read)?;
        let hashes = hashes(bytes.as_ref(), path.width).map_err(|error| TileNodeError::Tile { path, error })?;
        let height = level % LEVELS;
        let start = ((index << height) % u64::from(HASHES_PER_TILE)) as usize;
        let leaves = hashes.get(start..start + (1 << height)).ok_or(outside)?;
        Ok(merkle::root(leaves.iter().copied()))
    }
}

#[cfg(test)]
mod tests;
