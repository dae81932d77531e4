//! Apicurio Registry, the real one: its archive from Maven Central, once; a server on a free port, its schemas in memory.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let registry = avow_testkit::apicurio::Apicurio::start()?;
//! println!("{}/subjects", registry.url());
//! # Ok(())
//! # }
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::cache::{filled_once, fingerprint};
use crate::child::Child;
use crate::ports;

const VERSION: &str = "2.6.13.Final";
/// It starts in two to six seconds; a loaded machine may take many times that.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is started again because somebody took its port in between.
const TRIES: usize = 5;

/// A running registry. Dropping it kills it, and what was registered is gone.
pub struct Apicurio {
    port: u16,
    child: Option<Child>,
    _dir: TempDir,
}

impl Apicurio {
    /// A registry that answers, with nothing in it.
    ///
    /// # Errors
    /// If Java or Maven is missing, the archive cannot be fetched, or the registry does not come up.
    pub fn start() -> Result<Self> {
        let program = program()?;
        let mut last = None;
        for _ in 0..TRIES {
            match Self::try_start(&program) {
                Ok(registry) => return Ok(registry),
                Err(error) if error.to_string().contains(PORT_TAKEN) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.context("not started")?)
    }

    fn try_start(program: &Path) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("avow-apicurio-").tempdir()?;
        let port = ports::free()?;
        let console = dir.path().join("console.log");
        let out = File::create(&console)?;
        let mut command = Command::new("java");
        command
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1"])
            .arg(format!("-Dquarkus.http.port={port}"))
            .arg("-jar")
            .arg(program.join(format!("apicurio-registry-app-{VERSION}-runner.jar")))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut child = Child::spawn(&mut command).context("java (Debian: apt-get install openjdk-17-jre-headless)")?;
        let until = Instant::now() + PATIENCE;
        let said = || fs::read_to_string(&console).unwrap_or_default();
        while !(said().contains("Listening on") && ports::held_by(child.pid(), port)) {
            if let Some(status) = child.try_wait()? {
                let said = said();
                if said.contains("already bound") || said.contains("Address already in use") {
                    bail!(PORT_TAKEN);
                }
                bail!("the registry ended ({status}): {said}");
            }
            if Instant::now() > until {
                bail!("the registry is not up after {PATIENCE:?}: {}", said());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(Self { port, child: Some(child), _dir: dir })
    }

    /// The address at which it speaks Confluent's interface.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// Kills it with SIGKILL.
    pub fn kill9(&mut self) {
        self.child = None;
    }

    /// Freezes it: it takes connections and answers nothing.
    ///
    /// # Errors
    /// If it is down.
    pub fn sigstop(&self) -> Result<()> {
        self.child.as_ref().context("the registry is down")?.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// If it is down.
    pub fn sigcont(&self) -> Result<()> {
        self.child.as_ref().context("the registry is down")?.signal(Signal::CONT)
    }
}

const PORT_TAKEN: &str = "another process took a port that was free";

/// The directory of the unpacked program, fetched if this is the first time.
fn program() -> Result<PathBuf> {
    let artefact = format!("io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all");
    filled_once(&format!("apicurio-{}", fingerprint(&artefact)), |dir| {
        let archive = tempfile::tempdir()?;
        let mut fetch = Command::new("mvn");
        fetch.args(["-q", "-B", "dependency:copy", &format!("-Dartifact={artefact}")]);
        fetch.arg(format!("-DoutputDirectory={}", archive.path().display())).current_dir(archive.path());
        run(&mut fetch, "mvn (Debian: apt-get install maven openjdk-17-jre-headless)")?;
        let archive = archive.path().join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
        run(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(dir), "tar")
    })
}

fn run(command: &mut Command, name: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
