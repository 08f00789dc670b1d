//! What each metric means, and what the kernel says of this process.

use std::fmt::Write as _;

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Counters: they only grow.
const COUNTERS: &[(&str, &str)] = &[
    ("haat_http_requests_total", "Requests that were answered, by service, method, route and status."),
    ("haat_events_total", "What happened, by service and type of event."),
    ("haat_reader_events_total", "Events that took effect, by subscriber and source."),
    ("haat_db_transactions_total", "Transactions that became durable, by service."),
    ("haat_db_reads_total", "Closures that only read, by service."),
    ("haat_db_statements_total", "Statements of all closures, by service."),
    ("haat_db_refusals_total", "Closures that said no, by service."),
    ("haat_db_failures_total", "Closures that the database failed, by service."),
    ("haat_db_repeats_total", "Runs of closures beyond their first, by service."),
    ("haat_db_flushes_total", "Commits that were flushed."),
    ("haat_db_overloaded_total", "Closures that were turned away because too many waited."),
    ("haat_payments_minor_units_total", "Money that was captured or refunded, in the smallest unit of its currency."),
    ("haat_webhook_attempts_total", "Requests to endpoints of webhooks, by outcome: delivered, refused, or unanswered."),
    ("haat_trace_spans_exported_total", "Spans that the collector took."),
    ("haat_trace_spans_dropped_total", "Spans that were lost, by reason."),
];

/// Gauges: how it is now.
const GAUGES: &[(&str, &str)] = &[
    ("haat_sagas", "Sagas that run, wait with a deadline, or are stuck, by service, type and status."),
    ("haat_jobs", "Jobs that are queued, running, or dead, by service and state."),
    ("haat_jobs_due", "Queued jobs whose time has come, by service."),
    ("haat_inbox_events", "Events that are parked, or dead letters, by service and state."),
    ("haat_reader_lag_seconds", "How old the event was that a subscriber took in last; 0 when it has them all."),
    ("haat_reader_blocked_streams", "Streams in which an event waits to be tried again, by subscriber and source."),
    ("haat_reader_paused", "1 while a subscriber takes in nothing because everything fails."),
    ("haat_db_file_bytes", "Size of the embedded database."),
    ("haat_db_wal_bytes", "Size of its write-ahead log."),
    ("haat_db_oldest_read_seconds", "Age of its oldest open read."),
    ("haat_db_waiting_closures", "Closures that wait for its writer."),
    ("haat_stock_units", "Units on hand and reserved, over all products and warehouses."),
    ("haat_stock_variants", "Variants of which nothing is left, or little."),
    ("haat_webhook_deliveries_due", "Deliveries of webhooks whose time has come."),
    ("haat_webhook_endpoints", "Endpoints of webhooks that are enabled, or disabled by their owner, as gone or as failing."),
    ("haat_build_info", "1; the version is a label."),
];

/// Histograms: how long it took.
const HISTOGRAMS: &[(&str, &str)] = &[
    ("haat_http_request_seconds", "Time from a request to its answer, by service and route."),
    ("haat_reader_effect_seconds", "Time from when an event came into being until its effect was durable, by subscriber and source."),
    ("haat_db_flush_seconds", "Time of a commit that was flushed."),
];

/// Tells the recorder, which writes it beside the figures.
pub(super) fn describe() {
    for (name, meaning) in COUNTERS {
        describe_counter!(*name, *meaning);
    }
    for (name, meaning) in GAUGES {
        describe_gauge!(*name, *meaning);
    }
    for (name, meaning) in HISTOGRAMS {
        describe_histogram!(*name, *meaning);
    }
    metrics::gauge!("haat_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// The unit of times in `/proc`; Linux has shown user space hundredths of a second since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// What Prometheus' client libraries say of a process, by the same names; empty where there is no `/proc`.
pub(super) fn of_process() -> String {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{file}")).ok();
    let (status, stat, system) = (read("self/status"), read("self/stat"), read("stat"));
    // Behind the name, which may hold anything but a closing bracket at its end.
    let fields: Vec<f64> = stat
        .as_deref()
        .and_then(|text| text.rsplit_once(')'))
        .map(|(_, rest)| rest.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect())
        .unwrap_or_default();
    let ticks = |place: usize| fields.get(place).map(|ticks| ticks / TICKS_PER_SECOND);
    let booted = system.as_deref().and_then(|text| text.lines().find_map(|l| l.strip_prefix("btime "))).and_then(|t| t.parse::<f64>().ok());
    let resident = status.as_deref().and_then(|text| text.lines().find_map(|l| l.strip_prefix("VmRSS:")));
    let resident = resident.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
    let figures = [
        ("process_cpu_seconds_total", "counter", "CPU time of this process.", ticks(11).zip(ticks(12)).map(|(user, kernel)| user + kernel)),
        ("process_resident_memory_bytes", "gauge", "Memory of this process.", resident.map(|kib| kib * 1_024.0)),
        ("process_open_fds", "gauge", "Open files and connections.", open),
        ("process_start_time_seconds", "gauge", "When it began, since 1970.", booted.zip(ticks(19)).map(|(boot, since)| boot + since)),
    ];
    let mut text = String::new();
    for (name, kind, meaning, value) in figures {
        if let Some(value) = value {
            let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_their_unit_and_are_explained_once() {
        let all = || [COUNTERS, GAUGES, HISTOGRAMS].into_iter().flatten();
        assert!(COUNTERS.iter().all(|(name, _)| name.ends_with("_total")) && GAUGES.iter().all(|(name, _)| !name.ends_with("_total")));
        assert!(HISTOGRAMS.iter().all(|(name, _)| name.ends_with("_seconds") || name.ends_with("_bytes")));
        let names: std::collections::BTreeSet<_> = all().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().all(|(name, meaning)| name.split('_').next() == Some("haat") && meaning.ends_with('.') && !meaning.contains('\n')));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let text = of_process();
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).and_then(|v| v.trim().parse::<f64>().ok());
            assert!(value.is_some_and(|v| v >= 0.0), "{name}: {text}");
        }
    }
}
