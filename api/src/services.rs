//! `/api/v1/services`: the catalogue of what consent is given to.

pub mod get;
pub mod list;
