//! `GET /api/v1/data-quality`: the books, to be looked at whenever a number is doubted.

pub mod get;
