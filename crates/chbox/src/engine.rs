//! The engine of one data directory: opened once, shared by every listener, closed after the last statement.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{BoxError, EngineError, OpenError, codes};
use crate::gate::functions::{Function, Functions};
use crate::library::{Connection, Library};
use crate::reserve;

/// How to open an engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// `libchdb.so`, where `make engine` puts it.
    pub library: PathBuf,
    /// The data directory, created if absent; this process owns it alone.
    pub path: PathBuf,
    /// Whether an insert is on disk (fsync of data and directory) before it is acknowledged.
    pub fsync: bool,
    /// How many statements may run at the same time; further ones wait.
    pub max_connections: usize,
    /// What the engine may use in all; by default 90 % of the machine's memory, as ClickHouse has it.
    pub memory_limit_bytes: Option<u64>,
    /// What stays free on the disk: below it inserts are refused, below twice that nothing is merged.
    pub reserve_bytes: u64,
}

/// How long a statement waits for its turn before it is refused.
const QUEUE_LIMIT: Duration = Duration::from_secs(60);

/// Every connection starts with these; a request may set them otherwise.
/// `async_insert` defaults to 1 in 26.7, and would acknowledge what is not written; `implicit_select` would take the
/// word `garbage` for a statement; introspection shows the process's addresses.
const SESSION_DEFAULTS: [&str; 3] = ["--async_insert=0", "--implicit_select=0", "--allow_introspection_functions=0"];

/// A running ClickHouse engine.
pub struct Engine {
    library: Arc<Library>,
    path: PathBuf,
    /// Held for the engine's life: without an open connection libchdb stops its server.
    keeper: std::sync::Mutex<Option<Connection>>,
    permits: Arc<Semaphore>,
    max_connections: usize,
    reserve_bytes: u64,
    /// Every setting the engine knows; the others must be refused here, libchdb would ignore them.
    settings: HashSet<String>,
    version: String,
    timezone: String,
    /// The functions that readers may call.
    functions: Functions,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("path", &self.path).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads libchdb and starts the engine on its data directory. Takes about 0.2 s, 3 s from a cold disk; blocks.
    ///
    /// # Errors
    /// An [`OpenError`], each of which says what to do.
    pub fn open(config: EngineConfig) -> Result<Arc<Self>, BoxError> {
        let reserve_bytes = config.reserve_bytes;
        let engine = Arc::new(Self::start(config)?);
        if reserve_bytes > 0 {
            reserve::watch(&engine, &engine.path, reserve_bytes);
        }
        Ok(engine)
    }

    fn start(config: EngineConfig) -> Result<Self, OpenError> {
        let library = Library::load(&config.library)?;
        let unusable = |reason| OpenError::Path { path: config.path.clone(), reason };
        fs::create_dir_all(&config.path).map_err(unusable)?;
        let path = config.path.canonicalize().map_err(unusable)?;
        if is_locked(&path.join("status")).map_err(unusable)? {
            return Err(OpenError::InUse { path });
        }
        let config_file = write_server_config(&path, &config).map_err(unusable)?;
        let mut options = vec![format!("--config-file={}", config_file.display())];
        options.extend(SESSION_DEFAULTS.map(str::to_owned));
        let Some(mut keeper) = library.connect(&path, &options) else {
            return Err(OpenError::Refused { path });
        };
        let settings = column(&mut keeper, "SELECT name FROM system.settings")?;
        let functions = Functions::of(&functions(&mut keeper)?);
        let version = column(&mut keeper, "SELECT version()")?.pop().unwrap_or_default();
        let timezone = column(&mut keeper, "SELECT timezone()")?.pop().unwrap_or_default();
        tracing::info!(engine.version = %version, engine.library_version = %library.version(), engine.path = %path.display(), "engine opened");
        Ok(Self {
            path,
            keeper: std::sync::Mutex::new(Some(keeper)),
            permits: Arc::new(Semaphore::new(config.max_connections.max(1))),
            max_connections: config.max_connections.max(1),
            reserve_bytes: config.reserve_bytes,
            settings: settings.into_iter().collect(),
            functions,
            version,
            timezone,
            library,
        })
    }

    /// The version that `version()` gives, such as `26.7.2.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The server's time zone.
    pub fn timezone(&self) -> &str {
        &self.timezone
    }

    /// Whether a closed engine could still answer: it has not been closed.
    pub fn is_open(&self) -> bool {
        !self.permits.is_closed()
    }

    /// Waits for running statements, refuses new ones, and stops the engine. A process must do this before it ends:
    /// libchdb crashes at exit with connections open.
    pub async fn close(&self) {
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        // Err: closed already.
        let Ok(drained) = self.permits.acquire_many(all).await else { return };
        self.permits.close();
        drop(drained);
        let keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        // Stopping joins the engine's threads; a blocking thread may wait for that.
        let stopped = tokio::task::spawn_blocking(move || drop(keeper)).await;
        if let Err(error) = stopped {
            tracing::error!(error = %error, "engine did not stop cleanly");
        }
    }

