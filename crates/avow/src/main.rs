//! `avow`: the one binary. It reads the configuration, takes a role or a command, and wires the crates together; what the
//! roles do is in `ingest`, `processor` and `api`.

mod cli;
mod client;
mod commands;
mod config;
mod logging;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::serve::Roles;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(run(cli));
    // Threads of the engine and of librdkafka may outlive their handles for a moment: nothing waits for them.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("avow: {error:#}");
    ExitCode::FAILURE
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let config = || config::load(cli.config.as_deref());
    match cli.command {
        Command::Serve => serve::run(config()?, Roles::ALL).await,
        Command::Ingest => serve::run(config()?, Roles::INGEST).await,
        Command::Processor => serve::run(config()?, Roles::PROCESSOR).await,
        Command::Api => serve::run(config()?, Roles::API).await,
        Command::Box => serve::engine::alone(config()?).await,
        Command::Demo(args) => commands::demo::run(config()?, args).await,
        Command::Simulate(args) => commands::simulate::run(*args).await,
        Command::Site(args) => commands::site::run(&config()?, args).await,
        Command::Banner(args) => commands::banner::run(&config()?, args).await,
        Command::Token(args) => commands::token::run(&config()?, args).await,
        Command::Person(args) => commands::person::run(&config()?, args).await,
        Command::Webhook(args) => commands::webhook::run(&config()?, args).await,
        Command::Alert(args) => commands::alert::run(&config()?, args).await,
        Command::Subject(args) => commands::subject::run(&config()?, args).await,
        Command::Signals(args) => commands::signals::run(&args),
        Command::Catalog(args) => commands::catalog::run(&config()?, args).await,
        Command::Export(args) => commands::export::run(&config()?, args).await,
        Command::Import(args) => commands::import::run(&config()?, args).await,
        Command::Verify(args) => commands::verify::run(&args),
        Command::Ledger(args) => commands::ledger::run(&config()?, args).await,
        Command::Witness(args) => Box::pin(commands::witness::run(config()?, args)).await,
        Command::Rebuild(args) => commands::rebuild::run(&config()?, args).await,
        Command::Replay(args) => commands::replay::run(&config()?, args).await,
        Command::Migrate(args) => commands::migrate::run(config()?, args).await,
        Command::Doctor => commands::doctor::run(cli.config.as_deref()).await,
        Command::Config => commands::show_config::run(&config()?),
    }
}
