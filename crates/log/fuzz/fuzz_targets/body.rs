//! Any body behind a header whose checksums are right, dense or sparse: records or an error, in rising positions.
#![no_main]

use avow_log::embedded::fuzzing::records;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, bool, u64, &[u8])| {
    let (count, sparse, base, body) = input;
    let positions = records(count, sparse, base, body);
    assert!(positions.is_sorted());
    assert!(positions.first().is_none_or(|first| *first >= base));
});
