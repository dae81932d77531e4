//! `avow doctor`: checks the configuration and every dependency and says how to mend what is wrong.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use avow_log::Log;
use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_processor::{Stamping, WitnessAt, Witnessed};
use avow_registry::{Registry, RegistryError};
use avow_trees::keys::Keys;

use crate::config::{self, Config};
use crate::serve::{ledger_key, oidc, witnesses};

/// One check: what was looked at, and what is wrong with it.
struct Finding {
    what: &'static str,
    outcome: Result<String, String>,
}

pub async fn run(file: Option<&Path>) -> anyhow::Result<()> {
    let loaded = config::load(file);
    let mut findings = vec![Finding {
        what: "configuration",
        outcome: loaded.as_ref().map(|_| "understood".into()).map_err(|error| format!("{error:#}")),
    }];
    if let Ok(config) = &loaded {
        findings.push(Finding { what: "data directory", outcome: data_dir(config) });
        findings.push(Finding { what: "processor", outcome: processor() });
        if config.clickhouse.url.is_none() {
            findings.push(Finding { what: "embedded engine", outcome: engine(config) });
        }
        findings.push(Finding { what: "clickhouse", outcome: clickhouse(config).await });
        findings.push(Finding { what: "kafka", outcome: kafka(config).await });
        findings.push(Finding { what: "schema registry", outcome: schema_registry(config).await });
        findings.extend(others(config).await);
        findings.push(Finding { what: "sign-in (OIDC)", outcome: sign_in(config).await });
        for (what, address) in [("listen", config.listen), ("admin_listen", config.admin_listen)] {
            findings.push(Finding { what, outcome: port(address).await });
        }
    }
    let mut wrong = 0;
    for finding in &findings {
        match &finding.outcome {
            Ok(text) => println!("ok     {:18} {text}", finding.what),
            Err(text) => {
                wrong += 1;
                println!("WRONG  {:18} {text}", finding.what);
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {} checks found something to mend", findings.len());
    }
    Ok(())
}

fn data_dir(config: &Config) -> Result<String, String> {
    let dir = &config.data_dir;
    let probe = dir.join(".doctor");
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| format!("{} can be written", dir.display()))
        .map_err(|error| {
            format!("{}: {error}; set data_dir (AVOW_DATA_DIR) to a folder that this user may write", dir.display())
        })
}

fn processor() -> Result<String, String> {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("avx2") {
        return Err("no AVX2: the embedded engine needs x86-64-v3; set clickhouse.url to a server instead".into());
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(format!("{cores} cores, {}", std::env::consts::ARCH))
}

fn engine(config: &Config) -> Result<String, String> {
    let library = &config.libchdb;
    if library.is_file() {
        return Ok(format!("{} is there", library.display()));
    }
    Err(format!("{} is not there: run `make engine`, or set AVOW_LIBCHDB to a libchdb.so", library.display()))
}

async fn clickhouse(config: &Config) -> Result<String, String> {
    let Some(url) = &config.clickhouse.url else { return Ok("embedded".into()) };
    match avow_warehouse::Warehouse::open(&config.endpoint(url.clone())).await {
        Ok(warehouse) => Ok(format!("{url} answers, database {}", warehouse.database())),
        Err(error) => Err(format!("{url}: {error}; check clickhouse.url, user and password")),
    }
}

async fn kafka(config: &Config) -> Result<String, String> {
    let Some(brokers) = &config.kafka.brokers else { return Ok("not configured: the log is embedded".into()) };
    let properties =
        config.kafka.properties.iter().map(|(key, value)| (key.clone(), value.reveal().to_owned())).collect();
    let kafka = KafkaConfig {
        brokers: brokers.clone(),
        events_topic: config.kafka.topic.clone(),
        partitions: config.kafka.partitions,
        replication: config.kafka.replication,
        properties,
        ..KafkaConfig::default()
    };
    match tokio::time::timeout(Duration::from_secs(20), KafkaLog::connect(kafka)).await {
        Ok(Ok(log)) => {
            let partitions = log.identity().partitions;
            log.close().await;
            Ok(format!("{brokers} answers, topic {} has {partitions} partitions", config.kafka.topic))
        }
        Ok(Err(error)) => Err(format!("{brokers}: {error}")),
        Err(_) => Err(format!("{brokers} does not answer within 20 s; check kafka.brokers and the network")),
    }
}

async fn schema_registry(config: &Config) -> Result<String, String> {
    let Some(url) = &config.schema_registry.url else {
        return Ok("not configured: records carry their schema's fingerprint".into());
    };
    let topic = &config.kafka.topic;
    let registry = Registry::new(url.reveal(), &config.data_dir).map_err(|error| error.to_string())?;
    match registry.versions(topic).await {
        Ok(versions) => Ok(format!("{} answers, subject {topic}-value has {versions} versions", registry.name())),
        Err(error @ RegistryError::Unavailable { .. }) => {
            Err(format!("{error}; check schema_registry.url and the network"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Who witnesses this installation, and who stamps it: each is asked, as signing asks them.
async fn others(config: &Config) -> Vec<Finding> {
    let ledger = &config.ledger;
    if ledger.witnesses.is_empty() && ledger.policy.is_none() && ledger.timestamp_url.is_none() {
        let nobody = |what: &'static str| Finding { what, outcome: Ok("not configured".into()) };
        return vec![nobody("witnesses"), nobody("time stamps")];
    }
    let keys = ledger_key::load(config).await;
    let signing = match keys.and_then(|keys| witnesses::signing(config, keys)) {
        Ok(signing) => signing,
        Err(error) => return vec![Finding { what: "ledger", outcome: Err(format!("{error:#}")) }],
    };
    let mut findings = Vec::new();
    match &signing.witnessing {
        None => findings.push(Finding { what: "witnesses", outcome: Ok("not configured".into()) }),
        Some(witnessing) => {
            for at in &witnessing.witnesses {
                findings.push(Finding { what: "witness", outcome: witness(at, &signing.keys).await });
            }
        }
    }
    findings.push(Finding { what: "time stamps", outcome: time_stamps(signing.stamping.as_ref()).await });
    findings
}

async fn witness(at: &WitnessAt, keys: &Keys) -> Result<String, String> {
    let (name, url) = (at.key.name(), &at.url);
    match at.probe(keys).await {
        Ok(Witnessed::WithItsKey) => Ok(format!("{name} at {url} cosigns this log, with the key that is configured")),
        Ok(Witnessed::Seen(entries)) => Ok(format!(
            "{name} at {url} knows this log and its key, and has cosigned {entries} entries; that its own key is the one that \
             is configured shows with each checkpoint (avow_ledger_cosignature_failures_total)"
        )),
        Err(error) => Err(format!("{name} at {url}: {error}")),
    }
}

async fn time_stamps(stamping: Option<&Stamping>) -> Result<String, String> {
    let Some(stamping) = stamping else { return Ok("not configured".into()) };
    match stamping.probe().await {
        Ok(authority) => Ok(format!("{} stamps; whom `avow verify --tsa-ca` must trust: {authority}", stamping.url)),
        Err(error) => Err(format!("{}: {error}; check ledger.timestamp_url", stamping.url)),
    }
}

/// Asks the provider of identities, where there is one, what it says of itself.
async fn sign_in(config: &Config) -> Result<String, String> {
    let Some(oidc) = oidc::provider(config).map_err(|error| format!("{error:#}"))? else {
        return Ok("not configured: people sign in with passwords".into());
    };
    let (issuer, redirect) = (config.oidc.issuer.as_deref().unwrap_or_default(), oidc.provider.redirect_url());
    match oidc.provider.probe().await {
        Ok(_) => {
            Ok(format!("{issuer} answers; it must know {redirect} as a redirect URI of {}", config.oidc.client_id))
        }
        Err(error) => Err(format!("{issuer}: {error}; check oidc.issuer and the network")),
    }
}

async fn port(address: std::net::SocketAddr) -> Result<String, String> {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => Err(format!("{address}: {error}; is another avow running?")),
    }
}
