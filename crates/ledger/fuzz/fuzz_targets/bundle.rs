//! Any bytes as an entry bundle and as a hash tile, of the width that the first two bytes say: read in one way or not at all.
#![no_main]

use avow_ledger::tile::{bundle, entries, hashes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((width, bytes)) = input.split_first_chunk() else { return };
    let width = u16::from_be_bytes(*width);
    if let Ok(list) = entries(bytes, width) {
        assert_eq!(list.len(), usize::from(width));
        assert_eq!(bundle(list).expect("what was read is short enough"), bytes);
    }
    if let Ok(list) = hashes(bytes, width) {
        assert_eq!(list.concat(), bytes);
    }
});
