//! How many requests a token, a person or a shared view may make: a token bucket each, told in the header fields of draft-ietf-httpapi-ratelimit-headers-10.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::Api;
use crate::access::holder;
use crate::problem::Problem;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const WINDOW_SECONDS: u32 = 60;
/// Of how many callers the state is kept before those that are idle are forgotten.
const MANY: usize = 10_000;

type Limiter = RateLimiter<Uuid, DefaultKeyedStateStore<Uuid>, DefaultClock, StateInformationMiddleware>;

/// What each caller may still ask.
pub struct Allowance {
    limiter: Option<(NonZeroU32, Limiter)>,
}

impl Allowance {
    /// `per_minute` requests each; 0: no limit.
    pub fn new(per_minute: u32) -> Self {
        let limiter = NonZeroU32::new(per_minute).map(|most| {
            let limiter = RateLimiter::keyed(Quota::per_minute(most)).with_middleware::<StateInformationMiddleware>();
            (most, limiter)
        });
        Self { limiter }
    }

    /// Takes one request of a caller. What the answer says of it, and, where there is none left, after how many seconds
    /// there is.
    fn take(&self, caller: Uuid) -> Option<(HeaderMap, Result<(), u16>)> {
        let (most, limiter) = self.limiter.as_ref()?;
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        let (left, taken) = match limiter.check_key(&caller) {
            Ok(state) => (state.remaining_burst_capacity(), Ok(())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                (0, Err(u16::try_from(wait.as_secs() + 1).unwrap_or(u16::MAX)))
            }
        };
        let until_full = u64::from(most.get() - left.min(most.get())) * u64::from(WINDOW_SECONDS);
        let until_full = until_full.div_ceil(u64::from(most.get()));
        let mut headers = HeaderMap::new();
        let mut say = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        say(POLICY, format!("\"requests\";q={most};w={WINDOW_SECONDS}"));
        say(LIMIT, format!("\"requests\";r={left};t={until_full}"));
        Some((headers, taken))
    }
}

/// Counts a request against its caller's allowance; who is unknown is refused later, and costs nothing here.
pub async fn spend(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = holder(&parts, &api);
    let request = Request::from_parts(parts, body);
    let Some((headers, taken)) = caller.and_then(|caller| api.allowance.take(caller.id)) else {
        return next.run(request).await;
    };
    let mut response = match taken {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let detail = format!("too many requests of one caller; the next may be made in {seconds} s");
            Problem::too_many("too_many_requests", detail, seconds).into_response()
        }
    };
    response.headers_mut().extend(headers);
    response
}
