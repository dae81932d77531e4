//! `avow ledger audit`: has the server derive every ledger anew from its events, and says where they differ.

use anyhow::bail;
use reqwest::Method;
use serde_json::Value;

use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::commands::follow::follow;
use crate::config::Config;

pub async fn run(config: &Config, args: &ServerArgs, json: bool) -> anyhow::Result<()> {
    let server = Server::of(config, args)?;
    let begun = server.send(Method::POST, "/api/v1/audit/ledger", None).await?;
    let (_, job) = follow(&server, &begun, "auditing").await?;
    let found = &job["found"];
    let faults = found["fault_count"].as_u64().unwrap_or(0);
    if json {
        print_json(&job);
    } else {
        let number = |key: &str| found[key].as_u64().unwrap_or(0);
        for fault in found["faults"].as_array().into_iter().flatten() {
            println!("{}", written(fault));
        }
        println!(
            "{} ledgers, {} leaves ({} of erased subjects), {} nodes, {} checkpoints; {} leaves not in the trees yet",
            number("ledgers"),
            number("leaves"),
            number("erased"),
            number("nodes"),
            number("checkpoints"),
            number("waiting")
        );
    }
    if faults > 0 { bail!("{faults} faults: what is stored is not what was derived from the events") } else { Ok(()) }
}

/// A fault in one line: what, where, why.
fn written(fault: &Value) -> String {
    let text = |key: &str| fault[key].as_str().unwrap_or_default();
    let place = |key: &str| fault[key].as_u64().map(|number| format!("  {key} {number}")).unwrap_or_default();
    let places: String = ["leaf", "partition", "position", "size"].into_iter().map(place).collect();
    format!("FAULT  {:<12}  ledger {}{places}  {}", text("what"), text("ledger"), text("detail"))
}
