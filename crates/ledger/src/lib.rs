//! The ledger's mathematics: no I/O, no clock, no randomness, no runtime, so that a browser can verify with the same code.
//! Leaves and their disclosure, the tree and its proofs (RFC 6962), tiles, checkpoints, notes and cosignatures (C2SP).

pub mod checkpoint;
pub mod commitment;
pub mod cosignature;
pub mod day_close;
pub mod frontier;
pub mod hex;
pub mod key;
pub mod key_change;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod sum_map;
pub mod switch;
pub mod tile;
pub mod tlog_proof;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use commitment::Commitment;
pub use cosignature::Cosigner;
pub use day_close::DayClose;
pub use frontier::Frontier;
pub use key::{KeyName, PublicKey, SigningKey, VerifierKey};
pub use key_change::KeyChange;
pub use note::{Note, NoteSignature, Signed};
pub use policy::Policy;
pub use receipt::{Receipt, ReceiptId};
pub use sum_map::{MapProof, SumMap};
pub use switch::Switch;
pub use tlog_proof::TlogProof;

/// What a leaf says, by its first byte. A new field or another way to commit means a new byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LeafKind {
    /// A consent event, by the commitment of `schemas/leaf/v1.md`.
    Event = 0x01,
    /// A banner artefact.
    Artefact = 0x02,
    /// The close of a day.
    DayClose = 0x03,
    /// A change of key.
    KeyChange = 0x04,
    /// A tombstone.
    Tombstone = 0x05,
    /// A version of the site's settings.
    Settings = 0x06,
}

/// A SHA-256 hash.
pub type Hash = [u8; 32];
