//! Paths as tlog-tiles writes them, bundles, and nodes from tiles.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::frontier::Frontier;
use crate::merkle::{leaf_hash, root};
use crate::proof;

fn hashes_at(level: u8, index: u64, width: u16) -> TilePath {
    TilePath { kind: TileKind::Hashes { level }, index, width }
}

#[test]
fn paths_are_written_as_the_specification_does() {
    for (tile, path) in [
        (hashes_at(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (hashes_at(63, 0, 255), "tile/63/000.p/255"),
        (hashes_at(1, 999, 1), "tile/1/999.p/1"),
        (hashes_at(1, 1000, 256), "tile/1/x001/000"),
        (
            TilePath { kind: TileKind::Entries, index: u64::MAX, width: 256 },
            "tile/entries/x018/x446/x744/x073/x709/x551/615",
        ),
        (TilePath { kind: TileKind::Entries, index: 5, width: 17 }, "tile/entries/005.p/17"),
    ] {
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
}

#[test]
fn every_other_path_is_refused() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/64/000",
        "tile/00/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/000/",
        "/tile/0/000",
        " tile/0/000",
        "tile/0/000 ",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/xx01/000",
        "tile/0/+01",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/+5",
        "tile/0/000.p/5/",
        "tile/0/000.p/5.p/5",
        "tile/0//000",
        "tile/entries",
        "tile/Entries/000",
        "tile/data/000",
        "tile/8/0/000",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(path.parse::<TilePath>(), Err(TilePathError), "{path}");
    }
}

/// The examples of tlog-tiles, "Partial Tiles".
#[test]
fn the_tiles_of_the_examples() {
    let count = |size, kind, full: bool| {
        tiles_of(size).filter(|tile| tile.kind == kind && (tile.width == 256) == full).collect::<Vec<_>>()
    };
    let level = |level| TileKind::Hashes { level };
    assert_eq!(count(70_000, level(0), true).len(), 273);
    assert_eq!(count(70_000, level(0), false), [hashes_at(0, 273, 112)]);
    assert_eq!(count(70_000, level(1), true).len(), 1);
    assert_eq!(count(70_000, level(1), false), [hashes_at(1, 1, 17)]);
    assert_eq!(count(70_000, level(2), false), [hashes_at(2, 0, 1)]);
    assert_eq!(count(70_000, TileKind::Entries, true).len(), 273);
    assert_eq!(tiles_of(70_000).count(), 274 + 2 + 1 + 274);
    let hashes: Vec<_> = tiles_of(256).filter(|tile| tile.kind != TileKind::Entries).collect();
    assert_eq!(hashes, [hashes_at(0, 0, 256), hashes_at(1, 0, 1)]);
    assert_eq!(tiles_of(0).count(), 0);
    assert!(tiles_of(u64::MAX).any(|tile| tile.width == 256));
}

#[test]
fn bundles_are_read_strictly() {
    let bytes = bundle([&b"one"[..], b"", b"three"]).unwrap();
    assert_eq!(bytes, b"\x00\x03one\x00\x00\x00\x05three");
    assert_eq!(entries(&bytes, 3).unwrap(), [&b"one"[..], b"", b"three"]);
    assert_eq!(entries(&bytes, 2), Err(TileError::Trailing));
    assert_eq!(entries(&bytes, 4), Err(TileError::Cut(3)));
    assert_eq!(entries(&bytes[..bytes.len() - 1], 3), Err(TileError::Cut(2)));
    assert_eq!(entries(&bytes[..6], 3), Err(TileError::Cut(1)));
    assert_eq!(bundle([vec![0; 65_536]]), Err(TileError::Entry(65_536)));
    assert_eq!(hashes(&[0; 63], 2), Err(TileError::Length { expected: 64, found: 63 }));
    assert_eq!(hashes(&[0; 64], 1), Err(TileError::Length { expected: 32, found: 64 }));
}

/// The hash tiles of a tree, by path.
fn tiles(leaves: &[Hash]) -> BTreeMap<String, Vec<u8>> {
    let size = leaves.len() as u64;
    let mut nodes: BTreeMap<(u8, u64), Hash> = (0..).zip(leaves).map(|(i, leaf)| ((0, i), *leaf)).collect();
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(*leaf, |level, index, hash| _ = nodes.insert((level, index), *hash));
    }
    let hashes = |tile: &TilePath, level: u8| {
        let start = tile.index * 256;
        (start..start + u64::from(tile.width)).flat_map(|i| nodes[&(level * 8, i)]).collect()
    };
    tiles_of(size)
        .filter_map(|tile| match tile.kind {
            TileKind::Hashes { level } => Some((tile.to_string(), hashes(&tile, level))),
            TileKind::Entries => None,
        })
        .collect()
}

