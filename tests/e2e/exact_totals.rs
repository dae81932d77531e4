//! Every metric by every dimension equals what the simulator, which shares no line with the product, has counted.

use anyhow::Result;

use crate::front::Front;
use crate::installation::{COUNTRY_HEADER, Cluster, embedded, simulate};
use crate::scale;

/// Sends to `ingest` what `args` say and compares what `api` shows.
fn equal(ingest: &str, api: &str, sites: &str, settle: &str) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let totals = dir.path().join("totals.json").display().to_string();
    let events = scale("AVOW_SOAK_EVENTS", 50_000).to_string();
    let send = ["--sites", sites, "--events", &events, "--duplicates", "0.02", "--out", &totals];
    let more = ["--country-header", COUNTRY_HEADER, "--settle", settle, "--seed", "20261124"];
    println!("{}", simulate(ingest, &[&send[..], &more[..]].concat())?);
    println!("{}", simulate(api, &["--check", &totals])?);
    Ok(())
}

#[test]
fn embedded_every_number_is_exact() -> Result<()> {
    let avow = embedded()?.start()?;
    equal(&avow.url(), &avow.url(), "50", "0s")
}

#[test]
fn over_kafka_in_three_processes_every_number_is_exact() -> Result<()> {
    let cluster = Cluster::start()?;
    // Sites are made through the api, events go to ingest: one address for both is what a proxy in front would give.
    let front = Front::start(&[&cluster.ingest], &[&cluster.api])?;
    let outcome = equal(&front.url(), &front.url(), "50", "6s");
    if outcome.is_err() {
        println!("the processor's log:\n{}", cluster.processor.log());
    }
    outcome
}
