//! The two sizes of an installation: everything in one process, or Kafka, `avow box` and the three roles apart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use avow_testkit::child::Signal;
use avow_testkit::engine;
use avow_testkit::kafka::Kafka;
use avow_testkit::ports;
use avow_testkit::process::{ADMIN_TOKEN, Avow, Settings, binary, without_settings};
use serde_json::{Value, json};
use uuid::Uuid;

pub const COUNTRY_HEADER: &str = "CF-IPCountry";

/// `avow serve` with embedded engines.
pub fn embedded() -> Result<Settings> {
    let library = engine::library()?;
    Ok(Settings::new("serve")
        .env("AVOW_LIBCHDB", library.display().to_string())
        .env("AVOW_INGEST__COUNTRY_HEADER", COUNTRY_HEADER))
}

/// Kafka, `avow box`, and each role a process of its own.
pub struct Cluster {
    pub api: Avow,
    pub processor: Avow,
    pub ingest: Avow,
    pub boxed: Boxed,
    _dir: tempfile::TempDir,
    pub kafka: Kafka,
}

/// `avow box` on a port of its own. It has no `/readyz`: the ports answer when it is there.
pub struct Boxed {
    child: avow_testkit::child::Child,
    dir: PathBuf,
    port: u16,
}

impl Boxed {
    /// On the data in `dir`.
    pub fn start_in(dir: &Path) -> Result<Self> {
        let port = ports::free()?;
        Ok(Self { child: Self::spawn(dir, port)?, dir: dir.to_owned(), port })
    }

    /// SIGTERM, and again on the same data and port.
    pub fn restart(&mut self) -> Result<()> {
        let status = self.child.terminate(Duration::from_secs(60))?;
        ensure!(status.success(), "{status} on SIGTERM");
        self.child = Self::spawn(&self.dir, self.port)?;
        Ok(())
    }

    fn spawn(dir: &Path, port: u16) -> Result<avow_testkit::child::Child> {
        let mut command = Command::new(binary()?);
        without_settings(&mut command).arg("box").env("AVOW_DATA_DIR", dir).env("AVOW_LIBCHDB", engine::library()?);
        command.env("AVOW_CLICKHOUSE_LISTEN", format!("127.0.0.1:{port}"));
        let child = avow_testkit::child::Child::spawn(&mut command)?;
        let begun = std::time::Instant::now();
        while !ports::held_by(child.pid(), port) {
            ensure!(begun.elapsed().as_secs() < 120, "avow box does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(child)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// SIGKILL.
    pub fn kill9(mut self) {
        self.child.kill9();
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.child.signal(signal)
    }

    /// Runs a statement, unlimited, in Avow's database; the answer is TSV.
    pub fn run(&self, sql: &str) -> Result<String> {
        let runtime = tokio::runtime::Runtime::new()?;
        let url = format!("http://127.0.0.1:{}/?database=avow", self.port);
        let request = reqwest::Client::new().post(url).body(sql.to_owned());
        runtime.block_on(async {
            let answer = request.send().await?;
            let ok = answer.status().is_success();
            let text = answer.text().await?;
            ensure!(ok, "{sql}: {text}");
            Ok(text)
        })
    }
}

/// Runs `avow` with these arguments on the data and the settings of an installation; what it wrote, and whether it went well.
pub fn command(args: &[&str], settings: &[(&str, String)]) -> Result<(bool, String)> {
    let mut command = Command::new(binary()?);
    let command = without_settings(&mut command).args(args).env("AVOW_LIBCHDB", engine::library()?);
    let dir = tempfile::tempdir()?;
    let output = command.current_dir(dir.path()).envs(settings.iter().map(|(k, v)| (*k, v))).output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text))
}

impl Drop for Boxed {
    fn drop(&mut self) {
        // It must let go of its data before somebody else takes them up.
        if self.child.terminate(Duration::from_secs(60)).is_err() {
            self.child.kill9();
        }
    }
}

impl Cluster {
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Every role with these settings besides.
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self> {
        let kafka = Kafka::start()?;
        let dir = tempfile::tempdir()?;
        let boxed = Boxed::start_in(dir.path())?;
        let role = |name: &str| {
            let role = Settings::new(name)
                .env("AVOW_KAFKA__BROKERS", kafka.brokers())
                .env("AVOW_CLICKHOUSE__URL", format!("http://127.0.0.1:{}", boxed.port))
                .env("AVOW_INGEST__COUNTRY_HEADER", COUNTRY_HEADER);
            settings.iter().fold(role, |role, (key, value)| role.env(*key, *value)).start()
        };
        let processor = role("processor")?;
        let api = role("api")?;
        let ingest = role("ingest")?;
        Ok(Self { api, processor, ingest, boxed, _dir: dir, kafka })
    }

    /// What a command needs to work on this installation.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AVOW_KAFKA__BROKERS", self.kafka.brokers()),
            ("AVOW_CLICKHOUSE__URL", format!("http://127.0.0.1:{}", self.boxed.port)),
        ]
    }
}

/// Runs a command of administration against a running server, as its administrator.
pub fn administer(url: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(binary()?);
    let output = without_settings(&mut command).args(args).args(["--url", url, "--token", ADMIN_TOKEN]).output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "avow {args:?}: {text}");
    Ok(text)
}

/// Runs `avow simulate` with these arguments.
pub fn simulate(url: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(binary()?);
    let output =
        without_settings(&mut command).args(["simulate", "--url", url, "--token", ADMIN_TOKEN]).args(args).output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "avow simulate {args:?}: {text}");
    Ok(text)
}

/// A decision of now, by a subject that decides this once.
pub fn decided(site: &str, id: Uuid) -> Value {
    json!({"id": id, "site": site, "type": "decided", "method": "accept_all", "subject": id,
           "occurred_at": jiff::Timestamp::now(), "categories": {"preferences": true}})
}

/// A caller of the public HTTP.
pub struct Caller {
    http: reqwest::Client,
    url: String,
}

impl Caller {
    pub fn of(url: String) -> Self {
        Self { http: reqwest::Client::new(), url }
    }

    pub async fn put_site(&self, site: &str, settings: Value) -> Result<()> {
        let request =
            self.http.put(format!("{}/api/v1/sites/{site}", self.url)).bearer_auth(ADMIN_TOKEN).json(&settings);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
        Ok(())
    }

    /// Posts events as a beacon; the status, or `None` where no answer came.
    pub async fn post(&self, events: &[Value]) -> Option<u16> {
        let request = self.http.post(format!("{}/v1/events", self.url)).json(&json!({"events": events}));
        Some(request.send().await.ok()?.status().as_u16())
    }

    pub async fn query(&self, body: Value) -> Result<Value> {
        let request = self.http.post(format!("{}/api/v1/query", self.url)).bearer_auth(ADMIN_TOKEN).json(&body);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// Sends a request as the administrator; the status and the JSON that came.
    pub async fn ask(&self, method: reqwest::Method, path: &str) -> Result<(u16, Value)> {
        let answer = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(ADMIN_TOKEN).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// Sends a body as the administrator; the status and the JSON that came, null where none did.
    pub async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(ADMIN_TOKEN).json(body);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }

    /// What `GET` of a path of the API answers.
    pub async fn get(&self, path: &str, token: &str) -> Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(token).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    pub async fn token(&self, body: Value) -> Result<String> {
        let request = self.http.post(format!("{}/api/v1/tokens", self.url)).bearer_auth(ADMIN_TOKEN).json(&body);
        let made: Value = request.send().await?.error_for_status()?.json().await?;
        Ok(made["token"].as_str().context("no token in the answer")?.to_owned())
    }
}
