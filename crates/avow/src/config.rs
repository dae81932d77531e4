//! The configuration: one TOML file, each key overridable as `AVOW_SECTION__KEY`; an unknown key is an error.

pub mod ledger;
mod oidc;
mod secret;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use avow_api::{AccessLogConfig, ApiConfig};
use avow_ingest::IngestConfig;
use avow_processor::{AlertsConfig, ProcessorConfig};
use avow_webhooks::WebhooksConfig;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

pub use self::ledger::{LedgerConfig, WitnessConfig};
pub use self::oidc::{GroupRole, OidcConfig};
pub use self::secret::{Address, Secret};

const DEFAULT_FILE: &str = "avow.toml";
/// Variables of that prefix that are no keys: they are read by the command line and by the tests.
const NO_KEYS: &[&str] = &["config", "url", "token", "bin"];

/// Everything that can be configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the embedded log, the embedded engine and local state lie.
    pub data_dir: PathBuf,
    /// All public HTTP.
    pub listen: SocketAddr,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub admin_listen: SocketAddr,
    /// A token with every scope, to begin with.
    pub admin_token: Option<Secret>,
    /// The embedded engine's ClickHouse-compatible HTTP port for BI; off unless given.
    pub clickhouse_listen: Option<SocketAddr>,
    /// The embedded engine.
    pub libchdb: PathBuf,
    pub log: LogConfig,
    pub kafka: KafkaSection,
    pub spool: SpoolSection,
    pub schema_registry: SchemaRegistryConfig,
    pub clickhouse: ClickHouseConfig,
    pub engine: EngineSection,
    pub ledger: LedgerConfig,
    pub witness: WitnessConfig,
    pub ingest: IngestConfig,
    pub processor: ProcessorConfig,
    pub api: ApiConfig,
    pub access_log: AccessLogConfig,
    pub oidc: OidcConfig,
    pub alerts: AlertsConfig,
    pub webhooks: WebhooksConfig,
    pub logging: LoggingConfig,
}

impl Default for Config {
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            data_dir: "./data".into(),
            listen: local(8080),
            admin_listen: local(9090),
            admin_token: None,
            clickhouse_listen: None,
            libchdb: ".engine/libchdb.so".into(),
            log: LogConfig::default(),
            kafka: KafkaSection::default(),
            spool: SpoolSection::default(),
            schema_registry: SchemaRegistryConfig::default(),
            clickhouse: ClickHouseConfig::default(),
            engine: EngineSection::default(),
            ledger: LedgerConfig::default(),
            witness: WitnessConfig::default(),
            ingest: IngestConfig::default(),
            processor: ProcessorConfig::default(),
            api: ApiConfig::default(),
            access_log: AccessLogConfig::default(),
            oidc: OidcConfig::default(),
            alerts: AlertsConfig::default(),
            webhooks: WebhooksConfig::default(),
            logging: LoggingConfig::default(),
        }
    }
}

/// The embedded log, used where no Kafka is configured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Fixed once the log exists.
    pub partitions: u32,
    pub segment_mib: u64,
    pub retention_days: u64,
    /// Over `retention_days`, where a day is too long.
    pub retention_seconds: Option<u64>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { partitions: 2, segment_mib: 64, retention_days: 7, retention_seconds: None }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSection {
    /// `host:port`, several separated by commas. Given: Kafka is the log.
    pub brokers: Option<String>,
    /// The events topic; `consent.control` and `consent.rejected` are named beside it.
    pub topic: String,
    /// Of the events topic, where it is created.
    pub partitions: u32,
    pub replication: Option<u16>,
    pub group: String,
    /// `group.instance.id`: a restart within the session timeout keeps its partitions.
    pub instance: Option<String>,
    pub append_timeout_ms: u64,
    pub retention_days: u64,
    /// Further librdkafka properties, such as `security.protocol`.
    pub properties: std::collections::BTreeMap<String, Secret>,
}

impl Default for KafkaSection {
    fn default() -> Self {
        Self {
            brokers: None,
            topic: "consent.events".into(),
            partitions: 6,
            replication: None,
            group: "avow-processor".into(),
            instance: None,
            append_timeout_ms: 5000,
            retention_days: 7,
            properties: std::collections::BTreeMap::new(),
        }
    }
}

/// Where ingest keeps events while Kafka does not acknowledge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSection {
    /// Off: events are answered 503 while Kafka does not acknowledge.
    pub enabled: bool,
    /// A volume that outlives the process; by default `spool` in the data directory.
    pub path: Option<PathBuf>,
    /// What it may hold; beyond that, 503.
    pub max_mib: u64,
    /// After this long without Kafka's answer the spool takes the events.
    pub after_ms: u64,
    /// Spools of ingests that are gone, to be shipped by this one.
    pub adopt: Vec<PathBuf>,
}

