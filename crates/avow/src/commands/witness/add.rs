//! The witness's HTTP: `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint` for monitors.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use avow_api::Problem;
use avow_ledger::VerifierKey;
use avow_ledger::witness::{AddCheckpoint, MOST_BYTES, Refusal};
use avow_telemetry::Metrics;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::timeout::TimeoutLayer;

use super::Keys;
use super::state::Seens;

/// How long a request may take to arrive and be answered.
const PATIENCE: Duration = Duration::from_secs(10);

struct Witness {
    keys: Keys,
    logs: Vec<VerifierKey>,
    /// Held from the look at what was seen until the new checkpoint is on the disk.
    seens: Mutex<Seens>,
    metrics: Arc<Metrics>,
}

/// The routes.
pub fn routes(keys: Keys, logs: Vec<VerifierKey>, seens: Seens, metrics: Arc<Metrics>) -> Router {
    let witness = Witness { keys, logs, seens: Mutex::new(seens), metrics };
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(get_checkpoint))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .with_state(Arc::new(witness))
}

/// Why a checkpoint is not cosigned.
enum Not {
    /// The size that is known: the log sends the proof from there.
    Conflict(u64),
    Problem(Problem),
}

impl Not {
    fn code(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Problem(problem) => problem.code,
        }
    }
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Result<Bytes, BytesRejection>) -> Response {
    let metrics = Arc::clone(&witness.metrics);
    let added = match body {
        Err(error) => Err(Not::Problem(unreadable(&error))),
        // Whoever goes away meanwhile leaves nothing half done: the work is not theirs to stop.
        Ok(body) => tokio::task::spawn_blocking(move || witness.add(&body)).await.unwrap_or_else(|error| {
            Err(Not::Problem(Problem::internal(format!("the work on this checkpoint ended early: {error}"))))
        }),
    };
    match added {
        Ok(lines) => {
            metrics.witness.cosigned.inc();
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response()
        }
        Err(not) => {
            metrics.witness.refused.with_label_values(&[not.code()]).inc();
            match not {
                Not::Conflict(size) => {
                    let size_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
                    (StatusCode::CONFLICT, size_type, format!("{size}\n")).into_response()
                }
                Not::Problem(problem) => problem.into_response(),
            }
        }
    }
}

fn unreadable(error: &BytesRejection) -> Problem {
    let code = if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "malformed" };
    Problem::new(error.status(), code, error.body_text())
}

impl Witness {
    /// Cosigns a checkpoint that follows from what was seen, and writes it down before that is known to anybody.
    fn add(&self, body: &[u8]) -> Result<String, Not> {
        let malformed = |detail: String| Not::Problem(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail));
        let request = AddCheckpoint::parse(body).map_err(|error| malformed(error.to_string()))?;
        let origin = request.checkpoint().map_err(|error| malformed(error.to_string()))?.origin;
        let keys: Vec<VerifierKey> = self.logs.iter().filter(|key| key.name().as_str() == origin).cloned().collect();
        if keys.is_empty() {
            let detail = format!("this witness does not watch {origin:?}");
            return Err(Not::Problem(Problem::not_found("unknown_log", detail)));
        }
        // Whoever panicked while holding it had written nothing, or all.
        let mut seens = self.seens.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seens.of(&origin);
        let after = request.judge(&seen, &keys).map_err(|refusal| not(&refusal, &request))?;
        let cosigned = self.cosign(&request, &keys).map_err(|error| Not::Problem(Problem::internal(error.to_string())));
        let (note, lines) = cosigned?;
        seens.put(&origin, after, note).map_err(|error| {
            Not::Problem(Problem::unavailable(format!("the checkpoint cannot be written down: {error}")))
        })?;
        tracing::debug!(origin, size = after.size, "witness.cosigned");
        Ok(lines)
    }

    /// The note with the log's own signatures and the witness's, and the witness's lines alone.
    fn cosign(&self, request: &AddCheckpoint, keys: &[VerifierKey]) -> anyhow::Result<(String, String)> {
        let now = jiff::Timestamp::now().as_second().unsigned_abs();
        let lines = self.keys.cosign(&request.note.text, now)?;
        let mut note = request.note.clone();
        note.signatures.retain(|line| keys.iter().any(|key| *key.name() == line.name && key.id() == line.key_id));
        lines.iter().for_each(|line| note.add(line.clone()));
        Ok((note.to_string(), lines.iter().map(|line| format!("{line}\n")).collect()))
    }
}

fn not(refusal: &Refusal, request: &AddCheckpoint) -> Not {
    let detail = refusal.to_string();
    Not::Problem(match refusal {
        Refusal::Conflict(size) => return Not::Conflict(*size),
        Refusal::Unsigned(_) => Problem::forbidden("unsigned", detail),
        Refusal::Old => Problem::new(StatusCode::BAD_REQUEST, "malformed", detail),
        Refusal::Inconsistent(_) => {
            // Signed by the log: it may be the proof that the log has two histories.
            tracing::error!(reason = detail, checkpoint = %request.note, "witness.inconsistent");
            Problem::unprocessable("inconsistent", detail)
        }
    })
}

async fn get_checkpoint(State(witness): State<Arc<Witness>>, Path(hash): Path<String>) -> Response {
    let note = witness.seens.lock().unwrap_or_else(PoisonError::into_inner).checkpoint(&hash);
    match note {
        Some(note) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], note)
                .into_response()
        }
        None => {
            Problem::not_found("unknown_log", "this witness has cosigned no checkpoint of such a log").into_response()
        }
    }
}
