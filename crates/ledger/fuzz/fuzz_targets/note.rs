//! Any text as a note and as a signature line: read in one way or not at all, and no key that signed nothing is told.
#![no_main]

use std::sync::LazyLock;

use avow_ledger::note::MOST_SIGNATURES;
use avow_ledger::{Note, NoteSignature, VerifierKey};
use libfuzzer_sys::fuzz_target;

/// The log's key of the seeds, and the witness's.
static KEYS: LazyLock<[VerifierKey; 2]> = LazyLock::new(|| {
    let log = avow_ledger::SigningKey::from_seed("example.com/log".parse().expect("a name"), [1; 32]);
    let witness = avow_ledger::Cosigner::from_seed("witness.example/w".parse().expect("a name"), [2; 32]);
    [log.vkey(), witness.vkey().expect("a key")]
});

fuzz_target!(|text: &str| {
    if let Ok(signature) = text.parse::<NoteSignature>() {
        assert_eq!(signature.to_string(), text);
    }
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_string(), text);
    assert!(!note.signatures.is_empty() && note.signatures.len() <= MOST_SIGNATURES);
    if let Ok(signed) = note.verify(&*KEYS) {
        for one in signed {
            assert!(note.signatures.iter().any(|signature| signature.key_id == one.key.id()));
        }
    }
});
