//! The schema registry, where one is configured: Confluent's HTTP interface, which Apicurio, Karapace and Redpanda speak too.
//! This version's schema is registered at the start, and the schema of another writer is fetched once, by the id that its
//! records cite. What was learned is kept on disk ([`cache`]): the registry is needed for what is new, and for nothing else.

mod cache;
mod client;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use avow_schemas::record::{Framing, SCHEMA_V1, SchemaRef};

use crate::cache::Cache;
use crate::client::Client;

/// The file in the data directory.
const CACHE: &str = "schema-registry.json";
/// Ids are Java's `int`: nothing has been registered beyond, and registries do not agree on how they say so.
const LARGEST_ID: u32 = i32::MAX.cast_unsigned();

/// What can go wrong with the registry. None of it says that a schema does not exist.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    #[error("schema_registry.url: {0}")]
    Url(String),
    #[error("the schema registry {registry} does not answer: {reason}")]
    Unavailable { registry: String, reason: String },
    #[error(
        "the schema registry {registry} does not answer, and this version's schema has not been registered from here yet: \
         {reason}. Start the registry first, or leave schema_registry.url out to write without it"
    )]
    NotYetRegistered { registry: String, reason: String },
    #[error(
        "the schema registry {registry} refuses access (HTTP {status}): put user and password into schema_registry.url, as \
         in http://user:password@host"
    )]
    Denied { registry: String, status: u16 },
    #[error(
        "the schema registry {registry} refuses this version's schema, since it is not compatible with what lies under the \
         subject {subject}: {reason}. See {registry}/subjects/{subject}/versions. Run the version of Avow that can follow \
         on it, or lower the subject's compatibility (PUT {registry}/config/{subject}) once every consumer reads both, or \
         use another kafka.topic"
    )]
    Incompatible { registry: String, subject: String, reason: String },
    #[error(
        "{registry} does not answer as a schema registry does (HTTP {status}): {reason}. schema_registry.url must end where \
         /subjects begins; for Apicurio that is /apis/ccompat/v7"
    )]
    Unexpected { registry: String, status: u16, reason: String },
}

/// What a registry says of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// An Avro schema, in JSON.
    Schema(String),
    /// There is something of that id which no record of ours can have been written with: the reason.
    Useless(String),
    /// There is no such id.
    Unknown,
}

/// The configured schema registry.
pub struct Registry {
    client: Client,
    cache: Mutex<Cache>,
}

impl Registry {
    /// The registry at `url` (`http://`, with user and password where it wants them). Nothing is asked yet; what was
    /// learned before is read from `data_dir`.
    ///
    /// # Errors
    /// [`RegistryError::Url`].
    pub fn new(url: &str, data_dir: &Path) -> Result<Self, RegistryError> {
        let client = Client::new(url)?;
        let cache = Cache::open(data_dir.join(CACHE), client.name());
        Ok(Self { client, cache: Mutex::new(cache) })
    }

    /// The registry's address, without what is secret in it.
    pub fn name(&self) -> &str {
        self.client.name()
    }

    /// Registers this version's schema under the topic's subject (`<topic>-value`) and says how to frame what is written
    /// there. If the registry does not answer, what it said at an earlier start still holds.
    ///
    /// # Errors
    /// Every kind but [`RegistryError::Unavailable`].
    pub async fn framing(&self, topic: &str) -> Result<Framing, RegistryError> {
        let subject = format!("{topic}-value");
        let schema = SchemaRef::own().to_string();
        match self.client.register(&subject, SCHEMA_V1).await {
            Ok(id) => {
                self.cache().registered(&subject, &schema, id, SCHEMA_V1);
                Ok(Framing::Registered(id))
            }
            Err(RegistryError::Unavailable { registry, reason }) => match self.cache().id(&subject, &schema) {
                Some(id) => {
                    tracing::warn!(%registry, %reason, id, "registry.unavailable_at_start");
                    Ok(Framing::Registered(id))
                }
                None => Err(RegistryError::NotYetRegistered { registry, reason }),
            },
            Err(error) => Err(error),
        }
    }

    /// The schema of an id; asked for once.
    ///
    /// # Errors
    /// Where the registry does not say: the same call may succeed later.
    pub async fn schema(&self, id: u32) -> Result<Lookup, RegistryError> {
        if id > LARGEST_ID {
            return Ok(Lookup::Unknown);
        }
        if let Some(schema) = self.cache().schema(id) {
            return Ok(Lookup::Schema(schema));
        }
        let lookup = self.client.schema(id).await?;
        if let Lookup::Schema(schema) = &lookup {
            self.cache().learned(id, schema);
        }
        Ok(lookup)
    }

    /// What `avow doctor` says of the registry: how many versions the topic's subject has.
    ///
    /// # Errors
    /// Where it does not answer as a registry.
    pub async fn versions(&self, topic: &str) -> Result<usize, RegistryError> {
        self.client.versions(&format!("{topic}-value")).await
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
