//! What the process says of itself: logs and metrics. Traces are [`crate::trace`]'s.
//!
//! Every line that is logged in a [`Context`] carries the ids of its request, trace and span.

mod figures;

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{Context, Tasks};

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
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::format().json().flatten_event(true).with_span_list(false);
            lines.fmt_fields(JsonFields::new()).event_format(Placed(json)).finish().try_init()
        }
        LogFormat::Pretty => {
            let ansi = std::io::stderr().is_terminal();
            let compact = tracing_subscriber::fmt::format().compact().with_ansi(ansi);
            lines.with_ansi(ansi).event_format(Placed(compact)).finish().try_init()
        }
    };
    started.map_err(|e| e.to_string())?;
    crate::panics::report_uncaught();
    Ok(())
}

/// Lines with the ids of the work in hand, which are looked up when there is a line.
struct Placed<F>(F);

impl<S, N, F> FormatEvent<S, N> for Placed<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, spans: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &tracing::Event<'_>) -> fmt::Result {
        let context = Context::current();
        let place = context.traceparent.as_deref();
        let ids = [
            ("request_id", context.request_id.as_deref()),
            ("trace_id", place.and_then(|p| p.get(3..35))),
            ("span_id", place.and_then(|p| p.get(36..52))),
        ];
        let mut line = String::new();
        self.0.format_event(spans, Writer::new(&mut line), event)?;
        writer.write_str(&with_ids(&line, ids.into_iter().filter_map(|(name, id)| Some((name, id?)))))
    }
}

/// A line of JSON or of text, with ids at its end.
fn with_ids<'a>(line: &str, ids: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let line = line.trim_end();
    let json = line.strip_suffix('}').filter(|rest| rest.starts_with('{'));
    let mut longer = json.unwrap_or(line).to_owned();
    for (name, id) in ids {
        let ids = if json.is_some() { format!(",\"{name}\":{}", serde_json::Value::from(id)) } else { format!(" {name}={id}") };
        longer.push_str(&ids);
    }
    longer + if json.is_some() { "}\n" } else { "\n" }
}

/// Begins to count. For the binary, once.
pub fn count(tasks: &Tasks) -> Result<(), String> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).map_err(|e| e.to_string())?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|e| e.to_string())?;
    figures::describe();
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
    METRICS.get().map(|handle| handle.render() + &figures::of_process()).unwrap_or_default()
}

/// As [`render_metrics`], to be answered.
pub fn metrics_response() -> axum::response::Response {
    let kind = [(http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    axum::response::IntoResponse::into_response((kind, render_metrics()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_the_ids_of_their_work() {
        let ids = || [("request_id", "a\"b"), ("trace_id", "4bf9")].into_iter();
        assert_eq!(with_ids("{\"level\":\"INFO\"}\n", ids()), "{\"level\":\"INFO\",\"request_id\":\"a\\\"b\",\"trace_id\":\"4bf9\"}\n");
        assert_eq!(with_ids("INFO all is well\n", ids()), "INFO all is well request_id=a\"b trace_id=4bf9\n");
        assert_eq!(with_ids("{\"level\":\"INFO\"}\n", [].into_iter()), "{\"level\":\"INFO\"}\n");
    }
}
