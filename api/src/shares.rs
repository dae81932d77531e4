//! `/api/v1/shares`: links that show one view to whoever has them. A link's secret is in the answer that makes it, and nowhere
//! else.

pub mod create;
pub mod list;
pub mod revoke;
mod view;

use avow_control::{Caller, Directory};
use avow_schemas::control::Scope;
use avow_schemas::people::{ShareRecord, SharedPeriod};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Api, moment};

/// A shared view without its secret.
#[derive(Serialize, ToSchema)]
pub struct Share {
    pub id: Uuid,
    pub name: String,
    /// The view: a path of the page with its query string.
    pub path: String,
    /// The sites in the view; null: all that its creator may see.
    pub sites: Option<Vec<String>>,
    /// The first and the last day that it shows; null: the last `last_days`.
    pub days: Option<[String; 2]>,
    pub last_days: Option<u32>,
    /// Who made it: a person's or a token's id, and name while they are there.
    pub by: Uuid,
    pub by_name: Option<String>,
    /// RFC 3339.
    pub made_at: String,
    pub expires_at: String,
    /// Whether it shows something now: not once it has expired, or its creator may not see it any more.
    pub works: bool,
}

impl Share {
    fn of(api: &Api, directory: &Directory, record: &ShareRecord) -> Self {
        let (days, last_days) = match &record.period {
            SharedPeriod::Days(first, last) => (Some([first.clone(), last.clone()]), None),
            SharedPeriod::Last(days) => (None, Some(*days)),
        };
        Self {
            id: record.id,
            name: record.name.clone(),
            path: record.path.clone(),
            sites: record.sites.as_ref().map(|sites| sites.iter().map(ToString::to_string).collect()),
            days,
            last_days,
            by: record.by,
            by_name: directory.called(record.by).map(str::to_owned),
            made_at: moment::written(record.made_at),
            expires_at: moment::written(record.expires_at),
            works: api.control.shared(record).is_some(),
        }
    }
}

/// Whether a caller may see and revoke a link: whoever made it, and who administers its sites.
fn handles(caller: &Caller, share: &ShareRecord) -> bool {
    let of_its_sites = || match (caller.sites(), &share.sites) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(sites)) => sites.iter().all(|site| caller.may_see(site.as_str())),
    };
    share.by == caller.id || (caller.has(Scope::Admin) && of_its_sites())
}
