//! The body, read while it arrives and never beyond its limit, before and after decompression.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::answer::Problem;
use crate::decode::Form;

/// A sender that is over the limit is heard out up to this many bytes, which are thrown away: a connection closed under
/// its hands would lose the answer.
const HEARD_OUT_BYTES: u64 = 32 << 20;

/// How bodies are read.
#[derive(Debug, Clone)]
pub struct BodyRules {
    pub max_bytes: usize,
    pub timeout: Duration,
    /// Bytes held by all requests together.
    pub held: Arc<Semaphore>,
}

/// What the head says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub form: Form,
    gzip: bool,
}

/// A body, decompressed; while it lives, its bytes count as held.
#[derive(Debug)]
pub struct Whole {
    pub bytes: Bytes,
    /// As it came.
    pub received: usize,
    _held: Option<OwnedSemaphorePermit>,
}

/// Reads content type and content coding.
///
/// # Errors
/// 415.
pub fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let content_type = text(CONTENT_TYPE).unwrap_or_default();
    let (essence, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    let form = match essence.trim() {
        "application/json" => Form::Json,
        "application/x-ndjson" | "application/ndjson" => Form::Lines,
        "text/plain" => Form::Either,
        _ => {
            let types = "Content-Type must be application/json, application/x-ndjson or text/plain";
            return Err(Problem::unsupported(types));
        }
    };
    let charset = parameters.split(';').filter_map(|pair| pair.trim().strip_prefix("charset=")).next();
    if charset.is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii")) {
        return Err(Problem::unsupported("the charset must be utf-8"));
    }
    let gzip = match text(CONTENT_ENCODING).unwrap_or_default().trim() {
        "" | "identity" => false,
        "gzip" | "x-gzip" => true,
        _ => return Err(Problem::unsupported("Content-Encoding must be gzip or absent")),
    };
    Ok(Kind { form, gzip })
}

/// Reads the whole body.
///
/// # Errors
/// 400, 408, 413, or 503 where too much is held already.
pub async fn read(rules: &BodyRules, headers: &HeaderMap, kind: Kind, body: Body) -> Result<Whole, Problem> {
    let hear_out = async {
        match received(rules, headers, body).await {
            Err(Stopped { problem, rest: Some(rest) }) => {
                discard(rest).await;
                Err(problem)
            }
            Err(Stopped { problem, rest: None }) => Err(problem),
            Ok(whole) => Ok(whole),
        }
    };
    let whole = tokio::time::timeout(rules.timeout, hear_out).await;
    let mut whole = whole.unwrap_or_else(|_| Err(Problem::too_slow(rules.timeout)))?;
    if kind.gzip {
        whole.bytes = unpacked(&whole.bytes, rules.max_bytes)?;
    }
    Ok(whole)
}

/// Why reading stopped, and what of the body had better be heard out.
struct Stopped {
    problem: Problem,
    rest: Option<Body>,
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self { problem, rest: None }
    }
}

async fn received(rules: &BodyRules, headers: &HeaderMap, mut body: Body) -> Result<Whole, Stopped> {
    let too_large = || Problem::too_large(format!("a body has at most {} bytes", rules.max_bytes));
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > rules.max_bytes as u64) {
        // A sender that waits for "100 Continue" has sent nothing yet.
        let rest = (!headers.contains_key(EXPECT)).then_some(body);
        return Err(Stopped { problem: too_large(), rest });
    }
    let (mut first, mut more, mut held) = (Bytes::new(), BytesMut::new(), None::<OwnedSemaphorePermit>);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body ended before it was whole"))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + more.len() + data.len() > rules.max_bytes {
            return Err(Stopped { problem: too_large(), rest: Some(body) });
        }
        let permit = Arc::clone(&rules.held).try_acquire_many_owned(u32::try_from(data.len()).unwrap_or(u32::MAX));
        let permit = permit.map_err(|_| Problem::unavailable("too much at once", Duration::from_secs(1)))?;
        match &mut held {
            Some(held) => held.merge(permit),
            None => held = Some(permit),
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&std::mem::take(&mut first));
            }
            more.extend_from_slice(&data);
        }
    }
    let bytes = if more.is_empty() { first } else { more.freeze() };
    Ok(Whole { received: bytes.len(), bytes, _held: held })
}

async fn discard(mut rest: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if bytes > HEARD_OUT_BYTES {
            return;
        }
    }
}

/// Decompresses, and stops at the limit whatever the body would become (a gzip bomb grows a thousandfold).
fn unpacked(packed: &[u8], max_bytes: usize) -> Result<Bytes, Problem> {
    let mut bytes = Vec::with_capacity((packed.len() * 4).min(max_bytes + 1));
    let mut decoder = MultiGzDecoder::new(packed).take(max_bytes as u64 + 1);
    if decoder.read_to_end(&mut bytes).is_err() {
        return Err(Problem::malformed("the body is not whole gzip"));
    }
    if bytes.len() > max_bytes {
        return Err(Problem::too_large(format!("a body has at most {max_bytes} bytes when decompressed")));
    }
    Ok(bytes.into())
}
