//! The built `avow` binary as a process of its own: what an operator runs, and what a test may kill.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::cache::target_dir;
use crate::child::Child;
use crate::ports;

/// Starting includes loading the embedded engine; a loaded machine may take many times the usual second.
const PATIENCE: Duration = Duration::from_secs(120);
const TRIES: usize = 5;
/// The bootstrap token of every process that is started here, unless the settings give another.
pub const ADMIN_TOKEN: &str = "avow-testkit-admin-token";

/// The binary to run: `AVOW_BIN`, or `target/release/avow`.
///
/// # Errors
/// If it has not been built.
pub fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("AVOW_BIN").map_or_else(|| target_dir().join("release/avow"), PathBuf::from);
    if !path.is_file() {
        bail!("{} is not there: cargo build --release -p avow", path.display());
    }
    Ok(path)
}

/// Keeps the settings of whoever runs the tests (and the tests' own variables) from the program.
pub fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOW_")) {
        command.env_remove(name);
    }
    command
}

/// What to run, before it runs.
#[derive(Debug, Clone)]
pub struct Settings {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    data_dir: Option<PathBuf>,
}

impl Settings {
    /// `avow <command>`, for example `serve`. Quotas are off, the admin token is [`ADMIN_TOKEN`].
    #[must_use]
    pub fn new(command: &str) -> Self {
        let env = [("AVOW_ADMIN_TOKEN", ADMIN_TOKEN), ("AVOW_INGEST__QUOTAS", "off")];
        Self {
            args: command.split_whitespace().map(str::to_owned).collect(),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            data_dir: None,
        }
    }

    /// Adds a command-line argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable, for example `AVOW_KAFKA__BROKERS`.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Keeps data in `dir`, which the caller owns, instead of a temporary directory.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// Starts it and waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// If it ends, or is not ready in time; the error holds the end of its log.
    pub fn start(self) -> Result<Avow> {
        let dir = tempfile::Builder::new().prefix("avow-data-").tempdir()?;
        let mut last = None;
        for _ in 0..TRIES {
            let ports = ports::several(2)?;
            let mut avow = Avow::spawn(self.clone(), &dir, ports[0], ports[1])?;
            match avow.wait_ready() {
                Ok(()) => {
                    avow.dir = Some(dir);
                    return Ok(avow);
                }
                Err(error) if avow.log().contains("Address already in use") => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.context("not started")?)
    }
}

/// A running `avow`. Dropping it kills it and removes its data, unless the caller owns them.
#[derive(Debug)]
pub struct Avow {
    settings: Settings,
    child: Option<Child>,
    port: u16,
    admin_port: u16,
    data_dir: PathBuf,
    log: PathBuf,
    dir: Option<TempDir>,
}

impl Avow {
    fn spawn(settings: Settings, dir: &TempDir, port: u16, admin_port: u16) -> Result<Self> {
        let data_dir = settings.data_dir.clone().unwrap_or_else(|| dir.path().join("data"));
        let log = dir.path().join("avow.out");
        let mut avow = Self { settings, child: None, port, admin_port, data_dir, log, dir: None };
        avow.launch()?;
        Ok(avow)
    }

    fn launch(&mut self) -> Result<()> {
        let out = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(binary()?);
        without_settings(&mut command)
            .args(&self.settings.args)
            .env("AVOW_DATA_DIR", &self.data_dir)
            .env("AVOW_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("AVOW_ADMIN_LISTEN", format!("127.0.0.1:{}", self.admin_port))
            .envs(&self.settings.env)
            // An avow.toml of the developer's must not leak in.
            .current_dir(self.log.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        self.child = Some(Child::spawn(&mut command)?);
        Ok(())
    }

    fn wait_ready(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(child) = self.child.as_mut()
                && let Some(status) = child.try_wait()?
            {
                bail!("avow {:?} ended ({status}) before it was ready:\n{}", self.settings.args, self.log_tail());
            }
            if let Ok((200, _)) = self.admin_get("/readyz") {
                break;
            }
            if Instant::now() > until {
                bail!("avow {:?} is not ready after {PATIENCE:?}:\n{}", self.settings.args, self.log_tail());
            }
            sleep(Duration::from_millis(20));
        }
        let pid = self.pid().context("no process")?;
        if ports::held_by(pid, self.admin_port) {
            Ok(())
        } else {
            // Whoever answered was not ours. The words are those that a bind would have failed with.
            bail!("Address already in use: 127.0.0.1:{}", self.admin_port)
        }
    }

    /// The base address of the public interface, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The base address of `/metrics`, `/healthz`, `/readyz`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// The process id; `None` while it is down.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::pid)
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything that it has written to standard output and error, all starts together.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// `GET` on the admin interface: status and body.
    ///
    /// # Errors
    /// If nobody answers in HTTP/1.
    pub fn admin_get(&self, path: &str) -> Result<(u16, String)> {
        const WAIT: Duration = Duration::from_secs(5);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.admin_port));
        let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
        stream.set_read_timeout(Some(WAIT))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }

    /// A metric's value, by its name and labels as `/metrics` writes them; 0 where it is not there yet.
    ///
    /// # Errors
    /// As [`Avow::admin_get`].
    pub fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = self.admin_get("/metrics")?;
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
        Ok(text.lines().find_map(value).unwrap_or(0.0))
    }

    /// A metric's values by all its labels, in no order.
    ///
    /// # Errors
    /// As [`Avow::admin_get`].
    pub fn metric_by_labels(&self, name: &str) -> Result<Vec<f64>> {
        let (_, text) = self.admin_get("/metrics")?;
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?.1.trim().parse().ok();
        Ok(text.lines().filter_map(value).collect())
    }

    /// Resident memory, in MiB.
    ///
    /// # Errors
    /// If it is down.
    pub fn resident_mib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().context("avow is down")?))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        Ok(kib.map_or(0, |kib: u64| kib / 1024))
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        self.child = None;
    }

    /// SIGTERM; waits for the end and says what it was.
    ///
    /// # Errors
    /// If it is down, or does not end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("avow is down")?;
        child.terminate(PATIENCE)
    }

    /// Sends any other signal, for example [`Signal::STOP`].
    ///
    /// # Errors
    /// If it is down.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.child.as_ref().context("avow is down")?.signal(signal)
    }

    /// Starts it again on the same data and ports, and does not wait for it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn relaunch(&mut self) -> Result<()> {
        self.child = None;
        self.launch()
    }

    /// Whether it is up: it was started and has not ended.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn is_up(&mut self) -> Result<bool> {
        self.child.as_mut().map_or(Ok(false), |child| Ok(child.try_wait()?.is_none()))
    }

    /// Starts it again on the same data and ports, and waits until it is ready.
    ///
    /// # Errors
    /// As [`Settings::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.relaunch()?;
        self.wait_ready()
    }
}
