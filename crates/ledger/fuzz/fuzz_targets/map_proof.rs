//! Any JSON as a proof of a day's map: read and verified without panic; it never shows anything of a root that is not known.
#![no_main]

use avow_ledger::MapProof;
use avow_ledger::sum_map::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((leaves, json)) = input.split_first_chunk() else { return };
    let leaves = u64::from_le_bytes(*leaves);
    let Ok(proof) = serde_json::from_slice::<MapProof>(json) else { return };
    let again = serde_json::to_vec(&proof).expect("what was read is written");
    assert_eq!(serde_json::from_slice::<MapProof>(&again).expect("what was written is read"), proof);
    assert!(verify(&proof, &[7; 32], &[9; 32], 5, leaves).is_err());
});
