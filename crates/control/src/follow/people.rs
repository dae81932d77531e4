//! Who may sign in: made, changed, invited, removed. Each change is durable, and in force in this process, once the call
//! returns.

use std::sync::Arc;

use avow_schemas::control::ControlValue;
use avow_schemas::ids::SiteId;
use avow_schemas::people::{Credential, InvitationRecord, PersonRecord, Role};
use uuid::Uuid;

use super::change::record;
use super::{Control, ControlError, now, same};
use crate::People;
use crate::token::{self, Secret};

/// How long an invitation may be redeemed: 7 days.
const INVITED_FOR_MS: i64 = 7 * 86_400_000;

/// What can stand in the way of a change of people.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("somebody has this e-mail address already")]
    EmailTaken,
    #[error("there is no such person")]
    Unknown,
    #[error("this is the last administrator of all sites who can sign in")]
    LastAdmin,
    #[error("the invitation is unknown, redeemed or older than 7 days")]
    InvitationGone,
    #[error("the provider knows this person by another account")]
    OtherIdentity,
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Somebody to be made.
#[derive(Debug, Clone)]
pub struct NewPerson {
    pub name: String,
    /// In lower case.
    pub email: String,
    pub role: Role,
    pub sites: Option<Vec<SiteId>>,
}

/// What is to be another: `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PersonChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub sites: Option<Option<Vec<SiteId>>>,
    pub disabled: Option<bool>,
}

impl Control {
    /// Makes a person, who has no password yet.
    ///
    /// # Errors
    /// [`PeopleError::EmailTaken`]; where the log does not take it.
    pub async fn create_person(&self, new: NewPerson) -> Result<Arc<PersonRecord>, PeopleError> {
        let _one = self.people.lock().await;
        self.catch_up().await?;
        if self.directory().people().by_email(&new.email).is_some() {
            return Err(PeopleError::EmailTaken);
        }
        let NewPerson { name, email, role, sites } = new;
        let person = PersonRecord { id: Uuid::now_v7(), name, email, role, sites, made_at: now(), disabled_at: None };
        self.put(&person.key(), Some(&ControlValue::Person(person.clone()))).await?;
        self.catch_up().await?;
        let first = self.directory().people().by_email(&person.email).cloned();
        if first.is_some_and(|first| first.id == person.id) {
            return Ok(Arc::new(person));
        }
        // Another process has made one with this address at the same time.
        self.put(&person.key(), None).await?;
        Err(PeopleError::EmailTaken)
    }

    /// Changes a person; who is disabled has no session any more.
    ///
    /// # Errors
    /// [`PeopleError::Unknown`], [`PeopleError::LastAdmin`]; where the log does not take it.
    pub async fn change_person(&self, id: Uuid, change: PersonChange) -> Result<Arc<PersonRecord>, PeopleError> {
        let _one = self.people.lock().await;
        self.catch_up().await?;
        let before = self.person(id)?;
        let mut person = PersonRecord::clone(&before);
        person.name = change.name.unwrap_or(person.name);
        person.role = change.role.unwrap_or(person.role);
        person.sites = change.sites.unwrap_or(person.sites);
        let disables = change.disabled == Some(true) && person.disabled_at.is_none();
        match change.disabled {
            Some(true) => person.disabled_at = person.disabled_at.or_else(|| Some(now())),
            Some(false) => person.disabled_at = None,
            None => {}
        }
        if person == *before {
            return Ok(before);
        }
        self.keep_an_admin(&before, person.is_whole_admin())?;
        self.put(&person.key(), Some(&ControlValue::Person(person.clone()))).await?;
        if disables {
            self.end_sessions(id).await?;
        }
        if self.none_is_left(&before).await? {
            self.put(&before.key(), Some(&ControlValue::Person(PersonRecord::clone(&before)))).await?;
            return Err(PeopleError::LastAdmin);
        }
        Ok(Arc::new(person))
    }

    /// Removes a person with everything that is theirs.
    ///
    /// # Errors
    /// [`PeopleError::Unknown`], [`PeopleError::LastAdmin`]; where the log does not take it.
    pub async fn remove_person(&self, id: Uuid) -> Result<(), PeopleError> {
        let _one = self.people.lock().await;
        self.catch_up().await?;
        let person = self.person(id)?;
        self.keep_an_admin(&person, false)?;
        let mut keys = vec![person.key(), format!("credential/{id}"), format!("invitation/{id}")];
        keys.extend(self.directory().people().identities_of(id));
        let records = keys.iter().map(|key| record(key, None)).collect::<Result<Vec<_>, _>>()?;
        self.append(records).await?;
        Ok(())
    }

