//! `GET /api/v1/services`.

use std::sync::Arc;

use avow_control::Directory;
use avow_schemas::catalog::{Catalog, FALLBACK_LANGUAGE, Service};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::origin;
use crate::Api;
use crate::access::Bearer;
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::sealed;

const MOST: usize = 1_000;
/// What cursors of this list are bound to.
const LIST: &str = "services by slug";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// 1 to 1,000; 100 where none is given.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Of the summaries: `en`, `fr`, `de`, `es`.
    pub language: Option<String>,
    /// Each line with its whole entry, as it is kept.
    #[serde(default)]
    pub entries: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Services {
    pub services: Vec<ServiceLine>,
    pub next_cursor: Option<String>,
}

/// A service in short. `GET /api/v1/services/{slug}` has the whole.
#[derive(Serialize, ToSchema)]
pub struct ServiceLine {
    pub slug: String,
    pub name: String,
    /// Code of the group of like services.
    pub group: String,
    /// By default; a site's settings may say otherwise.
    pub category: String,
    pub tags: Vec<String>,
    /// `avow` for what ships; `operator` for an entry of one's own, or what an import calls itself.
    pub origin: String,
    /// `consent`, `exempt`, `conditional`.
    #[schema(value_type = String)]
    pub eprivacy: Value,
    /// `low`, `medium`, `high`, `unknown`.
    #[schema(value_type = String)]
    pub risk_level: Value,
    /// One sentence.
    #[schema(value_type = String)]
    pub summary: Value,
    /// Who operates it, where that is known.
    pub operator: Option<String>,
    /// Of its cookies and web-storage entries.
    pub cookies: Vec<CookieName>,
    /// Hosts that it talks to; each stands for everything below it.
    pub domains: Vec<String>,
    /// With `entries`: as it is kept, each text in all its languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub entry: Option<Value>,
}

/// A cookie's name, or a pattern of names.
#[derive(Serialize, ToSchema)]
pub struct CookieName {
    pub name: String,
    /// `exact`, or `pattern`: `*` stands for one or more characters.
    #[serde(rename = "match")]
    #[schema(value_type = String)]
    pub matching: Value,
}

/// The catalogue in the order of slugs, in pages.
#[utoipa::path(
    get, path = "/api/v1/services", operation_id = "listServices", tag = "services", params(Page),
    responses(
        (status = 200, body = Services),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_services(
    State(api): State<Arc<Api>>,
    _: Bearer,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Services>, Problem> {
    let limit = page.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST}")).at("limit"));
    }
    let offset = match page.cursor.as_deref() {
        None => 0,
        Some(cursor) => sealed::offset(LIST, cursor)
            .ok_or_else(|| Problem::unprocessable("invalid_cursor", "the cursor is not of this list").at("cursor"))?,
    };
    let language = page.language.as_deref().unwrap_or(FALLBACK_LANGUAGE);
    let directory = api.control.directory();
    let catalog = directory.catalog();
    let services = catalog.iter().skip(offset).take(limit);
    let services: Vec<ServiceLine> = services
        .map(|service| {
            let line = line(&directory, &catalog, service, language);
            let entry = page.entries.then(|| serde_json::to_value(service).unwrap_or_default());
            ServiceLine { entry, ..line }
        })
        .collect();
    let next = offset.saturating_add(services.len());
    let next_cursor = (next < catalog.len()).then(|| sealed::cursor(LIST, next));
    Ok(Json(Services { services, next_cursor }))
}

fn line(directory: &Directory, catalog: &Catalog, service: &Service, language: &str) -> ServiceLine {
    let slug = service.slug.as_str();
    let whole = catalog.localized(slug, language).unwrap_or_default();
    let text = |field: &str| whole[field].as_str().unwrap_or_default().to_owned();
    let tags = whole["tags"].as_array().map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let cookies = service.cookies.iter().flatten().map(|cookie| CookieName {
        name: cookie.name.clone(),
        matching: serde_json::to_value(cookie.matching).unwrap_or_default(),
    });
    ServiceLine {
        slug: slug.to_owned(),
        origin: origin(directory, slug, i64::MAX).0.to_owned(),
        eprivacy: whole["eprivacy"].clone(),
        cookies: cookies.collect(),
        domains: service.domains.clone().unwrap_or_default(),
        entry: None,
        name: text("name"),
        group: text("group"),
        category: text("category"),
        tags: tags.unwrap_or_default(),
        risk_level: whole["risk_level"].clone(),
        summary: whole["summary"].clone(),
        operator: whole["operator"]["name"].as_str().map(str::to_owned),
    }
}
