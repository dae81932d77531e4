//! `GET /api/v1/observations`: the services that pages of a site used without consent, when first, and where.

use std::sync::Arc;

use avow_schemas::catalog::Catalog;
use avow_schemas::control::Scope;
use avow_warehouse::observations::Observation;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Bearer, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Pages that are listed of a service.
const MOST_PAGES: usize = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    pub site: String,
    /// RFC 3339, or a day (its midnight in UTC). Without it: as long as events are kept.
    pub from: Option<String>,
    /// Exclusive, as `from`. Without it: until now.
    pub to: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Observations {
    pub site: String,
    /// `off`, `audit` or `all`: what the site's settings say now.
    pub mode: String,
    /// The most seen first, whoever looked: an operator's own test browser is mostly taken for a bot.
    pub services: Vec<ObservedService>,
}

/// A service that was seen although it was not granted then.
#[derive(Serialize, ToSchema)]
pub struct ObservedService {
    pub slug: String,
    pub name: String,
    /// `observed_without_consent`; or `observed_for_review`, where the catalogue says that it depends: a person must look.
    pub state: String,
    /// `observed` events in which it was seen.
    pub events: u64,
    /// RFC 3339.
    pub first_seen: String,
    pub last_seen: String,
    /// At most 20, the most frequent first.
    pub pages: Vec<ObservedPage>,
    /// Which of its cookies were seen, by their names in the browser.
    pub cookies: Vec<String>,
    /// Which of its hosts.
    pub domains: Vec<String>,
}

/// Host, with the path where it matches one of the site's templates.
#[derive(Serialize, ToSchema)]
pub struct ObservedPage {
    pub page: String,
    pub events: u64,
}

impl ObservedService {
    fn of(seen: Observation, catalog: &Catalog) -> Self {
        let entry = catalog.get(&seen.service);
        let (pages, counts) = seen.pages;
        let pages = pages.into_iter().zip(counts).map(|(page, events)| ObservedPage { page, events });
        let mut pages: Vec<ObservedPage> = pages.collect();
        pages.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.page.cmp(&b.page)));
        pages.truncate(MOST_PAGES);
        let mut cookies = seen.cookies;
        cookies.retain(|name| entry.is_some_and(|entry| entry.cookie(name).is_some()));
        let mut domains = seen.domains;
        domains.retain(|host| entry.is_some_and(|entry| entry.owns_domain(host)));
        cookies.sort_unstable();
        domains.sort_unstable();
        Self {
            name: entry.map_or_else(|| seen.service.clone(), |entry| entry.name.clone()),
            slug: seen.service,
            state: seen.state,
            events: seen.events,
            first_seen: moment::written(seen.first_seen),
            last_seen: moment::written(seen.last_seen),
            pages,
            cookies,
            domains,
        }
    }
}

/// What was seen on a site's pages without consent.
#[utoipa::path(
    get, path = "/api/v1/observations", operation_id = "listObservations", tag = "services", params(Which),
    responses(
        (status = 200, body = Observations),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_observations(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Observations>, Problem> {
    require(&caller, Scope::StatsRead, Some(&which.site))?;
    let directory = api.control.directory();
    let unknown = || Problem::not_found("unknown_site", format!("there is no site {:?}", which.site));
    let mode = directory.site(&which.site).ok_or_else(unknown)?.current().settings.observe.mode;
    let instant = |name: &'static str, given: Option<&str>, without: i64| {
        let invalid =
            || Problem::unprocessable("invalid_parameter", format!("{name} is an instant in RFC 3339, or a day"));
        given.map_or(Ok(without), |given| moment::read(given).ok_or_else(|| invalid().at(name)))
    };
    let from = instant("from", which.from.as_deref(), 0)?;
    let to = instant("to", which.to.as_deref(), moment::END)?;
    let seen = api.warehouse.observations(&which.site, from, to).await?;
    let catalog = directory.catalog();
    let services = seen.into_iter().map(|seen| ObservedService::of(seen, &catalog)).collect();
    Ok(Json(Observations { site: which.site, mode: mode.as_str().to_owned(), services }))
}
