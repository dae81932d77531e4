//! `docs/metrics.md`, implemented a second time: what an event says ([`meaning`]), which dimensions it has ([`facts`]), what
//! became of a grant ([`cohort`]), the counters of each query ([`tally`]), rates and their intervals ([`rates`]), and the
//! starts of time buckets ([`calendar`]).
//!
//! Nothing here is shared with the product. The tests compute every number a third time, slowly, from the bodies that were
//! sent (`recount`), and show that each of a list of wrong definitions would be noticed.

pub(crate) mod calendar;
pub(crate) mod cohort;
pub(crate) mod counters;
pub(crate) mod facts;
pub(crate) mod meaning;
pub(crate) mod query;
pub(crate) mod rates;
pub(crate) mod suite;
pub(crate) mod tally;

#[cfg(test)]
mod recount;
#[cfg(test)]
mod recount_tests;
