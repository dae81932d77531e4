//! What legal holds and restrictions have in common: how they are asked for and shown.

use std::sync::Arc;

use avow_control::{Asked, Caller, MarkKind};
use avow_schemas::control::Scope;
use avow_schemas::rights::Mark;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{reason, site, somebody};
use crate::problem::Problem;
use crate::sites::put::refused;
use crate::{Api, moment};

/// Why, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "claim 4711", "until": "2027-01-01"}))]
pub struct NewMark {
    /// It is kept when the subject is gone, and must not name it.
    pub reason: String,
    /// A day (its midnight in UTC) or an instant; without it, until it is ended.
    #[serde(default)]
    pub until: Option<String>,
}

/// A hold or a restriction.
#[derive(Debug, Serialize, ToSchema)]
pub struct Marked {
    pub reason: String,
    pub since: String,
    pub until: Option<String>,
    /// The token that asked.
    pub by: Uuid,
    pub in_force: bool,
    pub ended_at: Option<String>,
    /// The token that ended it.
    pub ended_by: Option<Uuid>,
}

impl Marked {
    pub fn of(mark: &Mark) -> Self {
        Self {
            reason: mark.reason.clone(),
            since: moment::written(mark.made_at),
            until: mark.until.map(moment::written),
            by: mark.by,
            in_force: mark.is_in_force(moment::now()),
            ended_at: mark.ended.as_ref().map(|ended| moment::written(ended.at)),
            ended_by: mark.ended.as_ref().map(|ended| ended.by),
        }
    }
}

/// Sets a mark, durably and in force here.
pub async fn set(
    api: &Arc<Api>,
    kind: MarkKind,
    caller: &Caller,
    (name, subject): (&str, Uuid),
    new: NewMark,
) -> Result<Marked, Problem> {
    let site = site(api, caller, Scope::SubjectsErase, name)?;
    let subject = somebody(subject, name)?;
    let reason = reason(Some(&new.reason), subject).map_err(|problem| problem.at("/reason"))?;
    let read = |text: &str| {
        let until = moment::read(text).filter(|until| *until > moment::now());
        let invalid = || Problem::unprocessable("invalid_value", format!("{text:?} is no day or instant to come"));
        until.ok_or_else(|| invalid().at("/until"))
    };
    let until = new.until.as_deref().map(read).transpose()?;
    let asked = Asked { site: &site, subject, reason: &reason, by: caller.id };
    let mark = api.control.mark(kind, asked, until).await.map_err(refused)?;
    tracing::info!(%site, ?kind, by = %caller.id, "api.subject_marked");
    Ok(Marked::of(&mark))
}

/// Ends a mark.
pub async fn end(
    api: &Arc<Api>,
    kind: MarkKind,
    caller: &Caller,
    (name, subject): (&str, Uuid),
) -> Result<Marked, Problem> {
    let site = site(api, caller, Scope::SubjectsErase, name)?;
    let ended = api.control.unmark(kind, &site, subject, caller.id).await.map_err(refused)?;
    let mark = ended.ok_or_else(|| Problem::not_found("not_in_force", "nothing of the kind is in force"))?;
    tracing::info!(%site, ?kind, by = %caller.id, "api.subject_unmarked");
    Ok(Marked::of(&mark))
}
