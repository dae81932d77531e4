//! Apache Kafka, the real one: its jars from Maven Central, once; brokers on free ports, in KRaft mode, each both broker
//! and controller; data in a temporary directory.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let kafka = avow_testkit::kafka::Kafka::start()?;
//! println!("{}", kafka.brokers());
//! # Ok(())
//! # }
//! ```

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use crate::cache::{filled_once, fingerprint};
use crate::child::Child;
use crate::ports;
use crate::proxy::Proxy;

const POM: &str = include_str!("../kafka/pom.xml");
/// A broker starts in two seconds; a loaded machine may take many times that.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often brokers are started again because somebody took a port in between.
const TRIES: usize = 5;

/// A cluster of one broker or several. Dropping it kills them and removes their data.
pub struct Kafka {
    nodes: Vec<Node>,
    dir: TempDir,
}

struct Node {
    dir: PathBuf,
    /// For clients.
    port: u16,
    controller: u16,
    /// Between brokers.
    replication: u16,
    /// What clients connect to instead, if it is to be broken on request.
    proxy: Option<Proxy>,
    /// `None` while it is down.
    child: Option<Child>,
}

impl Node {
    fn advertised(&self) -> u16 {
        self.proxy.as_ref().map_or(self.port, Proxy::port)
    }
}

impl Kafka {
    /// One broker, ready for clients.
    ///
    /// # Errors
    /// If Java or Maven is missing, the jars cannot be fetched, or the broker does not come up.
    pub fn start() -> Result<Self> {
        Self::start_cluster(1)
    }

