//! `/api/v1/subjects/{id}`: what one person has chosen, and had chosen at a moment.

pub mod get;
mod state;
