//! One statement from its text to the engine and back, on a blocking thread.
//!
//! The order is fixed: a connection with the request's settings; libchdb's classification, which must say *one
//! statement*; the reader's gate; then one of three ways in. Rows come out through a pipe: the engine is told to write
//! its answer `INTO OUTFILE` of the pipe, so that it writes one well-formed document of any format, as it goes, in
//! constant memory. (Its own streaming function gives pieces that each are a document, with header and footer.)

use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::access::Access;
use crate::body::{self, RawBody, SQL_LIMIT};
use crate::engine::{Engine, escaped, identifier};
use crate::error::{EngineError, codes};
use crate::format;
use crate::gate;
use crate::library::{Classification, Connection, Counters, Parameter};
use crate::request::Call;
use crate::statement::{self, Insert};

/// The classes that libchdb sorts statements into.
mod class {
    pub(super) const READS: u32 = 0;
    pub(super) const CHANGES: u32 = 1;
    pub(super) const CONTROL: u32 = 3;
    pub(super) const UNKNOWN: u32 = 4;
}

/// The pipe's size; the default of 64 KiB makes the engine wait more often.
const PIPE_BYTES: usize = 1 << 20;

/// How much of a body is appended to an insert at a time.
const APPEND_BYTES: usize = 256 << 10;

/// A statement to run.
pub(crate) struct Job {
    pub(crate) engine: Arc<Engine>,
    pub(crate) call: Call,
    pub(crate) access: Access,
    /// What the engine knows the statement by, to cancel it.
    pub(crate) mark: String,
}

/// Rows are on their way: read the pipe to its end, then wait for the [`Outcome`].
pub(crate) struct Rows {
    pub(crate) pipe: PipeReader,
    pub(crate) format: String,
}

/// What a statement came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) counters: Counters,
    /// The answer of a statement that did not send rows through the pipe.
    pub(crate) body: Bytes,
}

/// Runs `job`; `started` is used if and when rows come.
pub(crate) fn run(job: Job, raw: RawBody, started: oneshot::Sender<Rows>) -> Result<Outcome, EngineError> {
    let Job { engine, mut call, access, mark } = job;
    let mut body = body::decoded(raw, &call).map_err(body::body_error)?;
    if let Some(boundary) = call.boundary.take() {
        take_fields(&mut call, &boundary, &mut body)?;
    }
    let text = statement_text(&call, &mut body)?;
    let mut connection = session(&engine, &call, &access, &mark)?;
    if let Access::Full = access
        && let Some(insert) = statement::insert(&text.sql)
    {
        return match insert {
            Insert::WithData(parts) => {
                let data = text.sql.as_bytes()[parts.data..].to_vec();
                let parameters = &call.parameters;
                insert_data(&mut connection, &parts, parameters, &mut *body::rejoined(data, text.more_or(body)))
            }
            Insert::WithoutData => command(&mut connection, &text.whole(body)?, &call),
        };
    }
    let sql = text.whole(body)?;
    let found = classified(&mut connection, &sql, &call.parameters)?;
    match access {
        Access::Reader(reader) => {
            if found.class != class::READS {
                return Err(gate::refused("only statements that read are allowed"));
            }
            let sql = gate::check(&engine, &sql, &call.parameters, &reader)?;
            let mut outcome = rows(&mut connection, &sql, &call, started)?;
            if !reader.row_filters.is_empty() {
                // What was read counts the rows that were filtered out.
                (outcome.counters.read_rows, outcome.counters.read_bytes) = (0, 0);
            }
            Ok(outcome)
        }
        Access::Full if found.class == class::READS => rows(&mut connection, &sql, &call, started),
        Access::Full => command(&mut connection, &sql, &call),
    }
}

/// The SQL of a request: of the URL, then of the body, as ClickHouse joins them.
struct StatementText {
    sql: String,
    /// The body goes on after `sql`.
    more: bool,
}

impl StatementText {
    /// The rest of the body, if `sql` does not hold it all.
    fn more_or(&self, body: Box<dyn Read>) -> Box<dyn Read> {
        if self.more { body } else { Box::new(std::io::empty()) }
    }

    /// The whole text, for a statement without data.
    fn whole(self, mut body: Box<dyn Read>) -> Result<String, EngineError> {
        let mut rest = [0u8; 1];
        if self.more && body.read(&mut rest).map_err(body::body_error)? > 0 {
            return Err(EngineError::new(
                codes::SYNTAX_ERROR,
                "SYNTAX_ERROR",
                format_args!(
                    "Max query size exceeded: a statement is at most {SQL_LIMIT} bytes, data of an INSERT aside"
                ),
            ));
        }
        Ok(self.sql)
    }
}

