//! The verifier as WebAssembly, for the page `/verify`: what `avow verify` says of a bundle, as JSON, inside a browser.
//!
//! [`judge`] is all of it; `host` is the boundary: one function that the page calls, two that it gives. The page hands over
//! no bytes of a bundle: they are read where they lie, as they are asked for, so memory stays flat for a bundle of any size.

#[cfg(target_family = "wasm")]
mod host;

use std::io::{Read, Seek};

use avow_ledger::policy::Policy;
use avow_verify::{Bundle, Claim, time, verify};
use serde::Serialize;

/// What the page is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// As in `avow verify --json`.
    Claims(Vec<Claim>),
    /// Why the file is no bundle.
    NoBundle(String),
    /// Why the other file is no policy.
    NoPolicy(String),
}

/// Judges a bundle, under a policy (C2SP tlog-policy) where one is given.
pub fn judge<R: Read + Seek>(bundle: R, policy: Option<&[u8]>) -> Answer {
    let policy = match policy.map(Policy::parse).transpose() {
        Ok(policy) => policy,
        Err(error) => return Answer::NoPolicy(error.to_string()),
    };
    let judged = Bundle::open(bundle).and_then(|bundle| {
        let mut claims = verify(&bundle, policy.as_ref())?;
        // Whose stamp it is, the page is given no certificate to say.
        claims.extend(time(&bundle, None)?);
        Ok(claims)
    });
    match judged {
        Ok(claims) => Answer::Claims(claims),
        Err(error) => Answer::NoBundle(error.to_string()),
    }
}

/// The answer as JSON.
pub fn written(answer: &Answer) -> String {
    // An enum of texts has no key that is no text, the one thing that could fail.
    serde_json::to_string(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_is_no_bundle_or_policy_is_said() {
        let said = written(&judge(Cursor::new(b"no zip"), None));
        assert!(said.starts_with(r#"{"no_bundle":"this is no zip"#), "{said}");
        let said = written(&judge(Cursor::new(b""), Some(b"nonsense")));
        assert!(said.starts_with(r#"{"no_policy":""#), "{said}");
    }
}
