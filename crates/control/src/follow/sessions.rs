//! Sessions: begun by a password or at a provider of identities, held by a cookie, ended by time, by whoever has one, or with the credential that began it.

use std::sync::PoisonError;

use avow_schemas::control::ControlValue;
use avow_schemas::people::{PersonRecord, SeenRecord, SessionRecord};
use uuid::Uuid;

use super::change::record;
use super::{Control, ControlError, now, same};
use crate::SessionLimits;
use crate::token::{self, Caller, Secret};

/// A session's use is noted once in this part of the time for which it may lie idle.
const NOTED_PER_IDLE: i64 = 12;

/// A session just begun. `secret` is the cookie's value, and kept nowhere.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub caller: Caller,
    pub secret: String,
}

impl Control {
    /// The number that a person's open sessions have now.
    pub fn epoch(&self, person: Uuid) -> u64 {
        self.directory().people().epoch(person)
    }

    /// Begins a session of a person who has shown who they are while the credential had this number, and clears away what
    /// has ended.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn begin_session(
        &self,
        person: &PersonRecord,
        epoch: u64,
        limits: SessionLimits,
    ) -> Result<NewSession, ControlError> {
        let id = Uuid::now_v7();
        let secret = token::fresh(Secret::Session, id)?;
        let directory = self.directory();
        let at = now();
        let session = SessionRecord { id, person: person.id, hash: token::hash(&secret), epoch, made_at: at };
        let ended = directory.people().ended(limits, at);
        let mut records = ended.iter().map(|key| record(key, None)).collect::<Result<Vec<_>, _>>()?;
        records.push(record(&session.key(), Some(&ControlValue::Session(session.clone())))?);
        self.append(records).await?;
        let ends_at = at + limits.idle.min(limits.absolute);
        Ok(NewSession { caller: Caller::person(person, id, ends_at), secret })
    }

    /// Who has this cookie now; `None` where the session is none of ours or has ended.
    pub fn authenticate_session(&self, secret: &str, limits: SessionLimits) -> Option<Caller> {
        let directory = self.directory();
        let people = directory.people();
        let session = people.session(token::id_of(Secret::Session, secret)?)?;
        let holder = people.holder(session, limits, now())?;
        let caller = || Caller::person(holder, session.id, people.ends_at(session, limits));
        same(&session.hash, &token::hash(secret)).then(caller)
    }

    /// Whether the session is still open, asked by whoever has shown its cookie before.
    pub fn is_open(&self, session: Uuid, limits: SessionLimits) -> bool {
        let directory = self.directory();
        let people = directory.people();
        people.session(session).is_some_and(|session| people.holder(session, limits, now()).is_some())
    }

    /// Notes that a session is used, where that was not noted for a while. One that ends meanwhile stays ended.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn note_use(&self, session: Uuid, limits: SessionLimits) -> Result<(), ControlError> {
        let at = now();
        let is_due = {
            let directory = self.directory();
            let people = directory.people();
            people.session(session).is_some_and(|known| at - people.seen_at(known) >= limits.idle / NOTED_PER_IDLE)
        };
        if !is_due || !self.noting.lock().unwrap_or_else(PoisonError::into_inner).insert(session) {
            return Ok(());
        }
        let seen = SeenRecord { session, at };
        let noted = self.put(&seen.key(), Some(&ControlValue::Seen(seen.clone()))).await;
        self.noting.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
        noted
    }

    /// Ends one session.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn end_session(&self, session: Uuid) -> Result<(), ControlError> {
        self.append(vec![record(&format!("session/{session}"), None)?, record(&format!("seen/{session}"), None)?]).await
    }
}
