//! The contracts: what an event is, what may become of it, how it lies in the log, what a site's settings say, what the
//! service catalogue knows, and the SQL of the warehouse's tables. No behaviour beyond reading, writing and checking them.

pub mod alert;
pub mod banner;
mod canonical;
pub mod catalog;
pub mod category;
pub mod control;
pub mod ddl;
pub mod event;
pub mod fate;
pub mod ids;
pub mod leaf;
pub mod letter;
pub mod people;
pub mod record;
pub mod rights;
pub mod settings;
pub mod signal;
pub mod webhook;
