//! `avow rebuild`: has the derived tables made anew, and follows that to its end.

use clap::Args;
use reqwest::Method;

use super::follow::follow;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

#[derive(Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[arg(long)]
    json: bool,
}

pub async fn run(config: &Config, args: RebuildArgs) -> anyhow::Result<()> {
    let server = Server::of(config, &args.server)?;
    let begun = server.send(Method::POST, "/api/v1/rebuilds", None).await?;
    let (_, job) = follow(&server, &begun, "rebuilding").await?;
    if args.json {
        print_json(&job);
        return Ok(());
    }
    println!("derived from {} rows; {} ids copied", job["rows"], job["ids_copied"]);
    if let Some(reason) = job["rates_kept"].as_str() {
        println!("the roll-up was kept as it was: {reason}");
    }
    Ok(())
}
