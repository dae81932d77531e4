//! The routes of this role, and what every answer goes through.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::{
    Api, access_log, aggregates, alerts, allowance, attachments, audits, banners, bridges, exports, ledger, letters,
    live, me, observations, oidc, openapi, page, people, quality, query, rebuilds, reference, reports, services,
    sessions, shares, sites, subjects, tokens, webhooks,
};

const BODY_LIMIT: usize = 1 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every route that the OpenAPI document describes. A route added here is described there.
pub(crate) fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(query::ask::query, query::link::query_by_link))
        .routes(routes!(query::metadata::get_metadata))
        .routes(routes!(query::export::list::list_query_exports, query::export::create::create_query_export))
        .routes(routes!(query::export::get::get_query_export))
        .routes(routes!(query::export::file::get_query_export_file))
        .routes(routes!(aggregates::list::list_aggregates))
        .routes(routes!(
            aggregates::get::get_aggregate,
            aggregates::put::put_aggregate,
            aggregates::delete::delete_aggregate
        ))
        .routes(routes!(bridges::get::get_bridge))
        .routes(routes!(live::stream::live))
        .routes(routes!(sites::list::list_sites))
        .routes(routes!(sites::get::get_site, sites::put::put_site))
        .routes(routes!(sites::switch::sign_observation_switch))
        .routes(
            routes!(banners::list::list_banners, banners::put::put_banner)
                .layer(DefaultBodyLimit::max(banners::put::BODY_LIMIT)),
        )
        .routes(routes!(banners::get::get_banner))
        .routes(routes!(banners::blob::get_banner_html))
        .routes(routes!(banners::blob::get_banner_screenshot))
        .routes(routes!(observations::list_observations))
        .routes(
            routes!(services::list::list_services, services::import::import_services)
                .layer(DefaultBodyLimit::max(services::import::BODY_LIMIT)),
        )
        .routes(routes!(services::get::get_service, services::put::put_service, services::delete::delete_service))
        .routes(routes!(services::history::get_service_history))
        .routes(routes!(me::get::get_me))
        .routes(routes!(sessions::get::get_session, sessions::sign_in::sign_in, sessions::sign_out::sign_out))
        .routes(routes!(sessions::password::change_password))
        .routes(routes!(oidc::ways::get_ways))
        .routes(routes!(oidc::begin::begin_oidc))
        .routes(routes!(oidc::callback::finish_oidc))
        .routes(routes!(sessions::list::list_sessions))
        .routes(routes!(sessions::end::end_session))
        .routes(routes!(people::list::list_people, people::create::create_person))
        .routes(routes!(people::get::get_person, people::change::change_person, people::remove::remove_person))
        .routes(routes!(people::invite::invite_person))
        .routes(routes!(people::redeem::redeem_invitation))
        .routes(routes!(shares::list::list_shares, shares::create::create_share))
        .routes(routes!(shares::revoke::revoke_share))
        .routes(routes!(access_log::list::list_accesses))
        .routes(routes!(tokens::list::list_tokens, tokens::create::create_token))
        .routes(routes!(tokens::revoke::revoke_token))
        .routes(routes!(webhooks::list::list_webhooks, webhooks::create::create_webhook))
        .routes(routes!(webhooks::get::get_webhook, webhooks::change::change_webhook, webhooks::delete::delete_webhook))
        .routes(routes!(webhooks::test::test_webhook))
        .routes(routes!(webhooks::deliveries::list_deliveries))
        .routes(routes!(webhooks::redeliver::redeliver))
        .routes(routes!(reports::list::list_reports, reports::create::create_report))
        .routes(routes!(reports::delete::delete_report))
        .routes(routes!(reports::send::send_report))
        .routes(routes!(reports::document::get_report_document))
        .routes(routes!(alerts::list::list_alerts))
        .routes(routes!(alerts::list::get_alert))
        .routes(routes!(alerts::acknowledge::acknowledge_alert))
        .routes(routes!(alerts::rules::list_alert_rules))
        .routes(routes!(alerts::rules::put_alert_rule, alerts::rules::delete_alert_rule))
        .routes(routes!(subjects::get::get_subject, subjects::erase::erase_subject))
        .routes(routes!(subjects::export::export_subject))
        .routes(routes!(subjects::hold::hold_subject, subjects::hold::release_subject))
        .routes(routes!(subjects::restrict::restrict_subject, subjects::restrict::unrestrict_subject))
        .routes(routes!(exports::list::list_exports, exports::create::create_export))
        .routes(routes!(exports::get::get_export))
        .routes(routes!(exports::bundle::get_bundle))
        .routes(
            routes!(attachments::list::list_attachments, attachments::put::put_attachment)
                .layer(DefaultBodyLimit::max(attachments::put::BODY_LIMIT)),
        )
        .routes(routes!(attachments::delete::delete_attachment))
        .routes(routes!(quality::get::data_quality))
        .routes(routes!(quality::ranges::data_quality_ranges))
        .routes(routes!(rebuilds::list::list_rebuilds, rebuilds::create::create_rebuild))
        .routes(routes!(rebuilds::get::get_rebuild))
        .routes(routes!(audits::list::list_ledger_audits, audits::create::create_ledger_audit))
        .routes(routes!(audits::get::get_ledger_audit))
        .routes(routes!(letters::list::list_dead_letters))
        .routes(routes!(letters::replay::replay_dead_letters))
        .routes(routes!(ledger::list::list_logs))
        .routes(routes!(ledger::checkpoint::get_checkpoint))
        .routes(routes!(ledger::receipt::redeem))
        .routes(routes!(subjects::mine::get_mine))
}

