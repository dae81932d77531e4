//! Whether a witness and a time stamping authority would do what they are configured for, asked as `avow doctor` does: over the
//! way that signing takes, with nothing that changes what they hold.

use std::sync::Arc;

use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::hex;
use avow_ledger::merkle;
use avow_ledger::note::{Note, NoteError};
use avow_ledger::witness::{AddCheckpoint, MOST_BYTES, cosignatures};
use avow_stamp::StampError;
use avow_trees::keys::{Keys, verifier};
use avow_trees::{OPERATOR, TreeError};
use hyper::StatusCode;
use sha2::{Digest as _, Sha256};

use super::post::{PostError, Poster};
use super::stamps::Stamping;
use super::witnesses::WitnessAt;

/// What an authority is asked to stamp.
const PROBE: &[u8] = b"avow doctor\n";

/// A witness that knows the log and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witnessed {
    /// It cosigns with the key that is configured.
    WithItsKey,
    /// It has cosigned so many entries, and does not show with which key: that shows with the next checkpoint.
    Seen(u64),
}

/// Why something would not work.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("{0}")]
    Unreachable(String),
    #[error("it does not watch this log: give its operator the log's key, {0}")]
    UnknownLog(String),
    #[error("it knows this log with another key than this one's, {0}")]
    OtherKey(String),
    #[error("it answers {status}: {detail}")]
    Status { status: StatusCode, detail: String },
    #[error("it cosigns with another key than the one that is configured: {0}")]
    Cosignature(NoteError),
    #[error("its answer is no stamp: {0}")]
    Stamp(StampError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("drawing a nonce: {0}")]
    Nonce(getrandom::Error),
}

impl From<PostError> for ProbeError {
    fn from(error: PostError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl WitnessAt {
    /// Asks for a cosignature of the operator log's empty tree, from which all its histories follow.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn probe(&self, keys: &Keys) -> Result<Witnessed, ProbeError> {
        // As before anything is published: an installation whose key has changed has a name of its own (ledger.origin), or
        // goes by its first key, which is not known here.
        let own = Arc::new(keys.publication(0));
        let key = verifier(&own, OPERATOR)?;
        let signer = keys.signer(std::slice::from_ref(&own));
        let signer = signer.ok_or_else(|| TreeError::Key("it does not sign".to_owned()))?;
        let origin = signer.origin(OPERATOR);
        let note = signer.note(OPERATOR, Checkpoint::new(&origin, 0, merkle::root([])).text()).await?;
        let text = note.text.clone();
        let body = AddCheckpoint { old: 0, proof: Vec::new(), note }.to_string().into_bytes();
        let url = format!("{}/add-checkpoint", self.url.trim_end_matches('/'));
        let poster = Poster::new();
        let (status, answer) = poster.post(&url, "text/plain; charset=utf-8", body, MOST_BYTES).await?;
        let answer = String::from_utf8_lossy(&answer);
        match (status, answer.trim_end().parse()) {
            (StatusCode::OK, _) => cosignatures(&text, &answer, std::slice::from_ref(&self.key))
                .map(|_| Witnessed::WithItsKey)
                .map_err(ProbeError::Cosignature),
            (StatusCode::CONFLICT, Ok(seen)) => self.seen(&poster, &origin, seen).await,
            (StatusCode::NOT_FOUND, _) => Err(ProbeError::UnknownLog(key.to_string())),
            (StatusCode::FORBIDDEN, _) => Err(ProbeError::OtherKey(key.to_string())),
            _ => Err(ProbeError::Status { status, detail: answer.chars().take(200).collect() }),
        }
    }

    /// What it shows to monitors of this log, of which it has seen so many entries, if it shows anything there.
    async fn seen(&self, poster: &Poster, origin: &str, seen: u64) -> Result<Witnessed, ProbeError> {
        let hash = hex::encode(&Sha256::digest(origin.as_bytes()).into());
        let shown = poster.get(&format!("{}/{hash}/checkpoint", self.url.trim_end_matches('/')), MOST_BYTES).await;
        let note = shown.ok().filter(|(status, _)| *status == StatusCode::OK);
        let note = note.and_then(|(_, note)| Note::parse(&String::from_utf8_lossy(&note)).ok());
        let Some(note) = note else { return Ok(Witnessed::Seen(seen)) };
        let verified = note.verify(std::slice::from_ref(&self.key));
        verified.map(|_| Witnessed::WithItsKey).map_err(ProbeError::Cosignature)
    }
}

impl Stamping {
    /// Asks for a stamp, and verifies it but for whether its authority is to be trusted: whose stamp it is.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn probe(&self) -> Result<String, ProbeError> {
        let nonce = getrandom::u64().map_err(ProbeError::Nonce)?;
        let request = avow_stamp::request(PROBE, nonce).map_err(ProbeError::Stamp)?;
        let asked = Poster::new().post(&self.url, avow_stamp::QUERY, request, avow_stamp::MOST_BYTES).await;
        let (status, answer) = asked?;
        if status != StatusCode::OK {
            let detail = String::from_utf8_lossy(&answer).chars().take(200).collect();
            return Err(ProbeError::Status { status, detail });
        }
        avow_stamp::check(&answer, PROBE, nonce).map_err(ProbeError::Stamp)?;
        // Nobody is trusted here: all is well where that alone is missing.
        match avow_stamp::verify(&answer, PROBE, &[]) {
            Ok(stamped) => Ok(stamped.authority),
            Err(StampError::Untrusted(authority)) => Ok(authority),
            Err(error) => Err(ProbeError::Stamp(error)),
        }
    }
}
