//! The numbers of `POST /api/v1/query`: from a checked [`QuerySpec`] to the rows of an [`Answer`].
//!
//! A question takes a statement of each of these, where it needs one. [`rollup`] reads the roll-up once, totals and pairs together,
//! so that no rate is made of two moments; [`people`] reads the events for what no roll-up can add up, distinct subjects
//! and medians; [`cohorts`] follow subjects over time. [`answer`] joins them by the dimensions and [`measure`] turns counts into what
//! was asked; a comparison asks the same of another range. [`bridge`](mod@bridge) counts what another tool may count besides. [`withhold`] knows the cells that a caller may not see. SQL is put together from closed enums alone ([`column`]); whatever comes from outside is a bound parameter.
//!
//! `docs/metrics.md` defines every number.

mod answer;
mod bridge;
mod calendar;
mod cohorts;
mod column;
mod difference;
mod error;
mod filter;
mod freshness;
mod measure;
mod people;
mod reprompted;
mod revoked;
mod rollup;
mod spec;
mod statement;
#[cfg(test)]
mod tests;
mod wilson;
mod withhold;

pub use answer::{Answer, Comparison, Row, run};
pub use bridge::{BridgeCounts, BridgeSpec, ByBot, Tally, bridge};

pub use calendar::{Calendar, CalendarError, Interval};
pub use error::QueryError;
pub use filter::{Filter, FilterError, Test};
pub use freshness::{Freshness, Marks, freshness, marks};
pub use measure::Number;
pub use spec::{Dimension, Direction, Limits, Metric, Order, OrderKey, QuerySpec, Rate, Suppression};
pub use wilson::{Interval95, wilson};
