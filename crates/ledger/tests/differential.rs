//! The tree, its proofs, tiles and checkpoints against two other implementations: tlog_tiles and ct-merkle.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;

use avow_ledger::merkle::{self, leaf_hash};
use avow_ledger::proof::{Nodes, consistency, inclusion, root_of, verify_consistency, verify_inclusion};
use avow_ledger::tile::{TileKind, TilePath, tiles_of};
use avow_ledger::{Checkpoint, Frontier, Hash};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Error, HashReader, Tile};

struct Leaves(Vec<Hash>);

impl Leaves {
    fn new(size: u64) -> Self {
        Self((0..size).map(|i| leaf_hash(&entry(i))).collect())
    }

    fn root(&self, size: u64) -> Hash {
        merkle::root(self.0[..size as usize].iter().copied())
    }
}

fn entry(index: u64) -> Vec<u8> {
    index.to_be_bytes().to_vec()
}

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(merkle::root(self.0[(index << level) as usize..((index + 1) << level) as usize].iter().copied()))
    }
}

/// What tlog_tiles stores, written and read by itself.
struct Stored(Vec<tlog_tiles::Hash>);

impl Stored {
    fn new(size: u64) -> Self {
        let mut stored = Self(Vec::new());
        for index in 0..size {
            let hashes = tlog_tiles::stored_hashes(index, &entry(index), &stored).unwrap();
            stored.0.extend(hashes);
        }
        stored
    }
}

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(*hash)).collect()
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

#[test]
fn roots_and_proofs_are_those_of_tlog_tiles() {
    let (leaves, stored) = (Leaves::new(150), Stored::new(150));
    let mut frontier = Frontier::new();
    for size in 1..=150 {
        frontier.push(leaves.0[size as usize - 1], |_, _, _| {});
        let root = tlog_tiles::tree_hash(size, &stored).unwrap().0;
        assert_eq!(frontier.root(), root);
        assert_eq!(root_of(&leaves, size), Ok(root));
        for index in 0..size {
            let proof = ours(tlog_tiles::prove_record(size, index, &stored).unwrap());
            assert_eq!(inclusion(&leaves, index, size), Ok(proof));
        }
        for from in 1..=size {
            let proof = ours(tlog_tiles::prove_tree(size, from, &stored).unwrap());
            assert_eq!(consistency(&leaves, from, size), Ok(proof));
        }
    }
}

#[test]
fn roots_and_proofs_are_those_of_ct_merkle() {
    let leaves = Leaves::new(90);
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=90_u64 {
        tree.push(entry(size - 1));
        let root = leaves.root(size);
        assert_eq!(tree.root().as_bytes()[..], root);
        for index in 0..size {
            let proof = tree.prove_inclusion(index as usize);
            assert_eq!(proof.as_bytes(), inclusion(&leaves, index, size).unwrap().concat());
        }
        for from in 1..=size {
            let proof = tree.prove_consistency((size - from) as usize);
            assert_eq!(proof.as_bytes(), consistency(&leaves, from, size).unwrap().concat());
        }
    }
}

fn root_hash(hash: Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(hash.into(), size)
}

