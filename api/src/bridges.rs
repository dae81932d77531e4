//! `/api/v1/bridges`: why another tool's number is not ours. Both numbers, and between them one step per difference in what is
//! counted, in a fixed order ([`steps`]); what no step explains is said as such. Definitions: `docs/bridge.md`.

pub mod definition;
pub mod get;
mod repeats;
mod steps;
mod their;
