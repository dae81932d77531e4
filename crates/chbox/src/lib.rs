//! ClickHouse in a box: ClickHouse's HTTP interface over libchdb, inside this process.

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
mod run;
mod server;
mod statement;

pub use access::{Access, Gatekeeper, ReaderAccess};
pub use engine::{Engine, EngineConfig};
pub use error::{BoxError, EngineError, OpenError};
pub use server::serve;
