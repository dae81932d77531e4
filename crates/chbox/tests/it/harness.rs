//! The box that tests talk to, a process of its own, and what they ask it with.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};

use avow_chbox::{Access, Engine, EngineConfig, Gatekeeper, ReaderAccess};
use tokio_util::sync::CancellationToken;

/// The password of the user with every right.
pub const PASSWORD: &str = "full-password";

/// Who is let in.
struct Door;

impl Gatekeeper for Door {
    fn admit(&self, user: &str, password: &str) -> Option<Access> {
        match (user, password) {
            ("avow", PASSWORD) => Some(Access::Full),
            ("bi", token) => Some(Access::Reader(access_of(token)?)),
            _ => None,
        }
    }
}

/// Tokens are `DATABASE` (every row) or `DATABASE/SITE` (rows of that site only).
fn access_of(token: &str) -> Option<ReaderAccess> {
    let (database, site) = match token.split_once('/') {
        Some((database, site)) => (database, Some(site)),
        None => (token, None),
    };
    let filter = site.map(|site| ("events".to_owned(), format!("site IN ('{site}')")));
    Some(ReaderAccess {
        database: database.to_owned(),
        views: vec!["events".to_owned(), "sites".to_owned()],
        row_filters: filter.into_iter().collect(),
    })
}

/// A box in a process of its own, with its own data.
pub struct TestBox {
    pub url: String,
    pub pid: u32,
    pub data: PathBuf,
    /// The box ends, and removes its data, when this pipe does: at the latest with this process.
    stdin: Option<ChildStdin>,
    process: Child,
}

impl TestBox {
    /// Starts one, and waits until it listens.
    pub fn start() -> Self {
        let data = tempfile::tempdir().unwrap().keep();
        let (mut said, stdout) = std::io::pipe().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["harness::serve", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DATA, &data)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(&mut said).lines();
        let url = loop {
            let line = lines.next().expect("the box ended before it listened").unwrap();
            // The test runner has written the test's name into the same line.
            if let Some((_, url)) = line.split_once(LISTENING) {
                break url.to_owned();
            }
        };
        Self { url, pid: process.id(), data, stdin: process.stdin.take(), process }
    }

    /// Lets it end by itself, and gives its exit status.
    pub fn stop(mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.process.wait().unwrap()
    }
}

/// Names the data directory to a box.
const DATA: &str = "AVOW_CHBOX_TEST_DATA";
const LISTENING: &str = "listening on ";

/// The box itself, run by [`TestBox::start`]: libchdb crashes a process that exits with its engine open, as a test
/// runner would.
#[test]
#[ignore = "the box that the other tests start and talk to"]
fn serve() {
    let Some(data) = std::env::var_os(DATA).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::open(config(&data)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{LISTENING}http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let parent = shutdown.clone();
        std::thread::spawn(move || {
            // Ends when the parent closes it, or ends.
            let _end = std::io::stdin().read_to_end(&mut Vec::new());
            parent.cancel();
        });
        avow_chbox::serve(listener, Arc::clone(&engine), Arc::new(Door), shutdown).await.unwrap();
        engine.close().await;
    });
    std::fs::remove_dir_all(&data).unwrap();
    std::process::exit(0);
}

/// How the tests open an engine on `data`.
pub fn config(data: &Path) -> EngineConfig {
    EngineConfig {
        library: avow_testkit::engine::library().unwrap(),
        path: data.join("engine"),
        fsync: true,
        max_connections: 8,
        memory_limit_bytes: Some(4 << 30),
        reserve_bytes: 0,
    }
}

/// The box that most tests share; each works in a database of its own.
pub fn shared() -> &'static TestBox {
    static BOX: OnceLock<TestBox> = OnceLock::new();
    BOX.get_or_init(TestBox::start)
}

/// A client with every right, and a database of its own.
pub async fn client(database: &str) -> clickhouse::Client {
    let client = clickhouse::Client::default().with_url(&shared().url).with_user("avow").with_password(PASSWORD);
    client.query(&format!("CREATE DATABASE {database} ENGINE=Atomic")).execute().await.unwrap();
    client.with_database(database)
}

/// An answer, read whole.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
    pub text: String,
    /// The body broke off.
    pub broken: bool,
}

impl Reply {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends `sql` as the body of a POST, as the user with every right; `query` goes into the URL.
pub async fn full(sql: &str, query: &str) -> Reply {
    post("avow", PASSWORD, sql.to_owned(), query).await
}

/// As [`full`], as a reader with this token.
pub async fn reader(token: &str, sql: &str, query: &str) -> Reply {
    post("bi", token, sql.to_owned(), query).await
}

/// Sends a POST.
pub async fn post(user: &str, password: &str, body: impl Into<reqwest::Body>, query: &str) -> Reply {
    let request = reqwest::Client::new().post(format!("{}/?{query}", shared().url));
    let answer =
        request.header("X-ClickHouse-User", user).header("X-ClickHouse-Key", password).body(body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    // A body that breaks off (as one with an error in it must) is kept as far as it came.
    let (mut bytes, mut answer) = (Vec::new(), answer);
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Reply { status, headers, bytes, text, broken }
}

/// Waits until a statement whose text holds `words` runs, or until none does.
pub async fn until_running(words: &str, running: bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        // The question itself is in the list, with the words in two parts.
        let (start, end) = words.split_at(words.len() / 2);
        let count = full(
            &format!("SELECT count() FROM system.processes WHERE position(query, concat('{start}', '{end}')) > 0"),
            "",
        )
        .await;
        if (count.text != "0\n") == running {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{words}: still {}",
            if running { "absent" } else { "running" }
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Waits until no insert into `database` runs.
pub async fn until_idle(database: &str) {
    until_running(&format!("INSERT INTO {database}."), false).await;
}
