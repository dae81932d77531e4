//! What an audit finds.

use std::collections::BTreeSet;

/// Faults that are named; more are only counted.
pub(super) const MOST_NAMED: usize = 1_000;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A record is not what its own commitment commits to.
    Commitment,
    /// A leaf has no record, or a ledger neither records nor entries.
    Missing,
    /// A leaf has several records.
    Twice,
    /// Leaf order is not log order.
    Order,
    /// An entry is not that of its record.
    Entry,
    /// A node is not what the leaves under it make.
    Node,
    /// A head is not what the leaves make.
    Head,
    /// A signed checkpoint is not what the leaves make, or not signed.
    Checkpoint,
    /// What the operator log says of a ledger is not what was signed, or what the leaves make.
    Anchor,
    /// A day's close or map is not what the events make.
    Day,
}

impl What {
    /// Its name, as the API and the command have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commitment => "commitment",
            Self::Missing => "missing",
            Self::Twice => "twice",
            Self::Order => "order",
            Self::Entry => "entry",
            Self::Node => "node",
            Self::Head => "head",
            Self::Checkpoint => "checkpoint",
            Self::Anchor => "anchor",
            Self::Day => "day",
        }
    }
}

/// One fault, and where it is as far as that can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub what: What,
    pub ledger: String,
    pub leaf: Option<u64>,
    /// In the log.
    pub place: Option<(u32, u64)>,
    /// Of the tree that is meant.
    pub size: Option<u64>,
    pub detail: String,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Ledgers, the operator log among them.
    pub ledgers: u64,
    /// Records, each a leaf.
    pub leaves: u64,
    /// Records of erased subjects: there is nothing to compute their commitment from.
    pub erased: u64,
    /// Nodes at the tiles' edges.
    pub nodes: u64,
    /// Checkpoints, those in the operator log among them.
    pub checkpoints: u64,
    /// Closed days.
    pub days: u64,
    /// Leaves that are in no tree yet; no fault.
    pub waiting: u64,
    pub faults: Vec<Fault>,
    /// All faults, also those that are not named.
    pub fault_count: u64,
    seen: BTreeSet<String>,
}

impl Found {
    /// Notes a fault of a ledger.
    pub fn add(&mut self, what: What, ledger: &str, detail: impl Into<String>) {
        let fault =
            Fault { what, ledger: ledger.to_owned(), leaf: None, place: None, size: None, detail: detail.into() };
        self.note(fault);
    }

    /// Notes a fault at a leaf, and in the log where that is known.
    pub fn at_leaf(
        &mut self,
        what: What,
        ledger: &str,
        leaf: u64,
        place: Option<(u32, u64)>,
        detail: impl Into<String>,
    ) {
        let (ledger, detail) = (ledger.to_owned(), detail.into());
        self.note(Fault { what, ledger, leaf: Some(leaf), place, size: None, detail });
    }

    /// Notes a fault of a tree of so many leaves.
    pub fn at_size(&mut self, what: What, ledger: &str, size: u64, detail: impl Into<String>) {
        let (ledger, detail) = (ledger.to_owned(), detail.into());
        self.note(Fault { what, ledger, leaf: None, place: None, size: Some(size), detail });
    }

    fn note(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < MOST_NAMED {
            self.faults.push(fault);
        }
    }

    pub(super) fn begin(&mut self, ledger: &str) {
        self.ledgers += 1;
        self.seen.insert(ledger.to_owned());
    }

    pub(super) fn knows(&self, ledger: &str) -> bool {
        self.seen.contains(ledger)
    }
}
