//! `GET /api/v1/subjects/{id}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_control::Directory;
use avow_schemas::control::Scope;
use avow_schemas::ids::ConfigVersion;
use avow_schemas::settings::ValidityDays;
use avow_warehouse::history::SubjectEvent;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::mark::Marked;
use super::state::{self, Standing, Validity};
use crate::access::{Bearer, require};
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Nobody decides so often; more is a machine, and its history is cut.
const MOST_EVENTS: u64 = 10_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Where {
    pub site: String,
    /// RFC 3339, or a day (its midnight in UTC); now where none is given.
    pub at: Option<String>,
}

/// A subject: what stood at a moment, and everything that happened.
#[derive(Serialize, ToSchema)]
pub struct Subject {
    pub subject: Uuid,
    pub site: String,
    pub at: String,
    #[serde(flatten)]
    pub standing: Standing,
    /// Its legal hold, in force or not any more.
    pub hold: Option<Marked>,
    /// Its restriction, in force or not any more. While it is, only `subjects:erase` sees the subject.
    pub restriction: Option<Marked>,
    pub history: Vec<HistoryEntry>,
    /// Whether there are more events than are shown.
    pub truncated: bool,
}

#[derive(Serialize, ToSchema)]
pub struct HistoryEntry {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub occurred_at: String,
    pub received_at: String,
    pub logged_at: String,
    pub prompt: String,
    pub method: String,
    pub regime: String,
    pub source: String,
    pub banner_version: String,
    pub language: String,
    pub variant: String,
    pub text_hash: String,
    pub host: String,
    pub path: String,
    pub expires_at: Option<String>,
    pub config_version: u32,
    /// Whether it is a decision in the sense of the metrics.
    pub decision: bool,
    /// As the event named them.
    pub categories: BTreeMap<String, bool>,
    pub services: BTreeMap<String, bool>,
    pub purposes: BTreeMap<String, bool>,
    /// What that means for each service.
    pub choices: Vec<HistoryChoice>,
    pub ledger: String,
    pub leaf: u64,
}

#[derive(Serialize, ToSchema)]
pub struct HistoryChoice {
    pub service: String,
    pub category: String,
    pub state: String,
    pub disclosure: String,
}

/// What a subject had granted at a moment, and the history.
#[utoipa::path(
    get, path = "/api/v1/subjects/{id}", operation_id = "getSubject", tag = "audit",
    params(("id" = Uuid, Path, description = "The subject"), Where),
    responses(
        (status = 200, body = Subject),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No event of this subject on this site", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(asked): Parameters<Where>,
) -> Result<Response, Problem> {
    require(&caller, Scope::AuditRead, Some(&asked.site))?;
    let directory = api.control.directory();
    if directory.site(&asked.site).is_none() {
        return Err(Problem::unprocessable("unknown_site", format!("there is no site {:?}", asked.site)).at("site"));
    }
    let at = match asked.at.as_deref() {
        None => moment::now(),
        Some(text) => moment::read(text).ok_or_else(|| {
            Problem::unprocessable("invalid_parameter", format!("{text:?} is neither RFC 3339 nor a day")).at("at")
        })?,
    };
    let restriction = directory.restriction(&asked.site, id);
    if restriction.is_some_and(|mark| mark.is_in_force(moment::now())) && !caller.has(Scope::SubjectsErase) {
        let detail = "the subject is restricted: this needs a token of scope subjects:erase too";
        return Err(Problem::forbidden("restricted", detail));
    }
    let unknown = || Problem::not_found("unknown_subject", format!("no event of {id} on {}", asked.site));
    // The nil UUID stands for nobody: events without a subject are under it.
    let most = if id.is_nil() { return Err(unknown()) } else { MOST_EVENTS + 1 };
    let mut events = api.warehouse.history(&asked.site, id, most).await?;
    if events.is_empty() {
        return Err(unknown());
    }
    let truncated = events.len() as u64 > MOST_EVENTS;
    events.truncate(usize::try_from(MOST_EVENTS).unwrap_or(usize::MAX));
    let standing = state::at(&events, at, |version| validity(&directory, &asked.site, version));
    let history = events.into_iter().map(HistoryEntry::of).collect();
    let hold = directory.hold(&asked.site, id).map(|mark| Marked::of(mark));
    let restriction = restriction.map(|mark| Marked::of(mark));
    let at = moment::written(at);
    let subject = Subject { subject: id, site: asked.site, at, standing, hold, restriction, history, truncated };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(subject)).into_response())
}

fn validity(directory: &Directory, site: &str, version: u32) -> Validity {
    let settings = directory.site(site).and_then(|history| history.version(ConfigVersion(i64::from(version))));
    let days = settings.map_or_else(ValidityDays::default, |version| version.settings.validity_days);
    Validity { granted: days.granted, refused: days.refused }
}

impl HistoryEntry {
    fn of(event: SubjectEvent) -> Self {
        let choices = event.pairs.into_iter();
        Self {
            id: event.id,
            kind: event.kind,
            occurred_at: moment::written(event.occurred_at),
            received_at: moment::written(event.received_at),
            logged_at: moment::written(event.logged_at),
            prompt: event.prompt,
            method: event.method,
            regime: event.regime,
            source: event.source,
            banner_version: event.banner_version,
            language: event.language,
            variant: event.variant,
            text_hash: event.text_hash,
            host: event.host,
            path: event.path,
            expires_at: event.expires_at.map(moment::written),
            config_version: event.config_version,
            decision: event.decision == 1,
            categories: event.categories.into_iter().collect(),
            services: event.services.into_iter().collect(),
            purposes: event.purposes.into_iter().collect(),
            choices: choices
                .map(|(service, category, state, disclosure)| HistoryChoice { service, category, state, disclosure })
                .collect(),
            ledger: event.ledger,
            leaf: event.leaf,
        }
    }
}
