//! Simulated visitors, and the exact numbers that a server must show of them.
//!
//! The crate depends on no other crate of the product. It implements `docs/metrics.md` a second time, so that product and
//! simulator can be tested against each other: [`run`] sends events and writes down what must be seen, [`compare`] asks a
//! server and lists every cell that differs. [`demo`] makes the history and the traffic of `avow demo`.
//!
//! How it stays exact: visitors are told story by story ([`visitors`]); each story is counted when it is told
//! ([`definitions`]) and sent until each of its events had its 202 ([`wire`]). No event lies where the outcome would depend
//! on a clock: see [`visitors::moments`].

pub mod demo;

mod args;
mod check;
mod definitions;
mod run;
mod totals_file;
mod visitors;
mod vocabulary;
mod wire;

pub use args::SimulateArgs;
pub use check::{Comparison, compare};
pub use run::{Summary, run};
pub use totals_file::{Dimensions, ExpectedQuery, Row, TotalsFile};
