//! What was measured, for people and for programs.

mod page;
mod plot;

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::args::BenchArgs;
use super::effects::Effect;
use super::load::Outcome;
use super::series::Sample;
use super::stock::Found;
use super::times::Step;
use super::usage::Usage;

/// Everything of one run.
pub struct Report {
    pub args: BenchArgs,
    pub outcome: Outcome,
    /// Used within the window.
    pub used: Usage,
    /// How long events took to have effects within the window.
    pub effects: Vec<Effect>,
    /// Counted by strace.
    pub flushes: Option<u64>,
    /// By second, the warm-up included.
    pub samples: Vec<Sample>,
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}\n", self.title(), "ms", "count", "p50", "p95", "p99", "max");
        for step in self.steps() {
            let p = self.outcome.seen.percentiles(step);
            let times = format_args!("{:>10}{:>10.2}{:>10.2}{:>10.2}{:>10.2}", p.count, p.p50_ms, p.p95_ms, p.p99_ms, p.max_ms);
            line(&mut text, format_args!("{:<24}{times}", step.name()));
        }
        let (unit, done) = (self.args.mix.unit(), self.outcome.seen.done);
        line(&mut text, format_args!("\n{:.1} {unit}s/s ({done} in {} s)", self.rate(), self.args.seconds));
        let per = self.per_operation();
        line(
            &mut text,
            format_args!(
                "per {unit}: {:.2} transactions, {:.1} statements, {:.2} flushes, {:.1} looks at an order",
                per.transactions, per.statements, per.flushes, per.looks
            ),
        );
        let indent = " ".repeat(unit.len() + 6);
        if let Some(traced) = per.traced_flushes {
            line(&mut text, format_args!("{indent}{traced:.2} flushes by strace"));
        }
        line(&mut text, format_args!("{indent}{} CPU ms of the server, {:.3} of the generator", shown(per.server_ms), per.generator_ms));
        if let Some(memory) = self.used.memory {
            line(&mut text, format_args!("server memory: {:.0} MiB, at most {:.0} MiB", memory.resident_mib, memory.peak_mib));
        }
        for e in &self.effects {
            let within = e.within_5_ms * 100.0;
            let times = format_args!("p50 {:.1} ms, p95 {:.1} ms, {within:.1} % within 5 ms", e.p50_ms, e.p95_ms);
            line(&mut text, format_args!("event to effect, {:<24} {:>8} events: {times}", e.who, e.events));
        }
        if let Some(found) = &self.outcome.stock {
            staleness(&mut text, found);
        }
        self.failures(&mut text);
        text
    }

    fn failures(&self, text: &mut String) {
        let failures = &self.outcome.seen.failures;
        match failures.values().sum::<u64>() {
            0 => *text += "no failures\n",
            count => line(text, format_args!("{count} failures:")),
        }
        for ((step, code), count) in failures {
            line(text, format_args!("  {count:>8} × {}: {code}", step.name()));
        }
    }

    /// For programs; times in milliseconds.
    pub fn json(&self) -> Json {
        let seen = &self.outcome.seen;
        let step = |step: Step| {
            let p = seen.percentiles(step);
            json!({"step": step.name(), "count": p.count, "p50": p.p50_ms, "p95": p.p95_ms, "p99": p.p99_ms, "max": p.max_ms})
        };
        let failures = seen.failures.iter().map(|((step, code), count)| json!({"step": step.name(), "code": code, "count": count}));
        let effects = self
            .effects
            .iter()
            .map(|e| json!({"subscription": e.who, "events": e.events, "p50": e.p50_ms, "p95": e.p95_ms, "within5Ms": e.within_5_ms}));
        let stock = self.outcome.stock.map(|f| {
            json!({"changes": f.changes, "readInLists": f.in_lists, "staleInLists": f.stale_in_lists,
                "oldestInListsMs": f.oldest_in_lists.as_secs_f64() * 1000.0, "readInProducts": f.in_products, "staleInProducts": f.stale_in_products})
        });
        let per = self.per_operation();
        json!({
            "mix": self.args.mix.name(), "unit": self.args.mix.unit(), "clients": self.args.clients(), "seconds": self.args.seconds,
            "rate": self.args.rate, "done": seen.done, "perSecond": self.rate(),
            "steps": self.steps().map(step).collect::<Vec<_>>(),
            "perOperation": {"transactions": per.transactions, "statements": per.statements, "flushes": per.flushes,
                "flushesByStrace": per.traced_flushes, "looks": per.looks, "serverCpuMs": per.server_ms, "generatorCpuMs": per.generator_ms},
            "memoryMib": self.used.memory.map(|m| m.resident_mib), "memoryPeakMib": self.used.memory.map(|m| m.peak_mib),
            "eventToEffect": effects.collect::<Vec<_>>(), "stock": stock, "failures": failures.collect::<Vec<_>>(),
            "warmupSeconds": self.args.warmup_seconds, "bySecond": self.outcome.seconds, "server": self.samples,
        })
    }

    /// What was run, in a line.
    pub fn title(&self) -> String {
        let args = &self.args;
        let loop_ = match args.rate {
            Some(rate) => format!("open loop of {rate} {}s/s over at most {} clients", args.mix.unit(), args.clients()),
            None => format!("closed loop of {} clients", args.clients()),
        };
        let beside = match self.outcome.stock {
            Some(_) if args.no_cache => format!(", {} stock changes/s, nothing kept", args.stock_changes),
            Some(_) => format!(", {} stock changes/s", args.stock_changes),
            None => String::new(),
        };
        format!("{}: {loop_}{beside}, {} s after {} s of warm-up", args.mix.name(), args.seconds, args.warmup_seconds)
    }

    /// Those that happened.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let happened = |step: &Step| self.outcome.seen.percentiles(*step).count > 0;
        self.args.mix.steps().iter().copied().filter(happened)
    }

    /// Operations a second.
    pub fn rate(&self) -> f64 {
        self.outcome.seen.done as f64 / self.args.seconds as f64
    }

    /// What one operation costs.
    pub fn per_operation(&self) -> PerOperation {
        let done = self.outcome.seen.done;
        let per = |total: f64| if done == 0 { 0.0 } else { total / done as f64 };
        PerOperation {
            transactions: per(self.used.transactions),
            statements: per(self.used.statements),
            flushes: per(self.used.flushes),
            traced_flushes: self.flushes.map(|n| per(n as f64)),
            looks: per(self.outcome.seen.looks as f64),
            server_ms: self.used.server_seconds.map(|s| per(s * 1000.0)),
            generator_ms: per(self.used.generator_seconds * 1000.0),
        }
    }
}

