//! From a running statement to an HTTP answer: status, headers, encodings, and errors before and after the first byte.
//!
//! The first bytes of an answer are held back, so that a statement which fails early, and every small one, is answered
//! with the right status and complete counters. What comes later streams.

use std::io::SeekFrom;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

use crate::encode::Encoder;
use crate::error::{BoxError, EngineError, codes};
use crate::format::content_type;
use crate::library::Counters;
use crate::request::{Call, Coding};
use crate::run::{Outcome, Rows};
use crate::server::CancelOnDrop;

/// An answer's body.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How much of an answer is held back before its status is sent.
const HELD_BYTES: usize = 256 << 10;

/// With `wait_end_of_query`, how much is held in memory before a temporary file takes over.
const HELD_IN_MEMORY: usize = 4 << 20;

/// How much is read from the engine at a time.
const READ_BYTES: usize = 64 << 10;

/// How long the text of a late error has to leave before the connection breaks off.
const ERROR_LEAVES: Duration = Duration::from_millis(100);

/// The running statement: its end, and what cancels it if the client goes.
pub(crate) type Running = JoinHandle<Result<Outcome, EngineError>>;

/// What every answer says of its request.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) query_id: String,
    pub(crate) timezone: String,
    pub(crate) version: String,
    pub(crate) coding: Coding,
    pub(crate) blocks: bool,
    pub(crate) wait_for_end: bool,
    pub(crate) began: Instant,
}

impl About {
    pub(crate) fn new(call: &Call, timezone: &str, version: &str, began: Instant) -> Self {
        Self {
            query_id: call.query_id.clone(),
            timezone: timezone.to_owned(),
            version: version.to_owned(),
            coding: call.answer_coding,
            blocks: call.blocks_out,
            wait_for_end: call.wait_for_end,
            began,
        }
    }

    fn head(&self, status: StatusCode) -> http::response::Builder {
        let mut head = Response::builder()
            .status(status)
            .header("X-ClickHouse-Server-Display-Name", "avow")
            .header("X-ClickHouse-Query-Id", &self.query_id)
            .header("X-ClickHouse-Timezone", &self.timezone);
        if let Some(coding) = self.coding.name() {
            head = head.header(header::CONTENT_ENCODING, coding);
        }
        head
    }

    fn summary(&self, counters: Counters) -> String {
        let elapsed = self.began.elapsed().as_nanos();
        // As ClickHouse: each value a string.
        format!(
            "{{\"read_rows\":\"{}\",\"read_bytes\":\"{}\",\"written_rows\":\"{}\",\"written_bytes\":\"{}\",\
             \"total_rows_to_read\":\"{}\",\"result_rows\":\"{}\",\"result_bytes\":\"{}\",\"elapsed_ns\":\"{elapsed}\"}}",
            counters.read_rows,
            counters.read_bytes,
            counters.written_rows,
            counters.written_bytes,
            counters.read_rows,
            counters.result_rows,
            counters.result_bytes,
        )
    }

    fn encoder(&self) -> Encoder {
        Encoder::new(self.coding, self.blocks)
    }

    fn error_text(&self, error: &EngineError) -> String {
        format!("{} (version {})\n", error.message, self.version)
    }
}

/// The answer to a statement that failed before anything was sent.
pub(crate) fn failure(about: &About, error: &EngineError) -> Response<Body> {
    let head = about
        .head(status(error.code))
        .header("X-ClickHouse-Exception-Code", error.code)
        .header(header::CONTENT_TYPE, "text/plain; charset=UTF-8");
    whole(about, head, about.error_text(error).as_bytes())
}

/// The answer to a statement that sends no rows through the pipe.
pub(crate) fn finished(about: &About, outcome: &Outcome) -> Response<Body> {
    let head = about
        .head(StatusCode::OK)
        .header("X-ClickHouse-Summary", about.summary(outcome.counters))
        .header(header::CONTENT_TYPE, "text/plain; charset=UTF-8");
    whole(about, head, &outcome.body)
}

/// The answer to a statement whose rows come through the pipe.
pub(crate) async fn rows(about: About, rows: Rows, running: Running, guard: CancelOnDrop) -> Response<Body> {
    match hold(&about, rows, running, guard).await {
        Ok(answer) => answer,
        Err(error) => failure(&about, &error),
    }
}

