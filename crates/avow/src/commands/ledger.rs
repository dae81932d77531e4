//! `avow ledger`: the public logs as files, and the audit of everything that was derived for them.

mod audit;
mod export_tiles;
mod mirror;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::ServerArgs;
use crate::config::Config;

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
        Action::ExportTiles { dir, log } => export_tiles::run(config, &args.server, &dir, log.as_deref()).await,
    }
}
