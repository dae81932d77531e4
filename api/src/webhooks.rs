//! `/api/v1/webhooks`: where messages go. A webhook's secret is in the answer that makes it, and nowhere else.

pub mod change;
pub mod create;
pub mod delete;
pub mod deliveries;
pub mod get;
pub mod list;
pub mod redeliver;
pub mod test;

use std::sync::Arc;

use avow_control::Caller;
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::webhook::{MessageKind, WebhookRecord};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::require;
use crate::problem::Problem;
use crate::{Api, moment};

/// The longest address and description, in characters.
const LONGEST: usize = 1000;

/// A webhook without its secret.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    pub id: Uuid,
    pub url: String,
    /// `alert.opened`, `alert.closed`, `report.ready`.
    pub events: Vec<String>,
    /// Of these sites; null: of all, and of the installation as a whole.
    pub sites: Option<Vec<String>>,
    pub description: String,
    /// RFC 3339.
    pub made_at: String,
    /// Since when it is told nothing; null: it is told.
    pub disabled_at: Option<String>,
    pub disabled_reason: Option<String>,
}

impl Webhook {
    fn of(record: &WebhookRecord) -> Self {
        Self {
            id: record.id,
            url: record.url.clone(),
            events: record.events.iter().map(|kind| kind.as_str().to_owned()).collect(),
            sites: record.sites.as_ref().map(|sites| sites.iter().map(ToString::to_string).collect()),
            description: record.description.clone(),
            made_at: moment::written(record.made_at),
            disabled_at: record.disabled.as_ref().map(|disabled| moment::written(disabled.at)),
            disabled_reason: record.disabled.as_ref().map(|disabled| disabled.reason.clone()),
        }
    }
}

/// Whether a caller who is limited to sites may handle a webhook of these sites: only if it tells no more than the caller
/// may see.
pub(crate) fn within(caller: &Caller, sites: Option<&[SiteId]>) -> bool {
    match (caller.sites(), sites) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(sites)) => sites.iter().all(|site| caller.may_see(site.as_str())),
    }
}

/// A webhook that the caller may handle.
pub(crate) fn handled(api: &Api, caller: &Caller, id: Uuid) -> Result<Arc<WebhookRecord>, Problem> {
    require(caller, Scope::Admin, None)?;
    let unknown = || Problem::not_found("unknown_webhook", format!("there is no webhook {id}"));
    let record = api.control.directory().webhook(id).cloned().ok_or_else(unknown)?;
    if within(caller, record.sites.as_deref()) {
        return Ok(record);
    }
    Err(Problem::forbidden("site_forbidden", "that webhook is told of more sites than your token is for"))
}

/// An address to which messages may go.
fn url(asked: &str, api: &Api) -> Result<String, Problem> {
    let problem = |detail: String| Problem::unprocessable("invalid_url", detail).at("/url");
    if asked.chars().count() > LONGEST {
        return Err(problem(format!("url must have at most {LONGEST} characters")));
    }
    let url = api.webhooks.allowed().check(asked.trim()).map_err(|error| problem(format!("url {error}")))?;
    Ok(url.into())
}

fn events(asked: &[String]) -> Result<Vec<MessageKind>, Problem> {
    let mut events = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let kind = MessageKind::parse(name).filter(|kind| *kind != MessageKind::Test).ok_or_else(|| {
            let detail = format!("{name:?} is none of alert.opened, alert.closed, report.ready");
            Problem::unprocessable("unknown_event", detail).at(format!("/events/{i}"))
        })?;
        if !events.contains(&kind) {
            events.push(kind);
        }
    }
    if events.is_empty() {
        return Err(Problem::unprocessable("unknown_event", "name at least one event").at("/events"));
    }
    Ok(events)
}

/// The sites that are named, each of them there and the caller's; none named: all, if the caller may see all.
pub(crate) fn sites(
    asked: Option<&[String]>,
    caller: &Caller,
    scope: Scope,
    api: &Api,
) -> Result<Option<Vec<SiteId>>, Problem> {
    let Some(asked) = asked else {
        return match caller.sites() {
            None => Ok(None),
            Some(_) => {
                Err(Problem::forbidden("site_forbidden", "your token is limited to sites: name some of them")
                    .at("/sites"))
            }
        };
    };
    let directory = api.control.directory();
    let mut sites = Vec::with_capacity(asked.len());
    for (i, name) in asked.iter().enumerate() {
        let at = format!("/sites/{i}");
        require(caller, scope, Some(name)).map_err(|problem| problem.at(&at))?;
        let site = SiteId::new(name).ok().filter(|site| directory.site(site.as_str()).is_some());
        sites.push(
            site.ok_or_else(|| Problem::unprocessable("unknown_site", format!("there is no site {name:?}")).at(&at))?,
        );
    }
    if sites.is_empty() {
        return Err(Problem::unprocessable("unknown_site", "name at least one site, or leave `sites` out").at("/sites"));
    }
    Ok(Some(sites))
}

fn description(asked: &str) -> Result<String, Problem> {
    if asked.chars().count() > LONGEST {
        let detail = format!("description must have at most {LONGEST} characters");
        return Err(Problem::unprocessable("invalid_value", detail).at("/description"));
    }
    Ok(asked.trim().to_owned())
}
