//! `POST /api/v1/dead-letters/replay`.

use std::sync::Arc;

use avow_log::{Record, Topic};
use avow_schemas::control::Scope;
use avow_schemas::fate::RejectedRecord;
use avow_schemas::letter::LetterId;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::index::{Index, Place, Whole};
use super::list::MOST;
use super::view::Letter;
use super::{Cursor, asked as cursor_of, index, unavailable};
use crate::access::{Bearer, require_whole};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Bytes of letters in memory at most, but for one letter.
const MOST_BYTES: usize = 16 << 20;

/// Which letters to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayRequest {
    /// Sends nothing: says what would be sent.
    pub dry_run: bool,
    /// Only letters of this site.
    pub site: Option<String>,
    /// Only letters logged at or after this day (its midnight in UTC) or instant (RFC 3339).
    pub since: Option<String>,
    /// Those too that something still stands in the way of.
    pub all: bool,
    /// `next` of the answer before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// Letters looked at in this step, those of other sites and times included.
    pub looked_at: u64,
    /// Sent again, or with `dry_run` to be sent.
    pub sent: Vec<Letter>,
    /// Left where they are, since something still stands in their way.
    pub left: Vec<Letter>,
    /// Where to go on; null: nothing is left to look at.
    pub next: Option<String>,
    /// Letters that had not been sent again before this step, on all pages.
    pub waiting: u64,
}

/// Sends dead letters to the log again, under their original keys, and notes that they were. A step takes up to 500 letters:
/// go on with `next` until there is none. Letters that are buried meanwhile are left to the next replay. What is sent twice is counted once.
#[utoipa::path(
    post, path = "/api/v1/dead-letters/replay", operation_id = "replayDeadLetters", tag = "operations",
    request_body = ReplayRequest,
    responses(
        (status = 200, body = ReplayAnswer),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn replay_dead_letters(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Body(asked): Body<ReplayRequest>,
) -> Result<Json<ReplayAnswer>, Problem> {
    require_whole(&caller, Scope::Admin)?;
    let from = cursor_of(asked.cursor.as_deref())?;
    let wanted = Wanted::of(&asked)?;
    let log = api.letters.log.as_ref();
    // Held until all is sent and noted: whoever asks at the same time finds it noted.
    let mut held = api.letters.index.lock().await;
    held.follow(log).await.map_err(|error| unavailable(&error))?;
    let waiting = held.behind(None).filter(|(_, place)| !place.replayed).count() as u64;
    let ends = from.as_ref().map_or_else(|| held.ends(), |cursor| cursor.ends.clone());
    let found: Vec<(LetterId, Place)> = held
        .behind(from.map(|cursor| cursor.id))
        .filter(|(_, place)| !place.replayed && place.is_below(&ends))
        .take(MOST + 1)
        .map(|(id, place)| (id, place.clone()))
        .collect();
    let mut answer = ReplayAnswer { looked_at: 0, sent: Vec::new(), left: Vec::new(), next: None, waiting };
    let sending = wanted.choose(&api, &found, &ends, &mut answer).await?;
    if !asked.dry_run && !sending.is_empty() {
        send(&api, &mut held, sending).await?;
        tracing::info!(sent = answer.sent.len(), by = %caller.id, "api.dead_letters_replayed");
        answer.sent.iter_mut().for_each(|letter| letter.replayed = true);
    }
    Ok(Json(answer))
}

/// Which letters are wanted.
struct Wanted<'r> {
    since: i64,
    site: Option<&'r str>,
    all: bool,
}

impl<'r> Wanted<'r> {
    fn of(asked: &'r ReplayRequest) -> Result<Self, Problem> {
        let read = |text: &String| {
            let detail = format!("{text:?} is neither a day nor RFC 3339");
            moment::read(text).ok_or_else(|| Problem::unprocessable("invalid_date", detail).at("/since"))
        };
        let since = asked.since.as_ref().map_or(Ok(i64::MIN), read)?;
        Ok(Self { since, site: asked.site.as_deref(), all: asked.all })
    }

    /// Looks at letters until a step is full: into the answer what becomes of each, and what is to be sent.
    async fn choose(
        &self,
        api: &Api,
        found: &[(LetterId, Place)],
        ends: &[u64],
        answer: &mut ReplayAnswer,
    ) -> Result<Vec<(LetterId, Whole)>, Problem> {
        let directory = api.control.directory();
        let (mut sending, mut bytes, mut last) = (Vec::new(), 0, None);
        for (nth, (id, place)) in found.iter().enumerate() {
            if nth == MOST || bytes > MOST_BYTES {
                answer.next = last.map(|id| Cursor { id, ends: ends.to_vec() }.to_string());
                break;
            }
            last = Some(*id);
            answer.looked_at += 1;
            let whole = index::read(api.letters.log.as_ref(), place).await.map_err(|error| unavailable(&error))?;
            let Some(whole) = whole else { continue };
            let letter = Letter::of(&whole, false, &directory);
            if whole.letter.at_ms < self.since || self.site.is_some_and(|site| site != letter.site) {
                continue;
            }
            if letter.obstacle.is_some() && !self.all {
                answer.left.push(letter);
                continue;
            }
            answer.sent.push(letter);
            bytes += whole.value.len();
            sending.push((*id, whole));
        }
        Ok(sending)
    }
}

/// Sends the records, then notes that they were sent.
async fn send(api: &Api, held: &mut Index, letters: Vec<(LetterId, Whole)>) -> Result<(), Problem> {
    let at_ms = moment::now();
    let mut notes = Vec::with_capacity(letters.len());
    let mut records = Vec::with_capacity(letters.len());
    let mut sent = Vec::with_capacity(letters.len());
    for (id, whole) in letters {
        let LetterId { log_id, partition, position } = id;
        let note = RejectedRecord::Replayed { at_ms, log_id, partition, position };
        let note = serde_json::to_vec(&note).map_err(|error| Problem::internal(error.to_string()))?;
        notes.push(Record { key: whole.key.clone().into(), value: note.into() });
        records.push(Record { key: whole.key.into(), value: whole.value.into() });
        sent.push(id);
    }
    let log = api.letters.log.as_ref();
    log.append(Topic::Events, records).await.map_err(|error| unavailable(&error))?;
    log.append(Topic::Rejected, notes).await.map_err(|error| unavailable(&error))?;
    sent.into_iter().for_each(|id| held.replayed(id));
    Ok(())
}
