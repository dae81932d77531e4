//! Answers too large to wait for: jobs that write the rows of a question to a file ([`work`]), one after another.

pub mod create;
pub mod file;
pub mod get;
pub mod job;
pub mod list;
mod work;

pub use work::Writing;

use crate::jobs::queue::Queue;

/// The jobs.
pub type QueryExports = Queue<Writing>;
