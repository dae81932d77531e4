//! Any bytes as the body of `add-checkpoint`: read in one way or not at all; judged without panic, and never cosigned where
//! the log has not signed. Any text as a witness's answer.
#![no_main]

use std::sync::LazyLock;

use avow_ledger::VerifierKey;
use avow_ledger::witness::{AddCheckpoint, Refusal, Seen, cosignatures};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<[VerifierKey; 1]> = LazyLock::new(|| {
    let log = avow_ledger::SigningKey::from_seed("example.com/log".parse().expect("a name"), [1; 32]);
    [log.vkey()]
});

fuzz_target!(|body: &[u8]| {
    if let Ok(answer) = std::str::from_utf8(body) {
        _ = cosignatures("example.com/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", answer, &*KEYS);
    }
    let Ok(request) = AddCheckpoint::parse(body) else { return };
    assert_eq!(request.to_string().as_bytes(), body);
    for seen in [Seen::default(), Seen { size: request.old, root: [0; 32] }] {
        match request.judge(&seen, &*KEYS) {
            // The seed is signed; whoever finds another signature has broken Ed25519.
            Ok(after) => assert!(after.size >= seen.size),
            Err(Refusal::Conflict(size)) => assert_eq!(size, seen.size),
            Err(_) => {}
        }
    }
});
