//! Others can read it: Kafka with Python and the committed schema, the embedded engine with ClickHouse's own client.

use anyhow::{Result, ensure};
use avow_testkit::cache::workspace_root;
use avow_testkit::ports;
use avow_testkit::process::ADMIN_TOKEN;
use avow_testkit::python::Python;
use serde_json::json;

use crate::front::Front;
use crate::installation::{Caller, Cluster, embedded, simulate};

const REQUIREMENTS: &str = include_str!("requirements.txt");

#[test]
fn python_reads_the_topic_with_the_committed_schema() -> Result<()> {
    let cluster = Cluster::start()?;
    let front = Front::start(&[&cluster.ingest], &[&cluster.api])?;
    simulate(&front.url(), &["--site", "read.example", "--events", "300", "--settle", "6s", "--seed", "5"])?;
    let schema = workspace_root().join("schemas/avro/log_record.avsc").display().to_string();
    let told =
        Python::with(REQUIREMENTS)?.run(include_str!("read_topic.py"), &[&cluster.kafka.brokers(), &schema, "300"])?;
    ensure!(told.trim().starts_with("ConsentEvent 300 "), "{told}");
    Ok(())
}

#[test]
fn clickhouse_connect_reads_the_views_and_nothing_else() -> Result<()> {
    let port = ports::free()?;
    let avow = embedded()?.env("AVOW_CLICKHOUSE_LISTEN", format!("127.0.0.1:{port}")).start()?;
    let dir = tempfile::tempdir()?;
    let totals = dir.path().join("totals.json").display().to_string();
    let send = ["--sites", "2", "--events", "2000", "--settle", "0s", "--seed", "5", "--simple", "--out", &totals];
    simulate(&avow.url(), &send)?;
    // Until everything that was acknowledged is counted: a 202 says that it is in the log, not yet in the tables.
    simulate(&avow.url(), &["--check", &totals])?;
    let runtime = tokio::runtime::Runtime::new()?;
    let caller = Caller::of(avow.url());
    let limited = json!({"name": "one site", "scopes": ["audit:read"], "sites": ["s0-5.sim.example"]});
    let limited = runtime.block_on(caller.token(limited))?;
    let stats = runtime.block_on(caller.token(json!({"name": "stats", "scopes": ["stats:read"]})))?;
    let args = [&port.to_string(), ADMIN_TOKEN, &limited, &stats];
    let told = Python::with(REQUIREMENTS)?.run(include_str!("read_views.py"), &args)?;
    ensure!(told.contains("all refused"), "{told}");
    Ok(())
}
