//! The schemas with which records were written. This version's own is always known; another one is looked for when the first
//! record cites it: in the control topic, where every process publishes its own before it writes, then in the schema
//! registry. A schema that is nowhere makes its records dead letters; a registry that does not answer stops the partition,
//! which then begins again at the same record.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use avow_control::{Control, Directory};
use avow_log::Chunk;
use avow_registry::{Lookup, Registry};
use avow_schemas::record::{SchemaRef, Writers};

use crate::ProcessorError;

/// Shared by all partitions of the process.
pub(crate) struct Schemas {
    control: Arc<Control>,
    registry: Option<Arc<Registry>>,
    /// Replaced as a whole: whoever decodes holds what it began with.
    writers: RwLock<Arc<Writers>>,
}

impl Schemas {
    pub(crate) fn new(control: Arc<Control>, registry: Option<Arc<Registry>>) -> Self {
        Self { control, registry, writers: RwLock::default() }
    }

    /// The writers of a chunk's records, as far as their schemas are to be found.
    pub(crate) async fn writers_of(&self, chunk: &Chunk) -> Result<Arc<Writers>, ProcessorError> {
        let known = self.known();
        let missing: BTreeSet<SchemaRef> =
            chunk.records.iter().filter_map(|record| known.lacks(&record.value)).collect();
        if missing.is_empty() {
            return Ok(known);
        }
        // Published before the record was written: what the topic does not say now, it will not say of this record.
        self.control.catch_up().await?;
        let directory = self.control.directory();
        for cited in missing {
            self.look_for(cited, &directory).await?;
        }
        Ok(self.known())
    }

    async fn look_for(&self, cited: SchemaRef, directory: &Directory) -> Result<(), ProcessorError> {
        let lookup = match (directory.schema(cited), cited, &self.registry) {
            (Some(schema), ..) => Lookup::Schema(schema.to_owned()),
            (None, SchemaRef::Id(id), Some(registry)) => registry.schema(id).await?,
            _ => Lookup::Unknown,
        };
        let mut writers = self.writers.write().unwrap_or_else(PoisonError::into_inner);
        match lookup {
            Lookup::Schema(schema) => match Arc::make_mut(&mut writers).learn(cited, &schema) {
                Ok(()) => tracing::info!(%cited, "processor.schema_learned"),
                Err(reason) => tracing::warn!(%cited, %reason, "processor.schema_unusable"),
            },
            Lookup::Useless(reason) => {
                tracing::warn!(%cited, %reason, "processor.schema_unusable");
                Arc::make_mut(&mut writers).give_up(cited, reason);
            }
            Lookup::Unknown => tracing::warn!(%cited, "processor.schema_unknown"),
        }
        Ok(())
    }

    fn known(&self) -> Arc<Writers> {
        Arc::clone(&self.writers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
    use avow_log::{Log, StoredRecord};
    use avow_schemas::ids::{EventId, SiteId};
    use avow_schemas::record::{ControlKind, ControlRecord, Framing, LogRecord, RecordError, derived_id};
    use tokio_util::sync::CancellationToken;

    fn chunk(framing: Framing) -> (LogRecord, Chunk) {
        let record = LogRecord::ControlRecord(ControlRecord {
            id: EventId(derived_id("one")),
            site: SiteId::new("shop.example").unwrap(),
            kind: ControlKind::SettingsVersion,
            version: 1,
            made_at: 5,
            body: "{}".into(),
        });
        let value = framing.encode(&record).unwrap().into();
        let stored = StoredRecord { position: 0, appended_at_ms: 1, key: "shop.example".into(), value };
        (record, Chunk { records: vec![stored], next: 1 })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_writer_with_a_registry_has_published_is_read_without_one() {
        let dir = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
        let log: Arc<dyn Log> = EmbeddedLog::open(config).unwrap();
        let start = || Control::start(Arc::clone(&log), None, CancellationToken::new());
        let (writer, reader) = (start().await.unwrap(), start().await.unwrap());
        let schemas = Schemas::new(reader, None);
        let (record, chunk) = chunk(Framing::Registered(7));
        let unknown = schemas.writers_of(&chunk).await.unwrap().decode(&chunk.records[0].value);
        assert!(matches!(unknown, Err(RecordError::UnknownSchema(SchemaRef::Id(7)))));
        writer.write_as(Framing::Registered(7)).await.unwrap();
        assert_eq!(schemas.writers_of(&chunk).await.unwrap().decode(&chunk.records[0].value).unwrap(), record);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_registry_that_does_not_answer_is_an_error_and_no_missing_schema() {
        let dir = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig { path: dir.path().join("log"), ..EmbeddedConfig::default() };
        let log: Arc<dyn Log> = EmbeddedLog::open(config).unwrap();
        let control = Control::start(log, None, CancellationToken::new()).await.unwrap();
        // Nothing listens on port 1.
        let registry = Registry::new("http://127.0.0.1:1", dir.path()).unwrap();
        let schemas = Schemas::new(control, Some(Arc::new(registry)));
        let outcome = schemas.writers_of(&chunk(Framing::Registered(7)).1).await;
        assert!(matches!(outcome, Err(ProcessorError::Registry(_))));
    }
}
