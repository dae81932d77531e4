//! The operator log's checkpoints and their witnesses (C2SP tlog-witness): each new one is shown to all of them, beside the
//! signing of other logs, and is published with what they cosigned; where a quorum is required, only with it. A witness that
//! does not answer is asked again later and later, and holds up nobody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_ledger::note::NoteError;
use avow_ledger::witness::{AddCheckpoint, MOST_BYTES, cosignatures};
use avow_ledger::{Note, NoteSignature, Policy, VerifierKey};
use avow_telemetry::LedgerMetrics;
use avow_trees::read::Reader;
use avow_trees::sign::Signer;
use avow_trees::{OPERATOR, TreeError};
use avow_warehouse::Warehouse;
use avow_warehouse::trees::Checkpoint;
use hyper::StatusCode;
use tokio::task::JoinSet;

use super::post::{PostError, Poster};

/// How often a witness is asked about one checkpoint with the size that it answered.
const TRIES: usize = 3;
/// How long a witness that gave nothing is left alone: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whom to ask for cosignatures, and what is enough.
#[derive(Debug, Clone)]
pub struct Witnessing {
    pub witnesses: Vec<WitnessAt>,
    pub policy: Option<Policy>,
    /// Nothing is published below the policy's quorum.
    pub require_policy: bool,
    /// Between two checkpoints that are shown.
    pub every: Duration,
}

