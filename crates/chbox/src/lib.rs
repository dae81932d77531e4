//! ClickHouse in a box: ClickHouse's HTTP interface over libchdb, the real ClickHouse engine, inside this process.
//!
//! On one machine this is what the warehouse talks to, with the same client and the same SQL as a ClickHouse server;
//! it is also what a BI tool may connect to, as a reader of a few views.
//!
//! # The way of a statement
//! ```text
//! server    a connection; who asks (Gatekeeper); a place among the running statements
//! request   the URL and headers: statement, database, settings, parameters, encodings
//! body      the body, read on a blocking thread as it comes; encodings undone (block: ClickHouse's own)
//! run       a session with the request's settings; classification; then
//!             rows      the engine writes its answer into a pipe, as one document of whatever format
//!             insert    head and data are told apart (statement), the data are appended piece by piece
//!             command   anything else
//! gate      what a reader's statement may hold, looked at four times
//! answer    status and headers once the first bytes or the end are known; encode; errors before and after them
//! library   the C functions of libchdb; all of the workspace's unsafe code
//! ```
//!
//! # What it is not
//! A ClickHouse server: it has no sessions (temporary tables and `SET` end with their request), no users of its own, no
//! external data in a request, no native protocol. One process owns a data directory, and one engine a process.
//!
//! # Example
//! ```no_run
//! use std::sync::Arc;
//! use avow_chbox::{Access, Engine, EngineConfig, Gatekeeper, ReaderAccess};
//! use tokio_util::sync::CancellationToken;
//!
//! struct Door;
//!
//! impl Gatekeeper for Door {
//!     fn admit(&self, user: &str, password: &str) -> Option<Access> {
//!         match (user, password) {
//!             ("avow", "a random password") => Some(Access::Full),
//!             ("bi", "a token of one site") => Some(Access::Reader(ReaderAccess {
//!                 database: "avow".into(),
//!                 views: vec!["events".into(), "rates_15m".into()],
//!                 row_filters: vec![("events".into(), "site IN ('shop.example')".into())],
//!             })),
//!             _ => None,
//!         }
//!     }
//! }
//!
//! # async fn example() -> Result<(), avow_chbox::BoxError> {
//! let engine = Engine::open(EngineConfig {
//!     library: ".engine/libchdb.so".into(),
//!     path: "data/engine".into(),
//!     fsync: true,
//!     max_connections: 16,
//!     memory_limit_bytes: None,
//!     reserve_bytes: 256 << 20,
//! })?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8123").await?;
//! let shutdown = CancellationToken::new();
//! // Until `shutdown` is cancelled; then running requests end first.
//! avow_chbox::serve(listener, Arc::clone(&engine), Arc::new(Door), shutdown).await?;
//! // Before the process ends: libchdb crashes at exit with its engine open.
//! engine.close().await;
//! # Ok(())
//! # }
//! ```

mod access;
mod answer;
mod block;
mod body;
mod encode;
mod engine;
mod error;
mod format;
mod gate;
mod library;
mod request;
mod reserve;
mod run;
mod server;
mod statement;

pub use access::{Access, Gatekeeper, ReaderAccess};
pub use engine::{Engine, EngineConfig};
pub use error::{BoxError, EngineError, OpenError};
pub use server::serve;

/// The decoders of what comes over the wire, open for tests and fuzz targets.
#[doc(hidden)]
pub mod wire {
    pub use crate::block::{BlockReader, checksum, encode};
    pub use crate::body::take_multipart;
    pub use crate::statement::{FormatClause, Insert, InsertParts, format_clause, insert, without_terminator};
}
