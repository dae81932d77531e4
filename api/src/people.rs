//! `/api/v1/people`: who may sign in. An invitation's secret is in the answer that makes it, and nowhere else.

pub mod change;
pub mod create;
pub mod get;
pub mod invite;
pub mod list;
pub mod redeem;
pub mod remove;

use avow_control::{Caller, People, PeopleError};
use avow_schemas::control::Scope;
use avow_schemas::ids::SiteId;
use avow_schemas::people::{InvitationRecord, PersonRecord, Role};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::require;
use crate::problem::Problem;
use crate::{Api, moment};

/// Somebody who may sign in.
#[derive(Serialize, ToSchema)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    /// `analyst`, `auditor`, `admin`.
    pub role: &'static str,
    /// Limited to these sites; null: all.
    pub sites: Option<Vec<String>>,
    /// RFC 3339.
    pub made_at: String,
    /// Not allowed to sign in since then.
    pub disabled_at: Option<String>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether they have signed in at the provider of identities (OpenID Connect).
    pub has_identity: bool,
    /// Until when an invitation that is not redeemed holds.
    pub invited_until: Option<String>,
}

impl Person {
    fn of(people: &People, record: &PersonRecord) -> Self {
        let is_open = |invitation: &&std::sync::Arc<InvitationRecord>| {
            invitation.redeemed.is_none() && invitation.expires_at > moment::now()
        };
        Self {
            id: record.id,
            name: record.name.clone(),
            email: record.email.clone(),
            role: record.role.as_str(),
            sites: record.sites.as_ref().map(|sites| sites.iter().map(ToString::to_string).collect()),
            made_at: moment::written(record.made_at),
            disabled_at: record.disabled_at.map(moment::written),
            has_password: people.credential(record.id).is_some_and(|credential| credential.password.is_some()),
            has_identity: people.has_identity(record.id),
            invited_until: people
                .invitation(record.id)
                .filter(is_open)
                .map(|invitation| moment::written(invitation.expires_at)),
        }
    }
}

/// A person with an invitation just made.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    #[serde(flatten)]
    pub person: Person,
    /// To be put behind this server's address and handed to the person: `/invite#...`. It works once, for 7 days, and is
    /// shown this once. Browsers send no server what stands behind `#`.
    pub invitation: String,
}

impl Invited {
    fn of(people: &People, record: &PersonRecord, secret: &str) -> Self {
        Self { person: Person::of(people, record), invitation: format!("/invite#{secret}") }
    }
}

/// Whether a caller who is limited to sites may handle somebody of these sites: only who sees no more than the caller.
fn within(caller: &Caller, sites: Option<&[SiteId]>) -> bool {
    match (caller.sites(), sites) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(sites)) => sites.iter().all(|site| caller.may_see(site.as_str())),
    }
}

/// A person whom the caller may administer.
///
/// # Errors
/// 403 without the scope or beyond the caller's sites, 404 where there is none.
fn handled(api: &Api, caller: &Caller, id: Uuid) -> Result<std::sync::Arc<PersonRecord>, Problem> {
    require(caller, Scope::Admin, None)?;
    let directory = api.control.directory();
    let person = directory.people().person(id).cloned();
    let person = person.ok_or_else(|| Problem::not_found("unknown_person", format!("there is no person {id}")))?;
    if within(caller, person.sites.as_deref()) {
        may_give(caller, person.role)?;
        return Ok(person);
    }
    Err(Problem::forbidden("site_forbidden", "that person sees more sites than you"))
}

pub(crate) fn name(asked: &str) -> Result<String, Problem> {
    let name = asked.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Problem::unprocessable("invalid_value", "name must have 1 to 200 characters").at("/name"));
    }
    Ok(name.to_owned())
}

/// An e-mail address in lower case. That it works is shown by the invitation alone.
pub(crate) fn email(asked: &str) -> Result<String, Problem> {
    let email = asked.trim().to_lowercase();
    let is_one = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let is_plain = email.matches('@').count() == 1 && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_one && is_plain && email.len() <= 254 {
        return Ok(email);
    }
    Err(Problem::unprocessable("invalid_value", "email must be an e-mail address").at("/email"))
}

/// Nobody can hand on what they do not have.
fn role(asked: &str, caller: &Caller) -> Result<Role, Problem> {
    let unknown = || Problem::unprocessable("unknown_role", format!("{asked:?} is no role: analyst, auditor, admin"));
    let role = Role::parse(asked).ok_or_else(|| unknown().at("/role"))?;
    may_give(caller, role).map_err(|problem| problem.at("/role"))?;
    Ok(role)
}

fn may_give(caller: &Caller, role: Role) -> Result<(), Problem> {
    role.scopes().iter().try_for_each(|scope| require(caller, *scope, None))
}

/// What stands in the way, as a problem.
fn refused(error: PeopleError) -> Problem {
    let conflict =
        |code, at: &str, error: &PeopleError| Problem::new(StatusCode::CONFLICT, code, error.to_string()).at(at);
    match error {
        PeopleError::EmailTaken => conflict("email_taken", "/email", &error),
        PeopleError::LastAdmin => Problem::new(StatusCode::CONFLICT, "last_admin", error.to_string()),
        PeopleError::Unknown => Problem::not_found("unknown_person", error.to_string()),
        PeopleError::InvitationGone => Problem::new(StatusCode::GONE, "invitation_gone", error.to_string()),
        PeopleError::OtherIdentity => Problem::new(StatusCode::CONFLICT, "other_identity", error.to_string()),
        PeopleError::Control(error) => crate::sites::put::refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case() {
        assert_eq!(email(" Ada@Example.ORG ").unwrap(), "ada@example.org");
        for bad in ["", "ada", "@example.org", "ada@", "a b@example.org", "a@b@c", "a\n@example.org"] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }
}
