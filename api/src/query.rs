//! `POST /api/v1/query`: a body is read ([`request`]), checked against what exists and what the caller may see
//! ([`resolve`]), answered by the warehouse ([`ask`]) and written in the form that was asked for ([`render`]). The same as an address is
//! [`link`]; as a file in the background, [`export`]; what can be asked is told by [`metadata`].

pub mod ask;
pub mod export;
mod filter;
pub mod link;
pub mod metadata;
pub(crate) mod render;
pub mod request;
pub mod resolve;
