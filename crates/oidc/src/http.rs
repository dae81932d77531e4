//! HTTP to the provider: one request, over TLS unless the provider is on this machine, bounded in time and size, with the
//! system's certificate authorities. A redirection is an answer like others, and no success: what is asked for lies where the
//! issuer says, or nowhere.

use std::time::Duration;

use avow_telemetry::with_causes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{HttpRequest, HttpResponse};
use rustls::{ClientConfig, RootCertStore};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const MOST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{0} is not over TLS, and the issuer is")]
    Plain(String),
    #[error("{0}")]
    Connection(String),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("the answer is larger than {MOST} bytes, or breaks off")]
    Body,
}

/// Sends requests.
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    allow_plain: bool,
}

impl Http {
    /// With the system's certificate authorities; without them only `http` addresses can be reached.
    pub fn new(allow_plain: bool) -> Self {
        let builder = HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|error| {
            tracing::warn!(%error, "oidc.no_certificate_authorities");
            let nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
            HttpsConnectorBuilder::new().with_tls_config(nobody.with_no_client_auth())
        });
        let connector = builder.https_or_http().enable_http1().build();
        Self { client: Client::builder(TokioExecutor::new()).build(connector), allow_plain }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.allow_plain && request.uri().scheme_str() != Some("https") {
            return Err(HttpError::Plain(request.uri().to_string()));
        }
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let answered = async {
            let sent = self.client.request(request).await;
            let (parts, body) = sent.map_err(|error| HttpError::Connection(with_causes(&error)))?.into_parts();
            let body = Limited::new(body, MOST).collect().await.map_err(|_| HttpError::Body)?;
            Ok(HttpResponse::from_parts(parts, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, answered).await.map_err(|_| HttpError::Late)?
    }
}