impl Default for SpoolSection {
    fn default() -> Self {
        Self { enabled: true, path: None, max_mib: 10_240, after_ms: 800, adopt: Vec::new() }
    }
}

/// A schema registry. Records are then framed as its clients expect.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaRegistryConfig {
    /// Up to where `/subjects` begins; for Apicurio that is `/apis/ccompat/v7`. User and password stand in it.
    pub url: Option<Address>,
}

/// A ClickHouse server, or `avow box`. Without `url` the engine is embedded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickHouseConfig {
    pub url: Option<String>,
    pub user: String,
    pub password: Secret,
    pub database: String,
}

impl Default for ClickHouseConfig {
    fn default() -> Self {
        Self { url: None, user: "default".into(), password: Secret::default(), database: "avow".into() }
    }
}

/// The embedded engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSection {
    pub max_connections: usize,
    /// What it may use in all; none: 90 % of the machine.
    pub memory_mib: Option<u64>,
    /// What it leaves free on its disk: below that it refuses inserts, and below twice that it merges nothing.
    pub reserve_mib: u64,
}

impl Default for EngineSection {
    fn default() -> Self {
        Self { max_connections: 16, memory_mib: None, reserve_mib: 256 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggingConfig {
    /// A filter such as `info` or `info,avow_log=debug`.
    pub filter: String,
    pub format: LogFormat,
}

impl Default for LoggingConfig {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}

/// Reads the configuration. A file that was named must be there.
pub fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    match file {
        Some(file) => {
            anyhow::ensure!(file.is_file(), "the configuration file {} is not there", file.display());
            figment = figment.merge(Toml::file_exact(file));
        }
        None if Path::new(DEFAULT_FILE).is_file() => figment = figment.merge(Toml::file_exact(DEFAULT_FILE)),
        None => {}
    }
    let environment = Env::prefixed("AVOW_").filter(|key| !NO_KEYS.iter().any(|no_key| key == *no_key)).split("__");
    figment.merge(environment).extract().context("configuration")
}

impl Config {
    /// Where people reach this installation.
    pub fn public_url(&self) -> String {
        self.webhooks.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    pub fn endpoint(&self, url: String) -> avow_warehouse::Endpoint {
        avow_warehouse::Endpoint {
            url,
            user: self.clickhouse.user.clone(),
            password: self.clickhouse.password.reveal().to_owned(),
            database: self.clickhouse.database.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::result_large_err, reason = "the signature is the library's")]
    fn the_environment_overrides_the_file_and_unknown_keys_are_errors() {
        figment::Jail::expect_with(|jail| {
            jail.create_file("avow.toml", "listen = '127.0.0.1:1'\n[ingest]\nquotas = 'off'\n")?;
            jail.set_env("AVOW_LISTEN", "127.0.0.1:2");
            jail.set_env("AVOW_CLICKHOUSE__PASSWORD", "12345");
            jail.set_env("AVOW_KAFKA__BROKERS", "127.0.0.1:9092");
            jail.set_env("AVOW_SCHEMA_REGISTRY__URL", "http://127.0.0.1:8081");
            jail.set_env("AVOW_BIN", "/somewhere/avow");
            let config = load(None).unwrap();
            assert_eq!(config.listen.port(), 2);
            assert!(!config.ingest.quotas);
            assert_eq!(config.clickhouse.password.reveal(), "12345");
            assert_eq!(config.kafka.brokers.as_deref(), Some("127.0.0.1:9092"));
            assert_eq!(config.schema_registry.url.unwrap().reveal(), "http://127.0.0.1:8081");
            jail.set_env("AVOW_INGEST__QUOTA", "off");
            let error = format!("{:#}", load(None).unwrap_err());
            assert!(error.contains("unknown field") && error.contains("quota"), "{error}");
            Ok(())
        });
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut config = Config { admin_token: Some(Secret::new("hidden-thing")), ..Config::default() };
        config.clickhouse.password = Secret::new("hidden-thing");
        config.oidc.client_secret = Secret::new("hidden-thing");
        let registry = serde_json::json!({"url": "http://avow:hidden-thing@registry:8081/apis"});
        config.schema_registry = serde_json::from_value(registry).unwrap();
        let shown = format!("{config:?}{}", toml::to_string(&config).unwrap());
        assert!(!shown.contains("hidden-thing"), "{shown}");
        assert!(shown.contains("http://avow:***@registry:8081/apis"), "{shown}");
    }
}