proptest! {
    /// Proofs with hashes too few, too many or wrong, for the right tree or another: all verifiers say the same.
    #[test]
    fn all_verifiers_agree(
        size in 1..200_u64, index in 0..200_u64, from in 1..200_u64, claimed in 1..200_u64,
        cut in 0..3_usize, more in 0..2_usize, flip: Option<prop::sample::Index>,
    ) {
        let leaves = Leaves::new(200);
        let claimed = if claimed % 3 == 0 { claimed } else { size };
        let (root, leaf) = (leaves.root(size), leaves.0[index as usize]);
        let spoil = |mut proof: Vec<Hash>| {
            if let Some(at) = flip && !proof.is_empty() {
                let at = at.index(proof.len());
                proof[at][0] ^= 1;
            }
            proof.truncate(proof.len() - cut.min(proof.len()));
            proof.extend(vec![root; more]);
            proof
        };
        let proof = spoil(inclusion(&leaves, index, size).unwrap());
        let verdict = verify_inclusion(&leaf, index, &proof, claimed, &root).is_ok();
        let go = tlog_tiles::check_record(&theirs(&proof), claimed, tlog_tiles::Hash(root), index, tlog_tiles::Hash(leaf));
        prop_assert_eq!(verdict, go.is_ok());
        let ct = root_hash(root, claimed)
            .verify_inclusion(&entry(index), index, &InclusionProof::from_bytes(proof.concat()));
        prop_assert_eq!(verdict, ct.is_ok());

        let proof = spoil(consistency(&leaves, from, size).unwrap());
        let older = leaves.root(from);
        let verdict = verify_consistency(from, &older, &proof, claimed, &root).is_ok();
        let go =
            tlog_tiles::check_tree(&theirs(&proof), claimed, tlog_tiles::Hash(root), from, tlog_tiles::Hash(older));
        prop_assert_eq!(verdict, go.is_ok());
        let ct = ConsistencyProof::try_from_bytes(proof.concat())
            .map_err(|_| ())
            .and_then(|proof| root_hash(root, claimed).verify_consistency(&root_hash(older, from), &proof).map_err(|_| ()));
        prop_assert_eq!(verdict, ct.is_ok());
    }

    /// tlog_tiles writes the path of Go, with the tile's height (8) before the level.
    #[test]
    fn tile_paths_are_those_of_tlog_tiles(level in 0..64_u8, index: u64, shift in 0..64_u32, width in 1..=256_u16) {
        let index = index >> shift;
        let tile = TilePath { kind: TileKind::Hashes { level }, index, width };
        let path = Tile::new(8, level, index, width.into(), false).path();
        prop_assert_eq!(format!("tile/8/{}", &tile.to_string()["tile/".len()..]), path);
        let entries = TilePath { kind: TileKind::Entries, ..tile };
        let path = Tile::new(8, 0, index, width.into(), true).path();
        prop_assert_eq!(entries.to_string().replacen("tile/entries", "tile/8/data", 1), path);
    }

    #[test]
    fn tile_paths_are_read_as_by_tlog_tiles(
        rest in "([0-9]{1,2}|data|[a-z]{1,2})(/x?[0-9]{2,4}){1,4}(\\.p/[0-9]{1,3})?/?",
    ) {
        let ours = format!("tile/{}", rest.replacen("data", "entries", 1)).parse::<TilePath>();
        // A level above 63 makes tlog_tiles panic, and a width of 0 too.
        let level = rest.split('/').next().and_then(|level| level.parse::<u8>().ok()).unwrap_or(0);
        let zero = rest.rsplit_once(".p/").is_some_and(|(_, width)| width.trim_end_matches('/').parse() == Ok(0));
        if level > 63 || zero {
            prop_assert!(ours.is_err());
        } else {
            prop_assert_eq!(ours.is_ok(), Tile::from_path(&format!("tile/8/{rest}")).is_ok(), "{}", rest);
        }
    }

    #[test]
    fn a_tree_has_the_tiles_of_tlog_tiles(size in 0..300_000_u64) {
        let mut expected: Vec<_> = Tile::new_tiles(8, 0, size)
            .iter()
            .map(|tile| (tile.level(), tile.level_index(), tile.width()))
            .collect();
        expected.sort_unstable();
        let found: Vec<_> = tiles_of(size)
            .filter_map(|tile| match tile.kind {
                TileKind::Hashes { level } => Some((level, tile.index, u32::from(tile.width))),
                TileKind::Entries => None,
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn checkpoints_are_read_as_by_tlog_tiles(
        text in "[a-z ]{0,3}\n(0|00|[0-9]{1,3}|\\+1|18446744073709551615|18446744073709551616)\n\
            [A-Za-z0-9+/]{42}[AEIBz]=?\n(x?\n){0,2}y?",
    ) {
        let (ours, theirs) = (Checkpoint::parse(&text), tlog_tiles::Checkpoint::from_bytes(text.as_bytes()));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", text);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!((ours.origin.as_str(), ours.size, ours.root), (theirs.origin(), theirs.size(), theirs.hash().0));
            prop_assert_eq!(ours.text().into_bytes(), theirs.to_bytes());
        }
    }
}
