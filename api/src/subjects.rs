//! `/api/v1/subjects/{id}`: what one person has chosen, and had chosen at a moment; and the same for herself.

pub mod get;
pub mod mine;
mod state;
