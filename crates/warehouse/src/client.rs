//! The connection to the engine.

use std::sync::Arc;

use clickhouse::Client;

use crate::WarehouseError;

/// Where the engine is and as whom to speak to it.
#[derive(Clone)]
pub struct Endpoint {
    pub url: String,
    pub user: String,
    pub password: String,
    pub database: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} as {} in {}", self.url, self.user, self.database)
    }
}

/// A connected and migrated warehouse.
pub struct Warehouse {
    client: Client,
    database: String,
}

impl Warehouse {
    /// Connects, creates the database where it is missing and applies the migrations that are not yet applied.
    ///
    /// # Errors
    /// The engine's, or tables in a state that this program does not know.
    pub async fn open(endpoint: &Endpoint) -> Result<Arc<Self>, WarehouseError> {
        let server = Client::default()
            .with_url(&endpoint.url)
            .with_user(&endpoint.user)
            .with_password(&endpoint.password)
            .with_validation(false)
            .with_setting("async_insert", "0");
        let create = format!("CREATE DATABASE IF NOT EXISTS {} ENGINE = Atomic", quoted(&endpoint.database));
        server.query(&create).execute().await?;
        let client = server.with_database(&endpoint.database);
        let warehouse = Self { client, database: endpoint.database.clone() };
        warehouse.migrate().await?;
        Ok(Arc::new(warehouse))
    }

    /// The client, its database set. For the modules of this crate that read.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether the engine answers.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn ping(&self) -> Result<(), WarehouseError> {
        self.client.query("SELECT 1").fetch_one::<u8>().await?;
        Ok(())
    }
}

/// An identifier in backquotes.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("`{}`", identifier.replace('\\', "\\\\").replace('`', "\\`"))
}
