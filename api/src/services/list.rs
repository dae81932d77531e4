//! `GET /api/v1/services`.

use avow_schemas::catalog::{Catalog, FALLBACK_LANGUAGE};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

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
    /// `low`, `medium`, `high`.
    #[schema(value_type = String)]
    pub risk_level: Value,
    /// One sentence.
    #[schema(value_type = String)]
    pub summary: Value,
    /// Who operates it, where that is known.
    pub operator: Option<String>,
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
pub async fn list_services(_: Bearer, Parameters(page): Parameters<Page>) -> Result<Json<Services>, Problem> {
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
    let catalog = Catalog::builtin();
    let services: Vec<ServiceLine> =
        catalog.iter().skip(offset).take(limit).map(|s| line(catalog, s.slug.as_str(), language)).collect();
    let next = offset.saturating_add(services.len());
    let next_cursor = (next < catalog.len()).then(|| sealed::cursor(LIST, next));
    Ok(Json(Services { services, next_cursor }))
}

fn line(catalog: &Catalog, slug: &str, language: &str) -> ServiceLine {
    let whole = catalog.localized(slug, language).unwrap_or_default();
    let text = |field: &str| whole[field].as_str().unwrap_or_default().to_owned();
    let tags = whole["tags"].as_array().map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    ServiceLine {
        slug: slug.to_owned(),
        name: text("name"),
        group: text("group"),
        category: text("category"),
        tags: tags.unwrap_or_default(),
        risk_level: whole["risk_level"].clone(),
        summary: whole["summary"].clone(),
        operator: whole["operator"]["name"].as_str().map(str::to_owned),
    }
}
