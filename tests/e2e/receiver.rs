//! A receiver of webhooks: a real HTTP server that answers as it is told, and keeps what came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::runtime::Runtime;

/// How a message is answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// To the receiver's own address.
    Redirect,
    /// After so long.
    Late(Duration),
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    headers: HeaderMap,
    body: String,
    pub at: Instant,
}

impl Received {
    fn header(&self, name: &str) -> Result<&str> {
        Ok(self.headers.get(name).with_context(|| format!("no {name}"))?.to_str()?)
    }

    pub fn id(&self) -> Result<String> {
        self.header("webhook-id").map(str::to_owned)
    }

    pub fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.body)?)
    }

    /// Whether it is signed with this secret, now, as the Standard Webhooks specification has it.
    pub fn verify(&self, secret: &str) -> Result<()> {
        let (id, timestamp) = (self.header("webhook-id")?, self.header("webhook-timestamp")?);
        let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>()?;
        ensure!((-5..300).contains(&age), "signed {age} s ago");
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").context("no secret")?)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        mac.update(format!("{id}.{timestamp}.{}", self.body).as_bytes());
        let tag = self.header("webhook-signature")?.strip_prefix("v1,").context("another version")?;
        mac.verify_slice(&BASE64_STANDARD.decode(tag)?)?;
        ensure!(self.header("content-type")? == "application/json", "another type");
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Kept {
    received: Arc<Mutex<Vec<Received>>>,
    /// What is answered next; then 204.
    script: Arc<Mutex<VecDeque<Answer>>>,
}

/// A running receiver.
pub struct Receiver {
    kept: Kept,
    pub url: String,
}

impl Receiver {
    pub fn start(runtime: &Runtime) -> Result<Self> {
        let kept = Kept::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let routes = axum::Router::new().fallback(take).with_state(kept.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { kept, url })
    }

    /// Answers the next messages so.
    pub fn answer(&self, answers: &[Answer]) {
        *self.kept.script.lock().unwrap() = answers.iter().copied().collect();
    }

    pub fn received(&self) -> Vec<Received> {
        self.kept.received.lock().unwrap().clone()
    }

    /// Waits until so many messages have come; those beyond the first `after`.
    pub fn wait(&self, after: usize, count: usize, patience: Duration) -> Result<Vec<Received>> {
        let begun = Instant::now();
        loop {
            let received = self.received();
            if received.len() >= after + count {
                return Ok(received[after..].to_vec());
            }
            ensure!(begun.elapsed() < patience, "{} messages came, not {}", received.len(), after + count);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

async fn take(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    kept.received.lock().unwrap().push(Received { headers, body, at: Instant::now() });
    let answer = kept.script.lock().unwrap().pop_front();
    match answer.unwrap_or(Answer::Status(204)) {
        Answer::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT);
            (status, "what the receiver says\n\twith \\ and 'more'").into_response()
        }
        Answer::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Answer::Late(after) => {
            tokio::time::sleep(after).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
