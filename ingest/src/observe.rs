//! `GET /v1/observe?site=S[&switch=T]`: which names the beacon may look for on a page of a site, or that it may not look. It may
//! where the site's settings say `observe: all`, or `audit` and the browser shows a switch that this installation has signed.
//! Reading is the beacon's; that it is off by default is kept here and there.

use std::sync::{Arc, Mutex, PoisonError};

use avow_control::Directory;
use avow_ledger::Switch;
use avow_schemas::catalog::{Catalog, Storage};
use avow_schemas::settings::ObserveMode;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::Problem;
use crate::ingest::Ingest;

/// How long a browser may go by an answer.
const FIVE_MINUTES: &str = "private, max-age=300";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    site: String,
    switch: Option<String>,
}

/// What is looked for.
#[derive(Serialize)]
struct Names<'a> {
    /// Names of first-party cookies; `*` stands for one or more characters.
    cookies: Vec<&'a str>,
    /// Hosts, each with everything below it.
    domains: Vec<&'a str>,
}

/// The names of a catalogue as JSON, gathered once.
#[derive(Default)]
pub struct Gathered(Mutex<Option<(Arc<Catalog>, Bytes)>>);

impl Gathered {
    fn of(&self, catalog: Arc<Catalog>) -> Bytes {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, names)) = &*gathered
            && Arc::ptr_eq(of, &catalog)
        {
            return names.clone();
        }
        let names = Bytes::from(serde_json::to_vec(&names(&catalog)).unwrap_or_default());
        *gathered = Some((catalog, names.clone()));
        names
    }
}

fn names(catalog: &Catalog) -> Names<'_> {
    let cookies = catalog.iter().flat_map(|service| service.cookies.iter().flatten());
    let cookies = cookies.filter(|cookie| cookie.storage == Storage::Cookie).map(|cookie| cookie.name.as_str());
    let domains = catalog.iter().flat_map(|service| service.domains.iter().flatten()).map(String::as_str);
    let mut names = Names { cookies: cookies.collect(), domains: domains.collect() };
    for list in [&mut names.cookies, &mut names.domains] {
        list.sort_unstable();
        list.dedup();
    }
    names
}

/// Handles `GET /v1/observe`.
pub async fn get(State(ingest): State<Arc<Ingest>>, headers: HeaderMap, asked: Query<Asked>) -> Response {
    let directory = ingest.control.directory();
    let mut response = match allowed(&directory, &asked.0, Timestamp::now().as_millisecond()) {
        Ok(()) => {
            let names = ingest.observed.of(directory.catalog());
            ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, FIVE_MINUTES)], names).into_response()
        }
        Err(problem) => problem.into_response(),
    };
    ingest.origins.mark(&directory, &headers, response.headers_mut(), false);
    response
}

fn allowed(directory: &Directory, asked: &Asked, now: i64) -> Result<(), Problem> {
    let refused = |why: &'static str| Err(Problem::not_observed(why));
    let Some(site) = directory.site(&asked.site) else { return refused("there is no such site") };
    match site.current().settings.observe.mode {
        ObserveMode::Off => refused("this site is not observed: its settings say `observe.mode` off"),
        ObserveMode::All => Ok(()),
        ObserveMode::Audit => {
            let Some(switch) = &asked.switch else { return refused("this site is observed with a switch alone") };
            match Switch::open(switch, &directory.operator_keys()) {
                Ok(switch) if switch.site == asked.site && now < switch.until => Ok(()),
                Ok(switch) if switch.site == asked.site => refused("the switch has ended"),
                Ok(_) => refused("the switch is for another site"),
                Err(error) => Err(Problem::not_observed(error.to_string())),
            }
        }
    }
}
