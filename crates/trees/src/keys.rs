//! The signing keys, and the names under which they sign: each log has an origin of its own (C2SP tlog-checkpoint), which is
//! the key's name in that log's notes.
//!
//! A key is followed by another one through a change that both have signed ([`avow_ledger::key_change`]) and that is
//! published in the control topic. While a process has both, it signs with both: whoever knows only one of them goes on
//! verifying.

mod command;

use std::sync::Arc;

use avow_ledger::cosignature::ml_dsa::MlDsaCosigner;
use avow_ledger::key::{ED25519, KeyError, KeyName, SigningKey, VerifierKey};
use avow_ledger::{KeyChange, Note, NoteSignature, hex};
use avow_schemas::control::{LedgerKey, MlDsaKey};

pub use self::command::Command;
use crate::{OPERATOR, TreeError};

/// A key that signs: its seed, or a program that has it.
#[derive(Clone)]
pub enum Key {
    Own(Arc<SigningKey>),
    Command(Arc<Command>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the key {}", hex::encode(self.public()))
    }
}

impl Key {
    /// Of the 32-byte private key of RFC 8032.
    ///
    /// # Errors
    /// None that can come about.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, TreeError> {
        // It signs under the names of the logs.
        Ok(Self::Own(Arc::new(SigningKey::from_seed(name(OPERATOR)?, seed))))
    }

    /// A key that a program holds, which is started.
    ///
    /// # Errors
    /// Where it does not start, or does not say what its public key is.
    pub async fn of_command(command: Vec<String>) -> Result<Self, TreeError> {
        let key = Self::Command(Arc::new(Command::start(command).await?));
        key.vkey(name(OPERATOR)?)?;
        Ok(key)
    }

    /// Ed25519, 32 bytes.
    pub fn public(&self) -> &[u8; 32] {
        match self {
            Self::Own(key) => key.public(),
            Self::Command(command) => command.public(),
        }
    }

    fn vkey(&self, name: KeyName) -> Result<VerifierKey, TreeError> {
        VerifierKey::new(name, ED25519, self.public()).map_err(|error| TreeError::Key(error.to_string()))
    }

    fn is(&self, published: &LedgerKey) -> bool {
        hex::encode(self.public()) == published.public_key
    }

    async fn sign(&self, name: KeyName, text: &str) -> Result<NoteSignature, TreeError> {
        match self {
            Self::Own(key) => Ok(key.named(name).sign(text)),
            Self::Command(command) => {
                let key = self.vkey(name.clone())?;
                let bytes = command.sign(text.as_bytes()).await?.to_vec();
                let signature = NoteSignature { name, key_id: key.id(), bytes };
                let signed = Note { text: text.to_owned(), signatures: vec![signature.clone()] };
                // Nothing that its key has not signed goes out.
                signed.verify(std::slice::from_ref(&key))?;
                Ok(signature)
            }
        }
    }
}

/// What a process has to sign with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// That of the operator log, and of all others up to the last slash. An installation without one goes by its first key.
    origin: Option<String>,
    own: Key,
    /// The key that is to follow.
    next: Option<Key>,
    /// Of the ML-DSA-44 key that signs the operator log's checkpoints besides.
    ml_dsa: Option<Seed>,
}

#[derive(Clone)]
struct Seed([u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a seed")
    }
}

impl Keys {
    /// # Errors
    /// Where `origin` is no key name, or both keys are one.
    pub fn new(origin: Option<String>, own: Key, next: Option<Key>) -> Result<Self, TreeError> {
        origin.as_deref().map(name).transpose()?;
        if next.as_ref().is_some_and(|next| next.public() == own.public()) {
            return Err(TreeError::Key("the key that is to follow is the key itself".to_owned()));
        }
        Ok(Self { origin, own, next, ml_dsa: None })
    }

    /// Signs the operator log's checkpoints with ML-DSA-44 besides. `seed`: 32 bytes (FIPS 204, section 3.6.3).
    #[must_use]
    pub fn with_ml_dsa(self, seed: [u8; 32]) -> Self {
        Self { ml_dsa: Some(Seed(seed)), ..self }
    }

    /// What the control topic says of the key of an installation that has published none.
    pub fn publication(&self, now_ms: i64) -> LedgerKey {
        let public_key = hex::encode(self.own.public());
        let origin = self.origin.clone().unwrap_or_else(|| format!("avow-{}", &public_key[..16]));
        LedgerKey { origin, public_key, made_at: now_ms, change: None }
    }

    /// What the control topic is to say of the key that follows, where the key in force is this process's own. `published`:
    /// every key there was, in order.
    ///
    /// # Errors
    /// Where a key does not sign.
    pub async fn change(&self, published: &[Arc<LedgerKey>], now_ms: i64) -> Result<Option<LedgerKey>, TreeError> {
        let in_force = published.last().filter(|last| self.own.is(last));
        let (Some(in_force), Some(next)) = (in_force, &self.next) else { return Ok(None) };
        let keys = vec![self.own.clone(), next.clone()];
        let signer = NoteSigner { origin: in_force.origin.clone(), keys, ml_dsa: None };
        let name = name(&in_force.origin)?;
        let change = KeyChange { from: self.own.vkey(name.clone())?, to: next.vkey(name)?, made_at: now_ms };
        let note = signer.note(OPERATOR, change.text()).await?.to_string();
        let public_key = hex::encode(next.public());
        Ok(Some(LedgerKey { origin: signer.origin, public_key, made_at: now_ms, change: Some(note) }))
    }

