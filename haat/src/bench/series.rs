//! What happened in each second.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::Instant;

use super::usage::Usage;

/// One second, as the clients saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Second {
    /// Operations that ended well.
    pub done: u64,
    pub refused: u64,
    /// Others that did not.
    pub failed: u64,
    /// Of whole operations.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Counts by second, from the beginning of the warm-up.
pub struct Clients {
    began: Instant,
    seconds: Vec<Second>,
    times: Histogram<u64>,
}

impl Clients {
    /// From now on.
    pub fn begin(began: Instant) -> Clients {
        let times = Histogram::new_with_bounds(1, 60_000_000, 2).expect("the bounds are constants that fit");
        Clients { began, seconds: Vec::new(), times }
    }

    /// An operation ended well.
    pub fn done(&mut self, took: Duration) {
        self.now().done += 1;
        self.times.saturating_record(took.as_micros() as u64);
    }

    /// One did not.
    pub fn failed(&mut self, refused: bool) {
        let now = self.now();
        if refused { now.refused += 1 } else { now.failed += 1 }
    }

    /// All whole seconds until `end`.
    pub fn seconds(mut self, end: Instant) -> Vec<Second> {
        self.close();
        self.seconds.resize((end - self.began).as_secs() as usize, Second::default());
        self.seconds
    }

    /// The second that runs.
    fn now(&mut self) -> &mut Second {
        let index = self.began.elapsed().as_secs() as usize;
        if index >= self.seconds.len() {
            self.close();
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    fn close(&mut self) {
        if let Some(last) = self.seconds.last_mut() {
            let ms = |quantile: f64| self.times.value_at_quantile(quantile) as f64 / 1000.0;
            (last.p50_ms, last.p99_ms) = (ms(0.50), ms(0.99));
            self.times.reset();
        }
    }
}

/// What the server used in a while, each as a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The end of the while, in seconds since the warm-up began.
    pub at_seconds: f64,
    /// CPU seconds a second.
    pub server_cores: Option<f64>,
    pub generator_cores: f64,
    pub memory_mib: Option<f64>,
    pub transactions: f64,
    pub flushes: f64,
    /// Mean size of what one flush made durable, in transactions.
    pub transactions_per_flush: f64,
}

impl Sample {
    /// Between two readings that lie `seconds` apart.
    pub fn between(earlier: &Usage, later: &Usage, seconds: f64, at_seconds: f64) -> Sample {
        let used = later.since(earlier);
        Sample {
            at_seconds,
            server_cores: used.server_seconds.map(|s| s / seconds),
            generator_cores: used.generator_seconds / seconds,
            memory_mib: later.memory.map(|m| m.resident_mib),
            transactions: used.transactions / seconds,
            flushes: used.flushes / seconds,
            transactions_per_flush: if used.flushes > 0.0 { used.transactions / used.flushes } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn seconds_without_anything_are_there_too() {
        let mut clients = Clients::begin(Instant::now());
        clients.done(Duration::from_millis(5));
        clients.failed(true);
        tokio::time::advance(Duration::from_millis(2_500)).await;
        clients.done(Duration::from_millis(7));
        clients.failed(false);
        let seconds = clients.seconds(Instant::now() + Duration::from_millis(1_600));
        let counts: Vec<_> = seconds.iter().map(|s| (s.done, s.refused, s.failed, s.p50_ms.round())).collect();
        assert_eq!(counts, [(1, 1, 0, 5.0), (0, 0, 0, 0.0), (1, 0, 1, 7.0), (0, 0, 0, 0.0)]);
    }
}
