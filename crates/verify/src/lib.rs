//! The offline verifier of bundles: which of a bundle's claims hold. It reads one zip and, where one is given, a policy (C2SP
//! tlog-policy); it asks nobody.
//!
//! [`bundle`] reads the zip, [`disclosure`] opens records, [`claims`] judges.

pub mod bundle;
pub mod claims;
pub mod disclosure;

#[cfg(feature = "time")]
pub use avow_stamp::{Certificate, certificates};
pub use bundle::{Bundle, BundleError};
#[cfg(feature = "time")]
pub use claims::time;
pub use claims::{Claim, Verdict, verify};
