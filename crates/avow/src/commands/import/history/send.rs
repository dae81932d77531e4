//! Batches of events to the server, each until it is answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use avow_schemas::fate::RejectCode;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use super::refusal::Refusal;
use crate::client::{Server, explain};

/// What the server takes by default in one request, and half of the bytes.
const MOST_EVENTS: usize = 500;
const MOST_BYTES: usize = 512 * 1024;
/// How long a server that is away, or full, is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// An event, and where in the file it came from.
#[derive(Debug)]
pub struct Item {
    pub line: u64,
    pub json: String,
}

/// Events that go together.
#[derive(Debug, Default)]
pub struct Batch {
    items: Vec<Item>,
    bytes: usize,
}

impl Batch {
    pub fn push(&mut self, item: Item) {
        self.bytes += item.json.len();
        self.items.push(item);
    }

    pub const fn is_full(&self) -> bool {
        self.items.len() >= MOST_EVENTS || self.bytes >= MOST_BYTES
    }

    pub const fn len(&self) -> u64 {
        self.items.len() as u64
    }

    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// What the server said of a batch.
#[derive(Debug, Default)]
pub struct Answer {
    pub accepted: u64,
    pub refused: Vec<Refusal>,
    /// What was left out of events, by field.
    pub left_out: BTreeMap<String, u64>,
}

/// What is read of a 202, and of a problem that names the events.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    accepted: u64,
    rejected: Vec<Rejected>,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    code: RejectCode,
    detail: String,
}

#[derive(Deserialize)]
struct Warning {
    field: String,
}

/// Sends a batch. A server that takes fewer events at once gets it in parts.
///
/// # Errors
/// Where the server does not answer in time, or takes no import of this token.
pub async fn send(server: &Server, batch: Batch) -> anyhow::Result<Answer> {
    let mut answer = Answer::default();
    let mut parts = vec![batch.items];
    while let Some(mut part) = parts.pop() {
        match post(server, &part).await? {
            Some(said) => {
                answer.accepted += said.accepted;
                for Rejected { index, code, detail } in said.rejected {
                    let line = part.get(index).map_or(0, |item| item.line);
                    answer.refused.push(Refusal { line, column: None, code, what: detail });
                }
                for Warning { field } in said.warnings {
                    *answer.left_out.entry(field).or_default() += 1;
                }
            }
            None if part.len() > 1 => {
                let rest = part.split_off(part.len() / 2);
                parts.extend([rest, part]);
            }
            None => {
                let what = "the event is larger than what the server takes".to_owned();
                let line = part.first().map_or(0, |item| item.line);
                answer.refused.push(Refusal { line, column: None, code: RejectCode::TooLarge, what });
            }
        }
    }
    Ok(answer)
}

/// What the server says of these events; none where they are too many or too large for one request.
async fn post(server: &Server, items: &[Item]) -> anyhow::Result<Option<Said>> {
    let body = items.iter().map(|item| item.json.as_str()).collect::<Vec<_>>().join("\n");
    let begun = Instant::now();
    loop {
        let answer = server.post_text("/v1/events?import=1", "application/x-ndjson", body.clone()).await;
        let (why, wait) = match answer {
            Err(error) => (format!("no server answers at {}: {error}", server.url()), Duration::from_secs(1)),
            Ok(answer) => {
                let status = answer.status();
                let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                let text = answer.text().await.unwrap_or_default();
                match status {
                    StatusCode::ACCEPTED | StatusCode::UNPROCESSABLE_ENTITY => {
                        let said = serde_json::from_str(&text);
                        return said.map(Some).with_context(|| explain(status, &text));
                    }
                    StatusCode::PAYLOAD_TOO_LARGE => return Ok(None),
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {}
                    status if status.is_server_error() => {}
                    status => bail!("{}", explain(status, &text)),
                }
                (explain(status, &text), Duration::from_secs(wait.unwrap_or(1).min(30)))
            }
        };
        if begun.elapsed() + wait > PATIENCE {
            bail!("{why}; the same command with --resume goes on from here");
        }
        tokio::time::sleep(wait).await;
    }
}
