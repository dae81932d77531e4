//! How this process frames what it writes to the log, and whom it asks for schemas that it does not know.

use std::sync::Arc;

use avow_registry::Registry;
use avow_schemas::record::Framing;

use crate::config::Config;

/// Registers this version's schema where a schema registry is configured.
pub async fn open(config: &Config) -> anyhow::Result<(Option<Arc<Registry>>, Framing)> {
    let Some(url) = &config.schema_registry.url else { return Ok((None, Framing::SingleObject)) };
    let registry = Registry::new(url.reveal(), &config.data_dir)?;
    let framing = registry.framing(&config.kafka.topic).await?;
    Ok((Some(Arc::new(registry)), framing))
}
