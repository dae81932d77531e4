//! A log as plain files: `checkpoint` and `tile/...` (C2SP tlog-tiles), and whether they belong together.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::key::VerifierKey;
use avow_ledger::note::Note;
use avow_ledger::proof::{self, Nodes as _};
use avow_ledger::tile::{self, HASHES_PER_TILE, TileKind, TileNodes, TilePath};
use avow_ledger::{Hash, merkle};

/// A checkpoint whose signature was verified.
pub struct Sealed {
    pub note: String,
    pub checkpoint: Checkpoint,
}

impl Sealed {
    /// Reads a checkpoint of a log.
    ///
    /// # Errors
    /// Where it is none, is of another log, or is not signed with one of the log's keys.
    pub fn open(note: String, origin: &str, keys: &[VerifierKey]) -> anyhow::Result<Self> {
        let parsed = Note::parse(&note).context("checkpoint")?;
        parsed.verify(keys).context("checkpoint")?;
        let checkpoint = Checkpoint::parse(&parsed.text).context("checkpoint")?;
        ensure!(checkpoint.origin == origin, "the checkpoint is of {}, not of {origin}", checkpoint.origin);
        Ok(Self { note, checkpoint })
    }
}

/// A log's folder.
pub struct Mirror {
    folder: PathBuf,
}

impl Mirror {
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a tile lies.
    pub fn place(&self, path: &TilePath) -> PathBuf {
        self.folder.join(path.to_string())
    }

    /// Whether a tile is there, as long as it has to be.
    ///
    /// # Errors
    /// Where the disk does not say.
    pub fn has(&self, path: &TilePath) -> anyhow::Result<bool> {
        let place = self.place(path);
        match fs::metadata(&place) {
            Ok(data) if path.kind == TileKind::Entries => Ok(data.is_file()),
            Ok(data) => Ok(data.len() == u64::from(path.width) * 32),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(|| place.display().to_string()),
        }
    }

    /// The checkpoint on disk, if there is one.
    ///
    /// # Errors
    /// Where it is not one of this log.
    pub fn sealed(&self, origin: &str, keys: &[VerifierKey]) -> anyhow::Result<Option<Sealed>> {
        let place = self.folder.join("checkpoint");
        match fs::read_to_string(&place) {
            Ok(note) => Ok(Some(Sealed::open(note, origin, keys).with_context(|| place.display().to_string())?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| place.display().to_string()),
        }
    }

    /// Whether the files are the tree that `sealed` signs, and that tree follows from the one before.
    ///
    /// # Errors
    /// What is not as it has to be, by file. Remove that file, and it is fetched again.
    pub fn verify(&self, sealed: &Sealed, before: Option<&Sealed>) -> anyhow::Result<()> {
        let size = sealed.checkpoint.size;
        let nodes = TileNodes::new(size, |path: &TilePath| fs::read(self.place(path)));
        ensure!(proof::root_of(&nodes, size)? == sealed.checkpoint.root, "the tiles lead to another root than signed");
        if let Some(before) = before {
            let follows = proof::root_of(&nodes, before.checkpoint.size)? == before.checkpoint.root;
            ensure!(follows, "the tree of {} entries is not the one that was signed before", before.checkpoint.size);
        }
        for path in tile::tiles_of(size) {
            let place = self.place(&path);
            let bytes = fs::read(&place).with_context(|| place.display().to_string())?;
            let fits = match path.kind {
                TileKind::Entries => {
                    let hashes = fs::read(self.place(&TilePath { kind: TileKind::Hashes { level: 0 }, ..path }))?;
                    let leaves = tile::entries(&bytes, path.width).with_context(|| place.display().to_string())?;
                    let leaves: Vec<Hash> = leaves.into_iter().map(merkle::leaf_hash).collect();
                    leaves == tile::hashes(&hashes, path.width)?
                }
                TileKind::Hashes { level } => self.fits(&nodes, size, level, path, &bytes)?,
            };
            ensure!(fits, "{} is no part of the tree: remove it and run again", place.display());
        }
        Ok(())
    }

    /// Whether a tile's root is the node above it. A tile without one is on the tree's edge, where the root is made of it.
    fn fits<F>(&self, nodes: &TileNodes<F>, size: u64, level: u8, path: TilePath, bytes: &[u8]) -> anyhow::Result<bool>
    where
        F: Fn(&TilePath) -> Result<Vec<u8>, std::io::Error>,
    {
        let above = u32::from(level) * 8 + 8;
        if path.width < HASHES_PER_TILE || above >= 64 || size >> above <= path.index {
            return Ok(true);
        }
        let root = merkle::root(tile::hashes(bytes, path.width)?);
        Ok(root == nodes.node(u8::try_from(above)?, path.index)?)
    }
}

/// Puts a file in its place as a whole.
///
/// # Errors
/// Where the disk does not take it.
pub fn write(place: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let said = || place.display().to_string();
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else { bail!("{} is no file", said()) };
    fs::create_dir_all(folder).with_context(said)?;
    let aside = folder.join(format!(".{}.new", name.to_string_lossy()));
    fs::write(&aside, bytes).with_context(said)?;
    fs::rename(&aside, place).with_context(said)
}
