//! The few calls of Confluent's HTTP interface that are needed.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Lookup, RegistryError};

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// Of the registry's own words, so much is repeated.
const MOST_WORDS: usize = 300;
const NO_SUCH_SUBJECT: i64 = 40401;
const NO_SUCH_SCHEMA: i64 = 40403;

#[derive(Deserialize)]
struct Registered {
    id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    schema: String,
    /// Left out for Avro.
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    error_code: i64,
    message: String,
}

/// A refusal, as read.
struct Refusal {
    status: StatusCode,
    problem: Problem,
}

pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    name: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Result<Self, RegistryError> {
        let base = Url::parse(url).map_err(|e| RegistryError::Url(e.to_string()))?;
        match base.scheme() {
            "http" => {}
            "https" => {
                let reason =
                    "https is not built in: let a proxy on this machine speak it, and give that one's http address";
                return Err(RegistryError::Url(reason.into()));
            }
            other => return Err(RegistryError::Url(format!("it must begin with http://, not {other}:"))),
        }
        let mut shown = base.clone();
        // Both can only fail for an address without a host, which http does not have.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let http = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER).build();
        let http = http.map_err(|e| RegistryError::Url(e.to_string()))?;
        Ok(Self { http, base, name: shown.as_str().trim_end_matches('/').to_owned() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Registers a schema; one that is there already keeps its id.
    pub(crate) async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let body = json!({"schema": schema, "schemaType": "AVRO"});
        match self.call::<Registered>(Method::POST, &["subjects", subject, "versions"], Some(body)).await? {
            Ok(registered) => Ok(registered.id),
            Err(Refusal { status: StatusCode::CONFLICT, problem }) => Err(RegistryError::Incompatible {
                registry: self.name.clone(),
                subject: subject.to_owned(),
                reason: first_words(&problem.message),
            }),
            Err(refusal) => Err(self.unexpected(&refusal)),
        }
    }

    pub(crate) async fn schema(&self, id: u32) -> Result<Lookup, RegistryError> {
        match self.call::<Stored>(Method::GET, &["schemas", "ids", &id.to_string()], None).await? {
            Ok(Stored { schema_type: Some(other), .. }) if other != "AVRO" => {
                Ok(Lookup::Useless(format!("it is of type {}", first_words(&other))))
            }
            Ok(stored) if !stored.references.is_empty() => {
                Ok(Lookup::Useless("it refers to schemas of other subjects".into()))
            }
            Ok(stored) => Ok(Lookup::Schema(stored.schema)),
            // A 404 of another kind comes from a server that is no registry, or from a wrong path.
            Err(refusal) if refusal.problem.error_code == NO_SUCH_SCHEMA => Ok(Lookup::Unknown),
            Err(refusal) => Err(self.unexpected(&refusal)),
        }
    }

    /// How many versions a subject has.
    pub(crate) async fn versions(&self, subject: &str) -> Result<usize, RegistryError> {
        match self.call::<Vec<i64>>(Method::GET, &["subjects", subject, "versions"], None).await? {
            Ok(versions) => Ok(versions.len()),
            Err(refusal) if refusal.problem.error_code == NO_SUCH_SUBJECT => Ok(0),
            Err(refusal) => Err(self.unexpected(&refusal)),
        }
    }

    /// The answer, or the refusal; the outer error where there is neither.
    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Result<T, Refusal>, RegistryError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.request(method, url).header("Accept", MEDIA_TYPE);
        if let Some(body) = body {
            request = request.header("Content-Type", MEDIA_TYPE).body(body.to_string());
        }
        let answer = request.send().await.map_err(|e| self.unavailable(&e))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| self.unavailable(&e))?;
        if status.is_success() {
            let read = serde_json::from_str(&text);
            let reason = |e: serde_json::Error| format!("{e} in {}", first_words(&text));
            return match read {
                Ok(answer) => Ok(Ok(answer)),
                Err(e) => Err(RegistryError::Unexpected {
                    registry: self.name.clone(),
                    status: status.as_u16(),
                    reason: reason(e),
                }),
            };
        }
        let problem = serde_json::from_str(&text).unwrap_or(Problem { error_code: 0, message: text });
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(RegistryError::Denied { registry: self.name.clone(), status: status.as_u16() })
            }
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                let reason = format!("HTTP {}: {}", status.as_u16(), first_words(&problem.message));
                Err(RegistryError::Unavailable { registry: self.name.clone(), reason })
            }
            _ => Ok(Err(Refusal { status, problem })),
        }
    }

    fn unavailable(&self, error: &reqwest::Error) -> RegistryError {
        // The innermost cause says it; the layers above repeat the address, password and all.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let reason = if error.is_timeout() {
            format!("no answer within {} s", ANSWER.as_secs())
        } else if std::ptr::addr_eq(cause, error) {
            "the connection failed".into()
        } else {
            cause.to_string()
        };
        RegistryError::Unavailable { registry: self.name.clone(), reason }
    }

    fn unexpected(&self, refusal: &Refusal) -> RegistryError {
        RegistryError::Unexpected {
            registry: self.name.clone(),
            status: refusal.status.as_u16(),
            reason: first_words(&refusal.problem.message),
        }
    }
}

fn first_words(text: &str) -> String {
    text.chars().take(MOST_WORDS).collect()
}
