//! `avow demo`: `serve` with demo sites, their simulated history and live simulated traffic.

use avow_simulate::demo;
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::logging;
use crate::serve::{Roles, Server, stop_on_signal};

#[derive(Args)]
pub struct DemoArgs {
    /// Days of history.
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Live events per second.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(mut config: Config, args: DemoArgs) -> anyhow::Result<()> {
    // The simulated visitors say where they are; a demo stands behind no proxy that would.
    config.ingest.country_header.get_or_insert_with(|| demo::COUNTRY_HEADER.into());
    config.ingest.quotas = false;
    config.logging.filter = format!("warn,{}", config.logging.filter.replace("info", "warn"));
    logging::start(&config.logging)?;
    let stop = stop_on_signal()?;
    let url = format!("http://{}", config.listen);
    let configured = config.admin_token.as_ref().map(|token| token.reveal().to_owned());
    let server = Server::start(config, Roles::ALL).await?;
    let token = configured.or_else(|| server.first_token.clone()).unwrap_or_default();

    println!("\n  Dashboard   {url}/\n  Sign in     {url}/#token={token}\n");
    let traffic = tokio::spawn(play(url, token, args, stop.clone()));
    stop.cancelled().await;
    if let Ok(Err(error)) = traffic.await {
        eprintln!("avow demo: {error:#}");
    }
    server.stop().await
}

async fn play(url: String, token: String, args: DemoArgs, stop: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        history = demo::history(&url, &token, args.days) => history?,
    };
    demo::traffic(&url, &token, args.rate, stop).await
}
