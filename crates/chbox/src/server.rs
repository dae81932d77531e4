//! The listener: connections, authentication, and what becomes of a statement whose client goes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Gatekeeper;
use crate::answer::{self, About, Body};
use crate::body::RawBody;
use crate::engine::Engine;
use crate::error::{BoxError, EngineError, codes};
use crate::request::{Call, Coding};
use crate::run::{self, Job};

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest head of a request; a query in the URL is part of it.
const HEAD_BYTES: usize = 1 << 20;

/// Answers ClickHouse's HTTP interface on `listener` until `shutdown`; then lets running requests end, and returns.
///
/// Several listeners may serve one engine, each with its own gatekeeper. Binding is the caller's: bind loopback unless
/// the operator asked for more.
///
/// # Errors
/// None at present: what goes wrong with one connection ends that connection.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    gatekeeper: Arc<dyn Gatekeeper>,
    shutdown: CancellationToken,
) -> Result<(), BoxError> {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let server = Server { engine: Arc::clone(&engine), gatekeeper: Arc::clone(&gatekeeper) };
                connections.spawn(connection(stream, peer, server, shutdown.clone()));
            }
            Err(error) => {
                // Out of descriptors, most likely: it passes as connections end.
                tracing::warn!(error = %error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

#[derive(Clone)]
struct Server {
    engine: Arc<Engine>,
    gatekeeper: Arc<dyn Gatekeeper>,
}

async fn connection(stream: TcpStream, peer: SocketAddr, server: Server, shutdown: CancellationToken) {
    // Without it the second of two small writes waits 40 ms for the first one's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, client.address = %peer, "no TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, client.address = %peer, "connection ended");
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let began = Instant::now();
        let path = head.uri.path();
        let bare = head.uri.query().is_none_or(str::is_empty);
        match (&head.method, path) {
            (&(Method::GET | Method::HEAD), "/ping" | "/replicas_status") => {
                return answer::plain(StatusCode::OK, "Ok.\n");
            }
            (&(Method::GET | Method::HEAD), "/") if bare => return answer::plain(StatusCode::OK, "Ok.\n"),
            (&(Method::GET | Method::HEAD | Method::POST), "/" | "/query" | "") => {}
            (&(Method::GET | Method::HEAD | Method::POST), _) => {
                return answer::plain(StatusCode::NOT_FOUND, "There is no such path; statements go to /, see /ping\n");
            }
            _ => return answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Use GET or POST\n"),
        }
        let call = match Call::read(&head) {
            Ok(call) => call,
            Err(error) => return answer::failure(&self.about_unread(began), &error),
        };
        let about = About::new(&call, self.engine.timezone(), self.engine.version(), began);
        let Some(access) = self.gatekeeper.admit(&call.credentials.user, &call.credentials.password) else {
            let refused = EngineError::new(
                codes::AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                format_args!(
                    "{}: Authentication failed: password is incorrect, or there is no user with such name",
                    call.credentials.user
                ),
            );
            return answer::failure(&about, &refused);
        };
        let permit = match self.engine.admit().await {
            Ok(permit) => permit,
            Err(error) => return answer::failure(&about, &error),
        };
        let mark = uuid::Uuid::new_v4().to_string();
        let job = Job { engine: Arc::clone(&self.engine), call, access, mark: mark.clone() };
        let raw = RawBody::forward(body);
        let (started, rows) = oneshot::channel();
        let mut running = tokio::task::spawn_blocking(move || {
            let outcome = run::run(job, raw, started);
            drop(permit);
            outcome
        });
        let guard = CancelOnDrop { engine: Some(Arc::clone(&self.engine)), mark };
        match rows.await {
            Ok(rows) => answer::rows(about, rows, running, guard).await,
            // No rows will come: the statement has ended, well or not.
            Err(_) => {
                let ended = answer::joined((&mut running).await);
                guard.disarm();
                match ended {
                    Ok(outcome) => answer::finished(&about, &outcome),
                    Err(error) => answer::failure(&about, &error),
                }
            }
        }
    }

    /// For a request whose head could not be read.
    fn about_unread(&self, began: Instant) -> About {
        About {
            query_id: uuid::Uuid::new_v4().to_string(),
            timezone: self.engine.timezone().to_owned(),
            version: self.engine.version().to_owned(),
            coding: Coding::Identity,
            blocks: false,
            wait_for_end: false,
            began,
        }
    }
}

/// Ends a statement when its client is gone: hyper drops the request's future or the answer's body then.
pub(crate) struct CancelOnDrop {
    engine: Option<Arc<Engine>>,
    mark: String,
}

impl CancelOnDrop {
    /// The statement has ended by itself.
    pub(crate) fn disarm(mut self) {
        self.engine = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(engine) = self.engine.take() else { return };
        let mark = std::mem::take(&mut self.mark);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || engine.kill(&mark));
        }
    }
}
