//! Following a job of the server until it is over.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::client::Server;

/// Shows the progress of the job that `begun` names in its `Location` until it is done, and gives its path and how it ended.
/// A job that failed is an error that says why.
pub async fn follow(server: &Server, begun: &Response, doing: &'static str) -> anyhow::Result<(String, Value)> {
    let location = begun.headers().get("location").and_then(|value| value.to_str().ok());
    let location = location.context("the server named no job")?.to_owned();
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {percent}%")?;
    let progress = ProgressBar::new(1000).with_style(style).with_message(doing);
    loop {
        let job = server.send(Method::GET, &location, None).await?.json::<Value>().await?;
        progress.set_position((job["progress"].as_f64().unwrap_or(0.0) * 1000.0) as u64);
        match job["state"].as_str() {
            Some("done") => {
                progress.finish_and_clear();
                return Ok((location, job));
            }
            Some("failed") => bail!("{doing} failed: {}", job["error"].as_str().unwrap_or("no reason given")),
            _ => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
}
