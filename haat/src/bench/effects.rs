//! How long events took to have their effects, as the server measures it.

use std::collections::BTreeMap;

use super::prometheus;

const METRIC: &str = "haat_reader_effect_seconds";

/// Buckets by subscriber and publisher: upper bound in seconds, and how many events lie at or below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects(BTreeMap<String, Vec<(f64, f64)>>);

/// Of one subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Such as `orders ← payments`.
    pub who: String,
    pub events: f64,
    /// Estimated within the bucket, as Prometheus does.
    pub p50_ms: f64,
    pub p95_ms: f64,
    /// The part of the events that took 5 ms or less.
    pub within_5_ms: f64,
}

impl Effects {
    /// Out of the server's metrics.
    pub fn of(metrics: &str) -> Effects {
        let found = prometheus::histograms(metrics, METRIC);
        Effects(found.into_iter().map(|(labels, buckets)| (who(&labels), buckets)).collect())
    }

    /// What came since `earlier`, by subscription.
    pub fn since(&self, earlier: &Effects) -> Vec<Effect> {
        let of_one = |(who, buckets): (&String, &Vec<(f64, f64)>)| {
            let before = |i: usize| earlier.0.get(who).and_then(|b| b.get(i)).map_or(0.0, |(_, count)| *count);
            let new: Vec<(f64, f64)> = buckets.iter().enumerate().map(|(i, (bound, count))| (*bound, count - before(i))).collect();
            let events = new.last().map_or(0.0, |(_, count)| *count);
            let within = new.iter().rfind(|(bound, _)| *bound <= 0.005).map_or(0.0, |(_, count)| *count);
            let ms = |quantile: f64| seconds_at(&new, quantile * events) * 1000.0;
            (events > 0.0).then(|| Effect { who: who.clone(), events, p50_ms: ms(0.50), p95_ms: ms(0.95), within_5_ms: within / events })
        };
        self.0.iter().filter_map(of_one).collect()
    }
}

/// Where the sample of a rank lies, if samples are spread evenly within each bucket.
fn seconds_at(buckets: &[(f64, f64)], rank: f64) -> f64 {
    let (mut low, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank {
            let width = if bound.is_finite() { bound - low } else { 0.0 };
            return low + width * (rank - below) / (count - below).max(1.0);
        }
        (low, below) = (*bound, *count);
    }
    low
}

fn who(labels: &str) -> String {
    let label = |name: &str| {
        let value = labels.split(',').find_map(|l| l.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'));
        value.unwrap_or("?").to_owned()
    };
    format!("{} ← {}", label("subscriber"), label("source"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_came_in_between() {
        let text = |counts: [u32; 3]| {
            let line =
                |(le, count): (&str, &u32)| format!("{METRIC}_bucket{{source=\"payments\",subscriber=\"orders\",le=\"{le}\"}} {count}\n");
            ["0.0025", "0.005", "+Inf"].into_iter().zip(&counts).map(line).collect::<String>()
        };
        let (before, after) = (Effects::of(&text([5, 6, 6])), Effects::of(&text([5, 106, 110])));
        let found = after.since(&before);
        assert_eq!((found.len(), found[0].who.as_str(), found[0].events), (1, "orders ← payments", 104.0));
        assert!((found[0].p50_ms - 3.8).abs() < 0.01, "{found:?}");
        assert!((found[0].within_5_ms - 100.0 / 104.0).abs() < 1e-9);
        assert!(after.since(&after).is_empty());
    }
}
