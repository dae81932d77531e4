//! One server: its sites, its events, its queries.

use super::body::Body;
use crate::totals_file::Row;
use crate::visitors::agents::AGENTS;
use crate::visitors::context::{Context, Source};
use crate::visitors::site::{Services, Site};
use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, DATE, ORIGIN, RETRY_AFTER, USER_AGENT};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows asked for at a time.
const PAGE: u32 = 1000;

/// A server, and the token to speak to it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Arc<str>,
    token: Arc<str>,
    /// Name of the header that tells the visitor's country.
    country_header: Option<Arc<str>>,
}

/// What a server said to a batch.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 202 or 422: which events are refused, by their place in the request.
    Read(Vec<Refusal>),
    /// Try again, after this long if the server said so.
    Later { why: String, after: Option<Duration> },
    /// No use in trying again.
    Never(String),
}

/// An event that a server refused.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refusal {
    /// Place in the request.
    pub(crate) index: usize,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) detail: String,
}

#[derive(Deserialize)]
struct Receipt {
    #[serde(default)]
    accepted: usize,
    #[serde(default)]
    rejected: Vec<Refusal>,
}

impl Client {
    /// A client for the server at `url`.
    ///
    /// # Errors
    /// Where the HTTP client cannot be set up.
    pub(crate) fn new(url: &str, token: &str, country_header: Option<&str>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).tcp_nodelay(true).no_proxy().build()?;
        Ok(Self {
            http,
            url: Arc::from(url.trim_end_matches('/')),
            token: Arc::from(token),
            country_header: country_header.map(Arc::from),
        })
    }

    /// Posts events, from a page of `origin` if there is one; the answer tells which of the `sent` were refused.
    pub(crate) async fn post(&self, context: &Context, origin: Option<&str>, body: &Body, sent: usize) -> Answer {
        let import = if context.source == Source::Import { "?import=1" } else { "" };
        let url = format!("{}/v1/events{import}", self.url);
        let mut request = self.http.post(url).header(CONTENT_TYPE, body.content_type);
        if body.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        if let (Some(name), Some(country)) = (&self.country_header, context.country) {
            request = request.header(&**name, country);
        }
        if let Some(site) = origin {
            request = request.header(ORIGIN, format!("https://{site}"));
        }
        request = if context.source.has_token() {
            request.bearer_auth(&self.token)
        } else {
            request.header(USER_AGENT, AGENTS[context.agent].header)
        };
        read_answer(request.body(body.bytes.clone()), sent).await
    }

    /// Creates or replaces a site with these services.
    ///
    /// # Errors
    /// Where the server does not answer, or refuses.
    pub(crate) async fn put_site(&self, site: &Site, services: &Services) -> anyhow::Result<()> {
        let settings = json!({
            "name": &*site.name,
            "origins": [format!("https://{}", site.name)],
            "services": services.iter().copied().collect::<BTreeMap<_, _>>(),
            "timezone": site.timezone,
            "dismiss_means": if site.dismiss_is_no_choice { "no_choice" } else { "refusal" },
            "suppress_below": 0,
        });
        self.put_settings(&site.name, &settings).await
    }

    /// Creates or replaces a site.
    ///
    /// # Errors
    /// Where the server does not answer, or refuses.
    pub(crate) async fn put_settings(&self, site: &str, settings: &Value) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            let sent = self
                .http
                .put(format!("{}/api/v1/sites/{site}", self.url))
                .bearer_auth(&self.token)
                .json(settings)
                .send()
                .await
                .with_context(|| format!("cannot reach {}", self.url))?;
            let status = sent.status();
            if status.is_success() {
                return Ok(());
            }
            tries += 1;
            let said = sent.text().await.unwrap_or_default();
            if !is_passing(status) || tries > 20 {
                bail!("PUT of site {site}: {status}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Whether the server knows a site.
    ///
    /// # Errors
    /// Where the server does not answer, or refuses for another reason.
    pub(crate) async fn has_site(&self, site: &str) -> anyhow::Result<bool> {
        let answer = self.http.get(format!("{}/api/v1/sites/{site}", self.url)).bearer_auth(&self.token).send().await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => bail!("GET of site {site}: {status}: {}", answer.text().await.unwrap_or_default()),
        }
    }

    /// The server's clock (to the second) and, by its word, the moment up to which everything acknowledged is counted;
    /// `None` where nothing is counted yet.
    ///
    /// # Errors
    /// Where the server does not answer or gives no date.
    pub(crate) async fn freshness(&self, query: &Value) -> anyhow::Result<(Timestamp, Option<Timestamp>)> {
        let url = format!("{}/api/v1/query", self.url);
        let answer = self.http.post(url).bearer_auth(&self.token).json(query).send().await?.error_for_status()?;
        let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let now = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date)?;
        let page: Value = answer.json().await?;
        Ok((now, page["meta"]["freshness"].as_str().and_then(|text| text.parse().ok())))
    }

    /// All rows of a query, page by page.
    ///
    /// # Errors
    /// Where the server does not answer, or refuses, or answers something that is no page of rows.
    pub(crate) async fn query(&self, query: &Value) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut body = query.clone();
            body["limit"] = json!(PAGE);
            body["cursor"] = cursor;
            let answer = self
                .http
                .post(format!("{}/api/v1/query", self.url))
                .header(ACCEPT, "application/json")
                .bearer_auth(&self.token)
                .json(&body)
                .send()
                .await?;
            let status = answer.status();
            let said = answer.text().await?;
            ensure!(status.is_success(), "{status}: {said}");
            let mut page: Value = serde_json::from_str(&said)?;
            let found: Vec<Row> = serde_json::from_value(page["rows"].take())?;
            cursor = page["meta"]["next_cursor"].take();
            ensure!(cursor.is_null() || !found.is_empty(), "an empty page that goes on at {cursor}");
            rows.extend(found);
            if cursor.is_null() {
                return Ok(rows);
            }
        }
    }
}

async fn read_answer(request: RequestBuilder, sent: usize) -> Answer {
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_builder() => return Answer::Never(error.to_string()),
        Err(error) => return Answer::Later { why: format!("{error:?}"), after: None },
    };
    let status = answer.status();
    let after =
        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let said = match answer.text().await {
        Ok(said) => said,
        Err(error) => return Answer::Later { why: format!("{error:?}"), after: None },
    };
    if status == StatusCode::ACCEPTED || status == StatusCode::UNPROCESSABLE_ENTITY {
        return match serde_json::from_str::<Receipt>(&said) {
            Ok(Receipt { accepted, rejected }) if accepted + rejected.len() == sent => Answer::Read(rejected),
            _ => Answer::Never(format!("{status} for {sent} events says {said}")),
        };
    }
    let why = format!("{status}: {said}");
    if is_passing(status) { Answer::Later { why, after } } else { Answer::Never(why) }
}

/// Whether a status says that the same request may do later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT
}
