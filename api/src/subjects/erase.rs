//! `DELETE /api/v1/subjects/{id}`: erasure.
//!
//! The erasure is noted in `consent.control`, under a hash of the subject; then its tombstone goes into the log behind all that
//! was acknowledged of the subject; the processor redacts when it reads the tombstone. The answer waits for that for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_control::Asked;
use avow_log::{Topic, partition_for};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::record::key_of;
use avow_schemas::rights::Erasure;
use avow_trees::OPERATOR;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{reason, site, somebody, unknown};
use crate::access::Bearer;
use crate::extract::{Parameters, Segments, parse};
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

/// How long an answer waits for the processor.
const PATIENCE: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    pub site: String,
    /// Why, in the operator's words, 500 characters at most; or in the body. It must not name the subject.
    pub reason: Option<String>,
}

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    pub reason: Option<String>,
}

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Nothing but the log holds the subject's events.
    Erased,
    /// The tombstone is in the log; the processor has not read it yet. Ask again.
    Pending,
}

/// An erasure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Erased {
    pub subject: Uuid,
    pub site: String,
    /// Its random id, which its leaf commits to.
    pub erasure: Uuid,
    pub state: ErasureState,
    pub reason: String,
    /// When it was asked for. Events received later are those of a new relationship.
    pub made_at: String,
    /// By then the log itself no longer holds what was erased.
    pub log_forgets_by: String,
    /// What the tombstone's leaf commits to: its SHA-256 follows the leaf's byte 05.
    pub body: String,
    /// A note (C2SP signed-note) of all this, signed by the operator log's key; null where this process has not that key.
    pub tombstone: Option<String>,
}

