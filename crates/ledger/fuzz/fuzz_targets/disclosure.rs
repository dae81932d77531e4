//! Any JSON as a disclosed record: read and led to a commitment without panic; what is read is written and read the same.
#![no_main]

use avow_ledger::commitment::{Field, verify_disclosure};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let Ok(fields) = serde_json::from_slice::<Vec<Field>>(json) else { return };
    let again = serde_json::to_vec(&fields).expect("what was read is written");
    let read: Vec<Field> = serde_json::from_slice(&again).expect("what was written is read");
    assert_eq!(verify_disclosure(&read), verify_disclosure(&fields));
    assert_eq!(read, fields);
});
