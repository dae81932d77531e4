//! `GET /api/v1/live`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use avow_schemas::control::Scope;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::{IntoParams, ToSchema};

use super::Tick;
use super::tally::{ByService, ByType, Counts};
use crate::access::{Bearer, is_still_valid, require};
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, moment};

const FIRST_LOOK_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Without it: every site that the token may see.
    pub site: Option<String>,
}

/// The data of a `counts` event: what was counted of one site since the last look, a second ago.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCounts {
    pub site: String,
    /// When the warehouse was looked at, RFC 3339.
    pub time: String,
    #[serde(flatten)]
    pub counts: Counts,
    pub by_type: ByType,
    pub by_service: BTreeMap<String, ByService>,
    /// Counted within the last 60 seconds, these included.
    pub last_minute: Counts,
    /// Happened within the last 60 minutes.
    pub last_hour: Counts,
}

/// The data of a `totals` event, one per site, sent when a stream begins.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveTotals {
    pub site: String,
    pub time: String,
    pub last_minute: Counts,
    pub last_hour: Counts,
}

/// De-duplicated counts as they come, as server-sent events.
///
/// A stream begins with a `totals` event for each site of which something happened within the hour; then a `counts` event
/// follows for each site of which something was counted, at most one a second, within 3 seconds of the event's 202. Only
/// events that happened within the last hour are told: an import does not show. A comment is sent when it is quiet.
#[utoipa::path(
    get, path = "/api/v1/live", operation_id = "live", tag = "numbers", params(Which),
    responses(
        (status = 200, description = "Events `totals` (LiveTotals) and `counts`", body = LiveCounts, content_type = "text/event-stream"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Too many streams are open", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn live(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(which): Parameters<Which>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    require(&caller, Scope::StatsRead, which.site.as_deref())?;
    if let Some(site) = &which.site
        && api.control.directory().site(site).is_none()
    {
        return Err(Problem::unprocessable("unknown_site", format!("there is no site {site:?}")).at("site"));
    }
    let permit = Arc::clone(&api.live.streams).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::unavailable("too many live streams are open"))?;
    let mut ticks = api.live.listen();
    // The first look is taken before the answer begins: whatever is acknowledged after that is told as news.
    let first = tokio::time::timeout(FIRST_LOOK_WITHIN, next(&mut ticks)).await.ok().flatten();
    let first = first.ok_or_else(|| Problem::unavailable("the warehouse does not answer"))?;
    let shutdown = api.live.shutdown.clone();
    let events = async_events(move |out| async move {
        let _permit = permit;
        let wanted = |site: &str| caller.may_see(site) && which.site.as_deref().is_none_or(|only| only == site);
        let mut events = totals(&first, wanted);
        loop {
            for event in events {
                if out.send(event).await.is_err() {
                    return;
                }
            }
            let tick = tokio::select! {
                () = shutdown.cancelled() => return,
                () = out.closed() => return,
                tick = next(&mut ticks) => tick,
            };
            let Some(tick) = tick else { return };
            events = counts(&tick, wanted);
            // A token revoked meanwhile, or a session that has ended, ends its stream.
            if !is_still_valid(&api, &caller) {
                return;
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))))
}

/// The next look. A stream that was too slow goes on with the oldest that is still kept.
async fn next(ticks: &mut Receiver<Arc<Tick>>) -> Option<Arc<Tick>> {
    loop {
        match ticks.recv().await {
            Ok(tick) => return Some(tick),
            Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "api.live_stream_lagged"),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn counts(tick: &Tick, wanted: impl Fn(&str) -> bool) -> Vec<Event> {
    let news = tick.news.iter().filter(|(site, _)| wanted(site)).map(|(site, news)| LiveCounts {
        site: site.clone(),
        time: moment::written(tick.time),
        counts: news.counts,
        by_type: news.by_type,
        by_service: news.by_service.clone(),
        last_minute: tick.last_minute.get(site).copied().unwrap_or_default(),
        last_hour: tick.last_hour.get(site).copied().unwrap_or_default(),
    });
    news.filter_map(|data| Event::default().event("counts").json_data(data).ok()).collect()
}

fn totals(tick: &Tick, wanted: impl Fn(&str) -> bool) -> Vec<Event> {
    let sites = tick.last_hour.iter().filter(|(site, _)| wanted(site)).map(|(site, last_hour)| LiveTotals {
        site: site.clone(),
        time: moment::written(tick.time),
        last_minute: tick.last_minute.get(site).copied().unwrap_or_default(),
        last_hour: *last_hour,
    });
    sites.filter_map(|data| Event::default().event("totals").json_data(data).ok()).collect()
}

/// A stream of what a task sends.
fn async_events<F, T>(task: F) -> impl Stream<Item = Result<Event, Infallible>>
where
    F: FnOnce(tokio::sync::mpsc::Sender<Event>) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    use tokio_stream::StreamExt;
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    tokio::spawn(task(sender));
    tokio_stream::wrappers::ReceiverStream::new(receiver).map(Ok)
}
