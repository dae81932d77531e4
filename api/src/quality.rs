//! `GET /api/v1/data-quality`: the books, to be looked at whenever a number is doubted.

pub mod get;
pub mod ranges;
mod watch;

pub use watch::watch;
