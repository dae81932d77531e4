//! The offline verifier of bundles: which of a bundle's claims hold. It reads one zip and, where one is given, a policy (C2SP
//! tlog-policy); it asks nobody.
//!
//! [`bundle`] reads the zip, [`disclosure`] opens records, [`claims`] judges; `events` and `said` keep, a few bytes for each
//! record, what the opened ones say, to compare with it what is said of them elsewhere.

pub mod bundle;
pub mod claims;
pub mod disclosure;
mod events;
mod said;

#[cfg(feature = "time")]
pub use avow_stamp::{Certificate, certificates};
pub use bundle::{Bundle, BundleError};
#[cfg(feature = "time")]
pub use claims::time;
pub use claims::{Claim, Verdict, verify};
