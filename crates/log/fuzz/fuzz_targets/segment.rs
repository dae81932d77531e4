//! Whole frames, then anything: what was whole is found again, or the segment is called damaged; nothing else is found.
#![no_main]

use avow_log::embedded::fuzzing::recovered;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<u8>)| {
    let (values, tail) = input;
    let values = &values[..values.len().min(16)];
    if let Some(found) = recovered(values, &tail) {
        assert_eq!(found, values.len() as u64);
    }
});
