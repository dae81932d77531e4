//! `avow witness`: cosigns the checkpoints of others' logs that follow from what it has seen of them (C2SP tlog-witness), so
//! that whoever verifies a bundle need not believe the log's operator that there is one history. It holds its own key and, per
//! log, the newest checkpoint that it cosigned; it reads no log and no event.

mod add;
mod state;

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use avow_ledger::cosignature::ml_dsa::MlDsaCosigner;
use avow_ledger::{Cosigner, KeyName, NoteSignature, VerifierKey};
use avow_telemetry::Metrics;
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::state::Seens;
use crate::config::Config;
use crate::logging;
use crate::serve::{self, admin, ledger_key};

#[derive(Args)]
pub struct WitnessArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Its name, which is part of its key; by default `witness.name` of the configuration.
    #[arg(long, value_name = "NAME", global = true)]
    name: Option<String>,
    /// A log to watch, beside those of `witness.logs`: its verifier key, named as its origin. May be repeated.
    #[arg(long, value_name = "VKEY")]
    log: Vec<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Prints the verifier keys that others put into their policies, drawing the key if there is none yet.
    Key,
}

/// The keys of this witness.
struct Keys {
    ed25519: Cosigner,
    ml_dsa: Option<MlDsaCosigner>,
}

impl Keys {
    fn load(config: &Config, name: Option<String>) -> anyhow::Result<Self> {
        let name = name.or_else(|| config.witness.name.clone());
        let name = name.context("a witness has a name: set witness.name (AVOW_WITNESS__NAME), or give --name")?;
        let parsed: KeyName = name.parse().with_context(|| format!("witness.name {name:?}"))?;
        let seed = |named, own: &str| ledger_key::seed(named, &config.data_dir.join(own)).context("witness.key_file");
        let ed25519 = Cosigner::from_seed(parsed.clone(), seed(config.witness.key_file.as_deref(), "witness.key")?);
        let ml_dsa = match config.witness.ml_dsa {
            true => Some(MlDsaCosigner::from_seed(parsed, seed(None, "witness.ml-dsa.key")?)?),
            false => None,
        };
        Ok(Self { ed25519, ml_dsa })
    }

    fn vkeys(&self) -> anyhow::Result<Vec<VerifierKey>> {
        let ml_dsa = self.ml_dsa.iter().map(|key| key.vkey().clone());
        Ok(std::iter::once(self.ed25519.vkey()?).chain(ml_dsa).collect())
    }

    /// Its signature lines for a checkpoint, at a time in seconds since 1970.
    fn cosign(&self, text: &str, now: u64) -> anyhow::Result<Vec<NoteSignature>> {
        let mut lines = vec![self.ed25519.cosign(text, now)?];
        if let Some(key) = &self.ml_dsa {
            lines.push(key.cosign(text, now)?);
        }
        Ok(lines)
    }
}

/// Watches until SIGTERM or SIGINT.
///
/// # Errors
/// Where name, key or a log's key cannot be, the port is taken, or what it wrote of the logs is not what is there.
pub async fn run(config: Config, args: WitnessArgs) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("the data directory {}", config.data_dir.display()))?;
    let keys = Keys::load(&config, args.name)?;
    let vkeys = keys.vkeys()?;
    if matches!(args.action, Some(Action::Key)) {
        vkeys.iter().for_each(|vkey| println!("{vkey}"));
        return Ok(());
    }
    logging::start(&config.logging)?;
    let stop = serve::stop_on_signal()?;
    let logs = logs(config.witness.logs.iter().chain(&args.log))?;
    let seens = Seens::open(&config.data_dir.join("witness"), &logs, &vkeys)?;
    let metrics = Metrics::new()?;
    let public = TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
    let admin = TcpListener::bind(config.admin_listen).await;
    let admin = admin.with_context(|| format!("listening on {}", config.admin_listen))?;
    let (ready, draining) = (admin::Readiness::default(), Arc::new(AtomicBool::new(false)));
    let background = CancellationToken::new();
    tokio::spawn(admin::serve(admin, Arc::clone(&metrics), ready.clone(), background.clone()));
    ready.follow_nothing(Arc::clone(&draining));
    println!("avow witness listens on http://{}, and watches {} logs", config.listen, logs.len());
    vkeys.iter().for_each(|vkey| println!("{vkey}"));

    let routes = add::routes(keys, logs, seens, metrics);
    let serving = axum::serve(public, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let serving = tokio::spawn(serving.into_future());
    stop.cancelled().await;
    draining.store(true, Ordering::Relaxed);
    match tokio::time::timeout(serve::DRAIN, serving).await {
        Ok(served) => served??,
        Err(_) => tracing::warn!("witness.requests_cut_off"),
    }
    background.cancel();
    tracing::info!("witness.stopped");
    Ok(())
}

/// Reads the logs' keys.
fn logs<'a>(texts: impl Iterator<Item = &'a String>) -> anyhow::Result<Vec<VerifierKey>> {
    let mut logs: Vec<VerifierKey> = Vec::new();
    for text in texts {
        let key: VerifierKey = text.parse().with_context(|| format!("the log {text:?}"))?;
        ensure!(key.signs_logs(), "the key of {} is not one that signs a log", key.name());
        if !logs.contains(&key) {
            logs.push(key);
        }
    }
    ensure!(!logs.is_empty(), "no log to watch: set witness.logs (AVOW_WITNESS__LOGS), or give --log");
    Ok(logs)
}