    /// A place among the statements that may run at the same time.
    pub(crate) async fn admit(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        match tokio::time::timeout(QUEUE_LIMIT, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(EngineError::new(codes::ABORTED, "ABORTED", "The engine is shutting down")),
            Err(_) => Err(EngineError::new(
                codes::TOO_MANY_SIMULTANEOUS_QUERIES,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                format_args!("Too many simultaneous queries. Maximum: {}", self.max_connections),
            )),
        }
    }

    /// Opens a connection with these settings in force. Blocks, about 0.1 ms.
    pub(crate) fn connect(&self, settings: &[(String, String)]) -> Result<Connection, EngineError> {
        if let Some((name, _)) = settings.iter().find(|(name, _)| !self.settings.contains(name)) {
            return Err(EngineError::new(
                codes::UNKNOWN_SETTING,
                "UNKNOWN_SETTING",
                format_args!("Unknown setting '{name}'"),
            ));
        }
        let mut options: Vec<String> = SESSION_DEFAULTS.map(str::to_owned).to_vec();
        options.push(format!("--min_free_disk_bytes_to_perform_insert={}", self.reserve_bytes));
        options.extend(settings.iter().map(|(name, value)| format!("--{name}={value}")));
        match self.library.connect(&self.path, &options) {
            Some(connection) => Ok(connection),
            None => Err(self.why_refused(settings)),
        }
    }

    /// libchdb does not say why it refused a connection: it is a setting's value, so set one after the other.
    fn why_refused(&self, settings: &[(String, String)]) -> EngineError {
        let broken = || EngineError::broken("the engine refused a connection");
        let Some(mut plain) = self.library.connect(&self.path, &[]) else { return broken() };
        for (name, value) in settings {
            let statement = format!("SET {name} = {}", quoted(value));
            if let Err(error) = plain.query(statement.as_bytes(), "Null", &[]) {
                return error;
            }
        }
        broken()
    }

    /// The functions that readers may call.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Asks the engine for the first column of an answer, with every right. Blocks.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<String>, EngineError> {
        column(&mut self.connect(&[])?, sql)
    }

    /// Ends the statement that runs with this `log_comment`. Blocks.
    pub(crate) fn kill(&self, mark: &str) {
        let statement = format!("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC", quoted(mark));
        if let Err(error) = self.command(&statement) {
            tracing::warn!(error = %error, "statement of a departed client was not cancelled");
        }
    }

    /// Runs a statement of the box's own, with every right; nothing once the engine is closed. Blocks.
    pub(crate) fn command(&self, statement: &str) -> Result<(), EngineError> {
        // Held to the end: a connection opened after the engine has closed would start it again.
        let keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if keeper.is_none() {
            return Ok(());
        }
        let Some(mut connection) = self.library.connect(&self.path, &[]) else { return Ok(()) };
        connection.query(statement.as_bytes(), "Null", &[]).map(drop)
    }
}

/// The first column of an answer.
fn column(connection: &mut Connection, sql: &str) -> Result<Vec<String>, EngineError> {
    let answer = connection.query(sql.as_bytes(), "TabSeparatedRaw", &[])?;
    let text = String::from_utf8_lossy(answer.as_ref());
    Ok(text.lines().map(|line| line.split('\t').next().unwrap_or(line).to_owned()).collect())
}

/// Every function that the engine has.
fn functions(connection: &mut Connection) -> Result<Vec<Function>, EngineError> {
    let answer =
        connection.query(b"SELECT name, alias_to, is_aggregate FROM system.functions", "TabSeparatedRaw", &[])?;
    let text = String::from_utf8_lossy(answer.as_ref());
    let function = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Function { name: fields.next()?, alias_to: fields.next()?, is_aggregate: fields.next()? == "1" })
    };
    Ok(text.lines().filter_map(function).collect())
}

/// A string literal of ClickHouse's SQL.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A text as the value of a parameter of type String, which ClickHouse reads as a field of TabSeparated.
pub(crate) fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0' => escaped.push_str("\\0"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A quoted identifier of ClickHouse's SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Whether another process holds ClickHouse's lock of a data directory.
fn is_locked(status: &Path) -> io::Result<bool> {
    let file = match fs::File::open(status) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Writes the server's configuration into the data directory, and gives the file that libchdb is to read.
///
/// It defines two roles of the one user that libchdb has: a connection of a reader gives up `box_full`, and the engine
/// itself then refuses what the reader's role does not hold: files, addresses, dictionaries, every write.
fn write_server_config(path: &Path, config: &EngineConfig) -> io::Result<PathBuf> {
    let folder = path.join("chbox");
    fs::create_dir_all(&folder)?;
    let users = folder.join("users.xml");
    fs::write(&users, include_str!("users.xml"))?;
    let fsync = u8::from(config.fsync);
    let memory = config.memory_limit_bytes.unwrap_or(0);
    let file = folder.join("config.xml");
    let users = users.display().to_string().replace('&', "&amp;").replace('<', "&lt;");
    fs::write(
        &file,
        format!(
            "<clickhouse>\n  <users_config>{users}</users_config>\n  \
             <max_server_memory_usage>{memory}</max_server_memory_usage>\n  \
             <merge_tree>\n    <fsync_after_insert>{fsync}</fsync_after_insert>\n    \
             <fsync_part_directory>{fsync}</fsync_part_directory>\n  </merge_tree>\n</clickhouse>\n"
        ),
    )?;
    Ok(file)
}
