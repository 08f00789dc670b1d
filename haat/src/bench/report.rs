//! What was measured, for people and for programs.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::args::BenchArgs;
use super::times::{Seen, Step};
use super::usage::{Memory, Usage};

/// Everything of one run.
pub struct Report {
    pub args: BenchArgs,
    pub seen: Seen,
    /// Used within the window.
    pub used: Usage,
    /// Of the server, at the end.
    pub memory: Option<Memory>,
    /// Counted by strace.
    pub flushes: Option<u64>,
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} shoppers{}, {} s after {} s of warm-up\n\n{:<24}{:>10}{:>10}{:>10}{:>10}\n",
            self.args.shoppers,
            if self.args.hot { ", one hot variant" } else { "" },
            self.args.seconds,
            self.args.warmup_seconds,
            "ms",
            "p50",
            "p95",
            "p99",
            "max",
        );
        for step in Step::ALL {
            let p = self.seen.percentiles(step);
            line(&mut text, format_args!("{:<24}{:>10.2}{:>10.2}{:>10.2}{:>10.2}", step.name(), p.p50_ms, p.p95_ms, p.p99_ms, p.max_ms));
        }
        line(&mut text, format_args!("\n{:.1} checkouts/s ({} in {} s)", self.rate(), self.seen.checkouts, self.args.seconds));
        let per = self.per_checkout();
        line(
            &mut text,
            format_args!(
                "per checkout: {:.2} transactions, {:.1} statements, {:.2} flushes, {:.1} looks at the order",
                per.transactions, per.statements, per.flushes, per.looks
            ),
        );
        if let Some(traced) = per.traced_flushes {
            line(&mut text, format_args!("              {traced:.2} flushes by strace"));
        }
        line(
            &mut text,
            format_args!("              {} CPU ms of the server, {:.2} of the generator", shown(per.server_ms), per.generator_ms),
        );
        if let Some(memory) = self.memory {
            line(&mut text, format_args!("server memory: {:.0} MiB, at most {:.0} MiB", memory.resident_mib, memory.peak_mib));
        }
        match self.seen.failures.values().sum::<u64>() {
            0 => text += "no failures\n",
            failures => line(&mut text, format_args!("{failures} failures:")),
        }
        for ((step, code), count) in &self.seen.failures {
            line(&mut text, format_args!("  {count:>8} × {}: {code}", step.name()));
        }
        text
    }

    /// For programs; times in milliseconds.
    pub fn json(&self) -> Json {
        let steps = Step::ALL.map(|step| {
            let p = self.seen.percentiles(step);
            json!({"step": step.name(), "p50": p.p50_ms, "p95": p.p95_ms, "p99": p.p99_ms, "max": p.max_ms})
        });
        let failures = self.seen.failures.iter().map(|((step, code), count)| json!({"step": step.name(), "code": code, "count": count}));
        let per = self.per_checkout();
        json!({
            "shoppers": self.args.shoppers, "hot": self.args.hot, "seconds": self.args.seconds, "rate": self.args.rate,
            "checkouts": self.seen.checkouts, "checkoutsPerSecond": self.rate(), "steps": steps,
            "perCheckout": {"transactions": per.transactions, "statements": per.statements, "flushes": per.flushes,
                "flushesByStrace": per.traced_flushes, "looks": per.looks, "serverCpuMs": per.server_ms, "generatorCpuMs": per.generator_ms},
            "memoryMib": self.memory.map(|m| m.resident_mib), "memoryPeakMib": self.memory.map(|m| m.peak_mib),
            "failures": failures.collect::<Vec<_>>(),
        })
    }

    fn rate(&self) -> f64 {
        self.seen.checkouts as f64 / self.args.seconds as f64
    }

    fn per_checkout(&self) -> PerCheckout {
        let per = |total: f64| if self.seen.checkouts == 0 { 0.0 } else { total / self.seen.checkouts as f64 };
        PerCheckout {
            transactions: per(self.used.transactions),
            statements: per(self.used.statements),
            flushes: per(self.used.flushes),
            traced_flushes: self.flushes.map(|n| per(n as f64)),
            looks: per(self.seen.looks as f64),
            server_ms: self.used.server_seconds.map(|s| per(s * 1000.0)),
            generator_ms: per(self.used.generator_seconds * 1000.0),
        }
    }
}

struct PerCheckout {
    transactions: f64,
    statements: f64,
    flushes: f64,
    traced_flushes: Option<f64>,
    looks: f64,
    server_ms: Option<f64>,
    generator_ms: f64,
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".into(), |value| format!("{value:.2}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::super::flow::Failure;
    use super::super::times::Times;
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
            times.note(Step::Flow, Duration::from_millis(8));
            times.looks = 3;
            seen.add(&times);
        }
        seen.fail(Failure { step: Step::Order, code: "409 out_of_stock".into() });
        let used = Usage { server_seconds: Some(0.05), transactions: 280.0, statements: 2000.0, flushes: 40.0, ..Usage::default() };
        Report { args: Line::parse_from(["bench", "--seconds", "10"]).args, seen, used, memory: None, flushes: Some(60) }
    }

    #[test]
    fn figures_are_per_second_and_per_checkout() {
        let json = report().json();
        assert_eq!(json["checkoutsPerSecond"], 2.0);
        let per = &json["perCheckout"];
        assert_eq!(
            [&per["transactions"], &per["statements"], &per["flushes"], &per["flushesByStrace"], &per["looks"]],
            [14.0, 100.0, 2.0, 3.0, 3.0]
        );
        assert_eq!(per["serverCpuMs"], 2.5);
        assert_eq!(json["failures"][0], serde_json::json!({"step": "order", "code": "409 out_of_stock", "count": 1}));
    }

    #[test]
    fn the_text_says_the_same() {
        let text = report().text();
        for part in [
            "2.0 checkouts/s (20 in 10 s)",
            "14.00 transactions, 100.0 statements, 2.00 flushes",
            "3.00 flushes by strace",
            "1 × order: 409 out_of_stock",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn nothing_is_divided_by_no_checkouts() {
        let mut none = report();
        none.seen = Seen::new();
        assert_eq!(none.json()["perCheckout"]["transactions"], 0.0);
        assert!(none.text().contains("no failures"));
    }
}