async fn hold(
    about: &About,
    rows: Rows,
    mut running: Running,
    guard: CancelOnDrop,
) -> Result<Response<Body>, EngineError> {
    let broken = |error: std::io::Error| EngineError::broken(&format!("cannot read the engine's answer: {error}"));
    let mut pipe = Receiver::from_owned_fd(rows.pipe.into()).map_err(broken)?;
    let limit = if about.wait_for_end { HELD_IN_MEMORY } else { HELD_BYTES };
    let mut held = BytesMut::with_capacity(READ_BYTES);
    let ended = loop {
        held.reserve(READ_BYTES);
        if pipe.read_buf(&mut held).await.map_err(broken)? == 0 {
            break true;
        }
        if held.len() >= limit {
            break false;
        }
    };
    let head = |counters: Counters, about: &About| {
        about
            .head(StatusCode::OK)
            .header("X-ClickHouse-Summary", about.summary(counters))
            .header("X-ClickHouse-Format", &rows.format)
            .header(header::CONTENT_TYPE, content_type(&rows.format))
    };
    if ended {
        let outcome = joined((&mut running).await);
        guard.disarm();
        let outcome = outcome?;
        return Ok(whole(about, head(outcome.counters, about), &held));
    }
    if about.wait_for_end {
        let file = spill(&mut pipe, &held).await.map_err(broken)?;
        let outcome = joined((&mut running).await);
        guard.disarm();
        let outcome = outcome?;
        return Ok(from_file(about, head(outcome.counters, about), file));
    }
    Ok(streamed(about.clone(), head(Counters::default(), about), held, pipe, running, guard))
}

/// The outcome of a statement's thread.
pub(crate) fn joined(
    ended: Result<Result<Outcome, EngineError>, tokio::task::JoinError>,
) -> Result<Outcome, EngineError> {
    ended.unwrap_or_else(|error| Err(EngineError::broken(&format!("the statement's thread failed: {error}"))))
}

/// The rest of an answer, and its start, in a temporary file.
async fn spill(pipe: &mut Receiver, start: &[u8]) -> std::io::Result<tokio::fs::File> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(std::io::Error::other)??;
    let mut file = tokio::fs::File::from_std(file);
    tokio::io::AsyncWriteExt::write_all(&mut file, start).await?;
    tokio::io::copy(pipe, &mut file).await?;
    tokio::io::AsyncWriteExt::flush(&mut file).await?;
    tokio::io::AsyncSeekExt::seek(&mut file, SeekFrom::Start(0)).await?;
    Ok(file)
}

/// An answer of a known length.
fn whole(about: &About, head: http::response::Builder, data: &[u8]) -> Response<Body> {
    let mut encoder = about.encoder();
    let encoded = encoder.push(data).and_then(|mut start| {
        start.extend_from_slice(&encoder.finish()?);
        Ok(start)
    });
    match encoded {
        Ok(encoded) => built(head, Full::from(Bytes::from(encoded)).map_err(|never| match never {}).boxed_unsync()),
        Err(error) => built(Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR), text(&error.to_string())),
    }
}

fn text(text: &str) -> Body {
    Full::from(Bytes::copy_from_slice(text.as_bytes())).map_err(|never| match never {}).boxed_unsync()
}

/// A plain answer outside the statement protocol (`/ping`).
pub(crate) fn plain(status: StatusCode, words: &str) -> Response<Body> {
    built(Response::builder().status(status).header(header::CONTENT_TYPE, "text/html; charset=UTF-8"), text(words))
}

