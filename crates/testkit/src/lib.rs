//! What the tests of every crate bring up and take down: real processes on free ports, in directories of their own.
//!
//! - [`kafka`]: Apache Kafka, one broker or several;
//! - [`apicurio`]: a schema registry;
//! - [`process`]: the built `avow` binary;
//! - [`engine`]: where the ClickHouse engine is, fetched if need be;
//! - [`python`]: a virtual environment with pinned packages;
//! - [`proxy`]: connections that break on request;
//! - [`disk`]: a disk that can be filled;
//! - [`ports`]: free ports, and whose they are;
//! - [`child`]: a process that cannot outlive its test;
//! - [`cache`]: what is fetched once and kept under `target/testkit`.
//!
//! Only tests use it, so its errors are [`anyhow::Error`]s that say what to do.

pub mod apicurio;
pub mod authority;
pub mod cache;
pub mod child;
pub mod disk;
pub mod engine;
pub mod kafka;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod python;
