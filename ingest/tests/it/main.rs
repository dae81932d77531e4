//! Ingest over real HTTP, with a real embedded log on disk: what a sender is told, and what is then in the log.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accepted;
mod beacon;
mod limits;
mod pixel;
mod properties;
mod refused;
mod senders;
mod server;
mod times;
mod unreadable;
