//! `avow import`: what other tools say of the same sites. Their numbers are put beside ours, their consents become events.

mod aggregates;
mod history;
mod read;
mod rows;

use clap::{Args, Subcommand};

use crate::cli::ServerArgs;
use crate::client::Server;
use crate::config::Config;

#[derive(Args)]
pub struct ImportArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A CMP's own numbers per day, as CSV or NDJSON (docs/bridge.md says which columns).
    Aggregates(aggregates::AggregatesArgs),
    /// A CMP's log of consents, as CSV, NDJSON or JSON, each an event that is marked as imported (docs/import.md).
    History(Box<history::HistoryArgs>),
}

pub async fn run(config: &Config, args: ImportArgs) -> anyhow::Result<()> {
    match args.what {
        // A dry run asks no server.
        What::Aggregates(what) => aggregates::run(|| Server::of(config, &args.server), what).await,
        What::History(what) => Box::pin(history::run(|| Server::of(config, &args.server), *what)).await,
    }
}
