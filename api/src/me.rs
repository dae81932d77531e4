//! `GET /api/v1/me`: whose token this is and what it may, so that the page can offer no more than that.

pub mod get;
