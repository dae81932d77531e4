//! HTTP to durable acknowledgement. The way of a request, file by file:
//!
//! ```text
//! routes.rs    POST /v1/events, GET /beacon*.js (beacon.rs)
//! receive.rs   leads a request through:
//!   sender.rs    who sends: token, origin; address and user agent reduced and dropped (steps/agent.rs, steps/place.rs)
//!   body.rs      the body, capped while it arrives and while it is decompressed
//!   decode.rs    the body split into events, each read into its fields (decode/)
//!   pipeline.rs  each event through the ordered steps (steps/): it passes, or is refused for one named reason
//!   append.rs    what passed, durably into the log
//!   answer.rs    202, or a problem
//! fates.rs     every event is counted once, whatever becomes of it
//! refusals.rs  what was refused, to `consent.rejected`, where that cannot be abused
//! cors.rs      which browsers may read the answer
//! ```
//! Invariants: an event is accepted only after the log has called it durable; every event has one fate; no address and no
//! user agent leaves `steps/`; nothing is kept about a site that has no settings.

mod answer;
mod append;
mod beacon;
mod body;
mod config;
mod cors;
pub mod decode;
mod fates;
mod ingest;
mod observe;
mod pipeline;
mod pixel;
mod receipts;
mod receive;
mod refusals;
mod routes;
mod sender;
pub mod steps;

pub use config::{ConfigError, IngestConfig, QuotaConfig};
pub use ingest::Ingest;
pub use receipts::Sign;
pub use routes::router;
