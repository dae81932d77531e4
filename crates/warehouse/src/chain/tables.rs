//! What a partition's owner asks of the warehouse, and in which words. [`super::owner`] decides by these answers alone, so
//! that the same decisions run over the engine ([`super::engine`]) and over a model of it (`tests/`).

use std::fmt::{Debug, Display};
use std::future::Future;

use uuid::Uuid;

/// A table of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Events,
    Ids,
    Rates,
}

impl Table {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events_data",
            Self::Ids => "event_ids",
            Self::Rates => "rates_15m_data",
        }
    }
}

/// Log positions `[from, to)` that go into a table as one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub from: u64,
    pub to: u64,
}

/// Where a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermarks {
    pub events: u64,
    pub ids: u64,
    pub rates: u64,
    /// `logged_at` of the newest range.
    pub logged_at: i64,
}

impl Watermarks {
    pub const fn of(&self, table: Table) -> u64 {
        match table {
            Table::Events => self.events,
            Table::Ids => self.ids,
            Table::Rates => self.rates,
        }
    }
}

/// Where a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    pub at: u64,
    /// Of `events_data`: the write that its newest range came by; nil where there is none.
    pub write: Option<Uuid>,
}

/// Which rows an insert takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// What the owner has staged, if that is exactly the insert's range; nothing otherwise.
    Staged,
    /// The rows of `events_data` at the insert's positions. For the derived tables.
    Stored,
}

/// A conditional insert: `step` goes into `table` if the table stands at `step.from`, as one block whose deduplication token
/// is (table, log, partition, `step.from`, `number`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insert {
    pub table: Table,
    pub step: Step,
    pub number: u32,
    pub source: Source,
    /// No range of the partition newer than those known was logged before this, ms since 1970.
    pub since: i64,
}

/// Why there was no yes.
#[derive(Debug)]
pub enum Failure<E> {
    /// The warehouse answered that it did not do it, and would answer the same to the same rows again.
    Refused(E),
    /// No answer, or one that says nothing of the rows: what was asked may be done, or be done later.
    Unclear(E),
}

/// The warehouse as the owner of one partition sees it.
pub trait Tables: Send + Sync {
    /// A range in the form in which it is staged.
    type Block: Send + Sync;
    type Error: Debug + Display + Send;

    /// The end of the newest range in `events_data` and its `logged_at`; zeros where there is none.
    fn newest(&self) -> impl Future<Output = Result<(u64, i64), Self::Error>> + Send;

    /// How far a table has got, from its own rows. `since` as in [`Insert`].
    fn stands_at(&self, table: Table, since: i64) -> impl Future<Output = Result<Stand, Self::Error>> + Send;

    /// `[from, to)` in steps that end where recorded ranges end, each small enough for one block of any derived table.
    fn steps(&self, from: u64, to: u64) -> impl Future<Output = Result<Vec<Step>, Self::Error>> + Send;

    /// Drops staging tables of the partition that were left behind.
    fn drop_stale(&self) -> impl Future<Output = ()> + Send;

    /// Makes an empty staging table under a name that was never used, in place of the one before.
    fn renew_staging(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Replaces what is staged.
    fn fill_staging(&self, block: &Self::Block) -> impl Future<Output = Result<(), Failure<Self::Error>>> + Send;

    /// Whether the staging table holds this range and nothing else.
    fn is_staged(&self, step: Step) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    fn insert(&self, insert: &Insert) -> impl Future<Output = Result<(), Failure<Self::Error>>> + Send;

    /// Waits before the next try.
    fn pause(&self, attempt: u32) -> impl Future<Output = ()> + Send;
}
