//! The signing key, and the names under which it signs: each log has an origin of its own (C2SP tlog-checkpoint), which is
//! the key's name in that log's notes.

use avow_ledger::hex;
use avow_ledger::key::{ED25519, KeyError, KeyName, SigningKey, VerifierKey};
use avow_schemas::control::LedgerKey;

use crate::{OPERATOR, TreeError};

/// The installation's signing key.
#[derive(Clone)]
pub struct Keys {
    origin: String,
    seed: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key of {}", self.origin)
    }
}

impl Keys {
    /// `origin` is that of the operator log, and of all others up to the last slash.
    ///
    /// # Errors
    /// Where `origin` is no key name.
    pub fn new(origin: String, seed: [u8; 32]) -> Result<Self, TreeError> {
        let keys = Self { origin, seed };
        keys.of(OPERATOR)?;
        Ok(keys)
    }

    /// Of an installation without a name: its origin is made of its public key.
    ///
    /// # Errors
    /// None that can come about.
    pub fn unnamed(seed: [u8; 32]) -> Result<Self, TreeError> {
        let public_key = Self::new("avow".to_owned(), seed)?.publication(0)?.public_key;
        Self::new(format!("avow-{}", &public_key[..16]), seed)
    }

    /// The origin of a log.
    pub fn origin(&self, ledger: &str) -> String {
        origin(&self.origin, ledger)
    }

    /// What is said of the key in the control topic.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn publication(&self, now_ms: i64) -> Result<LedgerKey, TreeError> {
        let verifier = self.of(OPERATOR)?.vkey();
        let bytes = verifier.public().bytes().try_into().map_err(|_| TreeError::Key("not of 32 bytes".to_owned()))?;
        let public_key = hex::encode(bytes);
        Ok(LedgerKey { origin: self.origin.clone(), public_key, made_at: now_ms })
    }

    /// The key that signs a log's checkpoints.
    ///
    /// # Errors
    /// Where the log's origin is no key name.
    pub fn of(&self, ledger: &str) -> Result<SigningKey, TreeError> {
        Ok(SigningKey::from_seed(name(&self.origin(ledger))?, self.seed))
    }
}

fn name(origin: &str) -> Result<KeyName, TreeError> {
    origin.parse().map_err(|e: KeyError| TreeError::Key(e.to_string()))
}

/// The key that verifies what a published key signs under this origin.
///
/// # Errors
/// Where the published key is none.
pub fn verifier(key: &LedgerKey, origin: &str) -> Result<VerifierKey, TreeError> {
    let bytes = hex::decode(&key.public_key);
    let bytes = bytes.ok_or_else(|| TreeError::Key(format!("{:?} is no public key", key.public_key)))?;
    VerifierKey::new(name(origin)?, ED25519, &bytes).map_err(|e| TreeError::Key(e.to_string()))
}

/// The origin of a log of an installation.
pub fn origin(operator: &str, ledger: &str) -> String {
    if ledger == OPERATOR { operator.to_owned() } else { format!("{operator}/{ledger}") }
}
