//! `POST /api/v1/sites/{site}/observation-switch`.

use std::sync::Arc;

use avow_ledger::Switch;
use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Bearer, require};
use crate::extract::{Body, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const AN_HOUR_MS: i64 = 3_600_000;
/// A browser is under test for a day at most.
const MOST_HOURS: u32 = 24;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hours": 4}))]
pub struct WantedSwitch {
    /// For how long it holds, 1 to 24.
    pub hours: u32,
}

/// What turns observation on in one browser: open a page of the site with `#avow-audit=<switch>`.
#[derive(Serialize, ToSchema)]
pub struct ObservationSwitch {
    pub switch: String,
    /// RFC 3339.
    pub until: String,
}

/// Signs a switch for the operator's own test browser.
///
/// It lets the beacon of this site look which services of the catalogue a page uses, where the site's settings say
/// `observe.mode: audit`. Whoever has it can do nothing else with it.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/observation-switch", operation_id = "signObservationSwitch", tag = "sites",
    params(("site" = String, Path, description = "The site")),
    request_body = WantedSwitch,
    responses(
        (status = 200, body = ObservationSwitch),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "This process has no key to sign with", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn sign_observation_switch(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(site): Segments<String>,
    Body(wanted): Body<WantedSwitch>,
) -> Result<Json<ObservationSwitch>, Problem> {
    require(&caller, Scope::Admin, Some(&site))?;
    let directory = api.control.directory();
    if directory.site(&site).is_none() {
        return Err(Problem::not_found("unknown_site", format!("there is no site {site:?}")));
    }
    if !(1..=MOST_HOURS).contains(&wanted.hours) {
        let detail = format!("hours must be 1 to {MOST_HOURS}");
        return Err(Problem::unprocessable("invalid_value", detail).at("/hours"));
    }
    let until = moment::now() + i64::from(wanted.hours) * AN_HOUR_MS;
    let text = Switch { site: site.clone(), until }.text();
    let note = match api.keys.as_ref().and_then(|keys| keys.signer(directory.ledger_keys())) {
        Some(signer) => signer.note(avow_trees::OPERATOR, text).await,
        None => return Err(Problem::unavailable("this process has no key of the installation to sign with")),
    };
    let note = note.map_err(|error| Problem::unavailable(format!("the key did not sign: {error}")))?;
    tracing::info!(site, hours = wanted.hours, by = %caller.id, "api.observation_switch");
    Ok(Json(ObservationSwitch { switch: Switch::sealed(&note.to_string()), until: moment::written(until) }))
}