/// The role's routes: the API under `/api`, the public logs under `/log`, the page under everything else.
pub fn router(api: Arc<Api>) -> Router {
    let (routes, _) = described().split_for_parts();
    let not_event_streams = DefaultPredicate::new().and(NotForContentType::const_new("application/zip"));
    routes
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/docs", get(reference::serve))
        .merge(ledger::routes())
        .merge(page::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .with_state(Arc::clone(&api))
        .layer(from_fn_with_state(Arc::clone(&api), access_log::noted))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CompressionLayer::new().compress_when(not_event_streams))
        .layer(from_fn_with_state(Arc::clone(&api), serving))
        .layer(from_fn_with_state(Arc::clone(&api), allowance::spend))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api, counted))
        .layer(secure(
            "content-security-policy",
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ))
        .layer(secure("x-content-type-options", "nosniff"))
        .layer(secure("referrer-policy", "no-referrer"))
        .layer(secure("cross-origin-opener-policy", "same-origin"))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(answered))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

fn secure(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// The query string is left out: it may name a subject.
fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("http", method = %request.method(), request_id = id)
}

fn answered<B>(response: &http::Response<B>, elapsed: Duration, _: &tracing::Span) {
    tracing::debug!(http.status = response.status().as_u16(), elapsed_ms = elapsed.as_millis() as u64, "api.answered");
}

/// Counts the answer by its route, never by its path: that may name a subject.
async fn counted(State(api): State<Arc<Api>>, request: axum::extract::Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let is_own = ["/api/", "/log", "/receipt/", "/v1/"].iter().any(|prefix| route.starts_with(prefix));
    let route = if is_own { route } else { "other" }.to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let metrics = &api.metrics.api;
    metrics.seconds.with_label_values(&[&route]).observe(begun.elapsed().as_secs_f64());
    metrics.requests.with_label_values(&[&route, &response.status().as_u16().to_string()]).inc();
    response
}

/// Nothing is told while erasures that a restored warehouse does not know are being applied.
async fn serving(State(api): State<Arc<Api>>, request: axum::extract::Request, next: Next) -> Response {
    if api.serving.load(Ordering::Acquire) || !request.uri().path().starts_with("/api/v1/") {
        return next.run(request).await;
    }
    let detail = "erasures are being applied to what was restored; the processor must be running";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "erasures_pending", detail).into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::internal("this is a defect; the log says more, under the request's id").into_response()
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

async fn not_found(uri: Uri) -> Response {
    let mut response = Problem::not_found("not_found", format!("there is nothing at {}", uri.path())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
