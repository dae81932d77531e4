//! What runs: three brokers behind proxies, `avow box` behind one on a disk that can be filled, two ingests whose spools
//! lie on such disks, three processors, an api, and a front before them all.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_log::kafka::{KafkaConfig, KafkaLog};
use avow_log::{Log, Topic};
use avow_testkit::disk::SmallDisk;
use avow_testkit::kafka::Kafka;
use avow_testkit::process::{Avow, Settings};
use avow_testkit::proxy::Proxy;
use tokio::runtime::Runtime;

use crate::front::Front;
use crate::installation::{Boxed, COUNTRY_HEADER};

pub const PARTITIONS: u32 = 12;
/// Everything that was sent before must be in every table by then.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Machines {
    // In the order in which they are taken down.
    pub front: Front,
    pub ingests: Vec<Avow>,
    pub processors: Vec<Avow>,
    pub api: Avow,
    /// A second owner of everything, while there is one.
    pub rogue: Option<Avow>,
    pub boxed: Option<Boxed>,
    pub box_proxy: Proxy,
    pub box_disk: SmallDisk,
    pub spool_disks: Vec<SmallDisk>,
    pub log: Arc<KafkaLog>,
    pub kafka: Kafka,
    pub runtime: Runtime,
    keys: tempfile::TempDir,
}

impl Machines {
    pub fn start() -> Result<Self> {
        let runtime = Runtime::new()?;
        let kafka = Kafka::start_cluster_behind_proxies(3)?;
        let box_disk = SmallDisk::mount_or_folder(3072)?;
        let boxed = Boxed::start_in(box_disk.path())?;
        let box_proxy = Proxy::start(boxed.port())?;
        let brokers = kafka.brokers();
        // One key for all who sign, whichever has the first partition.
        let keys = tempfile::tempdir()?;
        let key = keys.path().join("ledger.key");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&key)?
            .write_all("5a".repeat(32).as_bytes())?;
        let role = |name: &str| {
            Settings::new(name)
                .env("AVOW_LEDGER__KEY_FILE", key.display().to_string())
                .env("AVOW_KAFKA__BROKERS", &brokers)
                .env("AVOW_KAFKA__PARTITIONS", PARTITIONS.to_string())
                .env("AVOW_KAFKA__REPLICATION", "3")
                .env("AVOW_CLICKHOUSE__URL", format!("http://127.0.0.1:{}", box_proxy.port()))
                .env("AVOW_INGEST__COUNTRY_HEADER", COUNTRY_HEADER)
        };
        let first = role("processor").start()?;
        let rogue = None;
        let spool_disks = vec![SmallDisk::mount_or_folder(256)?, SmallDisk::mount_or_folder(256)?];
        let ingest =
            |disk: &SmallDisk| role("ingest").env("AVOW_SPOOL__PATH", disk.path().display().to_string()).start();
        let ingests = spool_disks.iter().map(ingest).collect::<Result<Vec<_>>>()?;
        let api = role("api").start()?;
        let processors = vec![first, role("processor").start()?, role("processor").start()?];
        let front = Front::start(&[&ingests[0], &ingests[1]], &[&api])?;
        let config = KafkaConfig { brokers, partitions: PARTITIONS, ..KafkaConfig::default() };
        let log = runtime.block_on(KafkaLog::connect(config))?;
        let boxed = Some(boxed);
        Ok(Self {
            front,
            ingests,
            processors,
            api,
            rogue,
            boxed,
            box_proxy,
            box_disk,
            spool_disks,
            log,
            kafka,
            runtime,
            keys,
        })
    }

    /// Settings of one more processor, of a group of its own.
    pub fn rogue_settings(&self) -> Settings {
        Settings::new("processor")
            .env("AVOW_KAFKA__BROKERS", self.kafka.brokers())
            .env("AVOW_KAFKA__PARTITIONS", PARTITIONS.to_string())
            .env("AVOW_KAFKA__GROUP", "rogue")
            .env("AVOW_LEDGER__KEY_FILE", self.keys.path().join("ledger.key").display().to_string())
            .env("AVOW_CLICKHOUSE__URL", format!("http://127.0.0.1:{}", self.box_proxy.port()))
    }

    /// Starts what has ended by itself, as a supervisor would.
    pub fn supervise(&mut self) -> Result<()> {
        for process in self.ingests.iter_mut().chain(&mut self.processors).chain([&mut self.api]) {
            if !process.is_up()? {
                process.relaunch()?;
            }
        }
        Ok(())
    }

    /// Waits, supervising.
    pub fn hold(&mut self, lasts: Duration) -> Result<()> {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200).min(until.saturating_duration_since(Instant::now())));
            self.supervise()?;
        }
        Ok(())
    }

    pub fn sql(&self, statement: &str) -> Result<String> {
        self.boxed.as_ref().context("the box is down")?.run(statement)
    }

    /// Partition to number, from a statement that gives both.
    fn marks(&self, statement: &str) -> Result<BTreeMap<u32, u64>> {
        let text = self.sql(statement)?;
        let parse = |line: &str| {
            let (partition, mark) = line.split_once('\t')?;
            Some((partition.parse().ok()?, mark.parse().ok()?))
        };
        text.lines().map(|line| parse(line).with_context(|| line.to_owned())).collect()
    }

    /// One past the last record of each partition of the log.
    pub fn ends(&self) -> Result<BTreeMap<u32, u64>> {
        let end = |partition| Ok((partition, self.runtime.block_on(self.log.end(Topic::Events, partition))?));
        (0..PARTITIONS).map(end).collect()
    }

    /// Waits until the spools are empty and everything that is in the log now is in every table.
    pub fn drained(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.supervise()?;
            let waiting = |ingest: &Avow| ingest.metric("avow_spool_depth_records").ok();
            if self.ingests.iter().all(|ingest| waiting(ingest) == Some(0.0)) {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "the spools are not shipped");
            std::thread::sleep(Duration::from_millis(250));
        }
        let ends = self.ends()?;
        loop {
            self.supervise()?;
            let mut behind = Vec::new();
            for (table, statement) in MARKS {
                let marks = self.marks(statement)?;
                behind.extend(
                    ends.iter()
                        .filter(|(p, end)| marks.get(p).copied().unwrap_or(0) < **end)
                        .map(|(p, end)| format!("{table} of partition {p} stands at {:?} of {end}", marks.get(p))),
                );
            }
            if behind.is_empty() {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "{}", behind.join("\n"));
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// The ends of all logs, for whoever must find out what went wrong.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let named = [
            ("ingest", &self.ingests[..]),
            ("processor", &self.processors[..]),
            ("api", std::slice::from_ref(&self.api)),
        ];
        for (name, processes) in named {
            for (n, process) in processes.iter().enumerate() {
                let log = process.log();
                let lines: Vec<&str> = log.lines().collect();
                let tail = &lines[lines.len().saturating_sub(60)..];
                text.push_str(&format!("--- {name} {n}\n{}\n", tail.join("\n")));
            }
        }
        text
    }
}

const MARKS: [(&str, &str); 3] = [
    (
        "events",
        "SELECT partition, max(range_to) FROM events_data WHERE site = '' AND kind = 'range' GROUP BY partition",
    ),
    ("ids", "SELECT partition, max(position) FROM event_ids WHERE hash = toFixedString('', 16) GROUP BY partition"),
    ("rates", "SELECT service, max(upto) FROM rates_15m_data WHERE site = '' AND grain = '' GROUP BY service"),
];
