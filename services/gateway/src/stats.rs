//! What was answered since this process began, by service.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use contracts::Time;

/// Counts of answers. A service is looked up and never added, so nobody waits for anybody.
pub struct Stats {
    /// Since when.
    pub since: Time,
    services: BTreeMap<&'static str, Counts>,
    /// What fits no route.
    unrouted: Counts,
}

#[derive(Default)]
struct Counts {
    /// By the hundreds of the status, from 1xx on.
    answers: [AtomicU64; 5],
    took_us: AtomicU64,
}

/// What was counted of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// None for what fits no route.
    pub service: Option<&'static str>,
    /// By the hundreds of the status, from 1xx on.
    pub answers: [u64; 5],
    /// All of them together, in microseconds.
    pub took_us: u64,
}

impl Stats {
    /// Nothing was answered yet.
    pub fn new(services: &[&'static str], since: Time) -> Stats {
        let services = services.iter().map(|service| (*service, Counts::default())).collect();
        Stats { since, services, unrouted: Counts::default() }
    }

    /// Counts an answer of `service`.
    pub fn count(&self, service: Option<&str>, status: StatusCode, took: Duration) {
        let counts = service.and_then(|service| self.services.get(service)).unwrap_or(&self.unrouted);
        let hundreds = usize::from(status.as_u16() / 100);
        if let Some(answers) = counts.answers.get(hundreds.wrapping_sub(1)) {
            answers.fetch_add(1, Ordering::Relaxed);
            counts.took_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Every service, and at the end what fits no route.
    pub fn counted(&self) -> Vec<Counted> {
        let named = self.services.iter().map(|(service, counts)| (Some(*service), counts)).chain([(None, &self.unrouted)]);
        named.map(|(service, counts)| counts.read(service)).collect()
    }
}

impl Counts {
    fn read(&self, service: Option<&'static str>) -> Counted {
        let answers = self.answers.each_ref().map(|count| count.load(Ordering::Relaxed));
        Counted { service, answers, took_us: self.took_us.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_where_they_come_from() {
        let stats = Stats::new(&["orders"], Time(0));
        let took = Duration::from_micros(7);
        for (service, status) in [(Some("orders"), 201), (Some("orders"), 204), (Some("orders"), 409), (None, 404), (Some("odd"), 503)] {
            stats.count(service, StatusCode::from_u16(status).unwrap(), took);
        }
        let orders = Counted { service: Some("orders"), answers: [0, 2, 0, 1, 0], took_us: 21 };
        assert_eq!(stats.counted(), [orders, Counted { service: None, answers: [0, 0, 0, 1, 1], took_us: 14 }]);
    }
}
