//! Versions side by side, with and without a schema registry: what an older or newer writer appends is counted, exactly;
//! what cannot be read is a dead letter that says why; and a registry that is away loses nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use avow_testkit::apicurio::Apicurio;
use avow_testkit::cache::workspace_root;
use avow_testkit::kafka::Kafka;
use avow_testkit::process::Avow;
use avow_testkit::python::Python;
use serde_json::json;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, decided, embedded};

pub const SITE: &str = "evolution.example";
const SCRIPT: &str = include_str!("evolve.py");
const PATIENCE: Duration = Duration::from_secs(120);

/// The writer and reader that share nothing with Avow.
pub struct Foreign {
    python: Python,
    schema: String,
    brokers: String,
    registry: String,
}

impl Foreign {
    pub fn new(kafka: &Kafka, registry: Option<&Apicurio>) -> Result<Self> {
        let schema = workspace_root().join("schemas/avro/log_record.avsc").display().to_string();
        let registry = registry.map_or_else(|| "-".to_owned(), Apicurio::url);
        let python = Python::with(include_str!("requirements.txt"))?;
        Ok(Self { python, schema, brokers: kafka.brokers(), registry })
    }

    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let place = [self.brokers.as_str(), &self.schema, &self.registry];
        Ok(self.python.run(SCRIPT, &[&place[..], arguments].concat())?.trim().to_owned())
    }
}

/// Avow, and how many events it must have counted by now.
pub struct Counted {
    pub avow: Avow,
    caller: Caller,
    runtime: Runtime,
    pub expected: u64,
}

impl Counted {
    pub fn over(avow: Avow) -> Result<Self> {
        let (caller, runtime) = (Caller::of(avow.url()), Runtime::new()?);
        runtime.block_on(caller.put_site(SITE, json!({"name": "Evolution"})))?;
        Ok(Self { avow, caller, runtime, expected: 0 })
    }

    /// Events over HTTP: each request must be promised.
    fn post(&mut self, count: u64) -> Result<()> {
        let events: Vec<_> = (0..count).map(|_| decided(SITE, Uuid::new_v4())).collect();
        ensure!(self.runtime.block_on(self.caller.post(&events)) == Some(202), "not promised");
        self.expected += count;
        Ok(())
    }

    fn decisions(&self) -> Result<u64> {
        let query = json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions"]});
        let answer = self.runtime.block_on(self.caller.query(query))?;
        Ok(answer["rows"][0]["metrics"]["decisions"].as_u64().unwrap_or(0))
    }

    /// Waits until everything is counted, and nothing twice.
    pub fn all_there(&self) -> Result<()> {
        self.wait("events counted", || Ok(self.decisions()? >= self.expected))?;
        let (there, expected) = (self.decisions()?, self.expected);
        ensure!(there == expected, "{there} events are counted, {expected} were written");
        Ok(())
    }

    fn wait(&self, what: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        while !done()? {
            ensure!(begun.elapsed() < PATIENCE, "not after {PATIENCE:?}: {what}\n{}", self.avow.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    pub fn dead_letters(&self) -> Result<f64> {
        self.avow.metric("avow_processor_records_total{outcome=\"dead_letter\"}")
    }

    fn failures(&self) -> Result<f64> {
        self.avow.metric("avow_processor_failures_total")
    }
}

#[test]
fn records_of_other_versions_are_counted_as_soon_as_their_schema_is_published() -> Result<()> {
    let kafka = Kafka::start()?;
    let mut counted = Counted::over(embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).start()?)?;
    let foreign = Foreign::new(&kafka, None)?;
    counted.post(40)?;
    // Of this version, written by others: the fingerprint is that which they compute.
    for (command, version, count) in [("unpublished", "this", 10), ("publish", "newer", 30), ("publish", "older", 20)] {
        foreign.run(&[command, version, SITE, &count.to_string()])?;
        counted.expected += count;
        counted.post(5)?;
    }
    counted.all_there()?;
    ensure!(counted.dead_letters()? == 0.0, "{}", counted.avow.log());

    foreign.run(&["unpublished", "newest", SITE, "3"])?;
    // Written by somebody who has a registry, and neither published nor to be asked for here.
    foreign.run(&["append", "7", "this", SITE, "2"])?;
    counted.post(5)?;
    counted.all_there()?;
    counted.wait("dead letters", || Ok(counted.dead_letters()? >= 5.0))?;
    ensure!(counted.dead_letters()? == 5.0, "{}", counted.avow.log());
    let log = counted.avow.log();
    ensure!(log.contains("which is neither published in consent.control nor"), "the reason is not told: {log}");
    Ok(())
}

#[test]
fn with_a_schema_registry_others_read_and_write_and_its_absence_loses_nothing() -> Result<()> {
    let mut apicurio = Apicurio::start()?;
    let kafka = Kafka::start()?;
    let settings = embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers());
    let avow = settings.env("AVOW_SCHEMA_REGISTRY__URL", apicurio.url()).start()?;
    let mut counted = Counted::over(avow)?;
    let foreign = Foreign::new(&kafka, Some(&apicurio))?;

    // A newer writer registers what can be read by this version; what cannot is refused.
    compatibility(&counted.runtime, &apicurio, "FULL")?;
    ensure!(foreign.run(&["register", "demanding"])? == "refused 409", "an incompatible schema is registered");
    let newer = foreign.run(&["register", "newer"])?;
    counted.post(100)?;
    foreign.run(&["append", &newer, "newer", SITE, "30"])?;
    counted.expected += 30;
    let read = foreign.run(&["read", "130"])?;
    ensure!(read == "ConsentEvent 130 schemas 2", "{read}");
    // The other framing lies in the same topic.
    foreign.run(&["publish", "older", SITE, "10"])?;
    counted.expected += 10;
    counted.all_there()?;

    // The registry hangs: what is known goes on, and what needs it waits.
    let newest = foreign.run(&["register", "newest"])?;
    apicurio.sigstop()?;
    counted.post(50)?;
    counted.all_there()?;
    let failures = counted.failures()?;
    foreign.run(&["append", &newest, "newest", SITE, "20"])?;
    counted.expected += 20;
    counted.post(10)?;
    counted.wait("the partition waits for the registry", || Ok(counted.failures()? > failures))?;
    apicurio.sigcont()?;
    counted.all_there()?;

    // It is gone for good, and the process begins again without it.
    apicurio.kill9();
    counted.avow.kill9();
    counted.avow.restart()?;
    counted.post(10)?;
    counted.all_there()?;
    ensure!(counted.dead_letters()? == 0.0, "{}", counted.avow.log());
    Ok(())
}

fn compatibility(runtime: &Runtime, apicurio: &Apicurio, level: &str) -> Result<()> {
    let url = format!("{}/config/consent.events-value", apicurio.url());
    let request = reqwest::Client::new().put(url).json(&json!({"compatibility": level}));
    runtime.block_on(async { request.send().await?.error_for_status() })?;
    Ok(())
}
