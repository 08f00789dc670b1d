//! How long each step took.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// A part of the work that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// That a client was free for it.
    Begin,
    /// GET a product.
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
    /// A whole checkout, from when it should have begun.
    Checkout,
    /// GET a page of products that many ask for.
    PopularList,
    /// GET a page of products that hardly anybody asks for.
    RandomList,
    /// GET a category, or all.
    Category,
    /// PUT the stock of a variant.
    StockChange,
    /// GET a store's parts of orders.
    Parts,
    /// GET one of them.
    Part,
    /// PUT it to be packed.
    Pack,
    /// PUT it with its carrier.
    Ship,
    /// PUT a variant with another price.
    Price,
    /// All that the sellers of one order do.
    Handled,
    /// A 503, from when it was asked.
    Refusal,
}

/// How many steps there are.
const STEPS: usize = Step::Refusal as usize + 1;

impl Step {
    /// As reported.
    pub fn name(self) -> &'static str {
        match self {
            Step::Begin => "begin",
            Step::Product => "product",
            Step::FirstItem => "first cart item",
            Step::SecondItem => "second cart item",
            Step::Order => "order",
            Step::Approve => "approve",
            Step::Confirmed => "approved → confirmed",
            Step::Paid => "approving → confirmed",
            Step::Checkout => "whole checkout",
            Step::PopularList => "popular list",
            Step::RandomList => "random list",
            Step::Category => "category",
            Step::StockChange => "stock change",
            Step::Parts => "list of parts",
            Step::Part => "one part",
            Step::Pack => "pack",
            Step::Ship => "ship",
            Step::Price => "price change",
            Step::Handled => "order handled",
            Step::Refusal => "refused (503)",
        }
    }
}

/// Where something ended early, and why.
#[derive(Debug)]
pub struct Failure {
    pub step: Step,
    pub code: String,
    /// Of a 503: how long it took to say so.
    pub refused_after: Option<Duration>,
}

impl Failure {
    /// Not a refusal.
    pub fn new(step: Step, code: impl Into<String>) -> Failure {
        Failure { step, code: code.into(), refused_after: None }
    }
}

/// One operation's times.
#[derive(Debug)]
pub struct Times {
    steps: Vec<(Step, Duration)>,
    /// How often the shopper looked at the order.
    pub looks: u64,
}

impl Times {
    /// Of an operation that begins.
    pub fn begin() -> Times {
        Times { steps: Vec::with_capacity(8), looks: 0 }
    }

    /// A step took so long.
    pub fn note(&mut self, step: Step, took: Duration) {
        self.steps.push((step, took));
    }

    /// The last step, which is all of it where there are several.
    pub fn whole(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |(_, took)| *took)
    }
}

/// The times of many operations, and how the others failed.
#[derive(Debug)]
pub struct Seen {
    histograms: Vec<Histogram<u64>>,
    /// Operations that ended well.
    pub done: u64,
    /// Looks at orders.
    pub looks: u64,
    /// Failures by step and code.
    pub failures: BTreeMap<(Step, String), u64>,
}

/// Percentiles of a step, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> Seen {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that fit");
        Seen { histograms: (0..STEPS).map(|_| histogram()).collect(), done: 0, looks: 0, failures: BTreeMap::new() }
    }

    /// Adds an operation that ended well.
    pub fn add(&mut self, times: &Times) {
        for (step, took) in &times.steps {
            self.note(*step, *took);
        }
        self.done += 1;
        self.looks += times.looks;
    }

    /// Adds a step by itself.
    pub fn note(&mut self, step: Step, took: Duration) {
        self.histograms[step as usize].saturating_record(took.as_micros() as u64);
    }

    /// Adds one that did not.
    pub fn fail(&mut self, failure: Failure) {
        if let Some(took) = failure.refused_after {
            self.note(Step::Refusal, took);
        }
        *self.failures.entry((failure.step, failure.code)).or_default() += 1;
    }

    /// What was measured of a step.
    pub fn percentiles(&self, step: Step) -> Percentiles {
        let histogram = &self.histograms[step as usize];
        let ms = |quantile: f64| self.at(step, quantile);
        Percentiles {
            count: histogram.len(),
            p50_ms: ms(0.50),
            p95_ms: ms(0.95),
            p99_ms: ms(0.99),
            max_ms: histogram.max() as f64 / 1000.0,
        }
    }

    /// The time of a step at a quantile, in milliseconds.
    pub fn at(&self, step: Step, quantile: f64) -> f64 {
        self.histograms[step as usize].value_at_quantile(quantile) as f64 / 1000.0
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
        assert_eq!(seen.percentiles(Step::Checkout).p50_ms, 0.0);
        assert_eq!((order.count, seen.done, seen.looks), (100, 100, 200));
    }

    #[test]
    fn failures_are_counted_by_step_and_code_and_refusals_timed() {
        let mut seen = Seen::new();
        for _ in 0..2 {
            seen.fail(Failure::new(Step::Order, "409 out_of_stock"));
        }
        seen.fail(Failure { refused_after: Some(Duration::from_millis(2)), ..Failure::new(Step::FirstItem, "503 overloaded") });
        assert_eq!(seen.percentiles(Step::Refusal).count, 1);
        let expected = [((Step::FirstItem, "503 overloaded".into()), 1), ((Step::Order, "409 out_of_stock".into()), 2)];
        assert_eq!(seen.failures.into_iter().collect::<Vec<_>>(), expected);
    }
}
