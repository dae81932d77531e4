//! The box as its clients see it: the real engine, over HTTP. libchdb allows one engine in a process, so every test
//! here shares one box ([`box_::shared`]), and each works in a database of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;
mod rust_client;
