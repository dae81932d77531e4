//! A relay between a server and its engine that writes down what the server asks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// One statement as it was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    begun: Instant,
    ended: Instant,
}

#[derive(Clone)]
struct Line {
    http: reqwest::Client,
    engine: String,
    heard: Arc<Mutex<Vec<Asked>>>,
}

pub struct Relay {
    line: Line,
    pub url: String,
}

impl Relay {
    /// Stands before the engine at this address.
    pub async fn start(engine: &str) -> Result<Self> {
        let line = Line { http: reqwest::Client::new(), engine: engine.to_owned(), heard: Arc::default() };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(pass).with_state(line.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { line, url })
    }

    /// What was read from the roll-up since this was last called, in waves: what was under way at one time is
    /// one. Whatever else a server does in the background is left out.
    pub fn heard(&self) -> Result<Vec<Vec<Asked>>> {
        let mut heard = std::mem::take(&mut *self.line.heard.lock().ok().context("a handler has panicked")?);
        // A statement is in the body, or, of one that only reads, in the address.
        heard.retain(|asked| {
            let text = format!("{} {}", asked.path, String::from_utf8_lossy(&asked.body));
            text.contains("FROM rates_15m_data")
        });
        heard.sort_by_key(|asked| asked.begun);
        let mut waves: Vec<Vec<Asked>> = Vec::new();
        for asked in heard {
            match waves.last_mut().filter(|wave| wave.iter().all(|other| asked.begun < other.ended)) {
                Some(wave) => wave.push(asked),
                None => waves.push(vec![asked]),
            }
        }
        Ok(waves)
    }
}

async fn pass(State(line): State<Line>, method: Method, uri: Uri, mut headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let begun = Instant::now();
    for own in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(own);
    }
    let request =
        line.http.request(method.clone(), format!("{}{path}", line.engine)).headers(headers.clone()).body(body.clone());
    let answer = async {
        let answer = request.send().await?;
        let mut passed = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
            passed = passed.header(name, value);
        }
        Ok::<_, reqwest::Error>((passed, answer.bytes().await?))
    };
    match answer.await {
        Ok((passed, bytes)) => {
            if let Ok(mut heard) = line.heard.lock() {
                heard.push(Asked { method, path, headers, body, begun, ended: Instant::now() });
            }
            passed.body(Body::from(bytes)).unwrap_or_default()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
