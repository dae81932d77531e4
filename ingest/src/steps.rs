//! The steps that an event goes through, one file each. Their order is in [`crate::pipeline`].

pub mod agent;
mod bots;
pub mod clock;
pub mod origin;
pub mod page;
pub mod place;
pub mod quota;
pub mod signals;
pub mod site;
pub mod stamp;
pub mod validate;
