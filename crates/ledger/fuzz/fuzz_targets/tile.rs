//! Any text as a tile's path: read in one way or not at all, and a tile that can be.
#![no_main]

use avow_ledger::tile::{HASHES_PER_TILE, TileKind, TilePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(tile) = text.parse::<TilePath>() else { return };
    assert_eq!(tile.to_string(), text);
    assert!((1..=HASHES_PER_TILE).contains(&tile.width));
    assert!(!matches!(tile.kind, TileKind::Hashes { level: 64.. }));
});
