//! Changing the operator's own entries of the service catalogue. A change is durable, and in force in this process, once the
//! call returns.

use avow_log::Record;
use avow_schemas::catalog::Service;
use avow_schemas::control::ControlValue;
use avow_schemas::ids::ServiceId;
use uuid::Uuid;

use super::change::record;
use super::{Control, ControlError, now};

impl Control {
    /// Puts entries of the catalogue, all from the same moment on, and says how many of them are new or another than before.
    ///
    /// # Errors
    /// Where the log does not take them.
    pub async fn put_services(&self, entries: Vec<Service>, origin: &str) -> Result<usize, ControlError> {
        let (directory, made_at) = (self.directory(), now());
        let is_new = |entry: &Service| {
            let known = directory.own_service(entry.slug.as_str());
            known.is_none_or(|known| known.origin != origin || known.entry.as_deref() != Some(entry))
        };
        let new = entries.into_iter().filter(is_new);
        let records = new.map(|entry| version(&entry.slug.clone(), made_at, origin, Some(entry)));
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let changed = records.len();
        if changed > 0 {
            self.append(records).await?;
        }
        Ok(changed)
    }

    /// Takes back what the operator said of a service. `false` where that is nothing.
    ///
    /// # Errors
    /// Where the log does not take it.
    pub async fn delete_service(&self, slug: &ServiceId) -> Result<bool, ControlError> {
        let Some(known) = self.directory().own_service(slug.as_str()).cloned() else { return Ok(false) };
        self.append(vec![version(slug, now(), &known.origin, None)?]).await?;
        Ok(true)
    }
}

/// A new version of what the operator says of a service.
fn version(slug: &ServiceId, made_at: i64, origin: &str, entry: Option<Service>) -> Result<Record, ControlError> {
    let (origin, entry) = (origin.to_owned(), entry.map(Box::new));
    let value = ControlValue::Service { slug: slug.clone(), made_at, origin, entry };
    record(&format!("service/{slug}/{}", Uuid::now_v7()), Some(&value))
}