    /// Invites a person to choose a password; the secret is in the answer and nowhere else. What was sent before is void.
    ///
    /// # Errors
    /// [`PeopleError::Unknown`]; where the log does not take it.
    pub async fn invite(&self, person: Uuid, by: Uuid) -> Result<(InvitationRecord, String), PeopleError> {
        let person = self.person(person)?.id;
        let secret = token::fresh(Secret::Invitation, person)?;
        let at = now();
        let invitation = InvitationRecord {
            person,
            hash: token::hash(&secret),
            by,
            made_at: at,
            expires_at: at + INVITED_FOR_MS,
            redeemed: None,
        };
        self.put(&invitation.key(), Some(&ControlValue::Invitation(invitation.clone()))).await?;
        Ok((invitation, secret))
    }

    /// Who is invited by this secret.
    ///
    /// # Errors
    /// [`PeopleError::InvitationGone`].
    pub fn invited(&self, secret: &str) -> Result<Arc<PersonRecord>, PeopleError> {
        self.open_invitation(secret).map(|(_, person)| person)
    }

    /// Redeems an invitation: the person has this password (a PHC string) from now on, and no session from before.
    ///
    /// # Errors
    /// [`PeopleError::InvitationGone`]; where the log does not take it.
    pub async fn redeem(&self, secret: &str, password: String) -> Result<Arc<PersonRecord>, PeopleError> {
        self.catch_up().await?;
        let (open, person) = self.open_invitation(secret)?;
        let mine = Uuid::new_v4();
        let redeemed = InvitationRecord { redeemed: Some(mine), ..open };
        self.put(&redeemed.key(), Some(&ControlValue::Invitation(redeemed.clone()))).await?;
        let first = self.directory().people().invitation(person.id).and_then(|invitation| invitation.redeemed);
        if first != Some(mine) {
            return Err(PeopleError::InvitationGone);
        }
        self.set_password(person.id, password).await?;
        Ok(person)
    }

    /// Gives a person another password (a PHC string), which ends all their sessions.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn set_password(&self, person: Uuid, password: String) -> Result<(), ControlError> {
        self.put_credential(person, |_| Some(password)).await
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn end_sessions(&self, person: Uuid) -> Result<(), ControlError> {
        self.put_credential(person, |kept| kept).await
    }

    async fn put_credential(
        &self,
        person: Uuid,
        password: impl FnOnce(Option<String>) -> Option<String>,
    ) -> Result<(), ControlError> {
        let directory = self.directory();
        let known = directory.people().credential(person);
        let epoch = known.map_or(0, |known| known.epoch) + 1;
        let password = password(known.and_then(|known| known.password.clone()));
        let credential = Credential { person, password, epoch, made_at: now() };
        self.put(&credential.key(), Some(&ControlValue::Credential(credential.clone()))).await
    }

    fn open_invitation(&self, secret: &str) -> Result<(InvitationRecord, Arc<PersonRecord>), PeopleError> {
        let directory = self.directory();
        let people = directory.people();
        let found = token::id_of(Secret::Invitation, secret).and_then(|person| {
            let invitation = people.invitation(person)?;
            let is_open = invitation.redeemed.is_none() && invitation.expires_at > now();
            let person = people.person(person).filter(|person| person.disabled_at.is_none())?;
            let is_this = same(&invitation.hash, &token::hash(secret));
            (is_open && is_this).then(|| (InvitationRecord::clone(invitation), Arc::clone(person)))
        });
        found.ok_or(PeopleError::InvitationGone)
    }

    pub(super) fn person(&self, id: Uuid) -> Result<Arc<PersonRecord>, PeopleError> {
        self.directory().people().person(id).cloned().ok_or(PeopleError::Unknown)
    }

    /// Whether a change would leave no administrator of all sites who can sign in, where there is one now.
    fn keep_an_admin(&self, person: &PersonRecord, stays_one: bool) -> Result<(), PeopleError> {
        let directory = self.directory();
        let people = directory.people();
        if !stays_one && is_able_admin(people, person) && people.whole_admins() == 1 {
            return Err(PeopleError::LastAdmin);
        }
        Ok(())
    }

    /// Whether an administrator was changed and none is left: another process has changed the other one at the same time.
    async fn none_is_left(&self, before: &PersonRecord) -> Result<bool, ControlError> {
        self.catch_up().await?;
        let directory = self.directory();
        let people = directory.people();
        let was_one = before.is_whole_admin() && people.has_means(before.id);
        Ok(was_one && people.whole_admins() == 0)
    }
}

fn is_able_admin(people: &People, person: &PersonRecord) -> bool {
    person.is_whole_admin() && people.may_sign_in(person)
}
