//! How often somebody may ask: a quota per minute that refills evenly (GCRA), by policy and caller.
//!
//! Answers say how much is left, as the IETF's draft-ietf-httpapi-ratelimit-headers-10 writes it.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use kit::http::RouteInfo;
use kit::{Caller, Clock, Problem};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

const WINDOW_SECONDS: u64 = 60;
/// After so many requests those who have not asked lately are forgotten.
const SWEEP_EVERY: u64 = 4_096;
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Requests a minute; 0 for any number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Requests a minute from one address (IPv6: one /64) without a token; 0 for any number.
    pub anonymous_per_minute: u32,
    /// Requests a minute of one user; 0 for any number.
    pub signed_in_per_minute: u32,
    /// Requests a minute that move money, of one caller; 0 for any number.
    pub payments_per_minute: u32,
    /// Requests a minute of providers and carriers, from one address; 0 for any number.
    pub webhooks_per_minute: u32,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig { anonymous_per_minute: 100, signed_in_per_minute: 600, payments_per_minute: 20, webhooks_per_minute: 6_000 }
    }
}

/// All policies.
pub struct Limits {
    anonymous: Option<Policy>,
    signed_in: Option<Policy>,
    payments: Option<Policy>,
    webhooks: Option<Policy>,
}

/// What is left to a caller, for the headers of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    policy: &'static str,
    quota: u32,
    remaining: u32,
    /// Until all of it is there again; for a refused request, until one is.
    seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    User(Uuid),
    Address(IpAddr),
}

struct Policy {
    name: &'static str,
    quota: u32,
    limiter: RateLimiter<Key, HashMapStateStore<Key>, Time, StateInformationMiddleware>,
    asked: AtomicU64,
}

/// The platform's clock, as the limiter asks it.
#[derive(Clone)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.now().0).unwrap_or(0))
    }
}

impl Limits {
    /// As configured, `factor` times as wide; no limits where there is none.
    pub fn new(config: &LimitsConfig, factor: Option<u32>, clock: &Clock) -> Limits {
        let policy = |name, per_minute: u32| Policy::new(name, per_minute.saturating_mul(factor.unwrap_or(0)), clock);
        Limits {
            anonymous: policy("anonymous", config.anonymous_per_minute),
            signed_in: policy("signed-in", config.signed_in_per_minute),
            payments: policy("payments", config.payments_per_minute),
            webhooks: policy("webhooks", config.webhooks_per_minute),
        }
    }

    /// Counts a request. The error is a `429` that says when to come again.
    pub fn check(&self, route: &RouteInfo, caller: &Caller) -> Result<Option<Left>, (Problem, Left)> {
        let user = caller.user.as_ref().map(|user| Key::User(user.id.0));
        let Some(key) = user.or_else(|| caller.address.map(|address| Key::Address(network(address)))) else { return Ok(None) };
        let policy = match kind(route) {
            Kind::Free => return Ok(None),
            Kind::Webhook => &self.webhooks,
            Kind::Payment => &self.payments,
            Kind::Other if user.is_some() => &self.signed_in,
            Kind::Other => &self.anonymous,
        };
        policy.as_ref().map(|policy| policy.check(key)).transpose()
    }
}

impl Policy {
    fn new(name: &'static str, quota: u32, clock: &Clock) -> Option<Policy> {
        let per_minute = Quota::per_minute(NonZeroU32::new(quota)?);
        let limiter = RateLimiter::hashmap_with_clock(per_minute, Time(clock.clone())).with_middleware::<StateInformationMiddleware>();
        Some(Policy { name, quota, limiter, asked: AtomicU64::new(0) })
    }

    fn check(&self, key: Key) -> Result<Left, (Problem, Left)> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let left = |remaining, seconds| Left { policy: self.name, quota: self.quota, remaining, seconds };
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(self.quota.saturating_sub(remaining));
                Ok(left(remaining, (used * WINDOW_SECONDS).div_ceil(u64::from(self.quota))))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.limiter.clock().now());
                let seconds = wait.as_millis().div_ceil(1_000).clamp(1, u128::from(WINDOW_SECONDS)) as u32;
                let text = format!("more than {} requests a minute; come again in {seconds} s", self.quota);
                let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", text);
                problem.retry_after = Some(seconds);
                Err((problem, left(0, seconds.into())))
            }
        }
    }
}

