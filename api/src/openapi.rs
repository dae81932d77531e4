//! The OpenAPI 3.1 document: made from the handlers, committed as `schemas/openapi/avow.json`, and held equal by a test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement, Tag};
use utoipa::{OpenApi as _, ToSchema};

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(crate::live::stream::LiveTotals, crate::query::request::QueryRequest)))]
struct Base;

/// The document as text.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
});

/// The API's description.
pub fn document() -> OpenApi {
    let (_, described) = crate::router::described().split_for_parts();
    let mut document = Base::openapi();
    document.merge(described);
    document.info = InfoBuilder::new()
        .title("Avow")
        .version("1")
        .description(Some(
            "Consent analytics: numbers out, audits, and administration. Events go in at POST /v1/events, which \
             schemas/json/event.schema.json describes. Every request carries a token, Authorization: Bearer ..., or the cookie \
             of a session that POST /api/v1/session has begun; with a cookie, what is not GET must come from this server's \
             own page. Errors are problem documents (RFC 9457).",
        ))
        .build();
    let tag = |name: &str, text: &str| {
        let mut tag = Tag::new(name);
        tag.description = Some(text.to_owned());
        tag
    };
    document.tags = Some(vec![
        tag("numbers", "Counts and rates, and the live stream"),
        tag("bridge", "Another tool's numbers beside ours, and why they differ"),
        tag("audit", "Single persons' histories, exports, the books"),
        tag("sites", "Sites and their settings"),
        tag("banners", "What visitors were shown"),
        tag("services", "What consent is given to"),
        tag("people", "Signing in, sessions, and who may"),
        tag("tokens", "What programs may do"),
        tag("alerts", "What is not as usual, and from when on something is"),
        tag("webhooks", "Where messages go, and what became of each"),
        tag("operations", "Derived tables made anew, dead letters"),
    ]);
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert("bearer".to_owned(), bearer.into());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-avow")));
    schemes.insert("session".to_owned(), cookie.into());
    let either = ["bearer", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    document.security = Some(either.to_vec());
    let operations = document.paths.paths.values_mut().flat_map(|path| {
        let own = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
        own.into_iter().filter_map(Option::as_mut)
    });
    for operation in operations {
        name_refusals(operation);
        for (status, answer) in &mut operation.responses.responses {
            if let RefOr::T(answer) = answer
                && answer.description.is_empty()
            {
                meaning(status).clone_into(&mut answer.description);
            }
        }
    }
    document
}

/// What any operation may refuse with, by what it reads.
fn name_refusals(operation: &mut Operation) {
    let reads_body = operation.request_body.is_some();
    let has = |of: &dyn Fn(&ParameterIn) -> bool| {
        operation
            .parameters
            .iter()
            .flatten()
            .any(|parameter| matches!(parameter, RefOr::T(one) if of(&one.parameter_in)))
    };
    let (reads, names) = (reads_body || has(&|_| true), has(&|of| matches!(of, ParameterIn::Path)));
    let common =
        [("400", reads_body), ("413", reads_body), ("415", reads_body), ("404", names), ("422", reads), ("429", true)];
    for (status, _) in common.into_iter().filter(|(_, applies)| *applies) {
        let problem = || {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            ResponseBuilder::new().content("application/problem+json", problem).build().into()
        };
        operation.responses.responses.entry(status.to_owned()).or_insert_with(problem);
    }
}

/// What a status means wherever the handler has nothing more to say of it.
fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "Made.",
        "400" => "The body is no JSON.",
        "413" => "The body is too large.",
        "415" => "The body is not application/json.",
        "429" => "Too many requests of one caller; `Retry-After` says when the next may be made.",
        "401" => "No token and no session, or one that is unknown, revoked or expired.",
        "403" => "Not the scope, or not this site; with a session, also a request from another page.",
        "404" => "There is none of that name.",
        "422" => "Understood, and not possible: `detail` says why, `at` where.",
        "503" => "The log or the warehouse does not answer: nothing was changed that could not be sent again.",
        _ => "What was asked for.",
    }
}

/// `GET /api/v1/openapi.json`.
pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], DOCUMENT.as_str())
        .into_response()
}

