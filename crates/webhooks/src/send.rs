//! Sending a message once: over TLS where the address says so, to addresses that are allowed, bounded in time and size. A
//! redirection is an answer like others, and no success.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use avow_telemetry::with_causes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crate::address::Allowed;
use crate::{WebhooksConfig, sign};

/// How much of an answer is kept, in bytes.
const KEPT: usize = 1024;

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Of the answer; none where there was none.
    pub status: Option<u16>,
    /// The beginning of what the receiver said, or why there is no answer.
    pub said: String,
}

impl Outcome {
    /// Whether the receiver has the message.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver wants no more messages (410, Gone).
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    fn unanswered(said: impl Into<String>) -> Self {
        Self { status: None, said: said.into() }
    }
}

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    client: Client<HttpsConnector<HttpConnector<Checked>>, Full<Bytes>>,
    allowed: Allowed,
    timeout: Duration,
}

impl Sender {
    /// With the system's certificate authorities; without them only `http` addresses can be reached.
    pub fn new(config: &WebhooksConfig) -> Self {
        let allowed = config.allowed();
        let mut http = HttpConnector::new_with_resolver(Checked { names: GaiResolver::new(), allowed });
        http.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|error| {
            tracing::warn!(%error, "webhooks.no_certificate_authorities");
            let nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
            HttpsConnectorBuilder::new().with_tls_config(nobody.with_no_client_auth())
        });
        let connector = builder.https_or_http().enable_http1().wrap_connector(http);
        // A connection that is kept would be to an address that was judged long ago.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self { client, allowed, timeout: Duration::from_secs(config.timeout_seconds.max(1)) }
    }

    /// Sends a message, signed at `at` (seconds since 1970).
    pub async fn send(&self, url: &str, secret: &str, id: &str, body: &str, at: i64) -> Outcome {
        let request = match self.request(url, secret, id, body, at) {
            Ok(request) => request,
            Err(error) => return Outcome::unanswered(error),
        };
        let answered = async {
            let answer = self.client.request(request).await.map_err(|error| with_causes(&error))?;
            let status = answer.status().as_u16();
            Ok::<_, String>(Outcome { status: Some(status), said: beginning(answer.into_body()).await })
        };
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::unanswered(error),
            Err(_) => Outcome::unanswered(format!("no answer within {} s", self.timeout.as_secs())),
        }
    }

    fn request(&self, url: &str, secret: &str, id: &str, body: &str, at: i64) -> Result<Request<Full<Bytes>>, String> {
        let url = self.allowed.check(url).map_err(|error| format!("the address {error}"))?;
        let signature = sign(secret, id, at, body).map_err(|error| error.to_string())?;
        Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("avow/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(Full::new(Bytes::from(body.to_owned())))
            .map_err(|error| error.to_string())
    }
}

/// The first bytes of an answer as text.
async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < KEPT
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(KEPT - bytes.len())]);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Names to those of their addresses that are allowed: what is connected to is what was judged.
#[derive(Clone)]
struct Checked {
    names: GaiResolver,
    allowed: Allowed,
}

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.names.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.allowed;
        let found = self.names.call(name);
        Box::pin(async move {
            let mut refused = None;
            let mut taken = Vec::new();
            for address in found.await? {
                match allowed.check_ip(address.ip()) {
                    Ok(()) => taken.push(address),
                    Err(error) => refused = Some(error),
                }
            }
            match refused {
                Some(error) if taken.is_empty() => Err(io::Error::new(io::ErrorKind::PermissionDenied, error)),
                _ => Ok(taken.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_a_private_address_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let secret = crate::fresh_secret().unwrap();
        let sender = Sender::new(&WebhooksConfig::default());
        let outcome = sender.send(&url, &secret, "msg_1", "{}", 0).await;
        assert!(outcome.status.is_none() && outcome.said.contains("private address"), "{outcome:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "somebody has connected");
    }
}