/// What one operation costs.
pub struct PerOperation {
    pub transactions: f64,
    pub statements: f64,
    pub flushes: f64,
    traced_flushes: Option<f64>,
    looks: f64,
    pub server_ms: Option<f64>,
    pub generator_ms: f64,
}

fn staleness(text: &mut String, found: &Found) {
    let oldest = found.oldest_in_lists.as_secs_f64() * 1000.0;
    line(
        text,
        format_args!(
            "{} stock changes; {} variants read in lists: {} older than a second, the oldest by {oldest:.0} ms",
            found.changes, found.in_lists, found.stale_in_lists
        ),
    );
    line(
        text,
        format_args!("{} variants read in products: {} older than an acknowledged change", found.in_products, found.stale_in_products),
    );
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".into(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::super::series::Second;
    use super::super::times::{Failure, Seen, Times};
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn report() -> Report {
        let mut seen = Seen::new();
        for _ in 0..20 {
            let mut times = Times::begin();
            times.note(Step::Checkout, Duration::from_millis(8));
            times.looks = 3;
            seen.add(&times);
        }
        seen.fail(Failure::new(Step::Order, "409 out_of_stock"));
        let used = Usage { server_seconds: Some(0.05), transactions: 280.0, statements: 2000.0, flushes: 40.0, ..Usage::default() };
        let outcome = Outcome { seen, seconds: Vec::new(), stock: None };
        let args = Line::parse_from(["bench", "--seconds", "10"]).args;
        Report { args, outcome, used, effects: Vec::new(), flushes: Some(60), samples: Vec::new() }
    }

    #[test]
    fn figures_are_per_second_and_per_operation() {
        let json = report().json();
        assert_eq!((json["perSecond"].as_f64(), json["unit"].as_str()), (Some(2.0), Some("checkout")));
        let per = &json["perOperation"];
        assert_eq!(
            [&per["transactions"], &per["statements"], &per["flushes"], &per["flushesByStrace"], &per["looks"]],
            [14.0, 100.0, 2.0, 3.0, 3.0]
        );
        assert_eq!(per["serverCpuMs"], 2.5);
        assert_eq!(json["steps"].as_array().map(Vec::len), Some(1));
        assert_eq!(json["failures"][0], json!({"step": "order", "code": "409 out_of_stock", "count": 1}));
    }

    #[test]
    fn the_text_says_the_same() {
        let mut report = report();
        report.outcome.stock = Some(Found { changes: 9, in_lists: 5, stale_in_lists: 1, ..Found::default() });
        let text = report.text();
        for part in [
            "checkout: closed loop of 16 clients, 200 stock changes/s",
            "2.0 checkouts/s (20 in 10 s)",
            "14.00 transactions, 100.0 statements, 2.00 flushes",
            "3.00 flushes by strace",
            "1 × order: 409 out_of_stock",
            "9 stock changes; 5 variants read in lists: 1 older than a second",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_page_is_complete_in_itself() {
        let mut report = report();
        let second = Second { done: 2, refused: 1, failed: 0, p50_ms: 8.0, p99_ms: 9.0 };
        report.outcome.seconds = vec![second; 13];
        let page = report.html();
        for part in ["checkouts a second", "Throughput", "refused (503)", "99.9 %", "409 out_of_stock", "<path class=\"line c0\""] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for reference in ["http", "<script", "src=", "@import", "url(", "<link"] {
            assert!(!page.contains(reference), "the page refers to something else by {reference}");
        }
    }

    #[test]
    fn nothing_is_divided_by_no_operations() {
        let mut none = report();
        none.outcome.seen = Seen::new();
        assert_eq!(none.json()["perOperation"]["transactions"], 0.0);
        assert!(none.text().contains("no failures"));
    }
}
