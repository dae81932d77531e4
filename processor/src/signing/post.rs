//! HTTP to witnesses and time stamping authorities: one request, over TLS where the address says so, bounded in time and size.
//! The roots are the system's.

use std::time::Duration;

use avow_telemetry::with_causes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("the address {0:?} is none")]
    Address(String),
    #[error("no answer: {0}")]
    Connection(String),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("the answer is larger than {0} bytes, or breaks off")]
    Body(usize),
}

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Poster(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Poster {
    /// With the system's certificate authorities; without them only `http` addresses can be reached.
    pub(super) fn new() -> Self {
        let builder = HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|error| {
            tracing::warn!(%error, "ledger.no_certificate_authorities");
            let nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
            HttpsConnectorBuilder::new().with_tls_config(nobody.with_no_client_auth())
        });
        let connector = builder.https_or_http().enable_http1().build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a body; the answer's status and its body of at most `most` bytes.
    ///
    /// # Errors
    /// [`PostError`].
    pub(super) async fn post(
        &self,
        url: &str,
        media_type: &str,
        body: Vec<u8>,
        most: usize,
    ) -> Result<(StatusCode, Bytes), PostError> {
        let request = Request::post(uri(url)?).header(header::CONTENT_TYPE, media_type);
        self.send(request.body(Full::new(Bytes::from(body))), url, most).await
    }

    /// Asks for what lies at an address; as [`Poster::post`].
    ///
    /// # Errors
    /// [`PostError`].
    pub(super) async fn get(&self, url: &str, most: usize) -> Result<(StatusCode, Bytes), PostError> {
        self.send(Request::get(uri(url)?).body(Full::default()), url, most).await
    }

    async fn send(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
        url: &str,
        most: usize,
    ) -> Result<(StatusCode, Bytes), PostError> {
        let request = request.map_err(|_| PostError::Address(url.to_owned()))?;
        let answered = async {
            let sent = self.0.request(request).await;
            let answer = sent.map_err(|error| PostError::Connection(with_causes(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), most).collect().await.map_err(|_| PostError::Body(most))?;
            Ok((status, body.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, answered).await.map_err(|_| PostError::Late)?
    }
}

fn uri(url: &str) -> Result<Uri, PostError> {
    url.parse().map_err(|_| PostError::Address(url.to_owned()))
}
