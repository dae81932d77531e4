//! Any bytes as a policy: read or refused, without panic; and what is read never finds a quorum of nobody, but where none
//! is needed.
#![no_main]

use std::sync::LazyLock;

use avow_ledger::{Checkpoint, Note, Policy};
use libfuzzer_sys::fuzz_target;

static UNSIGNED: LazyLock<Note> =
    LazyLock::new(|| Note::new(Checkpoint::new("example.com/log", 1, [0; 32]).text()).expect("a text"));

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let evaluation = policy.evaluate(&UNSIGNED).expect("a checkpoint");
    assert!(evaluation.logs.is_empty() && evaluation.witnesses.is_empty() && !evaluation.is_valid());
    let none = bytes.windows(4).any(|word| word == b"none");
    assert!(!evaluation.quorum || none);
});
