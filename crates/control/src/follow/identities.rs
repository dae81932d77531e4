//! As whom a provider of identities (OpenID Connect) knows a person: kept at their first sign-in, and from then on it says who
//! they are, not the e-mail address.

use avow_schemas::control::ControlValue;
use avow_schemas::people::IdentityRecord;
use uuid::Uuid;

use super::change::record;
use super::{Control, PeopleError, now};

impl Control {
    /// Keeps as whom an issuer knows a person. An invitation that waits is void: the person is in.
    ///
    /// # Errors
    /// [`PeopleError::Unknown`], [`PeopleError::OtherIdentity`] where the issuer knows them by another account, or means
    /// somebody else by this one; where the log does not take it.
    pub async fn keep_identity(&self, person: Uuid, issuer: &str, subject: &str) -> Result<(), PeopleError> {
        let _one = self.people.lock().await;
        self.catch_up().await?;
        self.person(person)?;
        let (known, meant, waits) = {
            let directory = self.directory();
            let people = directory.people();
            let known = people.identity_at(person, issuer).map(|known| known.subject.clone());
            let meant = people.by_identity(issuer, subject).map(|meant| meant.id);
            (known, meant, people.invitation(person).is_some_and(|invitation| invitation.redeemed.is_none()))
        };
        if known.as_deref().is_some_and(|known| known != subject) || meant.is_some_and(|meant| meant != person) {
            return Err(PeopleError::OtherIdentity);
        }
        if known.is_some() {
            return Ok(());
        }
        let identity =
            IdentityRecord { person, issuer: issuer.to_owned(), subject: subject.to_owned(), made_at: now() };
        let mut records = vec![record(&identity.key(), Some(&ControlValue::Identity(identity.clone())))?];
        if waits {
            records.push(record(&format!("invitation/{person}"), None)?);
        }
        self.append(records).await?;
        // Another process may have kept another one at the same time.
        self.catch_up().await?;
        let counts = self.directory().people().by_identity(issuer, subject).is_some_and(|counts| counts.id == person);
        if counts { Ok(()) } else { Err(PeopleError::OtherIdentity) }
    }
}
