//! `GET /api/v1/data-quality`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_warehouse::books::Books;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::query::ask::current;
use crate::query::resolve::sites;
use crate::{Api, moment};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Without it: every site that the token may see, and what could not be told to be of any.
    pub site: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DataQuality {
    /// Every event acknowledged before this instant is in these books; null before the first.
    pub freshness: Option<String>,
    pub sites: Vec<SiteBooks>,
    /// Whether all of them balance.
    pub balanced: bool,
}

/// read = stored + repeats + dead_letters, and stored = rows, at all times.
#[derive(Serialize, ToSchema)]
pub struct SiteBooks {
    /// Null: records of which no site could be read.
    pub site: Option<String>,
    /// Records of the log, by position.
    pub read: u64,
    pub stored: u64,
    pub repeats: u64,
    pub dead_letters: u64,
    /// What is in the table: consent events and control records.
    pub rows: Rows,
    pub balanced: bool,
    /// When its newest record was logged, RFC 3339.
    pub logged_to: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Rows {
    pub events: u64,
    pub controls: u64,
}

impl SiteBooks {
    fn of(books: Books) -> Self {
        Self {
            balanced: books.balance(),
            site: (!books.site.is_empty()).then_some(books.site),
            read: books.read,
            stored: books.stored,
            repeats: books.repeats,
            dead_letters: books.dead_letters,
            rows: Rows { events: books.events, controls: books.controls },
            logged_to: (books.logged_to > 0).then(|| moment::written(books.logged_to)),
        }
    }
}

/// What was read from the log and what became of it, site by site, against the rows that are there.
#[utoipa::path(
    get, path = "/api/v1/data-quality", operation_id = "dataQuality", tag = "audit", params(Which),
    responses(
        (status = 200, body = DataQuality),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn data_quality(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(which): Parameters<Which>,
) -> Result<Json<DataQuality>, Problem> {
    require(&caller, Scope::StatsRead, which.site.as_deref())?;
    let asked = which.site.map(|site| vec![site]);
    let known = sites(asked.as_deref(), &caller, &api.control.directory())?;
    let mut names: Vec<String> = known.iter().map(ToString::to_string).collect();
    if asked.is_none() && caller.sites().is_none() {
        names.push(String::new());
    }
    let fresh = current(&api).await?;
    let books = api.warehouse.books(&names, 0, moment::END).await.map_err(|error| {
        tracing::error!(%error, "api.warehouse_failed");
        Problem::unavailable("the warehouse did not answer")
    })?;
    let sites: Vec<SiteBooks> = books.into_iter().map(SiteBooks::of).collect();
    let balanced = sites.iter().all(|site| site.balanced);
    Ok(Json(DataQuality { freshness: fresh.counted_to.map(moment::written), sites, balanced }))
}
