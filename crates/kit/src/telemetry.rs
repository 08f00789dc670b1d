//! What the process says of itself: logs, spans, metrics.
//!
//! A span has a dotted name (`http.request`) and dotted fields; the ids of request and trace are on the outermost one,
//! so that every line below carries them. Requests, calls and events hand the W3C trace context on in
//! [`Context::traceparent`](crate::Context).

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::Tasks;

/// Upper bounds of the buckets of every `…_seconds` histogram.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const UPKEEP_SECONDS: u64 = 5;

/// The recorder is the process's own, as the `metrics` crate has it; so is what reads it.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for programs.
    Json,
    /// For people.
    Pretty,
}

impl FromStr for LogFormat {
    type Err = ();
    fn from_str(text: &str) -> Result<LogFormat, ()> {
        match text {
            "json" => Ok(LogFormat::Json),
            "pretty" => Ok(LogFormat::Pretty),
            _ => Err(()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        })
    }
}

/// Whether `filter` can be read, such as `info,kit::db=debug`; the reason where not.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|e| e.to_string())
}

/// Begins to log to the standard error stream. For the binary, once, before anything else.
pub fn log(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|e| e.to_string())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init(),
        LogFormat::Pretty => lines.compact().with_ansi(std::io::stderr().is_terminal()).finish().try_init(),
    };
    started.map_err(|e| e.to_string())?;
    crate::panics::report_uncaught();
    Ok(())
}

/// Begins to count. For the binary, once.
pub fn count(tasks: &Tasks) -> Result<(), String> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).map_err(|e| e.to_string())?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|e| e.to_string())?;
    let kept = METRICS.get_or_init(|| handle).clone();
    let stopping = tasks.clone();
    tasks.spawn_forever("metrics", async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(UPKEEP_SECONDS));
        loop {
            tokio::select! {
                biased;
                () = stopping.stopping() => return,
                _ = ticks.tick() => kept.run_upkeep(),
            }
        }
    });
    Ok(())
}

/// All figures in the text format of Prometheus; empty where nothing is counted.
pub fn render_metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}
