//! Passwords: Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane), kept as
//! PHC strings. Both functions take some 20 ms of a core: not for an asynchronous thread.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::ControlError;

const SALT_BYTES: usize = 16;

/// What a password is compared with where nobody has the address: it takes as long, and never fits.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password").ok());

fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// A password's hash under a salt of its own, as a PHC string.
///
/// # Errors
/// Where the system has no randomness.
pub fn hash(password: &str) -> Result<String, ControlError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| ControlError::Randomness(e.to_string()))?;
    let hash = argon2id().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(|e| ControlError::Encode(e.to_string()))?.to_string())
}

/// Whether a password is the one of this hash. Without a hash it is not, which takes as long.
pub fn fits(password: &str, hash: Option<&str>) -> bool {
    let compared = |hash: &str| {
        let hash = PasswordHash::new(hash);
        hash.is_ok_and(|hash| argon2id().verify_password(password.as_bytes(), &hash).is_ok())
    };
    match hash {
        Some(hash) => compared(hash),
        None => {
            let _ = NOBODY.as_deref().is_some_and(compared);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(fits("correct horse battery", Some(&kept)) && !fits("correct horse batterz", Some(&kept)));
        assert_ne!(hash("correct horse battery").unwrap(), kept, "each has a salt of its own");
        assert!(!fits("nobody has this password", None) && !fits("", Some("no hash")));
    }
}
