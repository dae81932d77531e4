//! Shared views: a link that shows one view, as long as whoever made it may see it.

use std::sync::Arc;

use avow_schemas::control::{ControlValue, Scope};
use avow_schemas::ids::SiteId;
use avow_schemas::people::{ShareRecord, SharedPeriod};
use uuid::Uuid;

use super::change::record;
use super::{Control, ControlError, now, same};
use crate::token::{self, Caller, Secret};

/// A view to be shared.
#[derive(Debug, Clone)]
pub struct NewShare {
    pub name: String,
    pub path: String,
    pub sites: Option<Vec<SiteId>>,
    pub period: SharedPeriod,
    /// The person or token that shares it.
    pub by: Uuid,
    /// ms since 1970.
    pub expires_at: i64,
}

impl Control {
    /// Shares a view, and clears away links that have expired; the link's secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn create_share(&self, new: NewShare) -> Result<(ShareRecord, String), ControlError> {
        let id = Uuid::now_v7();
        let secret = token::fresh(Secret::Share, id)?;
        let NewShare { name, path, sites, period, by, expires_at } = new;
        let hash = token::hash(&secret);
        let share = ShareRecord { id, name, path, sites, period, hash, by, made_at: now(), expires_at };
        let directory = self.directory();
        let over = directory.people().shares().into_iter().filter(|other| other.expires_at <= share.made_at);
        let mut records = over.map(|other| record(&other.key(), None)).collect::<Result<Vec<_>, _>>()?;
        records.push(record(&share.key(), Some(&ControlValue::Share(share.clone())))?);
        self.append(records).await?;
        Ok((share, secret))
    }

    /// Revokes a link. `false` where there is none of that id.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn revoke_share(&self, id: Uuid) -> Result<bool, ControlError> {
        if self.directory().people().share(id).is_none() {
            return Ok(false);
        }
        self.put(&format!("share/{id}"), None).await?;
        Ok(true)
    }

    /// Who has this link now; `None` where it is none of ours, revoked or expired, or its creator may not see it any more.
    pub fn authenticate_share(&self, secret: &str) -> Option<Caller> {
        let share = self.directory().people().share(token::id_of(Secret::Share, secret)?).cloned()?;
        same(&share.hash, &token::hash(secret)).then(|| self.shared(&share)).flatten()
    }

    /// What a link shows now, asked by whoever has shown its secret before.
    pub fn shared(&self, share: &ShareRecord) -> Option<Caller> {
        if share.expires_at <= now() {
            return None;
        }
        let of_creator = self.sites_of(share.by)?;
        let sites = match (&share.sites, of_creator) {
            (None, of_creator) => of_creator,
            (Some(sites), None) => Some(sites.clone()),
            (Some(sites), Some(of_creator)) => {
                Some(sites.iter().filter(|site| of_creator.contains(site)).cloned().collect())
            }
        };
        // A view of several sites does not go on as a view of fewer.
        let lost = share.sites.as_ref().is_some_and(|all| sites.as_ref().is_some_and(|left| left.len() < all.len()));
        (!lost).then(|| Caller::share(share, sites))
    }

    /// The sites whose numbers a person or a token may read now, `Some(None)` being all; `None` where they may read none.
    fn sites_of(&self, id: Uuid) -> Option<Option<Vec<SiteId>>> {
        if id.is_nil() {
            return self.bootstrap.is_some().then_some(None);
        }
        let directory = self.directory();
        if let Some(token) = directory.token(id) {
            let holds = token.scopes.contains(&Scope::StatsRead) && token.expires_at.is_none_or(|at| at > now());
            return holds.then(|| token.sites.clone());
        }
        let people = directory.people();
        let person: &Arc<_> = people.person(id)?;
        (people.may_sign_in(person) && person.role.scopes().contains(&Scope::StatsRead)).then(|| person.sites.clone())
    }
}
