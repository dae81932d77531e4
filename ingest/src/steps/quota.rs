//! Step 3: a site sends no more than its quota. Only sites that have settings have a meter, so what strangers invent
//! takes no memory. An import by an administrator is not metered.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use avow_schemas::fate::{RejectCode, Rejection};
use avow_schemas::ids::SiteId;
use governor::clock::Clock;
use governor::{DefaultDirectRateLimiter, Quota};

use super::site::Known;
use crate::config::QuotaConfig;
use crate::sender::Sender;

/// Over the quota: when there is room again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    pub wait: Duration,
}

impl Over {
    pub fn rejection(self) -> Rejection {
        Rejection::new(RejectCode::QuotaExceeded, "the site is over its quota: send the same id again later")
    }
}

/// The meters of all sites that have sent something.
pub struct Quotas {
    enabled: bool,
    default: QuotaConfig,
    meters: RwLock<HashMap<SiteId, Arc<Meter>>>,
}

struct Meter {
    limit: QuotaConfig,
    limiter: DefaultDirectRateLimiter,
}

impl Quotas {
    pub fn new(enabled: bool, default: QuotaConfig) -> Self {
        Self { enabled, default, meters: RwLock::default() }
    }

    /// Takes one event from the site's quota.
    ///
    /// # Errors
    /// Where the quota is used up.
    pub fn take(&self, sender: &Sender, known: &Known<'_>) -> Result<(), Over> {
        if !self.enabled || sender.import {
            return Ok(());
        }
        let meter = self.meter(known);
        meter.limiter.check().map_err(|until| Over { wait: until.wait_time_from(meter.limiter.clock().now()) })
    }

    fn meter(&self, known: &Known<'_>) -> Arc<Meter> {
        let own = known.now().settings.quotas;
        let limit = QuotaConfig {
            events_per_second: own
                .events_per_second
                .and_then(NonZeroU32::new)
                .unwrap_or(self.default.events_per_second),
            burst: own.burst.and_then(NonZeroU32::new).unwrap_or(self.default.burst),
        };
        let found = self.meters.read().unwrap_or_else(PoisonError::into_inner).get(known.site).map(Arc::clone);
        if let Some(meter) = found.filter(|meter| meter.limit == limit) {
            return meter;
        }
        let mut meters = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = meters.get(known.site).filter(|meter| meter.limit == limit) {
            return Arc::clone(meter);
        }
        let quota = Quota::per_second(limit.events_per_second).allow_burst(limit.burst);
        let meter = Arc::new(Meter { limit, limiter: DefaultDirectRateLimiter::direct(quota) });
        meters.insert(known.site.clone(), Arc::clone(&meter));
        meter
    }

    /// How many sites have a meter.
    pub fn metered_sites(&self) -> usize {
        self.meters.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