    /// `n` brokers, ready for clients; with three or more, topics default to three replicas of which two must be in sync.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_cluster(n: usize) -> Result<Self> {
        Self::start_with(n, false)
    }

    /// As [`Kafka::start_cluster`], each broker behind a proxy ([`Kafka::proxies`]); brokers reach each other directly.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_cluster_behind_proxies(n: usize) -> Result<Self> {
        Self::start_with(n, true)
    }

    fn start_with(n: usize, proxied: bool) -> Result<Self> {
        let mut last = None;
        for _ in 0..TRIES {
            match Self::try_start(n, proxied) {
                Ok(kafka) => return Ok(kafka),
                // Another process took one of the ports: begin anew with others.
                Err(error) if error.is::<PortTaken>() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.context("a cluster needs a broker")?)
    }

    fn try_start(n: usize, proxied: bool) -> Result<Self> {
        let lib = jars()?;
        let dir = tempfile::Builder::new().prefix("avow-kafka-").tempdir()?;
        let ports = ports::several(3 * n)?;
        let node = |(ports, id): (&[u16], usize)| {
            let proxy = if proxied { Some(Proxy::start(ports[0])?) } else { None };
            let dir = dir.path().join(format!("node-{id}"));
            Ok(Node { dir, port: ports[0], controller: ports[1], replication: ports[2], proxy, child: None })
        };
        let nodes = ports.chunks(3).zip(1..).map(node).collect::<Result<_>>()?;
        let mut kafka = Self { nodes, dir };
        let cluster = base64_url(Uuid::new_v4().as_bytes());
        for i in 0..n {
            kafka.format(i, &lib, &cluster)?;
        }
        for i in 0..n {
            kafka.spawn(i, &lib)?;
        }
        for i in 0..n {
            kafka.wait_ready(i)?;
        }
        Ok(kafka)
    }

    /// The bootstrap address list of all brokers.
    #[must_use]
    pub fn brokers(&self) -> String {
        self.nodes.iter().map(|n| format!("127.0.0.1:{}", n.advertised())).collect::<Vec<_>>().join(",")
    }

    /// What clients go through, if the cluster was started behind proxies.
    pub fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.nodes.iter().filter_map(|node| node.proxy.as_ref())
    }

    /// How many brokers there are, up or down.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Kills broker `n` (from 0) with SIGKILL.
    pub fn kill9(&mut self, n: usize) {
        self.nodes[n].child = None;
    }

    /// Asks broker `n` to shut down in order, and waits until it has.
    ///
    /// # Errors
    /// If it is down already, or does not end.
    pub fn sigterm(&mut self, n: usize) -> Result<()> {
        let mut child = self.nodes[n].child.take().context("this broker is down")?;
        child.terminate(PATIENCE)?;
        Ok(())
    }

    /// Freezes broker `n`: it holds its connections and answers nothing.
    ///
    /// # Errors
    /// If it is down.
    pub fn sigstop(&self, n: usize) -> Result<()> {
        self.nodes[n].child.as_ref().context("this broker is down")?.signal(Signal::STOP)
    }

    /// Lets a frozen broker go on.
    ///
    /// # Errors
    /// If it is down.
    pub fn sigcont(&self, n: usize) -> Result<()> {
        self.nodes[n].child.as_ref().context("this broker is down")?.signal(Signal::CONT)
    }

    /// Starts broker `n` again on its data and ports, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn restart(&mut self, n: usize) -> Result<()> {
        self.restart_all(&[n])
    }

    /// Starts several brokers again at once: they may need each other to become ready.
    ///
    /// # Errors
    /// If one does not come up.
    pub fn restart_all(&mut self, brokers: &[usize]) -> Result<()> {
        let lib = jars()?;
        for n in brokers {
            self.nodes[*n].child = None;
            self.spawn(*n, &lib)?;
        }
        brokers.iter().try_for_each(|n| self.wait_ready(*n))
    }

    /// Where the data lie, for tests that look at them.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn format(&self, i: usize, lib: &Path, cluster: &str) -> Result<()> {
        let node = &self.nodes[i];
        fs::create_dir_all(&node.dir)?;
        let properties = node.dir.join("server.properties");
        fs::write(&properties, self.properties(i)?)?;
        let output = java(lib, &[])
            // One argument, since a random id may begin with a hyphen.
            .args(["kafka.tools.StorageTool", "format", &format!("--cluster-id={cluster}"), "-c"])
            .arg(&properties)
            .output()
            .context("starting java")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("kafka's storage tool failed: {} {text}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(())
    }

    fn properties(&self, i: usize) -> Result<String> {
        let node = &self.nodes[i];
        let voters: Vec<_> =
            self.nodes.iter().zip(1..).map(|(n, id)| format!("{id}@127.0.0.1:{}", n.controller)).collect();
        let replicas = self.nodes.len().min(3);
        let in_sync = if replicas == 3 { 2 } else { 1 };
        let mut text = String::new();
        write!(
            text,
            "process.roles=broker,controller\n\
             node.id={id}\n\
             controller.quorum.voters={voters}\n\
             listeners=CLIENT://127.0.0.1:{port},BROKER://127.0.0.1:{replication},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=CLIENT://127.0.0.1:{advertised},BROKER://127.0.0.1:{replication}\n\
             listener.security.protocol.map=CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             inter.broker.listener.name=BROKER\n\
             controller.listener.names=CONTROLLER\n\
             log.dirs={data}\n\
             default.replication.factor={replicas}\n\
             min.insync.replicas={in_sync}\n\
             offsets.topic.num.partitions=4\n\
             offsets.topic.replication.factor={replicas}\n\
             transaction.state.log.replication.factor={replicas}\n\
             transaction.state.log.min.isr={in_sync}\n\
             share.coordinator.state.topic.replication.factor={replicas}\n\
             share.coordinator.state.topic.min.isr={in_sync}\n\
             group.initial.rebalance.delay.ms=0\n\
             auto.create.topics.enable=false\n\
             broker.session.timeout.ms=6000\n\
             log.cleaner.dedupe.buffer.size=8388608\n",
            id = i + 1,
            voters = voters.join(","),
            port = node.port,
            advertised = node.advertised(),
            replication = node.replication,
            controller = node.controller,
            data = node.dir.join("data").display(),
        )?;
        Ok(text)
    }

    fn spawn(&mut self, i: usize, lib: &Path) -> Result<()> {
        let node = &mut self.nodes[i];
        let console = File::create(node.dir.join("console.log"))?;
        let log = node.dir.join("broker.log");
        if log.exists() {
            fs::remove_file(&log)?;
        }
        let logging = format!("-Dorg.slf4j.simpleLogger.logFile={}", log.display());
        let mut command = java(lib, &["-Xms128m", "-Xmx256m", &logging]);
        command
            .arg("kafka.Kafka")
            .arg(node.dir.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console);
        node.child = Some(Child::spawn(&mut command)?);
        Ok(())
    }

    fn wait_ready(&mut self, i: usize) -> Result<()> {
        let node = &mut self.nodes[i];
        let child = node.child.as_mut().context("this broker is down")?;
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(node.dir.join("broker.log")).unwrap_or_default();
            if log.contains("Kafka Server started") {
                break;
            }
            if let Some(status) = child.try_wait()? {
                if log.contains("Address already in use") {
                    return Err(PortTaken.into());
                }
                let console = fs::read_to_string(node.dir.join("console.log")).unwrap_or_default();
                bail!("the broker ended ({status}): {console}\n{}", tail(&log));
            }
            if Instant::now() > until {
                bail!("the broker is not up after {PATIENCE:?}: {}", tail(&log));
            }
            sleep(Duration::from_millis(50));
        }
        if [node.port, node.controller, node.replication].iter().all(|port| ports::held_by(child.pid(), *port)) {
            Ok(())
        } else {
            Err(PortTaken.into())
        }
    }
}

