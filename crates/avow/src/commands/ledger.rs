//! `avow ledger`: the public logs as files, and the audit of everything that was derived for them.

mod audit;
mod export_tiles;
mod mirror;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::ServerArgs;
use crate::config::Config;
use crate::serve::ledger_key;

#[derive(Args)]
pub struct LedgerArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Derives every ledger anew from the stored events and compares: leaves, commitments, trees, checkpoints, the operator
    /// log. Exit code 0 only if nothing differs.
    Audit {
        #[arg(long)]
        json: bool,
    },
    /// Draws the key that is to follow the one in force, and prints its public key. Servers that are started with both sign
    /// with both; once they are started with the new one alone, the key has changed (docs/proof.md, "Changing the key").
    NewKey {
        /// The file, which only its owner will be able to read; by default `ledger.next.key` in the data directory, where a
        /// server looks for it.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Writes the logs as plain files that any web server can serve (C2SP tlog-tiles), verified against their checkpoints.
    /// Run again, it goes on where it was.
    ExportTiles {
        /// The folder; each log gets one of its name in it.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// This log alone; by default all.
        #[arg(long = "log", value_name = "NAME")]
        log: Option<String>,
    },
}

/// Runs one of them.
///
/// # Errors
/// Where the server does not answer; where something is not what it has to be, by name.
pub async fn run(config: &Config, args: LedgerArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Audit { json } => audit::run(config, &args.server, json).await,
        Action::NewKey { file } => new_key(config, file.as_deref()),
        Action::ExportTiles { dir, log } => export_tiles::run(config, &args.server, &dir, log.as_deref()).await,
    }
}

fn new_key(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let (path, key) = ledger_key::draw_next(config, file)?;
    println!("{}\npublic key {}", path.display(), avow_ledger::hex::encode(key.public()));
    Ok(())
}