    /// What signs as the installation; none where this process has not the key in force, or goes by another name.
    /// `published`: every key there was, in order.
    pub fn signer(&self, published: &[Arc<LedgerKey>]) -> Option<NoteSigner> {
        let in_force = published.last()?;
        if self.origin.as_ref().is_some_and(|origin| *origin != in_force.origin) {
            return None;
        }
        let own = [Some(&self.own), self.next.as_ref()].into_iter().flatten();
        let keys: Vec<Key> = own.filter(|key| published.iter().any(|one| key.is(one))).cloned().collect();
        let (origin, ml_dsa) = (in_force.origin.clone(), self.ml_dsa.clone());
        keys.iter().any(|key| key.is(in_force)).then_some(NoteSigner { origin, keys, ml_dsa })
    }

    /// Whether another key is to follow.
    pub const fn has_next(&self) -> bool {
        self.next.is_some()
    }
}

/// Signs notes as the installation.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    origin: String,
    keys: Vec<Key>,
    ml_dsa: Option<Seed>,
}

impl NoteSigner {
    /// The origin of a log.
    pub fn origin(&self, ledger: &str) -> String {
        origin(&self.origin, ledger)
    }

    /// The verifier key of the ML-DSA-44 key of the operator log, if there is one.
    ///
    /// # Errors
    /// Where its origin has more than 255 bytes.
    pub fn ml_dsa_vkey(&self) -> Result<Option<String>, TreeError> {
        Ok(self.ml_dsa()?.map(|key| key.vkey().to_string()))
    }

    fn ml_dsa(&self) -> Result<Option<MlDsaCosigner>, TreeError> {
        let Some(Seed(seed)) = &self.ml_dsa else { return Ok(None) };
        let key = MlDsaCosigner::from_seed(name(&self.origin)?, *seed);
        key.map(Some).map_err(|error| TreeError::Key(error.to_string()))
    }

    /// The note of a checkpoint, signed. That of the operator log is signed with ML-DSA-44 besides, where there is such a
    /// key: what the other logs sign are entries there.
    ///
    /// # Errors
    /// As [`NoteSigner::note`].
    pub async fn checkpoint(&self, ledger: &str, text: String) -> Result<Note, TreeError> {
        let note = self.note(ledger, text).await?;
        if ledger == OPERATOR { self.besides(note) } else { Ok(note) }
    }

    fn besides(&self, mut note: Note) -> Result<Note, TreeError> {
        if let Some(key) = self.ml_dsa()? {
            // 0: it says nothing of the time.
            note.add(key.cosign(&note.text, 0)?);
        }
        Ok(note)
    }

    /// A note of this text, signed by each key in the log's name.
    ///
    /// # Errors
    /// Where the text can be none's, or a key does not sign.
    pub async fn note(&self, ledger: &str, text: String) -> Result<Note, TreeError> {
        let name = name(&self.origin(ledger))?;
        let mut note = Note::new(text)?;
        for key in &self.keys {
            let signature = key.sign(name.clone(), &note.text).await?;
            note.add(signature);
        }
        Ok(note)
    }
}

fn name(origin: &str) -> Result<KeyName, TreeError> {
    origin.parse().map_err(|e: KeyError| TreeError::Key(e.to_string()))
}

/// The key that verifies what a published key signs in a log's name.
///
/// # Errors
/// Where the published key is none.
pub fn verifier(key: &LedgerKey, ledger: &str) -> Result<VerifierKey, TreeError> {
    let bytes = hex::decode(&key.public_key);
    let bytes = bytes.ok_or_else(|| TreeError::Key(format!("{:?} is no public key", key.public_key)))?;
    let name = name(&origin(&key.origin, ledger))?;
    VerifierKey::new(name, ED25519, &bytes).map_err(|e| TreeError::Key(e.to_string()))
}

/// The keys that verify what is signed in a log's name, the newest first.
///
/// # Errors
/// As [`verifier`].
pub fn verifiers(published: &[Arc<LedgerKey>], ledger: &str) -> Result<Vec<VerifierKey>, TreeError> {
    published.iter().rev().map(|key| verifier(key, ledger)).collect()
}

/// The newest of the keys that have signed a log's note.
///
/// # Errors
/// Where none of them has, or one wrongly.
pub fn signed_by(published: &[Arc<LedgerKey>], ledger: &str, note: &Note) -> Result<VerifierKey, TreeError> {
    let keys = verifiers(published, ledger)?;
    let signed = note.verify(&keys)?;
    let key = keys.iter().find(|key| signed.iter().any(|one| one.key == *key));
    key.cloned().ok_or_else(|| TreeError::Key(format!("no key of the installation has signed the note of {ledger}")))
}

/// The newest of the ML-DSA-44 keys that have signed a note, if one has.
pub fn ml_dsa_key(published: &[Arc<MlDsaKey>], note: &str) -> Option<VerifierKey> {
    let keys: Vec<VerifierKey> = published.iter().rev().filter_map(|key| key.vkey.parse().ok()).collect();
    let note = Note::parse(note).ok()?;
    keys.iter().find(|key| note.verify(std::slice::from_ref(*key)).is_ok()).cloned()
}

/// The origin of a log of an installation.
fn origin(operator: &str, ledger: &str) -> String {
    if ledger == OPERATOR { operator.to_owned() } else { format!("{operator}/{ledger}") }
}

#[cfg(test)]
mod tests;