#[test]
fn nodes_and_proofs_come_from_tiles() {
    let leaves: Vec<Hash> = (0..70_000_u32).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    for size in [1, 2, 255, 256, 257, 1000, 65_536, 65_537, 70_000_u64] {
        let tiles = tiles(&leaves[..size as usize]);
        let nodes = TileNodes::new(size, |path: &TilePath| tiles.get(&path.to_string()).ok_or(()));
        let whole = root(leaves[..size as usize].iter().copied());
        assert_eq!(proof::root_of(&nodes, size), Ok(whole));
        for index in [0, 1, size / 3, size / 2, size - 1].into_iter().filter(|index| *index < size) {
            let path = proof::inclusion(&nodes, index, size).unwrap();
            assert_eq!(proof::verify_inclusion(&leaves[index as usize], index, &path, size, &whole), Ok(()));
            let older = root(leaves[..index as usize].iter().copied());
            let path = proof::consistency(&nodes, index, size).unwrap();
            assert_eq!(proof::verify_consistency(index, &older, &path, size, &whole), Ok(()));
        }
        assert_eq!(nodes.node(0, size), Err(TileNodeError::Outside { size, level: 0, index: size }));
        assert_eq!(nodes.node(64, 0), Err(TileNodeError::Outside { size, level: 64, index: 0 }));
    }
}

#[test]
fn a_tile_that_is_not_there_or_too_short_is_told() {
    let nodes = TileNodes::new(300, |_: &TilePath| Err::<Vec<u8>, _>("gone"));
    assert_eq!(nodes.node(3, 0), Err(TileNodeError::Read("gone")));
    let nodes = TileNodes::new(300, |_: &TilePath| Ok::<_, ()>([0; 32]));
    let error = TileError::Length { expected: 44 * 32, found: 32 };
    assert_eq!(nodes.node(0, 299), Err(TileNodeError::Tile { path: hashes_at(0, 1, 44), error }));
}

fn any_tile() -> impl Strategy<Value = TilePath> {
    let kind = prop_oneof![(0..64_u8).prop_map(|level| TileKind::Hashes { level }), Just(TileKind::Entries)];
    (kind, any::<u64>(), 0..64_u32, 1..=256_u16).prop_map(|(kind, index, shift, width)| TilePath {
        kind,
        index: index >> shift,
        width,
    })
}

proptest! {
    #[test]
    fn a_path_is_read_as_it_was_written(tile in any_tile()) {
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }

    #[test]
    fn any_text_is_a_path_in_one_way_or_none(text in "(tile/)?([0-9]{1,2}|entries)/(x?[0-9]{2,4}/?){1,4}(\\.p/[0-9]{0,3})?") {
        if let Ok(tile) = text.parse::<TilePath>() {
            prop_assert_eq!(tile.to_string(), text);
        }
    }

    #[test]
    fn every_node_lies_in_a_tile_of_the_tree(size in 1..200_000_u64, level in 0..20_u8, index: prop::sample::Index) {
        let index = index.index(((size >> level) as usize).max(1)) as u64;
        match TilePath::of_node(level, index, size) {
            Some(tile) => prop_assert!(tiles_of(size).any(|other| other == tile)),
            None => prop_assert_eq!(size >> level, 0),
        }
    }

    #[test]
    fn a_bundle_is_read_as_it_was_written(list: Vec<Vec<u8>>) {
        let bytes = bundle(&list).unwrap();
        prop_assert_eq!(entries(&bytes, list.len() as u16).unwrap(), list);
    }

    #[test]
    fn any_bytes_are_a_bundle_or_an_error(bytes: Vec<u8>, width in 0..300_u16) {
        if let Ok(list) = entries(&bytes, width) {
            prop_assert_eq!(bundle(list).unwrap(), bytes);
        }
    }
}
