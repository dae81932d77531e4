//! Who somebody that the provider knows is here. From the first sign-in on the provider's subject says it; before that a verified
//! e-mail address, or a group that makes a person.

use std::sync::Arc;

use avow_control::{NewPerson, PeopleError};
use avow_oidc::Identity;
use avow_schemas::people::PersonRecord;

use super::Oidc;
use super::callback::failed;
use super::refusal::Refusal;
use crate::{Api, people};

/// The person, made and bound to the account where that is to be.
pub async fn admitted(api: &Api, oidc: &Oidc, identity: &Identity) -> Result<Arc<PersonRecord>, Refusal> {
    let directory = api.control.directory();
    if let Some(person) = directory.people().by_identity(&identity.issuer, &identity.subject) {
        return allowed(Arc::clone(person));
    }
    // An address that nobody has looked at says nothing about who it is.
    let email = identity.email.as_deref().filter(|_| identity.email_verified).ok_or(Refusal::Unverified)?;
    let person = match directory.people().by_email(email) {
        Some(person) => allowed(Arc::clone(person))?,
        None => made(api, oidc, identity, email).await?,
    };
    let kept = api.control.keep_identity(person.id, &identity.issuer, &identity.subject).await;
    kept.map_err(|error| match error {
        PeopleError::OtherIdentity => Refusal::OtherAccount,
        error => failed(error),
    })?;
    tracing::info!(person = %person.id, "api.identity_kept");
    Ok(person)
}

fn allowed(person: Arc<PersonRecord>) -> Result<Arc<PersonRecord>, Refusal> {
    if person.disabled_at.is_some() { Err(Refusal::Disabled) } else { Ok(person) }
}

/// A person by a group of theirs.
async fn made(api: &Api, oidc: &Oidc, identity: &Identity, email: &str) -> Result<Arc<PersonRecord>, Refusal> {
    let (role, sites) = oidc.granted(&identity.groups).ok_or(Refusal::Unknown)?;
    let email = people::email(email).map_err(|_| Refusal::Unverified)?;
    let name = identity.name.as_deref().and_then(|name| people::name(name).ok()).unwrap_or_else(|| email.clone());
    match api.control.create_person(NewPerson { name, email: email.clone(), role, sites }).await {
        Ok(person) => {
            tracing::info!(person = %person.id, role = role.as_str(), "api.person_made_by_oidc");
            Ok(person)
        }
        // Made at the same time, as by a second click.
        Err(PeopleError::EmailTaken) => {
            let person = api.control.directory().people().by_email(&email).cloned();
            allowed(person.ok_or(Refusal::Failed)?)
        }
        Err(error) => Err(failed(error)),
    }
}