/// Somebody else listens where a broker was to.
#[derive(Debug)]
struct PortTaken;

impl std::fmt::Display for PortTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another process took a port that was free")
    }
}

impl std::error::Error for PortTaken {}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn java(lib: &Path, options: &[&str]) -> Command {
    let mut command = Command::new("java");
    command.args(["-XX:+UseSerialGC"]).args(options).arg("-cp").arg(lib.join("*"));
    command
}

/// The directory of Kafka's jars, fetched if this is the first time.
fn jars() -> Result<PathBuf> {
    filled_once(&format!("kafka-{}", fingerprint(POM)), |dir| {
        let project = tempfile::tempdir()?;
        let pom = project.path().join("pom.xml");
        fs::write(&pom, POM)?;
        let output = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", dir.display()))
            .arg("-DincludeScope=runtime")
            .output()
            .context("starting mvn (Debian: apt-get install maven openjdk-17-jre-headless)")?;
        if !output.status.success() {
            bail!("maven could not fetch Kafka: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(())
    })
}

/// Base64 of sixteen bytes as Kafka writes its ids: URL alphabet, no padding.
fn base64_url(bytes: &[u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = u128::from_be_bytes(*bytes);
    // 22 digits of 6 bits hold 132 bits: the last digit is padded with four zero bits.
    let digit = |i: u32| if i < 21 { (number >> (122 - 6 * i)) & 63 } else { (number << 4) & 63 };
    (0..22).map(|i| char::from(ALPHABET[usize::try_from(digit(i)).unwrap_or(0)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_kafka_does() {
        assert_eq!(base64_url(&[0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(base64_url(&[255; 16]), "_____________________w");
        let bytes: [u8; 16] = std::array::from_fn(|i| u8::try_from(i * 16).unwrap());
        assert_eq!(base64_url(&bytes), "ABAgMEBQYHCAkKCwwNDg8A");
    }

    #[test]
    fn a_broker_starts_dies_and_starts_again() {
        let mut kafka = Kafka::start().unwrap();
        let brokers = kafka.brokers();
        kafka.sigstop(0).unwrap();
        kafka.sigcont(0).unwrap();
        kafka.kill9(0);
        assert!(kafka.sigstop(0).is_err());
        kafka.restart(0).unwrap();
        kafka.sigterm(0).unwrap();
        kafka.restart(0).unwrap();
        assert_eq!(kafka.brokers(), brokers);
    }
}