/// A site's settings. Everything but `name` has a default.
#[derive(Serialize, ToSchema)]
#[schema(as = SiteSettings)]
pub struct Settings {
    pub name: String,
    /// Exact (`https://shop.example`) or with one leading wildcard (`https://*.shop.example`).
    #[schema(required = false)]
    pub origins: Vec<String>,
    /// Service -> category.
    #[schema(required = false)]
    pub services: BTreeMap<String, String>,
    /// IANA time zone.
    #[schema(required = false, default = "UTC")]
    pub timezone: String,
    /// Paths that may be kept, `*` for one segment.
    #[schema(required = false)]
    pub page_templates: Vec<String>,
    /// What closing the banner without a choice means: `refusal` or `no_choice`.
    #[schema(required = false, default = "refusal")]
    pub dismiss_means: String,
    /// Cells with fewer decisions are withheld from those without `audit:read`.
    #[schema(required = false, default = 5)]
    pub suppress_below: u32,
    #[schema(required = false)]
    pub validity_days: ValidityDays,
    #[schema(required = false)]
    pub retention: Retention,
    #[schema(required = false)]
    pub quotas: Quotas,
    #[schema(required = false)]
    pub controllers: Vec<Controller>,
    pub processor: Option<Party>,
    /// By language.
    #[schema(required = false)]
    pub notice_url: BTreeMap<String, String>,
    #[schema(required = false)]
    pub jurisdictions: Vec<String>,
    pub authority: Option<String>,
    pub withdrawal: Option<Withdrawal>,
    #[schema(required = false)]
    pub purposes: Vec<Purpose>,
    #[schema(required = false)]
    pub ledger: Ledger,
    #[schema(required = false)]
    pub observe: Observe,
}

/// Whether the beacon may look which services of the catalogue are on the page.
#[derive(Serialize, ToSchema)]
pub struct Observe {
    /// `off`; `audit`: in the operator's own test browser alone, by a signed switch; `all`: in every browser.
    #[schema(required = false, default = "off")]
    pub mode: String,
    /// On what observing visitors rests. `all` needs it.
    #[schema(required = false)]
    pub legal_basis: String,
}

/// How long a choice holds, in days.
#[derive(Serialize, ToSchema)]
pub struct ValidityDays {
    #[schema(required = false, default = 180)]
    pub granted: u32,
    #[schema(required = false, default = 180)]
    pub refused: u32,
}

/// How long events are kept, in months; null: for ever.
#[derive(Serialize, ToSchema)]
pub struct Retention {
    pub shown: Option<u32>,
    pub refused: Option<u32>,
    pub granted: Option<u32>,
}

/// What ingest takes of this site; null: the server's own limits.
#[derive(Serialize, ToSchema)]
pub struct Quotas {
    pub events_per_second: Option<u32>,
    pub burst: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Controller {
    pub name: String,
    #[schema(required = false)]
    pub address: String,
    #[schema(required = false)]
    pub contact: String,
    #[schema(required = false)]
    pub dpo: String,
    /// `sole` or `joint`.
    #[schema(required = false, default = "sole")]
    pub role: String,
}

#[derive(Serialize, ToSchema)]
pub struct Party {
    pub name: String,
    #[schema(required = false)]
    pub address: String,
    #[schema(required = false)]
    pub contact: String,
}

#[derive(Serialize, ToSchema)]
pub struct Withdrawal {
    pub method: String,
    #[schema(required = false)]
    pub url: String,
}

#[derive(Serialize, ToSchema)]
pub struct Purpose {
    pub id: String,
    #[schema(required = false)]
    pub dpv: String,
    /// By language.
    #[schema(required = false)]
    pub text: BTreeMap<String, String>,
    #[schema(required = false)]
    pub legal_basis: String,
    #[schema(required = false)]
    pub data: Vec<String>,
    #[schema(required = false)]
    pub sensitive: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Ledger {
    /// Into how many ledgers the site is split.
    #[schema(required = false, default = 1)]
    pub shards: u32,
    /// `opaque` or `site`.
    #[schema(required = false, default = "opaque")]
    pub name: String,
    pub checkpoint_seconds: Option<u32>,
}