fn built(head: http::response::Builder, body: Body) -> Response<Body> {
    // Every header value here is checked or made of digits; should one be bad all the same, say so and go on.
    head.body(body).unwrap_or_else(|error| {
        let mut answer = Response::new(text(&error.to_string()));
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}

fn from_file(about: &About, head: http::response::Builder, file: tokio::fs::File) -> Response<Body> {
    let encoder = about.encoder();
    let state = (Some((file, encoder)), BytesMut::new());
    let stream = futures::stream::try_unfold(state, |(source, mut buffer)| async move {
        let Some((mut file, mut encoder)) = source else { return Ok::<_, BoxError>(None) };
        buffer.reserve(READ_BYTES);
        if file.read_buf(&mut buffer).await? == 0 {
            return Ok(Some((Frame::data(Bytes::from(encoder.finish()?)), (None, buffer))));
        }
        let encoded = encoder.push(&buffer.split())?;
        Ok(Some((Frame::data(Bytes::from(encoded)), (Some((file, encoder)), buffer))))
    });
    built(head, StreamBody::new(stream).boxed_unsync())
}

struct Streaming {
    about: About,
    encoder: Encoder,
    held: BytesMut,
    pipe: Receiver,
    running: Running,
    guard: Option<CancelOnDrop>,
    tag: String,
    over: Option<BoxError>,
    done: bool,
}

/// An answer that is sent as it comes. An error after the start goes into the body, in ClickHouse's marked form, and
/// then the body breaks off, so that no client takes the answer for whole.
fn streamed(
    about: About,
    head: http::response::Builder,
    held: BytesMut,
    pipe: Receiver,
    running: Running,
    guard: CancelOnDrop,
) -> Response<Body> {
    let tag = uuid::Uuid::new_v4().simple().to_string()[..16].to_owned();
    let head = match HeaderValue::from_str(&tag) {
        Ok(value) => head.header("X-ClickHouse-Exception-Tag", value),
        Err(_) => head,
    };
    let encoder = about.encoder();
    let state = Streaming { about, encoder, held, pipe, running, guard: Some(guard), tag, over: None, done: false };
    let stream = futures::stream::unfold(state, |mut state| async move {
        if state.done {
            return None;
        }
        if let Some(error) = state.over.take() {
            state.done = true;
            // The break drops what hyper has not written yet: give the error's text time to leave.
            tokio::time::sleep(ERROR_LEAVES).await;
            return Some((Err(error), state));
        }
        let frame = state.next_frame().await;
        if frame.is_err() {
            state.done = true;
        }
        Some((frame, state))
    });
    built(head, StreamBody::new(stream).boxed_unsync())
}

impl Streaming {
    async fn next_frame(&mut self) -> Result<Frame<Bytes>, BoxError> {
        loop {
            if self.held.is_empty() {
                self.held.reserve(READ_BYTES);
                if self.pipe.read_buf(&mut self.held).await? == 0 {
                    return self.last_frame().await;
                }
            }
            let encoded = self.encoder.push(&self.held.split())?;
            if !encoded.is_empty() {
                return Ok(Frame::data(Bytes::from(encoded)));
            }
        }
    }

    async fn last_frame(&mut self) -> Result<Frame<Bytes>, BoxError> {
        let ended = joined((&mut self.running).await);
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
        let Err(error) = ended else {
            self.done = true;
            return Ok(Frame::data(Bytes::from(self.encoder.finish()?)));
        };
        let message = self.about.error_text(&error);
        let marked = format!(
            "\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n",
            tag = self.tag,
            length = message.len(),
        );
        let mut encoded = self.encoder.push(marked.as_bytes())?;
        encoded.extend_from_slice(&self.encoder.finish()?);
        self.over = Some(Box::new(error));
        Ok(Frame::data(Bytes::from(encoded)))
    }
}

/// The status that ClickHouse gives an error code (`exceptionCodeToHTTPStatus.cpp`).
fn status(code: u32) -> StatusCode {
    match code {
        194 => StatusCode::UNAUTHORIZED,
        192 | 193 | 291 | codes::AUTHENTICATION_FAILED | codes::ACCESS_DENIED | 511 => StatusCode::FORBIDDEN,
        codes::BAD_ARGUMENTS
        | 6
        | 25
        | 26
        | 27
        | 38
        | 41
        | 43
        | 53
        | 62
        | 63
        | 69
        | 70
        | 72
        | 117
        | 130
        | 131
        | 386
        | 456
        | 457 => StatusCode::BAD_REQUEST,
        16 | 46 | 47 | 50 | 56 | 60 | 73 | 81 | 107 | 115 => StatusCode::NOT_FOUND,
        codes::READONLY => StatusCode::FORBIDDEN,
        codes::NOT_IMPLEMENTED => StatusCode::NOT_IMPLEMENTED,
        159 => StatusCode::REQUEST_TIMEOUT,
        307 => StatusCode::PAYLOAD_TOO_LARGE,
        codes::ABORTED | codes::TOO_MANY_SIMULTANEOUS_QUERIES => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
