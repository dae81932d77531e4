//! The chain of watermarks under everything that can happen to it. Its decisions ([`avow_warehouse::chain::owner`]) run over
//! a [`model`] of the engine in a [`world`] where every answer, every statement and every owner may be late, lost or killed
//! ([`explorer`], [`simulation`]). The model is checked against the real engine ([`against_engine`]), where two owners
//! race ([`races`]) and each half of an insert's protection fails alone ([`halves`]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod against_engine;
mod bench;
mod client;
mod engine;
mod explorer;
mod halves;
mod log;
mod lost;
mod model;
mod races;
mod rng;
mod simulation;
mod world;
