//! The claims of a bundle, each judged and said in one line. Each has a file of its own in `claims/`.

mod checkpoints;
mod days;
mod figures;
mod files;
mod keys;
mod manifest;
mod operator_log;
mod readable;
mod records;
mod shown;
mod signer;
#[cfg(feature = "time")]
mod time;
mod tree;

use std::fmt::Display;
use std::io::{Read, Seek};

use avow_ledger::policy::Policy;
use serde::Serialize;

use crate::bundle::{Bundle, BundleError};
use crate::events::Events;

#[cfg(feature = "time")]
pub use self::time::time;

/// Faults of one claim that are named; more are only counted.
const MOST_NAMED: usize = 3;

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Holds,
    Fails,
    /// It cannot be judged from the bundle alone; that is no failure.
    Open,
}

/// A claim with what there is to say of it, in words for anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub name: &'static str,
    pub verdict: Verdict,
    pub text: String,
}

/// What is found wrong with one claim.
#[derive(Default)]
pub(crate) struct Faults {
    named: Vec<String>,
    more: usize,
}

impl Faults {
    const fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    fn add(&mut self, fault: impl Into<String>) {
        if self.named.len() < MOST_NAMED { self.named.push(fault.into()) } else { self.more += 1 }
    }

    fn claim(self, name: &'static str, holds: impl Into<String>) -> Claim {
        if self.named.is_empty() {
            return Claim { name, verdict: Verdict::Holds, text: holds.into() };
        }
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        Claim { name, verdict: Verdict::Fails, text: format!("{}{more}", self.named.join("; ")) }
    }
}

/// `1 record`, `2 records`.
pub(crate) fn counted(number: impl Display, what: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Judges every claim of a bundle. A claim of which the bundle says nothing is none.
///
/// # Errors
/// Where the bundle cannot be read at all.
pub fn verify<R: Read + Seek>(bundle: &Bundle<R>, policy: Option<&Policy>) -> Result<Vec<Claim>, BundleError> {
    let (checkpoints, trees) = checkpoints::judge(bundle);
    let mut claims = vec![files::judge(bundle)?];
    claims.extend(manifest::judge(bundle));
    let (keys, changes) = keys::judge(bundle);
    claims.extend(keys);
    claims.push(checkpoints);
    claims.push(tree::judge(bundle, &trees));
    let mut events = Events::default();
    claims.push(records::judge(bundle, &trees, &mut events));
    claims.extend(days::judge(bundle, &trees));
    let (readable, stated) = readable::judge(bundle, &mut events)?;
    claims.push(readable);
    claims.push(shown::judge(bundle, &events));
    claims.push(figures::judge(bundle, &events, &stated));
    claims.extend(operator_log::judge(bundle, &trees));
    claims.push(signer::judge(bundle.manifest.operator.as_ref().zip(trees.operator.as_ref()), policy, &changes));
    Ok(claims)
}
