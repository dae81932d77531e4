//! How often passwords may be tried: by e-mail address, against guessing one person's; by network address, against guessing
//! everybody's. Each process counts for itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::ConnectInfo;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::request::Parts;

use crate::problem::Problem;
use crate::sealed;

const ONE_MORE_AFTER: Duration = Duration::from_secs(30);
/// Behind a proxy all have one address.
const OF_ADDRESS: Quota = Quota::per_second(NonZeroU32::MIN).allow_burst(NonZeroU32::MIN.saturating_add(99));
/// Beyond so many keys those are forgotten that have room again.
const MOST_KEYS: usize = 10_000;

pub struct Attempts {
    /// By a digest: what was tried is not kept.
    by_email: DefaultKeyedRateLimiter<String>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Attempts {
    pub fn new(at_once: NonZeroU32) -> Self {
        let of_email = Quota::with_period(ONE_MORE_AFTER).unwrap_or(OF_ADDRESS).allow_burst(at_once);
        let (by_email, by_address) = (RateLimiter::keyed(of_email), RateLimiter::keyed(OF_ADDRESS));
        Self { by_email, by_address, clock: DefaultClock::default() }
    }

    /// Takes one attempt for an address of e-mail.
    ///
    /// # Errors
    /// 429, saying when there is room again.
    pub fn of_email(&self, email: &str) -> Result<(), Problem> {
        if self.by_email.len() > MOST_KEYS {
            self.by_email.retain_recent();
        }
        let checked = self.by_email.check_key(&sealed::digest(email));
        checked.map_err(|until| self.refused(until.wait_time_from(self.clock.now())))
    }

    /// Takes one attempt for where a request comes from.
    ///
    /// # Errors
    /// 429, saying when there is room again.
    pub fn of_sender(&self, parts: &Parts) -> Result<(), Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        if self.by_address.len() > MOST_KEYS {
            self.by_address.retain_recent();
        }
        let checked = self.by_address.check_key(&network(peer.unwrap_or(Ipv6Addr::UNSPECIFIED.into())));
        checked.map_err(|until| self.refused(until.wait_time_from(self.clock.now())))
    }

    fn refused(&self, wait: Duration) -> Problem {
        let seconds = u16::try_from(wait.as_secs() + 1).unwrap_or(u16::MAX);
        Problem::too_many("too_many_attempts", "too many attempts to sign in", seconds)
    }
}

/// Who has one IPv6 address has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_by_address_of_either_kind() {
        let attempts = Attempts::new(NonZeroU32::new(3).unwrap());
        for _ in 0..3 {
            attempts.of_email("a@example.org").unwrap();
        }
        let refused = attempts.of_email("a@example.org").unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (429, "too_many_attempts"));
        assert!((1..=31).contains(&refused.retry_after_seconds), "{}", refused.retry_after_seconds);
        attempts.of_email("b@example.org").unwrap();
        let parts = |peer: &str| {
            let (mut parts, ()) = http::Request::new(()).into_parts();
            parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
            parts
        };
        let ones = parts("[2001:db8::1]:1");
        while attempts.of_sender(&ones).is_ok() {}
        assert!(attempts.of_sender(&parts("[2001:db8::2]:1")).is_err(), "of the same /64");
        attempts.of_sender(&parts("[2001:db8:0:1::2]:1")).unwrap();
    }
}
