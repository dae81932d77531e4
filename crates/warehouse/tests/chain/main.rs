//! The chain of watermarks under everything that can happen to it. Its decisions ([`avow_warehouse::chain::owner`]) run over
//! a [`model`] of the engine in a [`world`] where every answer, every statement and every owner may be late, lost or killed
//! ([`explorer`], [`simulation`]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod explorer;
mod log;
mod model;
mod rng;
mod simulation;
mod world;