/// A witness, and where it takes checkpoints: up to `/add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessAt {
    pub key: VerifierKey,
    pub url: String,
}

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
enum WitnessError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error("it answers {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("its answer is no cosignature: {0}")]
    Answer(#[from] NoteError),
    #[error("it has seen {seen} entries of this log, which has {size}: the log was set back, or signs elsewhere too")]
    Ahead { seen: u64, size: u64 },
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// What is known of one witness.
struct Peer {
    at: WitnessAt,
    /// Entries that it has seen, as far as that is known.
    seen: u64,
    failures: u32,
    not_before: Instant,
}

impl Peer {
    fn failed(&mut self) {
        self.not_before = Instant::now() + LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(self.failures.min(6)));
        self.failures += 1;
    }
}

/// The checkpoint that is being witnessed.
struct Held {
    checkpoint: Checkpoint,
    /// Cosignatures, by the witness's place.
    lines: HashMap<usize, Vec<NoteSignature>>,
    /// How many witnesses' lines it was published with.
    published: Option<usize>,
    since: Instant,
}

/// A witness's place, the size that it has seen, and its lines.
type Asked = (usize, Result<Vec<NoteSignature>, WitnessError>);

/// Gathers cosignatures, step by step.
pub(super) struct Cosigning {
    settings: Arc<Witnessing>,
    peers: Vec<Peer>,
    poster: Poster,
    reader: Reader,
    warehouse: Arc<Warehouse>,
    held: Option<Held>,
    asking: JoinSet<Asked>,
    /// When the next new checkpoint may be shown.
    next: Instant,
    below_quorum: bool,
}

impl Cosigning {
    pub(super) fn new(settings: Arc<Witnessing>, poster: Poster, warehouse: Arc<Warehouse>) -> Self {
        let now = Instant::now();
        let peer = |at: &WitnessAt| Peer { at: at.clone(), seen: 0, failures: 0, not_before: now };
        let peers = settings.witnesses.iter().map(peer).collect();
        let reader = Reader::new(Arc::clone(&warehouse));
        let (held, asking, below_quorum) = (None, JoinSet::new(), false);
        Self { settings, peers, poster, reader, warehouse, held, asking, next: now, below_quorum }
    }

    /// Takes what was answered, publishes what may be, and asks whoever has not cosigned the newest checkpoint.
    ///
    /// # Errors
    /// The engine's; where the operator log does not follow from what was signed.
    pub(super) async fn step(
        &mut self,
        signer: &mut Signer,
        metrics: &LedgerMetrics,
        now_ms: i64,
    ) -> Result<(), TreeError> {
        while let Some(asked) = self.asking.try_join_next() {
            if let Ok((place, answer)) = asked {
                self.take(place, answer, metrics);
            }
        }
        if self.asking.is_empty() {
            self.publish(signer).await?;
            if self.next <= Instant::now() {
                self.hold_newest(signer, now_ms).await?;
            }
            self.ask();
            if self.asking.is_empty() {
                self.publish(signer).await?;
            }
        }
        self.tell(signer.published(), metrics);
        Ok(())
    }

    fn take(&mut self, place: usize, answer: Result<Vec<NoteSignature>, WitnessError>, metrics: &LedgerMetrics) {
        let (Some(peer), Some(held)) = (self.peers.get_mut(place), &mut self.held) else { return };
        let name = peer.at.key.name().as_str();
        match answer {
            Ok(lines) => {
                metrics.cosigned.with_label_values(&[name]).inc();
                if peer.failures > 0 {
                    tracing::info!(witness = name, "ledger.witness_is_back");
                }
                (peer.seen, peer.failures) = (held.checkpoint.size, 0);
                held.lines.insert(place, lines);
            }
            Err(error) => {
                metrics.not_cosigned.with_label_values(&[name]).inc();
                // Once at length: it is asked again until it answers.
                if peer.failures == 0 || matches!(error, WitnessError::Ahead { .. }) {
                    tracing::warn!(witness = name, url = peer.at.url, %error, "ledger.not_cosigned");
                }
                peer.failed();
            }
        }
    }

    /// Publishes what is held, if it is new or has more cosignatures, and they are enough.
    async fn publish(&mut self, signer: &mut Signer) -> Result<(), TreeError> {
        let Some(held) = &mut self.held else { return Ok(()) };
        if held.published.is_some_and(|lines| lines >= held.lines.len()) {
            return Ok(());
        }
        let mut note = Note::parse(&held.checkpoint.note)?;
        let mut places: Vec<_> = held.lines.iter().collect();
        places.sort_by_key(|(place, _)| **place);
        places.into_iter().flat_map(|(_, lines)| lines).for_each(|line| note.add(line.clone()));
        let policy = self.settings.policy.as_ref().filter(|_| self.settings.require_policy);
        if let Some(policy) = policy
            && !policy.evaluate(&note)?.quorum
        {
            return Ok(());
        }
        signer.publish(Checkpoint { note: note.to_string(), ..held.checkpoint.clone() }).await?;
        held.published = Some(held.lines.len());
        Ok(())
    }

    /// Holds the newest checkpoint, if it is newer than the one that is held.
    async fn hold_newest(&mut self, signer: &mut Signer, now_ms: i64) -> Result<(), TreeError> {
        let Some(checkpoint) = signer.candidate(now_ms).await? else { return Ok(()) };
        if self.held.as_ref().is_some_and(|held| held.checkpoint.size >= checkpoint.size) {
            return Ok(());
        }
        self.next = Instant::now() + self.settings.every;
        // Of a checkpoint below its quorum the waiting goes on.
        let waiting = self.held.as_ref().filter(|held| held.published.is_none()).map(|held| held.since);
        let since = waiting.unwrap_or_else(Instant::now);
        let (mut lines, mut published) = (HashMap::new(), None);
        // After a restart: what was published stays as it was cosigned.
        if checkpoint.size == signer.published()
            && let Some(known) = self.warehouse.checkpoint(OPERATOR).await?
        {
            lines = self.cosigned_before(&Note::parse(&known.note)?);
            published = Some(lines.len());
        }
        self.held = Some(Held { checkpoint, lines, published, since });
        Ok(())
    }

    /// The witnesses' lines of a published note, by their places.
    fn cosigned_before(&self, note: &Note) -> HashMap<usize, Vec<NoteSignature>> {
        let lines = |(place, peer): (usize, &Peer)| {
            let is_own = |line: &&NoteSignature| line.name == *peer.at.key.name() && line.key_id == peer.at.key.id();
            let lines: Vec<NoteSignature> = note.signatures.iter().filter(is_own).cloned().collect();
            (!lines.is_empty()).then_some((place, lines))
        };
        self.peers.iter().enumerate().filter_map(lines).collect()
    }

    /// Asks the witnesses that have not cosigned and are not left alone.
    fn ask(&mut self) {
        let Some(held) = &self.held else { return };
        let now = Instant::now();
        for (place, peer) in self.peers.iter().enumerate() {
            if held.lines.contains_key(&place) || peer.not_before > now {
                continue;
            }
            let (poster, reader) = (self.poster.clone(), self.reader.clone());
            let (at, seen, checkpoint) = (peer.at.clone(), peer.seen, held.checkpoint.clone());
            self.asking.spawn(async move { (place, cosigned(&poster, &reader, &at, seen, &checkpoint).await) });
        }
    }

    /// Says when the newest checkpoint waits for its quorum, and when it does no more.
    fn tell(&mut self, published: u64, metrics: &LedgerMetrics) {
        let held = self.held.as_ref().filter(|held| held.published.is_none());
        let waited = held.map_or(0, |held| held.since.elapsed().as_secs());
        metrics.unpublished.set(i64::try_from(waited).unwrap_or(i64::MAX));
        match held {
            Some(held) if !self.below_quorum && self.asking.is_empty() => {
                let size = held.checkpoint.size;
                tracing::error!(size, published, "ledger.below_quorum");
                self.below_quorum = true;
            }
            None if self.below_quorum => {
                tracing::info!(published, "ledger.quorum_is_back");
                self.below_quorum = false;
            }
            _ => {}
        }
    }
}

/// One witness's lines for a checkpoint: with the consistency proof from what it has seen, which it says where it is another
/// size than was thought.
async fn cosigned(
    poster: &Poster,
    reader: &Reader,
    at: &WitnessAt,
    seen: u64,
    checkpoint: &Checkpoint,
) -> Result<Vec<NoteSignature>, WitnessError> {
    let note = Note::parse(&checkpoint.note)?;
    let url = format!("{}/add-checkpoint", at.url.trim_end_matches('/'));
    let mut old = seen.min(checkpoint.size);
    for _ in 0..TRIES {
        let proof = reader.consistency(OPERATOR, old, checkpoint.size).await?;
        let body = AddCheckpoint { old, proof, note: note.clone() }.to_string().into_bytes();
        let (status, answer) = poster.post(&url, "text/plain; charset=utf-8", body, MOST_BYTES).await?;
        let answer = String::from_utf8_lossy(&answer);
        match (status, answer.trim_end().parse::<u64>()) {
            (StatusCode::OK, _) => return Ok(cosignatures(&note.text, &answer, std::slice::from_ref(&at.key))?),
            (StatusCode::CONFLICT, Ok(seen)) if seen > checkpoint.size => {
                return Err(WitnessError::Ahead { seen, size: checkpoint.size });
            }
            (StatusCode::CONFLICT, Ok(seen)) if seen != old => old = seen,
            _ => return Err(WitnessError::Refused { status, detail: answer.chars().take(500).collect() }),
        }
    }
    let detail = "it names another size each time".to_owned();
    Err(WitnessError::Refused { status: StatusCode::CONFLICT, detail })
}
