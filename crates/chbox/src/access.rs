//! Who may ask, and what for. The listener's owner decides, through [`Gatekeeper`]; [`crate::gate`] enforces.

use std::fmt;

/// Decides what a caller may do. Called once for each request, before anything else is read of it.
pub trait Gatekeeper: Send + Sync {
    /// `None`: the name or the password is wrong.
    fn admit(&self, user: &str, password: &str) -> Option<Access>;
}

/// What a caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Every statement, except those that read or write files of the machine by their name.
    Full,
    /// Reading some views.
    Reader(ReaderAccess),
}

/// What a reader may read: these views and nothing else, and of a view with a row filter only the rows that satisfy it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderAccess {
    /// The database of the views, and the reader's current database.
    pub database: String,
    /// Names of views in `database`.
    pub views: Vec<String>,
    /// View, and a condition in ClickHouse's SQL over its columns. The condition is the owner's, not the caller's.
    pub row_filters: Vec<(String, String)>,
}

impl fmt::Debug for ReaderAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Conditions name sites; they are nobody's business in a log.
        f.debug_struct("ReaderAccess")
            .field("database", &self.database)
            .field("views", &self.views)
            .field("row_filters", &self.row_filters.len())
            .finish()
    }
}
