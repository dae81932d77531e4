//! Changing what the control topic says: sites, tokens and attachments (banners: `banners.rs`). A change is durable, and in force in this process, once the call
//! returns.

use std::sync::Arc;

use avow_log::{Record, Topic};
use avow_schemas::control::{Attachment, ControlValue, Scope, TokenRecord};
use avow_schemas::ids::{EventId, SiteId};
use avow_schemas::record::{ControlKind, ControlRecord, LogRecord, derived_id, keys};
use avow_schemas::settings::{InvalidSettings, SiteSettings, SiteVersion};
use uuid::Uuid;

use super::{Control, ControlError, NewToken, now};
use crate::token::{self, Secret};

impl Control {
    /// Creates or replaces a site's settings. Returns once that is durable, in force here, and its settings record lies
    /// in the site's partition of the events topic. Settings equal to the current ones make no new version.
    ///
    /// # Errors
    /// Invalid settings, another number of shards than the site has, or a log that does not take them.
    pub async fn put_site(&self, site: &SiteId, settings: SiteSettings) -> Result<Arc<SiteVersion>, ControlError> {
        let settings = settings.checked()?;
        if let Some(current) = self.directory().site(site.as_str()).map(|h| Arc::clone(h.current())) {
            if current.settings == settings {
                self.write_settings_leaf(&current).await?;
                return Ok(current);
            }
            let (shards, asked) = (current.settings.ledger.shards, settings.ledger.shards);
            if shards != asked {
                return Err(ControlError::ShardsFixed { site: site.clone(), current: shards, asked });
            }
        }
        self.append(vec![version(site, settings.clone())?]).await?;
        let directory = self.directory();
        // A racing change of the same site may already have followed; ours is the newest version that says what we said.
        let mine =
            directory.site(site.as_str()).and_then(|h| h.versions().iter().rev().find(|v| v.settings == settings));
        let mine = Arc::clone(mine.ok_or(ControlError::NotYetInForce)?);
        self.write_settings_leaf(&mine).await?;
        Ok(mine)
    }

    /// Writes the settings records that a crash between the two appends may have left out. They are idempotent.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn reconcile_settings_leaves(&self) -> Result<(), ControlError> {
        for (_, history) in self.directory().sites() {
            self.write_settings_leaf(history.current()).await?;
        }
        Ok(())
    }

    async fn write_settings_leaf(&self, version: &SiteVersion) -> Result<(), ControlError> {
        let body = serde_json_canonicalizer::to_string(version).map_err(|e| ControlError::Encode(e.to_string()))?;
        let record = |key: &str| ControlRecord {
            id: EventId(derived_id(&format!("settings/{key}/{}", version.version.0))),
            site: version.site.clone(),
            kind: ControlKind::SettingsVersion,
            version: version.version.0,
            made_at: version.in_force_from,
            body: body.clone(),
        };
        self.write_leaves(keys(&version.site, version.settings.ledger.shards), record).await
    }

    /// Appends a control record of its own to each of a site's keys: two shards that share a partition have a ledger each.
    pub(super) async fn write_leaves(
        &self,
        keys: Vec<String>,
        record: impl Fn(&str) -> ControlRecord,
    ) -> Result<(), ControlError> {
        let record = |key: String| {
            let value = self.framing().encode(&LogRecord::ControlRecord(record(&key)));
            let value = value.map_err(|e| ControlError::Encode(e.to_string()))?;
            Ok::<_, ControlError>(Record { key: key.into(), value: value.into() })
        };
        let records = keys.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        self.log.append(Topic::Events, records).await?;
        Ok(())
    }

    /// Makes a token; its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn create_token(
        &self,
        name: &str,
        scopes: Vec<Scope>,
        sites: Option<Vec<SiteId>>,
        expires_at: Option<i64>,
    ) -> Result<NewToken, ControlError> {
        let id = Uuid::now_v7();
        let secret = token::fresh(Secret::Token, id)?;
        let record = TokenRecord {
            id,
            name: name.into(),
            hash: token::hash(&secret),
            scopes,
            sites,
            made_at: now(),
            expires_at,
        };
        self.put(&format!("token/{id}"), Some(&ControlValue::Token(record.clone()))).await?;
        Ok(NewToken { record, secret })
    }

    /// Revokes a token. `false` where there is none of that id.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn revoke_token(&self, id: Uuid) -> Result<bool, ControlError> {
        if self.directory().token(id).is_none() {
            return Ok(false);
        }
        self.put(&format!("token/{id}"), None).await?;
        Ok(true)
    }

    /// Puts a document that goes into a site's exports, or what is said of it anew.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn put_attachment(&self, attachment: Attachment) -> Result<(), ControlError> {
        let key = attachment.key();
        self.put(&key, Some(&ControlValue::Attachment(attachment))).await
    }

    /// Takes a document out of a site's exports to come. `false` where there is none of that hash.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn delete_attachment(&self, site: &str, hash: &str) -> Result<bool, ControlError> {
        let key = self.directory().attachments(site).into_iter().find(|one| one.hash == hash).map(|one| one.key());
        let Some(key) = key else { return Ok(false) };
        self.put(&key, None).await?;
        Ok(true)
    }

    /// The records that give these sites other numbers of shards, of those whose number is another now. They are for the
    /// control topic of a log that is only being begun ([`Control::append`] where that is this one's).
    ///
    /// # Errors
    /// A site that is not there, a number that is not allowed.
    pub fn resharded(&self, shards: &[(SiteId, u32)]) -> Result<Vec<Record>, ControlError> {
        let directory = self.directory();
        let mut records = Vec::new();
        for (site, shards) in shards {
            let unknown = || InvalidSettings { field: "site".into(), problem: format!("there is no site {site}") };
            let mut settings = directory.site(site.as_str()).ok_or_else(unknown)?.current().settings.clone();
            if settings.ledger.shards != *shards {
                settings.ledger.shards = *shards;
                records.push(version(site, settings.checked()?)?);
            }
        }
        Ok(records)
    }

    pub(super) async fn put(&self, key: &str, value: Option<&ControlValue>) -> Result<(), ControlError> {
        self.append(vec![record(key, value)?]).await
    }

    /// Appends records of the control topic. Returns once they are durable and applied here.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), ControlError> {
        let positions = self.log.append(Topic::Control, records).await?;
        self.reaches(positions.last().map_or(0, |p| p.position + 1)).await
    }
}

/// A new version of a site's settings.
fn version(site: &SiteId, settings: SiteSettings) -> Result<Record, ControlError> {
    let value = ControlValue::Site { site: site.clone(), made_at: now(), settings };
    record(&format!("site/{site}/{}", Uuid::now_v7()), Some(&value))
}

/// A record of the control topic; no value deletes the key.
pub(super) fn record(key: &str, value: Option<&ControlValue>) -> Result<Record, ControlError> {
    let value = match value {
        Some(value) => serde_json::to_vec(value).map_err(|e| ControlError::Encode(e.to_string()))?,
        None => Vec::new(),
    };
    Ok(Record { key: key.to_owned().into(), value: value.into() })
}
