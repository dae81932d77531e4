//! Erasing a subject, holding it, restricting it. All three are durable, and in force in this process, once the call returns.

use std::sync::Arc;

use avow_log::{LogPosition, Record, Topic};
use avow_schemas::control::ControlValue;
use avow_schemas::ids::SiteId;
use avow_schemas::record::{LogRecord, key_of};
use avow_schemas::rights::{Ended, Erasure, HashedSubject, Mark};
use uuid::Uuid;

use super::{Control, ControlError, now};
use crate::token;

/// What is asked of a subject, and by which token.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub site: &'a SiteId,
    pub subject: Uuid,
    /// In the operator's words; it must name nobody.
    pub reason: &'a str,
    pub by: Uuid,
}

/// What can be said of a subject besides its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// It may not be erased.
    Hold,
    /// It is kept and not used.
    Restriction,
}

impl MarkKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Restriction => "restriction",
        }
    }

    const fn value(self, mark: Mark) -> ControlValue {
        match self {
            Self::Hold => ControlValue::Hold(mark),
            Self::Restriction => ControlValue::Restriction(mark),
        }
    }
}

impl Control {
    /// Notes that a subject is to be erased. Its tombstone must follow ([`Control::put_tombstone`]).
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn begin_erasure(&self, asked: Asked<'_>) -> Result<Arc<Erasure>, ControlError> {
        let erasure = Erasure {
            id: Uuid::new_v4(),
            site: asked.site.clone(),
            subject: self.hashed(asked.site, asked.subject)?,
            reason: asked.reason.to_owned(),
            by: asked.by,
            made_at: now(),
        };
        self.put(&erasure.key(), Some(&ControlValue::Erasure(erasure.clone()))).await?;
        Ok(Arc::new(erasure))
    }

    /// Puts the tombstone of an erasure into the log, behind everything that was acknowledged of the subject so far. Written
    /// twice it is a repeat.
    ///
    /// # Errors
    /// A site that is not there; where the log does not take it.
    pub async fn put_tombstone(&self, erasure: &Erasure, subject: Uuid) -> Result<LogPosition, ControlError> {
        let directory = self.directory();
        let unknown = || ControlError::UnknownSite(erasure.site.clone());
        let site = directory.site(erasure.site.as_str()).ok_or_else(unknown)?;
        let key = key_of(&erasure.site, site.current().settings.ledger.shards, subject);
        let value = self.framing().encode(&LogRecord::ControlRecord(erasure.tombstone(&key)));
        let value = value.map_err(|e| ControlError::Encode(e.to_string()))?;
        let record = Record { key: key.into(), value: value.into() };
        let positions = self.log.append(Topic::Events, vec![record]).await?;
        positions.first().copied().ok_or(ControlError::NotYetInForce)
    }

    /// Holds or restricts a subject; once more changes the reason and the end.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn mark(&self, kind: MarkKind, asked: Asked<'_>, until: Option<i64>) -> Result<Mark, ControlError> {
        let known = self.known(kind, asked.site.as_str(), asked.subject);
        let subject = match known {
            Some(known) => known.subject.clone(),
            None => self.hashed(asked.site, asked.subject)?,
        };
        let (site, reason) = (asked.site.clone(), asked.reason.to_owned());
        let mark = Mark { site, subject, reason, until, by: asked.by, made_at: now(), ended: None };
        self.put(&mark.key(kind.as_str()), Some(&kind.value(mark.clone()))).await?;
        Ok(mark)
    }

    /// Ends a hold or a restriction; `None` where none is in force.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn unmark(
        &self,
        kind: MarkKind,
        site: &SiteId,
        subject: Uuid,
        by: Uuid,
    ) -> Result<Option<Mark>, ControlError> {
        let at = now();
        let Some(known) = self.known(kind, site.as_str(), subject).filter(|mark| mark.is_in_force(at)) else {
            return Ok(None);
        };
        let mark = Mark { ended: Some(Ended { by, at }), ..Mark::clone(&known) };
        self.put(&mark.key(kind.as_str()), Some(&kind.value(mark.clone()))).await?;
        Ok(Some(mark))
    }

    fn known(&self, kind: MarkKind, site: &str, subject: Uuid) -> Option<Arc<Mark>> {
        let directory = self.directory();
        match kind {
            MarkKind::Hold => directory.hold(site, subject).cloned(),
            MarkKind::Restriction => directory.restriction(site, subject).cloned(),
        }
    }

    fn hashed(&self, site: &SiteId, subject: Uuid) -> Result<HashedSubject, ControlError> {
        let directory = self.directory();
        let salt = match directory.salt(site.as_str()) {
            Some(salt) => salt.to_owned(),
            None => {
                let mut salt = [0; 16];
                getrandom::fill(&mut salt).map_err(|e| ControlError::Randomness(e.to_string()))?;
                token::hex(&salt)
            }
        };
        Ok(HashedSubject::of(&salt, site.as_str(), subject))
    }
}
