//! `GET /api/v1/aggregates`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AggregateLine, Kept, of_sites};
use crate::Api;
use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::query::resolve::sites;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AggregatesOf {
    /// Without it: every site that the caller may see.
    pub site: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Aggregates {
    pub aggregates: Vec<AggregateLine>,
}

/// Of which sources there are numbers, by site and source; without the numbers.
#[utoipa::path(
    get, path = "/api/v1/aggregates", operation_id = "listAggregates", tag = "bridge", params(AggregatesOf),
    responses(
        (status = 200, body = Aggregates),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_aggregates(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(AggregatesOf { site }): Parameters<AggregatesOf>,
) -> Result<Json<Aggregates>, Problem> {
    require(&caller, Scope::StatsRead, site.as_deref())?;
    let asked = site.map(|site| vec![site]);
    let sites = sites(asked.as_deref(), &caller, &api.control.directory())?;
    let kept = of_sites(&api, &sites).await?;
    let aggregates = kept.iter().map(Kept::line).collect::<Result<_, _>>()?;
    Ok(Json(Aggregates { aggregates }))
}
