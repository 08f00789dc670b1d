//! What the database has done, for tests, measurements and metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one service, or all together, asked of the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Closures that became durable.
    pub transactions: u64,
    /// Writing closures that ended well and had nothing to write.
    pub empty: u64,
    /// Closures that said no.
    pub refusals: u64,
    /// Closures that the database failed.
    pub failures: u64,
    /// Reading closures.
    pub reads: u64,
    /// Statements of all closures; savepoints and commits are not among them.
    pub statements: u64,
    /// Those among them of reading closures.
    pub read_statements: u64,
    /// Runs of closures beyond their first.
    pub repeats: u64,
}

/// What the database has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Physical commits that had something to flush.
    pub flushes: u64,
    /// By service.
    pub services: BTreeMap<&'static str, ServiceCounts>,
}

impl Counts {
    /// All services together.
    pub fn total(&self) -> ServiceCounts {
        self.services.values().fold(ServiceCounts::default(), |sum, c| sum.combine(c, u64::wrapping_add))
    }

    /// What was done since `earlier`.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let before = |service| earlier.services.get(service).copied().unwrap_or_default();
        let services = self.services.iter().map(|(name, c)| (*name, c.combine(&before(name), u64::wrapping_sub))).collect();
        Counts { flushes: self.flushes - earlier.flushes, services }
    }
}

impl ServiceCounts {
    /// Statements of closures that may write. How many read depends on who looks for work when; these do not.
    pub fn writing_statements(&self) -> u64 {
        self.statements - self.read_statements
    }

    fn combine(&self, other: &ServiceCounts, op: fn(u64, u64) -> u64) -> ServiceCounts {
        ServiceCounts {
            transactions: op(self.transactions, other.transactions),
            empty: op(self.empty, other.empty),
            refusals: op(self.refusals, other.refusals),
            failures: op(self.failures, other.failures),
            reads: op(self.reads, other.reads),
            statements: op(self.statements, other.statements),
            read_statements: op(self.read_statements, other.read_statements),
            repeats: op(self.repeats, other.repeats),
        }
    }
}

/// Where the engines count.
#[derive(Default)]
pub(super) struct Counters(Mutex<Counts>);

impl Counters {
    pub(super) fn add(&self, service: &'static str, done: ServiceCounts) {
        let mut counts = self.lock();
        let sum = counts.services.entry(service).or_default();
        *sum = sum.combine(&done, u64::wrapping_add);
        drop(counts);
        let named = [
            ("haat_db_transactions_total", done.transactions),
            ("haat_db_refusals_total", done.refusals),
            ("haat_db_failures_total", done.failures),
            ("haat_db_reads_total", done.reads),
            ("haat_db_statements_total", done.statements),
            ("haat_db_repeats_total", done.repeats),
        ];
        for (name, count) in named.into_iter().filter(|(_, count)| *count > 0) {
            metrics::counter!(name, "service" => service).increment(count);
        }
    }

    pub(super) fn flushed(&self) {
        self.lock().flushes += 1;
        metrics::counter!("haat_db_flushes_total").increment(1);
    }

    pub(super) fn snapshot(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
