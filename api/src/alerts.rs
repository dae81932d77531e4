//! `/api/v1/alerts`: what is not as usual, and who has seen it. `/api/v1/alert-rules`: from when on something is.

pub mod acknowledge;
pub mod list;
pub mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use avow_warehouse::alerts::{Acknowledgement, Alert as Stored};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::require;
use crate::problem::Problem;
use crate::{Api, moment};

/// Something that is not as usual, or was not.
#[derive(Serialize, ToSchema)]
pub struct Alert {
    pub id: Uuid,
    /// `consent_rate`, `before_consent`, `ingestion_silent`, `checkpoint_late`.
    pub rule: String,
    /// Null: the installation as a whole.
    pub site: Option<String>,
    /// The service, or the ledger; null: the site.
    pub about: Option<String>,
    /// When what was seen began, RFC 3339.
    pub since: String,
    pub opened_at: String,
    /// Null: it is open.
    pub closed_at: Option<String>,
    /// What was seen; the members depend on the rule (`docs/alerts.md`).
    #[schema(value_type = Object)]
    pub seen: Value,
    /// What was expected, by which method and with which thresholds.
    #[schema(value_type = Object)]
    pub expected: Value,
    /// What was seen when it was closed.
    #[schema(value_type = Object)]
    pub ended: Option<Value>,
    pub acknowledged: Option<Seen>,
    /// Where the page shows it.
    pub link: String,
}

/// Who has seen an alert.
#[derive(Serialize, ToSchema)]
pub struct Seen {
    /// RFC 3339.
    pub at: String,
    /// The token's id.
    pub by: Uuid,
    pub note: String,
}

impl Alert {
    fn of(stored: &Stored, seen: Option<&Acknowledgement>) -> Self {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            id: stored.id,
            rule: stored.rule.clone(),
            site: given(&stored.site),
            about: given(&stored.about),
            since: moment::written(stored.since),
            opened_at: moment::written(stored.opened_at),
            closed_at: (!stored.is_open()).then(|| moment::written(stored.closed_at)),
            seen: read(&stored.seen),
            expected: read(&stored.expected),
            ended: (!stored.is_open()).then(|| read(&stored.ended)),
            acknowledged: seen.map(|seen| Seen { at: moment::written(seen.at), by: seen.by, note: seen.note.clone() }),
            link: format!("/alerts?id={}", stored.id),
        }
    }
}

/// Alerts with who has seen them.
async fn with_seen(api: &Api, stored: &[Stored]) -> Result<Vec<Alert>, Problem> {
    let ids: Vec<Uuid> = stored.iter().map(|alert| alert.id).collect();
    let seen = api.warehouse.acknowledgements(&ids).await?;
    let seen: HashMap<Uuid, Acknowledgement> = seen.into_iter().map(|seen| (seen.alert, seen)).collect();
    Ok(stored.iter().map(|alert| Alert::of(alert, seen.get(&alert.id))).collect())
}

/// An alert that the caller may see.
async fn seen_by(api: &Arc<Api>, caller: &Caller, id: Uuid) -> Result<Stored, Problem> {
    require(caller, Scope::StatsRead, None)?;
    let alert = api.warehouse.alert(id).await?;
    let alert = alert
        .filter(|alert| if alert.site.is_empty() { caller.sites().is_none() } else { caller.may_see(&alert.site) });
    alert.ok_or_else(|| Problem::not_found("unknown_alert", format!("there is no alert {id}")))
}
