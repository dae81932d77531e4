//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;

/// Consent analytics that can be proved: takes the consent events that cookie banners emit, counts them, and proves them.
#[derive(Parser)]
#[command(name = "avow", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// The configuration file; `avow.toml` in the current folder if it is there. Each key can be given as
    /// `AVOW_SECTION__KEY` in the environment.
    #[arg(long, global = true, env = "AVOW_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Every role in one process: ingest, processor, api. Embedded engines unless Kafka or ClickHouse are configured.
    Serve,
    /// Takes events (`POST /v1/events`). Needs Kafka.
    Ingest,
    /// Takes the log to the warehouse. Needs Kafka and ClickHouse.
    Processor,
    /// Answers queries and serves the page. Needs Kafka and ClickHouse.
    Api,
    /// The embedded ClickHouse alone, behind its HTTP interface.
    Box,
    /// `serve` with demo sites, 90 days of simulated history and live simulated traffic.
    Demo(commands::demo::DemoArgs),
    /// Sends realistic visitors to a server, and writes down the exact totals that it must show.
    Simulate(Box<commands::simulate::SimulateCommand>),
    /// Sites: list, show, create or change.
    Site(commands::site::SiteArgs),
    /// What visitors are shown: put, list, show.
    Banner(commands::banner::BannerArgs),
    /// Tokens: list, create, revoke.
    Token(commands::token::TokenArgs),
    /// People who sign in: list, add, disable, reset.
    Person(commands::person::PersonArgs),
    /// Webhooks: list, create, change, delete, test, what was sent.
    Webhook(commands::webhook::WebhookArgs),
    /// Alerts: list, acknowledge, thresholds.
    Alert(commands::alert::AlertArgs),
    /// Visitors, one by one: show, export, erase, hold, restrict.
    Subject(commands::subject::SubjectArgs),
    /// The service catalogue: list, show.
    Catalog(commands::catalog::CatalogArgs),
    /// What a TC or GPP string says, and whether it is valid.
    Signals(commands::signals::SignalsArgs),
    /// Makes an audit export and saves its bundle.
    Export(commands::export::ExportArgs),
    /// Brings in what other tools say of the same sites: aggregates, history.
    Import(commands::import::ImportArgs),
    /// Verifies an exported bundle, offline: every claim by name, and exit code 0 only if none fails.
    Verify(commands::verify::VerifyArgs),
    /// The public logs: as files for any web server; everything derived for them, audited.
    Ledger(commands::ledger::LedgerArgs),
    /// A witness of others' logs: cosigns what follows from what it has seen (C2SP tlog-witness).
    Witness(commands::witness::WitnessArgs),
    /// Makes the derived tables (known ids, roll-up) anew from the events, while everything goes on.
    Rebuild(commands::rebuild::RebuildArgs),
    /// Sends dead letters to the log again, those that can be decoded and applied now.
    Replay(commands::replay::ReplayArgs),
    /// Goes over to a new log: another number of partitions, other site shards, or a topic that was recreated.
    Migrate(commands::migrate::MigrateArgs),
    /// Checks the configuration and every dependency, and says how to mend what is wrong.
    Doctor,
    /// Prints the effective configuration, secrets hidden.
    Config,
}

/// Where the running server is, for commands that speak to it.
#[derive(Args, Clone)]
pub struct ServerArgs {
    /// Address of the running server; by default that of this machine's configuration.
    #[arg(long, global = true, env = "AVOW_URL", value_name = "URL")]
    pub url: Option<String>,
    /// An access token; by default `admin_token` of the configuration, or the one that the first start left in the data
    /// directory.
    #[arg(long, global = true, env = "AVOW_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
}
