//! One box for all tests of this binary, and what they ask it with.

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
            ("bi", token) => Some(Access::Reader(reader(token)?)),
            _ => None,
        }
    }
}

/// Tokens are `DATABASE` (every row) or `DATABASE/SITE` (rows of that site only).
fn reader(token: &str) -> Option<ReaderAccess> {
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

/// The running box.
pub struct TestBox {
    pub engine: Arc<Engine>,
    pub url: String,
    _data: tempfile::TempDir,
}

/// The one box of this process. Its runtime is its own: a test's runtime ends with the test.
pub fn shared() -> &'static TestBox {
    static BOX: OnceLock<TestBox> = OnceLock::new();
    BOX.get_or_init(|| {
        let data = tempfile::tempdir().unwrap();
        let engine = Engine::open(EngineConfig {
            library: avow_testkit::engine::library().unwrap(),
            path: data.path().join("engine"),
            fsync: true,
            max_connections: 8,
            memory_limit_bytes: Some(4 << 30),
        })
        .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::clone(&engine);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                avow_chbox::serve(listener, served, Arc::new(Door), CancellationToken::new()).await.unwrap();
            });
        });
        TestBox { engine, url, _data: data }
    })
}

/// A client with every right, and a database of its own.
pub async fn client(database: &str) -> clickhouse::Client {
    let client = clickhouse::Client::default().with_url(&shared().url).with_user("avow").with_password(PASSWORD);
    client.query(&format!("CREATE DATABASE {database} ENGINE=Atomic")).execute().await.unwrap();
    client.with_database(database)
}
