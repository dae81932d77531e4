//! `GET /api/v1/subjects/{id}/export`: everything there is of a person, for her (Art. 15 and 20 GDPR).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use avow_schemas::catalog::{Catalog, FALLBACK_LANGUAGE, LANGUAGES};
use avow_schemas::control::Scope;
use avow_schemas::leaf;
use avow_warehouse::export::ExportScope;
use avow_warehouse::records::{Choice, Content, Record};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::mark::Marked;
use super::{site, somebody, unknown};
use crate::access::Bearer;
use crate::extract::{Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

/// Nobody decides so often; more is a machine, and its records are to be had by an audit export.
const MOST_RECORDS: u64 = 100_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct How {
    pub site: String,
    /// Of what is said about services: `en`, `fr`, `de`, `es`.
    pub language: Option<String>,
}

/// Everything there is of a subject on a site.
#[derive(Serialize, ToSchema)]
pub struct SubjectExport {
    pub format: &'static str,
    pub made_at: String,
    pub site: String,
    pub subject: Uuid,
    /// Every event, as it was accepted and as it was understood.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<Value>,
    /// Who is responsible, for what purposes, on what basis, for how long: of the site's settings in force.
    #[schema(value_type = Object)]
    pub controller: Value,
    /// By slug, what the catalogue knows of the services that the records name: recipients, storage, retention, transfers;
    /// null: nothing.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub services: BTreeMap<String, Value>,
    pub hold: Option<Marked>,
    pub restriction: Option<Marked>,
}

/// A person's data in one answer, a restricted person's too.
#[utoipa::path(
    get, path = "/api/v1/subjects/{id}/export", operation_id = "exportSubject", tag = "audit",
    params(("id" = Uuid, Path, description = "The subject"), How),
    responses(
        (status = 200, body = SubjectExport),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No event of this subject on this site", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn export_subject(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(id): Segments<Uuid>,
    Parameters(asked): Parameters<How>,
) -> Result<Response, Problem> {
    let site = site(&api, &caller, Scope::AuditExport, &asked.site)?;
    let subject = somebody(id, &asked.site)?;
    let language = asked.language.as_deref().unwrap_or(FALLBACK_LANGUAGE);
    if !LANGUAGES.contains(&language) {
        let problem = Problem::unprocessable("unknown_language", format!("there is no text in {language:?}"));
        return Err(problem.at("language").with("known", json!(LANGUAGES)));
    }
    let body = held(&api, site.as_str(), subject, language).await?.ok_or_else(|| unknown(id, &asked.site))?;
    tracing::info!(%site, by = %caller.id, "api.subject_exported");
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// Everything there is of a subject on a site; none where there is no event of hers.
pub(super) async fn held(
    api: &Api,
    site: &str,
    subject: Uuid,
    language: &str,
) -> Result<Option<SubjectExport>, Problem> {
    let records = records(api, site, subject).await?;
    if records.is_empty() {
        return Ok(None);
    }
    let directory = api.control.directory();
    let settings = directory.site(site).map(|history| json!(history.current().settings)).unwrap_or_default();
    let of_settings = |field: &&str| Some(((*field).to_owned(), settings.get(field)?.clone()));
    let told = [
        "name",
        "controllers",
        "processor",
        "purposes",
        "retention",
        "validity_days",
        "notice_url",
        "authority",
        "withdrawal",
    ];
    Ok(Some(SubjectExport {
        format: "avow-subject/1",
        made_at: moment::written(moment::now()),
        services: services(&directory.catalog(), &records, language),
        records,
        controller: Value::Object(told.iter().filter_map(of_settings).collect()),
        hold: directory.hold(site, subject).map(|mark| Marked::of(mark)),
        restriction: directory.restriction(site, subject).map(|mark| Marked::of(mark)),
        site: site.to_owned(),
        subject,
    }))
}

async fn records(api: &Api, site: &str, subject: Uuid) -> Result<Vec<Value>, Problem> {
    let log_id = api.log.identity().log_id;
    let scope = ExportScope {
        site: site.to_owned(),
        from: 0,
        to: moment::END,
        subject: Some(subject),
        services: Vec::new(),
        without: Vec::new(),
        log_id,
        upto: api.warehouse.stands(log_id).await?,
        ends: None,
    };
    let extent = api.warehouse.export_extent(&scope).await?;
    if extent.rows > MOST_RECORDS {
        let detail = format!("the subject has {} records: make an audit export with this `subject`", extent.rows);
        return Err(Problem::unprocessable("too_many_records", detail));
    }
    let mut stored = api.warehouse.histories(&scope)?;
    let mut records = Vec::new();
    while let Some(record) = stored.next().await? {
        records.extend(shown(&record));
    }
    Ok(records)
}

/// An event by the names of `schemas/leaf/v1.md`, moments as RFC 3339, and with it what it means for each service.
fn shown(record: &Record) -> Option<Value> {
    let Content::Event { event, pairs } = &record.content else { return None };
    let mut shown =
        json!({"logged_at": moment::written(record.logged_at), "ledger": record.ledger, "leaf": record.leaf});
    leaf::each_field(event, |name, value| {
        let value: Value = serde_json::from_slice(value).unwrap_or_default();
        match (name.split_once('/'), value.as_i64()) {
            (Some((map, key)), _) => shown[map][key] = value,
            (None, Some(ms)) if name.ends_with("_at") => shown[name] = moment::written(ms).into(),
            (None, _) => shown[name] = value,
        }
    });
    let pair = |pair: &Choice| json!({"service": pair.service, "category": pair.category, "state": pair.state, "disclosure": pair.disclosure});
    shown["pairs"] = pairs.iter().map(pair).collect();
    Some(shown)
}

/// What the catalogue knows of the services that the records name.
fn services(catalog: &Catalog, records: &[Value], language: &str) -> BTreeMap<String, Value> {
    let pairs = records.iter().filter_map(|record| record["pairs"].as_array()).flatten();
    let named: BTreeSet<&str> = pairs.filter_map(|pair| pair["service"].as_str()).collect();
    let known = |slug: &str| catalog.localized(slug, language).unwrap_or_default();
    named.into_iter().map(|slug| (slug.to_owned(), known(slug))).collect()
}