/// Erases a subject (Art. 17 GDPR). Its rows are redacted, the counts and everybody's proofs stay. Asked again it answers the
/// same, until there are events received after it.
#[utoipa::path(
    delete, path = "/api/v1/subjects/{id}", operation_id = "eraseSubject", tag = "audit", request_body = Option<Why>,
    params(("id" = Uuid, Path, description = "The subject"), Which),
    responses(
        (status = 200, description = "Erased", body = Erased),
        (status = 202, description = "Durable; the processor has not got there yet", body = Erased),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No event of this subject on this site", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Under a legal hold", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn erase_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(asked): Parameters<Which>,
    body: Bytes,
) -> Result<Response, Problem> {
    let site = site(&api, &caller, Scope::SubjectsErase, &asked.site)?;
    let subject = somebody(id, &asked.site)?;
    let why = if body.trim_ascii().is_empty() { Why::default() } else { parse::<Why>(&body)? };
    let reason = reason(asked.reason.as_deref().or(why.reason.as_deref()), subject)?;
    // One at a time: two at once would make two tombstones of one erasure.
    let _turn = api.erasing.lock().await;
    api.control.catch_up().await.map_err(refused)?;
    if let Some(hold) = api.control.directory().hold(&asked.site, subject).filter(|h| h.is_in_force(moment::now())) {
        let problem = Problem::new(StatusCode::CONFLICT, "legal_hold", "the subject is under a legal hold");
        return Err(problem.with("until", hold.until.map(moment::written).into()));
    }
    let request = Request { api: &api, site: &site, subject };
    let asked = Asked { site: &site, subject, reason: &reason, by: caller.id };
    let (erasure, state) = request.erase(asked).await?;
    if state == ErasureState::Erased {
        api.exports.withdraw_erased().await;
    }
    tracing::info!(%site, erasure = %erasure.id, ?state, by = %caller.id, "api.subject_erased");
    let status = if state == ErasureState::Erased { StatusCode::OK } else { StatusCode::ACCEPTED };
    let answer = Json(erased(&api, subject, &erasure, state).await);
    Ok((status, [(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

struct Request<'a> {
    api: &'a Api,
    site: &'a SiteId,
    subject: Uuid,
}

impl Request<'_> {
    /// The erasure that covers all there is of the subject: the last one, or a new one.
    async fn erase(&self, asked: Asked<'_>) -> Result<(Arc<Erasure>, ErasureState), Problem> {
        let (partition, end) = self.end().await?;
        let last = self.api.control.directory().erasures_of(self.site.as_str(), self.subject).into_iter().next_back();
        if let Some(last) = &last
            && self.api.warehouse.applied_erasure(last.id).await?.is_none()
        {
            self.api.control.put_tombstone(last, self.subject).await.map_err(refused)?;
            if !self.is_applied(last.id).await? {
                return Ok((Arc::clone(last), ErasureState::Pending));
            }
        }
        // What was acknowledged by now is stored, or it is not known what is there.
        let has_none = !self.has_events().await? && self.is_stored(partition, end).await? && !self.has_events().await?;
        match last {
            Some(last) if has_none => return Ok((last, ErasureState::Erased)),
            None if has_none => return Err(unknown(self.subject, self.site.as_str())),
            _ => {}
        }
        let erasure = self.api.control.begin_erasure(asked).await.map_err(refused)?;
        self.api.control.put_tombstone(&erasure, self.subject).await.map_err(refused)?;
        let state = if self.is_applied(erasure.id).await? { ErasureState::Erased } else { ErasureState::Pending };
        Ok((erasure, state))
    }

    async fn has_events(&self) -> Result<bool, Problem> {
        Ok(!self.api.warehouse.history(self.site.as_str(), self.subject, 1).await?.is_empty())
    }

    /// Where the subject's records lie, and where that partition of the log ends.
    async fn end(&self) -> Result<(u32, u64), Problem> {
        let directory = self.api.control.directory();
        let shards = directory.site(self.site.as_str()).map_or(1, |site| site.current().settings.ledger.shards);
        let partitions = self.api.log.partitions(Topic::Events);
        let partition = partition_for(key_of(self.site, shards, self.subject).as_bytes(), partitions);
        let end = self.api.log.end(Topic::Events, partition).await;
        Ok((partition, end.map_err(|error| Problem::unavailable(error.to_string()))?))
    }

    /// Waits until the processor has redacted; whether it has.
    async fn is_applied(&self, erasure: Uuid) -> Result<bool, Problem> {
        let begun = Instant::now();
        while self.api.warehouse.applied_erasure(erasure).await?.is_none() {
            if begun.elapsed() > PATIENCE {
                return Ok(false);
            }
            tokio::time::sleep(EVERY).await;
        }
        Ok(true)
    }

    /// Waits until the partition is stored up to `end`; whether it is.
    async fn is_stored(&self, partition: u32, end: u64) -> Result<bool, Problem> {
        let (begun, log_id) = (Instant::now(), self.api.log.identity().log_id);
        loop {
            let stands = self.api.warehouse.stands(log_id).await?;
            if usize::try_from(partition).ok().and_then(|at| stands.get(at).copied()).unwrap_or(0) >= end {
                return Ok(true);
            }
            if begun.elapsed() > PATIENCE {
                return Ok(false);
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

async fn erased(api: &Api, subject: Uuid, erasure: &Erasure, state: ErasureState) -> Erased {
    let keeps = i64::try_from(api.log_keeps.as_millis()).unwrap_or(i64::MAX);
    let (made_at, forgets) = (moment::written(erasure.made_at), moment::written(erasure.made_at.saturating_add(keeps)));
    let text = format!(
        "avow tombstone\n{}\n{subject}\nerasure {}\nmade {made_at}\nlog forgets by {forgets}\n",
        erasure.site, erasure.id
    );
    Erased {
        subject,
        site: erasure.site.to_string(),
        erasure: erasure.id,
        state,
        reason: erasure.reason.clone(),
        made_at,
        log_forgets_by: forgets,
        body: erasure.body(),
        tombstone: signed(api, &text).await,
    }
}

/// The text as a note, if this process has the installation's key.
async fn signed(api: &Api, text: &str) -> Option<String> {
    let signer = api.keys.as_ref()?.signer(api.control.directory().ledger_keys())?;
    let signed = signer.note(OPERATOR, text.to_owned()).await;
    signed.inspect_err(|error| tracing::error!(%error, "api.tombstone_not_signed")).ok().map(|note| note.to_string())
}
