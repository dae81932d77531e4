//! The role as its callers see it: over HTTP, on the real engine, the embedded log and the real control plane. Tests share
//! one engine ([`engine`]) and work in a database of their own ([`bench`]). Events are landed by the warehouse's own chain,
//! with what they say given by hand, so that every expected number can be counted on the page of the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod banners;
mod bench;
mod cohorts;
mod comparisons;
#[path = "../../../crates/warehouse/tests/chain/engine.rs"]
mod engine;
mod events;
mod exports;
mod links;
mod live;
mod numbers;
mod people;
mod query_exports;
mod rebuild;
mod routes;
mod settings;
mod subjects;
mod times;
mod webhooks;
