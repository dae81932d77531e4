//! Any text as a change of a key: read in one way or not at all; as a note, never without both signatures.
#![no_main]

use avow_ledger::KeyChange;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(change) = KeyChange::parse(text) {
        assert_eq!(change.text(), text);
    }
    // The seed is signed; whoever finds another signature has broken Ed25519.
    if let Ok(change) = KeyChange::read(text) {
        assert!(text.starts_with(&change.text()));
    }
});