impl Left {
    /// Says it in the headers of an answer.
    pub fn write(self, headers: &mut HeaderMap) {
        let Left { policy, quota, remaining, seconds } = self;
        let texts =
            [(POLICY, format!("\"{policy}\";q={quota};w={WINDOW_SECONDS}")), (LEFT, format!("\"{policy}\";r={remaining};t={seconds}"))];
        for (name, text) in texts {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

enum Kind {
    /// Asked by machines that watch.
    Free,
    Webhook,
    /// Moves money.
    Payment,
    Other,
}

fn kind(route: &RouteInfo) -> Kind {
    let path = route.path.strip_prefix("/api/v1").unwrap_or(&route.path);
    if ["/health", "/ready", "/metrics"].contains(&path) {
        Kind::Free
    } else if path.starts_with("/payments/webhooks/") || path.starts_with("/shipping/webhooks/") {
        Kind::Webhook
    } else if path.starts_with("/payments") && route.method != Method::GET {
        Kind::Payment
    } else {
        Kind::Other
    }
}

/// Whoever has one IPv6 address has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use kit::http::Who;

    use super::*;

    fn route(method: Method, path: &str) -> RouteInfo {
        RouteInfo { service: "x", method, path: path.into(), who: Who::Public, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    fn from(address: &str) -> Caller {
        Caller { address: address.parse().ok(), ..Caller::default() }
    }

    #[test]
    fn a_quota_is_used_up_and_refills_evenly() {
        let shift = Arc::new(AtomicI64::new(0));
        let limits =
            Limits::new(&LimitsConfig { anonymous_per_minute: 3, ..LimitsConfig::default() }, Some(2), &Clock::shifted(shift.clone()));
        let products = route(Method::GET, "/api/v1/products");
        let left = (0..6).map(|_| limits.check(&products, &from("192.0.2.1")).unwrap().unwrap().remaining).collect::<Vec<_>>();
        assert_eq!(left, [5, 4, 3, 2, 1, 0], "three a minute, twice as many as in production");
        let (problem, left) = limits.check(&products, &from("192.0.2.1")).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code, left.remaining), (429, "rate_limited", 0));
        assert!(problem.retry_after.is_some_and(|s| (1..=10).contains(&s)), "{problem:?}");
        assert!(limits.check(&products, &from("192.0.2.2")).is_ok(), "somebody else has a quota of his own");
        shift.fetch_add(10_000_000, Ordering::SeqCst);
        assert!(limits.check(&products, &from("192.0.2.1")).is_ok(), "a sixth of a minute is one request");
        assert!(limits.check(&products, &from("192.0.2.1")).is_err());
    }

    #[test]
    fn one_network_is_one_caller_and_watchers_are_nobody() {
        let limits = Limits::new(&LimitsConfig { anonymous_per_minute: 1, ..LimitsConfig::default() }, Some(1), &Clock::system());
        let products = route(Method::GET, "/api/v1/products");
        assert!(limits.check(&products, &from("2001:db8::1")).is_ok());
        assert!(limits.check(&products, &from("2001:db8::2")).is_err());
        assert!(limits.check(&products, &from("2001:db8:0:1::2")).is_ok());
        for _ in 0..10 {
            assert_eq!(limits.check(&route(Method::GET, "/health"), &from("192.0.2.1")).map_err(|_| ()), Ok(None));
        }
    }

    #[test]
    fn money_and_webhooks_have_quotas_of_their_own() {
        let limits = Limits::new(
            &LimitsConfig { payments_per_minute: 1, webhooks_per_minute: 2, ..LimitsConfig::default() },
            Some(1),
            &Clock::system(),
        );
        let caller = from("192.0.2.1");
        let quota = |method: Method, path: &str| limits.check(&route(method, path), &caller).map(|left| left.map(|l| (l.policy, l.quota)));
        assert_eq!(quota(Method::POST, "/api/v1/payments/{id}/refund").ok(), Some(Some(("payments", 1))));
        assert!(quota(Method::POST, "/api/v1/payments/confirm").is_err());
        assert_eq!(quota(Method::GET, "/api/v1/payments/{id}").ok(), Some(Some(("anonymous", 100))));
        assert_eq!(quota(Method::POST, "/api/v1/payments/webhooks/{provider}").ok(), Some(Some(("webhooks", 2))));
        let none = Limits::new(&LimitsConfig::default(), None, &Clock::system());
        assert_eq!(none.check(&route(Method::GET, "/api/v1/products"), &caller).ok(), Some(None));
    }

    #[test]
    fn the_headers_are_those_of_the_draft() {
        let mut headers = HeaderMap::new();
        Left { policy: "anonymous", quota: 100, remaining: 40, seconds: 36 }.write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"anonymous\";q=100;w=60");
        assert_eq!(headers["ratelimit"], "\"anonymous\";r=40;t=36");
    }
}
