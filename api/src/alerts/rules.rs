//! `GET /api/v1/alert-rules`, `PUT` and `DELETE /api/v1/alert-rules/{rule}`.

use std::sync::Arc;

use avow_control::{Caller, ControlError};
use avow_schemas::alert::{AlertRuleRecord, Rule, RuleSettings};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Bearer, require, require_whole};
use crate::extract::{Body, Parameters, Segments};
use crate::problem::{Problem, ProblemDocument};
use crate::sites::put::refused;
use crate::{Api, moment};

/// A rule's thresholds for a site, or for all.
#[derive(Serialize, ToSchema)]
pub struct AlertRule {
    /// `consent_rate`, `before_consent`, `ingestion_silent`, `checkpoint_late`.
    pub rule: String,
    /// Null: for every site that has none of its own.
    pub site: Option<String>,
    /// What is in force; the members depend on the rule (`docs/alerts.md`).
    #[schema(value_type = Object)]
    pub thresholds: Value,
    /// What was in force if nothing had been set.
    #[schema(value_type = Object)]
    pub defaults: Value,
    /// When this was set, RFC 3339; null: it is the default.
    pub set_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AlertRules {
    pub rules: Vec<AlertRule>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Where {
    /// For this site alone; without it: for every site that has none of its own.
    pub site: Option<String>,
}

/// The thresholds in force: for all, then what single sites have of their own.
#[utoipa::path(
    get, path = "/api/v1/alert-rules", operation_id = "listAlertRules", tag = "alerts",
    responses(
        (status = 200, body = AlertRules),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_alert_rules(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
) -> Result<Json<AlertRules>, Problem> {
    require(&caller, Scope::StatsRead, None)?;
    let directory = api.control.directory();
    let mut rules = Vec::new();
    for rule in Rule::ALL {
        rules.push(told(&api, *rule, None));
        let own = directory
            .sites()
            .map(|(site, _)| site.as_str())
            .filter(|site| caller.may_see(site) && directory.alert_rule(*rule, Some(site)).is_some());
        rules.extend(own.map(|site| told(&api, *rule, Some(site))));
    }
    Ok(Json(AlertRules { rules }))
}

/// Sets a rule's thresholds, for a site or for all. What is not named has its default.
#[utoipa::path(
    put, path = "/api/v1/alert-rules/{rule}", operation_id = "putAlertRule", tag = "alerts",
    params(("rule" = String, Path, description = "The rule"), Where), request_body = std::collections::HashMap<String, Value>,
    responses(
        (status = 200, body = AlertRule),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn put_alert_rule(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(rule): Segments<String>,
    Parameters(at): Parameters<Where>,
    Body(asked): Body<Value>,
) -> Result<Json<AlertRule>, Problem> {
    let (rule, site) = place(&api, &caller, &rule, at.site.as_deref())?;
    let settings = settings(rule, asked)?.checked().map_err(|error| refused(ControlError::Invalid(error)))?;
    let named = site.as_ref().map(ToString::to_string);
    api.control.put_alert_rule(AlertRuleRecord { site, settings, made_at: moment::now() }).await.map_err(refused)?;
    tracing::info!(rule = rule.as_str(), site = named, by = %caller.id, "api.alert_rule_set");
    Ok(Json(told(&api, rule, named.as_deref())))
}

/// Brings a rule's defaults back, or for a site those of all.
#[utoipa::path(
    delete, path = "/api/v1/alert-rules/{rule}", operation_id = "deleteAlertRule", tag = "alerts",
    params(("rule" = String, Path, description = "The rule"), Where),
    responses(
        (status = 204, description = "In force"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete_alert_rule(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments(rule): Segments<String>,
    Parameters(at): Parameters<Where>,
) -> Result<StatusCode, Problem> {
    let (rule, site) = place(&api, &caller, &rule, at.site.as_deref())?;
    let site = site.as_ref().map(SiteId::as_str);
    if !api.control.delete_alert_rule(rule, site).await.map_err(refused)? {
        return Err(Problem::not_found("not_set", "nothing was set of that rule there"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A rule and a site, if they are there and the caller may set them.
fn place(api: &Api, caller: &Caller, rule: &str, site: Option<&str>) -> Result<(Rule, Option<SiteId>), Problem> {
    match site {
        None => require_whole(caller, Scope::Admin)?,
        Some(site) => require(caller, Scope::Admin, Some(site))?,
    }
    let known =
        Rule::parse(rule).ok_or_else(|| Problem::not_found("unknown_rule", format!("there is no rule {rule:?}")))?;
    let Some(name) = site else { return Ok((known, None)) };
    let site = SiteId::new(name).ok().filter(|site| api.control.directory().site(site.as_str()).is_some());
    let unknown = || Problem::unprocessable("unknown_site", format!("there is no site {name:?}")).at("site");
    Ok((known, Some(site.ok_or_else(unknown)?)))
}

fn settings(rule: Rule, asked: Value) -> Result<RuleSettings, Problem> {
    let read = match rule {
        Rule::ConsentRate => serde_json::from_value(asked).map(RuleSettings::ConsentRate),
        Rule::BeforeConsent => serde_json::from_value(asked).map(RuleSettings::BeforeConsent),
        Rule::IngestionSilent => serde_json::from_value(asked).map(RuleSettings::IngestionSilent),
        Rule::CheckpointLate => serde_json::from_value(asked).map(RuleSettings::CheckpointLate),
    };
    read.map_err(|error| Problem::unprocessable("invalid_value", error.to_string()))
}

fn told(api: &Api, rule: Rule, site: Option<&str>) -> AlertRule {
    let directory = api.control.directory();
    let set = directory.alert_rule(rule, site);
    let defaults = RuleSettings::default_of(rule);
    let in_force =
        set.map_or_else(|| directory.alert_rule_of(rule, site.unwrap_or_default()), |set| set.settings.clone());
    AlertRule {
        rule: rule.as_str().to_owned(),
        site: site.map(str::to_owned),
        thresholds: thresholds(&in_force),
        defaults: thresholds(&defaults),
        set_at: set.map(|set| moment::written(set.made_at)),
    }
}

/// The thresholds alone, without the rule's name.
fn thresholds(settings: &RuleSettings) -> Value {
    let mut value = serde_json::to_value(settings).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("rule");
    }
    value
}