fn statement_text(call: &Call, body: &mut Box<dyn Read>) -> Result<StatementText, EngineError> {
    let url = call.query.clone().unwrap_or_default();
    if let Some(Insert::WithData(_)) = statement::insert(&url) {
        return Ok(StatementText { sql: url, more: true });
    }
    let (start, ended) = body::read_up_to(&mut **body, SQL_LIMIT).map_err(body::body_error)?;
    let mut bytes = url.into_bytes();
    if !bytes.is_empty() && !start.is_empty() {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(&start);
    // Data behind an INSERT may be binary: what is not UTF-8 is data, and the head ends before it.
    match String::from_utf8(bytes) {
        Ok(sql) => Ok(StatementText { sql, more: !ended }),
        Err(error) => split_binary(error.into_bytes(), ended, body),
    }
}

/// A text whose data are not UTF-8: the insert's head stays, the rest goes back in front of the body.
fn split_binary(bytes: Vec<u8>, ended: bool, body: &mut Box<dyn Read>) -> Result<StatementText, EngineError> {
    let invalid = || EngineError::new(codes::SYNTAX_ERROR, "SYNTAX_ERROR", "The statement is not valid UTF-8");
    let valid = std::str::from_utf8(&bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
    let text = std::str::from_utf8(&bytes[..valid]).map_err(|_| invalid())?;
    let Some(Insert::WithData(parts)) = statement::insert(text) else { return Err(invalid()) };
    let head = text[..parts.data].to_owned();
    let rest = bytes[parts.data..].to_vec();
    let tail = if ended { Box::new(std::io::empty()) } else { std::mem::replace(body, Box::new(std::io::empty())) };
    *body = body::rejoined(rest, tail);
    Ok(StatementText { sql: head, more: true })
}

fn take_fields(call: &mut Call, boundary: &str, body: &mut Box<dyn Read>) -> Result<(), EngineError> {
    let (form, ended) = body::read_up_to(&mut **body, SQL_LIMIT).map_err(body::body_error)?;
    if !ended {
        return Err(EngineError::new(
            codes::SYNTAX_ERROR,
            "SYNTAX_ERROR",
            format_args!("Max query size exceeded: a multipart body is at most {SQL_LIMIT} bytes"),
        ));
    }
    futures::executor::block_on(body::take_multipart(form.into(), boundary, |name, value| call.take_field(name, value)))
}

/// A connection with the request's database and settings, and with the rights of `access`.
fn session(engine: &Engine, call: &Call, access: &Access, mark: &str) -> Result<Connection, EngineError> {
    let mut settings = match access {
        Access::Full => call.distinct_settings(),
        Access::Reader(reader) => gate::settings(call, reader)?,
    };
    settings.retain(|(name, _)| name != "log_comment");
    settings.push(("log_comment".to_owned(), mark.to_owned()));
    if call.read_only && matches!(access, Access::Full) && call.setting("readonly").is_none() {
        settings.push(("readonly".to_owned(), "2".to_owned()));
    }
    if let Access::Reader(reader) = access {
        gate::check_database(call, reader)?;
        return gate::session(engine, &settings, reader);
    }
    let mut connection = engine.connect(&settings)?;
    if let Some(database) = call.database.as_deref().filter(|database| !database.is_empty()) {
        connection.query(format!("USE {}", identifier(database)).as_bytes(), "Null", &[])?;
    }
    Ok(connection)
}

/// libchdb's classification of `sql`, if it is one statement; otherwise the error that ClickHouse has for it.
fn classified(connection: &mut Connection, sql: &str, parameters: &[Parameter]) -> Result<Classification, EngineError> {
    let found = connection.classify(sql.as_bytes())?;
    if found.statements > 1 {
        return Err(EngineError::new(
            codes::SYNTAX_ERROR,
            "SYNTAX_ERROR",
            "Syntax error (Multi-statements are not allowed)",
        ));
    }
    if found.statements == 1 && found.class != class::UNKNOWN {
        return Ok(found);
    }
    Err(syntax_error(connection, sql, parameters))
}

/// What the engine's parser says against a text, found without running it.
fn syntax_error(connection: &mut Connection, sql: &str, parameters: &[Parameter]) -> EngineError {
    let text = vec![("chbox_sql".to_owned(), escaped(sql).into_bytes())];
    let described = connection.query(b"SELECT formatQuery({chbox_sql:String})", "Null", &text);
    match described {
        Err(error) if error.code == codes::SYNTAX_ERROR => {
            // The message goes on to say where *formatQuery* stood.
            let message = match error.message.split_once(": In scope SELECT formatQuery(") {
                Some((own, _)) => format!("{}. (SYNTAX_ERROR)", own.trim_end_matches([' ', ':', '.'])),
                None => error.message,
            };
            EngineError { code: codes::SYNTAX_ERROR, message }
        }
        _ if sql.trim().is_empty() => EngineError::new(codes::SYNTAX_ERROR, "SYNTAX_ERROR", "Empty query"),
        _ => EngineError::new(
            codes::SYNTAX_ERROR,
            "SYNTAX_ERROR",
            format_args!("Syntax error: the statement is not supported here ({} parameters)", parameters.len()),
        ),
    }
}

/// Runs a statement that reads; its rows go through the pipe.
fn rows(
    connection: &mut Connection,
    sql: &str,
    call: &Call,
    started: oneshot::Sender<Rows>,
) -> Result<Outcome, EngineError> {
    let (pipe, writer) = pipe()?;
    let default = call.default_format.as_deref().unwrap_or(format::DEFAULT);
    let (sql, format) = into_pipe(connection, sql, &writer, default)?;
    // The client may have gone: then the engine's first write fails.
    let _gone = started.send(Rows { pipe, format });
    let answer = connection.query(sql.as_bytes(), default, &call.parameters)?;
    // `writer` lives until here, so the reader sees no end before the engine has opened the pipe.
    drop(writer);
    Ok(Outcome { counters: answer.counters(), body: Bytes::new() })
}

fn pipe() -> Result<(PipeReader, PipeWriter), EngineError> {
    let (reader, writer) =
        std::io::pipe().map_err(|error| EngineError::broken(&format!("cannot open a pipe: {error}")))?;
    // Larger is only faster; a limit on it is no reason to fail.
    if let Err(error) = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES) {
        tracing::debug!(error = %error, "pipe keeps its default size");
    }
    Ok((reader, writer))
}

/// The statement with its answer directed into the pipe, and the format of that answer.
///
/// The clause goes to the end, with the default format; if the statement has its own FORMAT, that does not parse, and
/// the clause goes before it. What comes out must again be one statement, now one that writes a file.
fn into_pipe(
    connection: &mut Connection,
    sql: &str,
    writer: &PipeWriter,
    default: &str,
) -> Result<(String, String), EngineError> {
    let clause = format!("\nINTO OUTFILE '/dev/fd/{}' TRUNCATE\n", writer.as_raw_fd());
    let sql = statement::without_terminator(sql);
    if !default.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(EngineError::new(73, "UNKNOWN_FORMAT", format_args!("Unknown format {default}")));
    }
    let appended = format!("{sql}{clause}FORMAT {default}");
    if directed(connection, &appended)? {
        return Ok((appended, default.to_owned()));
    }
    if let Some(own) = statement::format_clause(sql) {
        let (before, after) = sql.split_at(own.range.start);
        let inserted = format!("{before}{clause}{after}");
        if directed(connection, &inserted)? {
            return Ok((inserted, own.name.to_owned()));
        }
    }
    Err(EngineError::new(codes::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "This statement's answer cannot be sent over HTTP"))
}

