//! Speaking to the running server, for the commands of administration.

use anyhow::{Context, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::cli::ServerArgs;
use crate::config::Config;

/// A running server and the right to speak to it.
pub struct Server {
    http: reqwest::Client,
    url: String,
    /// None to ask for what is public.
    token: Option<String>,
}

impl Server {
    /// The server that the arguments name, or that this machine's configuration would start.
    pub fn of(config: &Config, args: &ServerArgs) -> anyhow::Result<Self> {
        let configured = || config.admin_token.as_ref().map(|token| token.reveal().to_owned());
        let kept = || {
            let path = config.data_dir.join("admin-token");
            std::fs::read_to_string(path).ok().map(|token| token.trim().to_owned())
        };
        let token = args.token.clone().or_else(configured).or_else(kept);
        let token = token.context("no token: give --token, or set AVOW_TOKEN")?;
        Ok(Self { token: Some(token), ..Self::public(config, args) })
    }

    /// That server, asked as anybody may, for what is public.
    pub fn public(config: &Config, args: &ServerArgs) -> Self {
        let url = args.url.clone().unwrap_or_else(|| format!("http://{}", config.listen));
        Self { http: reqwest::Client::new(), url: url.trim_end_matches('/').to_owned(), token: None }
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request; an answer that is a problem becomes an error that says what the problem says.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Response> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answered(request).await
    }

    /// Sends a body of any type, and gives the answer whatever it is.
    pub async fn post_text(&self, path: &str, content_type: &str, body: String) -> reqwest::Result<Response> {
        self.request(Method::POST, path).header(CONTENT_TYPE, content_type).body(body).send().await
    }

    /// What lies at a path from this byte on.
    pub async fn range(&self, path: &str, from: u64) -> anyhow::Result<Response> {
        let request = self.request(Method::GET, path);
        self.answered(request.header("range", format!("bytes={from}-"))).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answered(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.with_context(|| format!("no server answers at {}", self.url))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        bail!("{}", explain(status, &answer.text().await.unwrap_or_default()));
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.send(Method::GET, path, None).await?.json().await?)
    }

    pub async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.send(Method::GET, path, None).await?.bytes().await?.to_vec())
    }
}

/// What a problem says, in a sentence.
pub fn explain(status: StatusCode, body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
    match (text("title"), text("detail")) {
        ("", "") => format!("the server answers {status}"),
        (title, "") => format!("{title} ({status})"),
        ("", detail) => format!("{detail} ({status})"),
        (title, detail) => format!("{title}: {detail} ({})", status.as_u16()),
    }
}

/// Prints JSON for machines.
pub fn print_json(value: &Value) {
    println!("{}", serde_json::to_string_pretty(value).unwrap_or_default());
}
