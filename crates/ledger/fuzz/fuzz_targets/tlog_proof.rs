//! Any text as a proof that stands alone: read in one way or not at all; verified without panic, whatever it claims.
#![no_main]

use std::sync::LazyLock;

use avow_ledger::proof::{verify_consistency, verify_inclusion};
use avow_ledger::{Checkpoint, TlogProof, VerifierKey};
use libfuzzer_sys::fuzz_target;

/// The log's key of the seed.
static KEYS: LazyLock<[VerifierKey; 1]> = LazyLock::new(|| {
    let log = avow_ledger::SigningKey::from_seed("example.com/log".parse().expect("a name"), [1; 32]);
    [log.vkey()]
});

fuzz_target!(|text: &str| {
    let Ok(proof) = TlogProof::parse(text) else { return };
    assert_eq!(proof.to_string(), text);
    _ = proof.verify(&[0; 32], &*KEYS);
    // And as if it were signed.
    if let Ok(Checkpoint { size, root, .. }) = Checkpoint::parse(&proof.checkpoint.text) {
        _ = verify_inclusion(&[0; 32], proof.index, &proof.hashes, size, &root);
        _ = verify_consistency(proof.index, &[0; 32], &proof.hashes, size, &root);
    }
});