fn directed(connection: &mut Connection, sql: &str) -> Result<bool, EngineError> {
    let found = connection.classify(sql.as_bytes())?;
    Ok(found.statements == 1 && found.class == class::CONTROL)
}

/// Runs an INSERT whose data come in a format.
fn insert_data(
    connection: &mut Connection,
    parts: &statement::InsertParts<'_>,
    parameters: &[Parameter],
    data: &mut dyn Read,
) -> Result<Outcome, EngineError> {
    let head = format!("{} FORMAT {}", parts.head, parts.format);
    let found = classified(connection, &head, parameters)?;
    // What is not plainly a change of data may be an INSERT into a file.
    if found.class != class::CHANGES {
        gate::check_command(connection, &head, parameters)?;
    }
    let mut insert = connection.insert(parts.head.as_bytes(), parts.format, parameters)?;
    let mut buffer = vec![0u8; APPEND_BYTES];
    loop {
        // An error here drops the insert, which cancels it: nothing of a body that breaks off is committed.
        let n = data.read(&mut buffer).map_err(body::body_error)?;
        if n == 0 || !insert.append(&buffer[..n]) {
            break;
        }
    }
    Ok(Outcome { counters: insert.finish()?, body: Bytes::new() })
}

/// Runs a statement that changes something, or controls the engine.
fn command(connection: &mut Connection, sql: &str, call: &Call) -> Result<Outcome, EngineError> {
    classified(connection, sql, &call.parameters)?;
    gate::check_command(connection, sql, &call.parameters)?;
    let format = call.default_format.as_deref().unwrap_or(format::DEFAULT);
    let answer = connection.query(sql.as_bytes(), format, &call.parameters)?;
    Ok(Outcome { counters: answer.counters(), body: answer.into_bytes() })
}
