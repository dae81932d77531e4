//! `GET /api/v1/data-quality`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use avow_warehouse::books::Books;
use avow_warehouse::books::ranges::PartitionBooks;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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
    /// How the ranges of each partition of the log follow one another; for tokens that are not limited to sites, and where
    /// no site is asked for.
    pub partitions: Vec<PartitionRanges>,
    /// Whether all of them balance.
    pub balanced: bool,
}

/// The ranges of a partition: contiguous, so that `to - from` is what was read.
#[derive(Serialize, ToSchema)]
pub struct PartitionRanges {
    pub log_id: Uuid,
    pub partition: u32,
    /// Where the first range that is kept begins.
    pub from: u64,
    pub to: u64,
    /// Positions in all ranges.
    pub covered: u64,
    /// Records read, by the books of all ranges.
    pub read: u64,
    pub balanced: bool,
}

impl PartitionRanges {
    fn of(books: &PartitionBooks) -> Self {
        let PartitionBooks { log_id, partition, from, to, covered, read } = *books;
        Self { log_id, partition, from, to, covered, read, balanced: books.balance() }
    }
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
    /// Events that name a banner artefact which was never put.
    pub unknown_text_hash: u64,
    /// When its newest record was logged, RFC 3339.
    pub logged_to: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Rows {
    pub events: u64,
    pub controls: u64,
    /// What is left of erased events: their places in log and ledger.
    pub erased: u64,
}

impl SiteBooks {
    fn of(books: Books, unknown_text_hash: u64) -> Self {
        Self {
            balanced: books.balance(),
            unknown_text_hash,
            site: (!books.site.is_empty()).then_some(books.site),
            read: books.read,
            stored: books.stored,
            repeats: books.repeats,
            dead_letters: books.dead_letters,
            rows: Rows { events: books.events, controls: books.controls, erased: books.erased },
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
    let books = api.warehouse.books(&names, 0, moment::END).await?;
    let of_all = names.iter().any(String::is_empty);
    let partitions = if of_all { api.warehouse.partition_books().await? } else { Vec::new() };
    let unknown = api.warehouse.unknown_text_hashes(&names).await?;
    let of_site = |books: Books| {
        let unknown = unknown.get(&books.site).copied().unwrap_or(0);
        SiteBooks::of(books, unknown)
    };
    let sites: Vec<SiteBooks> = books.into_iter().map(of_site).collect();
    let partitions: Vec<PartitionRanges> = partitions.iter().map(PartitionRanges::of).collect();
    let balanced = sites.iter().all(|site| site.balanced) && partitions.iter().all(|partition| partition.balanced);
    Ok(Json(DataQuality { freshness: fresh.counted_to.map(moment::written), sites, partitions, balanced }))
}
