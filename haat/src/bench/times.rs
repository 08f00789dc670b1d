//! How long each step took.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::flow::Failure;

/// The longest time that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// A part of a checkout that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// GET the product.
    Product,
    /// POST the first item.
    FirstItem,
    /// POST the second item.
    SecondItem,
    /// POST the order.
    Order,
    /// POST the approval.
    Approve,
    /// From the approval's answer until the order is seen confirmed.
    Confirmed,
    /// From sending the approval until the order is seen confirmed.
    Paid,
    /// All of it.
    Flow,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Step; 8] =
        [Step::Product, Step::FirstItem, Step::SecondItem, Step::Order, Step::Approve, Step::Confirmed, Step::Paid, Step::Flow];

    /// As reported.
    pub fn name(self) -> &'static str {
        match self {
            Step::Product => "get product",
            Step::FirstItem => "first cart item",
            Step::SecondItem => "second cart item",
            Step::Order => "order",
            Step::Approve => "approve",
            Step::Confirmed => "approved → confirmed",
            Step::Paid => "approving → confirmed",
            Step::Flow => "whole checkout",
        }
    }
}

/// One checkout's times.
#[derive(Debug)]
pub struct Times {
    steps: [Option<Duration>; Step::ALL.len()],
    /// How often the shopper looked at the order.
    pub looks: u64,
}

impl Times {
    /// Of a checkout that begins.
    pub fn begin() -> Times {
        Times { steps: [None; Step::ALL.len()], looks: 0 }
    }

    /// A step took so long.
    pub fn note(&mut self, step: Step, took: Duration) {
        self.steps[step as usize] = Some(took);
    }
}

/// The times of many checkouts, and how the others failed.
#[derive(Debug)]
pub struct Seen {
    histograms: Vec<Histogram<u64>>,
    /// Checkouts that ended well.
    pub checkouts: u64,
    /// Looks at orders.
    pub looks: u64,
    /// Failures by step and code.
    pub failures: BTreeMap<(Step, String), u64>,
}

/// Percentiles of a step, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> Seen {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that fit");
        Seen { histograms: Step::ALL.iter().map(|_| histogram()).collect(), checkouts: 0, looks: 0, failures: BTreeMap::new() }
    }

    /// Adds a checkout that ended well.
    pub fn add(&mut self, times: &Times) {
        for (histogram, took) in self.histograms.iter_mut().zip(times.steps) {
            if let Some(took) = took {
                histogram.saturating_record(took.as_micros() as u64);
            }
        }
        self.checkouts += 1;
        self.looks += times.looks;
    }

    /// Adds one that did not.
    pub fn fail(&mut self, failure: Failure) {
        *self.failures.entry((failure.step, failure.code)).or_default() += 1;
    }

    /// What was measured of a step.
    pub fn percentiles(&self, step: Step) -> Percentiles {
        let histogram = &self.histograms[step as usize];
        let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Percentiles { p50_ms: ms(0.50), p95_ms: ms(0.95), p99_ms: ms(0.99), max_ms: histogram.max() as f64 / 1000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_step_and_in_milliseconds() {
        let mut seen = Seen::new();
        for ms in 1..=100 {
            let mut times = Times::begin();
            times.note(Step::Order, Duration::from_millis(ms));
            times.looks = 2;
            seen.add(&times);
        }
        let order = seen.percentiles(Step::Order);
        assert!((order.p50_ms - 50.0).abs() < 0.1 && (order.p99_ms - 99.0).abs() < 0.2 && (order.max_ms - 100.0).abs() < 0.2, "{order:?}");
        assert_eq!(seen.percentiles(Step::Flow).p50_ms, 0.0);
        assert_eq!((seen.checkouts, seen.looks), (100, 200));
    }

    #[test]
    fn failures_are_counted_by_step_and_code() {
        let mut seen = Seen::new();
        for _ in 0..2 {
            seen.fail(Failure { step: Step::Order, code: "409 out_of_stock".into() });
        }
        assert_eq!(seen.failures.into_iter().collect::<Vec<_>>(), [((Step::Order, "409 out_of_stock".into()), 2)]);
    }
}
