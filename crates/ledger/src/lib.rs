//! The ledger's mathematics: no I/O, no clock, no runtime. So far the leaves; the tree, tiles, checkpoints and proofs are
//! built on them.

pub mod commitment;
pub mod merkle;

pub use commitment::Commitment;

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
