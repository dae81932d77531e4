//! The admin listener: `/metrics` (Prometheus), `/healthz` (the process lives), `/readyz` (appends are acknowledged and the
//! warehouse answers).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use avow_log::{Intake, Taking};
use avow_telemetry::Metrics;
use avow_warehouse::Warehouse;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct Follows {
    /// None: the process takes no events.
    intake: Option<Arc<Intake>>,
    draining: Arc<AtomicBool>,
    warehouse: Option<Arc<Warehouse>>,
    /// False while erasures are being applied to what was restored.
    serving: Arc<AtomicBool>,
}

/// Whether the process may be given work. Says no until there is something to follow.
#[derive(Clone, Default)]
pub struct Readiness(Arc<OnceLock<Follows>>);

impl Readiness {
    pub fn follow(
        &self,
        intake: Arc<Intake>,
        draining: Arc<AtomicBool>,
        warehouse: Option<Arc<Warehouse>>,
        serving: Arc<AtomicBool>,
    ) {
        let _ = self.0.set(Follows { intake: Some(intake), draining, warehouse, serving });
    }

    /// Ready from now on, until it drains.
    pub fn follow_nothing(&self, draining: Arc<AtomicBool>) {
        let serving = Arc::new(AtomicBool::new(true));
        let _ = self.0.set(Follows { intake: None, draining, warehouse: None, serving });
    }

    /// What is well, or why the process may be given no work.
    async fn ask(&self) -> Result<String, String> {
        let follows = self.0.get().ok_or("starting")?;
        if follows.draining.load(Ordering::Relaxed) {
            return Err("draining".to_owned());
        }
        if !follows.serving.load(Ordering::Acquire) {
            return Err("erasures are being applied to what was restored".to_owned());
        }
        let taking = match follows.intake.as_ref().map(|intake| intake.taking()) {
            None | Some(Taking::Directly) => "ready".to_owned(),
            Some(Taking::Spooled { records, age }) => format!(
                "ready: the log does not acknowledge, the spool takes events ({records} wait, the oldest for {} s)",
                age.as_secs()
            ),
            Some(Taking::Not(reason)) => return Err(reason),
        };
        match &follows.warehouse {
            Some(warehouse) => {
                warehouse.ping().await.map_err(|_| "the warehouse does not answer".to_owned())?;
                Ok(taking)
            }
            None => Ok(taking),
        }
    }
}

#[derive(Clone)]
struct Admin {
    metrics: Arc<Metrics>,
    ready: Readiness,
}

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, ready: Readiness, stop: CancellationToken) {
    let routes = Router::new()
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .with_state(Admin { metrics, ready });
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "admin.listener_failed");
    }
}

async fn metrics_text(State(admin): State<Admin>) -> impl IntoResponse {
    match admin.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    match admin.ready.ask().await {
        Ok(state) => (StatusCode::OK, format!("{state}\n")),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
