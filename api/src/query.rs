//! `POST /api/v1/query`: a body is read ([`request`]), checked against what exists and what the caller may see
//! ([`resolve`]), answered by the warehouse ([`ask`]) and written in the form that was asked for ([`render`]).

pub mod ask;
mod filter;
pub(crate) mod render;
pub mod request;
pub mod resolve;
