//! `/api/v1/tokens`: a token's secret is in the answer that makes it, and nowhere else.

pub mod create;
pub mod list;
pub mod revoke;

use avow_control::Caller;
use avow_schemas::control::TokenRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment;

/// A token without its secret.
#[derive(Serialize, ToSchema)]
pub struct Token {
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
    pub name: String,
    /// `events:write`, `stats:read`, `audit:read`, `audit:export`, `subjects:erase`, `admin`.
    pub scopes: Vec<String>,
    /// Limited to these sites; null: all.
    pub sites: Option<Vec<String>>,
    /// RFC 3339.
    pub made_at: String,
    pub expires_at: Option<String>,
}

impl Token {
    fn of(record: &TokenRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            scopes: record.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            sites: record.sites.as_ref().map(|sites| sites.iter().map(ToString::to_string).collect()),
            made_at: moment::written(record.made_at),
            expires_at: record.expires_at.map(moment::written),
        }
    }
}

/// Whether a caller who is limited to sites may handle a token of these sites: only if it goes no further than the caller.
fn within(caller: &Caller, record: &TokenRecord) -> bool {
    match (caller.sites(), &record.sites) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(sites)) => sites.iter().all(|site| caller.may_see(site.as_str())),
    }
}
