//! Time stamps of the operator log (RFC 3161): its published checkpoint is stamped from time to time, beside everything else.
//! One stamp covers all logs, since their checkpoints are its entries. What is kept is the authority's answer, checked to be
//! one to the question; whether the authority is to be trusted, whoever verifies a bundle decides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_ledger::Note;
use avow_ledger::note::NoteError;
use avow_stamp::StampError;
use avow_telemetry::LedgerMetrics;
use avow_trees::OPERATOR;
use avow_warehouse::trees::Checkpoint;
use avow_warehouse::witnessed::Stamp;
use avow_warehouse::{Warehouse, WarehouseError};
use hyper::StatusCode;
use tokio::task::JoinSet;

use super::post::{PostError, Poster};

/// How long to wait where there is nothing new to be stamped, or where the authority gave nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// The authority that is asked, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamping {
    pub url: String,
    pub every: Duration,
}

#[derive(Debug, thiserror::Error)]
enum StampingError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Stamp(#[from] StampError),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("drawing a nonce: {0}")]
    Nonce(getrandom::Error),
}

/// Asks for stamps, step by step.
pub(super) struct Stamps {
    settings: Stamping,
    poster: Poster,
    warehouse: Arc<Warehouse>,
    /// Size and time (ms since 1970) of the newest stamp.
    last: (u64, i64),
    asking: JoinSet<Result<Stamp, StampingError>>,
    not_before: Instant,
}

impl Stamps {
    pub(super) async fn open(
        settings: Stamping,
        poster: Poster,
        warehouse: Arc<Warehouse>,
    ) -> Result<Self, WarehouseError> {
        let last = warehouse.stamp(OPERATOR).await?.map_or((0, 0), |stamp| (stamp.size, stamp.stamped_at));
        Ok(Self { settings, poster, warehouse, last, asking: JoinSet::new(), not_before: Instant::now() })
    }

    /// Keeps what was answered, and asks where a stamp is due.
    ///
    /// # Errors
    /// The engine's.
    pub(super) async fn step(&mut self, metrics: &LedgerMetrics, now_ms: i64) -> Result<(), WarehouseError> {
        if let Some(answered) = self.asking.try_join_next() {
            match answered {
                Ok(Ok(stamp)) => {
                    self.warehouse.put_stamp(&stamp).await?;
                    self.last = (stamp.size, stamp.stamped_at);
                    metrics.stamped.inc();
                    tracing::debug!(size = stamp.size, "ledger.stamped");
                }
                Ok(Err(error)) => self.failed(&error, metrics),
                Err(error) => self.failed(&error, metrics),
            }
        }
        let waited = Duration::from_millis(now_ms.saturating_sub(self.last.1).max(0).unsigned_abs());
        if !self.asking.is_empty() || waited < self.settings.every || Instant::now() < self.not_before {
            return Ok(());
        }
        match self.warehouse.checkpoint(OPERATOR).await?.filter(|checkpoint| checkpoint.size > self.last.0) {
            Some(checkpoint) => {
                let (poster, url) = (self.poster.clone(), self.settings.url.clone());
                self.asking.spawn(async move { stamp(&poster, &url, checkpoint, now_ms).await });
            }
            None => self.not_before = Instant::now() + LOOK_AGAIN.min(self.settings.every),
        }
        Ok(())
    }

    fn failed(&mut self, error: &dyn std::error::Error, metrics: &LedgerMetrics) {
        metrics.not_stamped.inc();
        tracing::warn!(url = self.settings.url, error = %error, "ledger.not_stamped");
        self.not_before = Instant::now() + AFTER_FAILURE.min(self.settings.every);
    }
}

async fn stamp(poster: &Poster, url: &str, checkpoint: Checkpoint, now_ms: i64) -> Result<Stamp, StampingError> {
    let text = Note::parse(&checkpoint.note)?.text;
    let nonce = getrandom::u64().map_err(StampingError::Nonce)?;
    let request = avow_stamp::request(text.as_bytes(), nonce)?;
    let (status, response) = poster.post(url, avow_stamp::QUERY, request, avow_stamp::MOST_BYTES).await?;
    if status != StatusCode::OK {
        return Err(StampingError::Status(status));
    }
    avow_stamp::check(&response, text.as_bytes(), nonce)?;
    let (ledger, size, note) = (OPERATOR.to_owned(), checkpoint.size, checkpoint.note);
    Ok(Stamp { ledger, size, note, response: response.to_vec(), stamped_at: now_ms })
}
