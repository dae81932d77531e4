//! The reader of compressed blocks: it never panics, stays within its bounds, and undoes what the writer does.
#![no_main]

use std::io::Read;

use avow_chbox::wire::{BlockReader, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut data = Vec::new();
    // Most inputs fail at the checksum; those that pass must give what they state.
    let _refused = BlockReader::new(bytes).take(1 << 20).read_to_end(&mut data);
    let mut blocks = Vec::new();
    encode(bytes, &mut blocks);
    let mut same = Vec::new();
    BlockReader::new(&blocks[..]).read_to_end(&mut same).expect("what was encoded is decoded");
    assert_eq!(same, bytes);
    // With a right checksum, everything behind it is reached.
    if bytes.len() > 9 {
        let mut framed = avow_chbox::wire::checksum(bytes).to_le_bytes().to_vec();
        framed.extend_from_slice(bytes);
        let _refused = BlockReader::new(&framed[..]).take(1 << 20).read_to_end(&mut data);
    }
});
