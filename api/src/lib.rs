//! The reading side of Avow: numbers, subjects' histories, exports, the administration of sites, banners and tokens, the live
//! stream, and the page in which a person uses them.
//!
//! A request goes: [`router`] (ids, headers, sizes) -> [`access`] (whose token or session is it, may they) -> [`extract`] (is it well
//! formed) -> `<resource>/<verb>.rs`. Whatever is refused becomes a [`problem`]. There is no SQL here: questions are put to
//! `avow-warehouse`, changes to `avow-control`.

#![allow(unused_qualifications, reason = "the macro that describes parameters writes its paths in full")]

mod access;
mod access_log;
mod aggregates;
mod alerts;
mod allowance;
mod api;
mod attachments;
mod audits;
mod banners;
mod bridges;
mod config;
mod exports;
mod extract;
mod jobs;
mod ledger;
mod letters;
mod live;
mod me;
mod moment;
mod observations;
mod oidc;
mod openapi;
mod page;
mod people;
mod problem;
mod quality;
mod query;
mod rebuilds;
mod reference;
mod reports;
mod restored;
mod router;
mod sealed;
mod services;
mod sessions;
mod shares;
mod sites;
mod subjects;
mod tokens;
mod webhooks;

pub use access_log::AccessLogConfig;
pub use api::{Api, ApiError, Parts};
pub use config::ApiConfig;
pub use oidc::{Grant, Oidc};
pub use openapi::document;
pub use problem::Problem;
pub use router::router;
