//! The engine, in a process of its own: libchdb crashes a process that exits with its engine open, as a test runner would.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock};

use avow_chbox::{Access, Engine, EngineConfig, Gatekeeper};
use tokio_util::sync::CancellationToken;

const DATA: &str = "AVOW_ENGINE_TEST_DATA";
const LISTENING: &str = "listening on ";

struct Door;

impl Gatekeeper for Door {
    fn admit(&self, _: &str, _: &str) -> Option<Access> {
        Some(Access::Full)
    }
}

struct Process {
    url: String,
    /// The engine ends, and removes its data, when this pipe does: at the latest with this process.
    _stdin: Option<ChildStdin>,
    _process: Child,
}

/// The address of the engine that all tests share.
pub fn url() -> &'static str {
    static ENGINE: OnceLock<Process> = OnceLock::new();
    &ENGINE.get_or_init(start).url
}

fn start() -> Process {
    let data = tempfile::tempdir().unwrap().keep();
    let (said, stdout) = std::io::pipe().unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["engine::serve", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DATA, &data)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(said).lines();
    let url = loop {
        let line = lines.next().expect("the engine ended before it listened").unwrap();
        if let Some((_, url)) = line.split_once(LISTENING) {
            break url.to_owned();
        }
    };
    Process { url, _stdin: process.stdin.take(), _process: process }
}

/// The engine itself, run by [`start`].
#[test]
#[ignore = "the engine that the other tests start and talk to"]
fn serve() {
    let Some(data) = std::env::var_os(DATA).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = EngineConfig {
            library: avow_testkit::engine::library().unwrap(),
            path: data.join("engine"),
            fsync: false,
            max_connections: 8,
            memory_limit_bytes: Some(2 << 30),
            reserve_bytes: 0,
        };
        let engine = Engine::open(config).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{LISTENING}http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let parent = shutdown.clone();
        std::thread::spawn(move || {
            let _end = std::io::stdin().read_to_end(&mut Vec::new());
            parent.cancel();
        });
        avow_chbox::serve(listener, Arc::clone(&engine), Arc::new(Door), shutdown).await.unwrap();
        engine.close().await;
    });
    std::fs::remove_dir_all(&data).unwrap();
    std::process::exit(0);
}
