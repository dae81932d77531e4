//! The keys with which the ledgers' checkpoints are signed: publishing one, and writing down in the ledgers that it changed.

use std::sync::Arc;

use avow_schemas::control::{ControlValue, LedgerKey, MlDsaKey};
use avow_schemas::ids::EventId;
use avow_schemas::record::{ControlKind, ControlRecord, derived_id, keys};

use super::{Control, ControlError};

impl Control {
    /// Publishes a key that signs the ledgers' checkpoints, if it may follow the one in force; all keys there are then.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn publish_ledger_key(&self, key: LedgerKey) -> Result<Vec<Arc<LedgerKey>>, ControlError> {
        self.catch_up().await?;
        if self.directory().may_follow(&key) {
            self.put(&key.key(), Some(&ControlValue::LedgerKey(key))).await?;
        }
        // Of two that publish at the same moment the first in the topic is it.
        Ok(self.directory().ledger_keys().to_vec())
    }

    /// Publishes a key that signs the operator log's checkpoints besides, if that is not done yet.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn publish_ml_dsa_key(&self, key: MlDsaKey) -> Result<(), ControlError> {
        if self.directory().ml_dsa_keys().iter().any(|known| known.vkey == key.vkey) {
            return Ok(());
        }
        self.put(&key.key(), Some(&ControlValue::MlDsaKey(key))).await
    }

    /// Writes the change to the key in force into every ledger that is written to, as a leaf. It is idempotent.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn write_key_change_leaves(&self) -> Result<(), ControlError> {
        let directory = self.directory();
        let Some((key, change)) = directory.ledger_keys().last().and_then(|key| Some((key, key.change.as_ref()?)))
        else {
            return Ok(());
        };
        let body = serde_json_canonicalizer::to_string(&serde_json::json!({ "key_change": change }));
        let body = body.map_err(|e| ControlError::Encode(e.to_string()))?;
        for (site, history) in directory.sites() {
            let record = |of: &str| ControlRecord {
                id: EventId(derived_id(&format!("key-change/{of}/{}", key.public_key))),
                site: site.clone(),
                kind: ControlKind::KeyChange,
                version: 0,
                made_at: key.made_at,
                body: body.clone(),
            };
            self.write_leaves(keys(site, history.current().settings.ledger.shards), record).await?;
        }
        Ok(())
    }
}
