//! What server and generator have used so far.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;

use super::client::Connection;
use super::prometheus;

/// The unit of times in `/proc`; Linux has shown user space hundredths of a second since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// Counted since the processes began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU seconds of the server; unknown where it is not our own.
    pub server_seconds: Option<f64>,
    /// CPU seconds of the generator.
    pub generator_seconds: f64,
    /// Durable transactions.
    pub transactions: f64,
    /// Statements of all transactions and reads.
    pub statements: f64,
    /// Commits that were flushed, as the server counts them.
    pub flushes: f64,
    /// Memory of the server at this moment.
    pub memory: Option<Memory>,
}

/// In MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    pub resident_mib: f64,
    pub peak_mib: f64,
}

/// Reads what the server counts, as Prometheus would.
pub async fn metrics(connection: &mut Connection) -> Result<String> {
    let answer = connection.send(Method::GET, "/metrics", Bytes::new(), None).await?;
    ensure!(answer.is_ok(), "GET /metrics answered {}", answer.status);
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

impl Usage {
    /// By the server's metrics and, where its process is known, the kernel.
    pub fn of(metrics: &str, server: Option<u32>) -> Result<Usage> {
        let counters = prometheus::sums(metrics);
        let counter = |name: &str| counters.get(name).copied().unwrap_or(0.0);
        Ok(Usage {
            server_seconds: server.map(|pid| cpu_seconds(&pid.to_string())).transpose()?,
            generator_seconds: cpu_seconds("self")?,
            transactions: counter("haat_db_transactions_total"),
            statements: counter("haat_db_statements_total"),
            flushes: counter("haat_db_flushes_total"),
            memory: server.map(memory).transpose()?,
        })
    }

    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Usage) -> Usage {
        Usage {
            server_seconds: self.server_seconds.zip(earlier.server_seconds).map(|(now, then)| now - then),
            generator_seconds: self.generator_seconds - earlier.generator_seconds,
            transactions: self.transactions - earlier.transactions,
            statements: self.statements - earlier.statements,
            flushes: self.flushes - earlier.flushes,
            memory: self.memory,
        }
    }
}

fn cpu_seconds(process: &str) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    cpu_ticks(&text).map(|ticks| ticks as f64 / TICKS_PER_SECOND).with_context(|| format!("cannot understand {path}"))
}

/// User and system time: fields 14 and 15 of proc(5). The second field, the name, may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn memory(process: u32) -> Result<Memory> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let mib = |name: &str| kib(&text, name).map(|kib| kib as f64 / 1024.0);
    let found = mib("VmRSS:").zip(mib("VmHWM:"));
    found.map(|(resident_mib, peak_mib)| Memory { resident_mib, peak_mib }).with_context(|| format!("cannot understand {path}"))
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        assert_eq!(cpu_ticks("7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7"), Some(300));
        assert_eq!(kib("Name:\thaat\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n", "VmRSS:"), Some(1024));
        assert!(cpu_seconds("self").is_ok() && memory(std::process::id()).is_ok_and(|m| m.resident_mib <= m.peak_mib));
    }

    #[test]
    fn usage_is_counted_from_a_moment() {
        let then = Usage { server_seconds: Some(1.0), transactions: 10.0, ..Usage::default() };
        let now = Usage { server_seconds: Some(3.0), transactions: 24.0, ..Usage::default() };
        let used = now.since(&then);
        assert_eq!((used.server_seconds, used.transactions), (Some(2.0), 14.0));
    }
}
