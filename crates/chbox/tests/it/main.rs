//! The box as its clients see it: the real engine, over HTTP. Most tests share one box ([`harness::shared`]), and each
//! works in a database of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod box_process;
mod clients;
mod harness;
mod http;
mod inserts;
mod reader;
mod resources;
mod rust_client;
mod warehouse_ways;
