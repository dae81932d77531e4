//! Step 1: the site is known, and the sender's token, if there is one, may speak for it. Before this step nothing about
//! the event is kept anywhere, so that a flood of made-up sites fills nothing.

use std::sync::Arc;

use avow_control::{Directory, SiteHistory};
use avow_schemas::fate::{RejectCode, Rejection};
use avow_schemas::ids::SiteId;
use avow_schemas::settings::SiteVersion;

use crate::decode::{Fields, Name};
use crate::sender::Sender;

/// A site that has settings.
#[derive(Debug, Clone, Copy)]
pub struct Known<'d> {
    pub site: &'d SiteId,
    pub history: &'d SiteHistory,
}

impl Known<'_> {
    /// The settings as they are now: who may send, how much, into how many shards.
    pub fn now(&self) -> &Arc<SiteVersion> {
        self.history.current()
    }
}

/// Why an event has no site.
#[derive(Debug)]
pub enum NoSite {
    Refused(Rejection),
    /// The token is limited to other sites. To the event's sender that is an unknown site; a request of nothing else is
    /// answered 403.
    Forbidden,
}

/// Finds the event's site.
///
/// # Errors
/// `missing_field`, `invalid_value`, `unknown_site`.
pub fn known<'d>(fields: &Fields<'_>, sender: &Sender, directory: &'d Directory) -> Result<Known<'d>, NoSite> {
    let field = fields.field(Name::Site);
    let name = field.text(253).map_err(NoSite::Refused)?;
    let name = name.ok_or_else(|| NoSite::Refused(field.missing()))?;
    let unknown = || NoSite::Refused(Rejection::new(RejectCode::UnknownSite, "/site: no such site here"));
    let history = directory.site(name).ok_or_else(unknown)?;
    if sender.caller.as_ref().is_some_and(|caller| !caller.may_see(name)) {
        return Err(NoSite::Forbidden);
    }
    Ok(Known { site: &history.current().site, history })
}
