//! For people who look: one page with plots, complete in itself.

use std::fmt::Write;

use kit::http::escape;

use super::plot::{Line, Plot, Scale, number};
use super::{Report, shown};
use crate::bench::series::{Sample, Second};
use crate::bench::times::Step;

const STYLE: &str = include_str!("page.css");
/// How finely the curves of percentiles are drawn: points per tenfold rarity.
const POINTS_PER_DECADE: u32 = 24;
/// Where percentiles are marked: a tenth of what is left, each time.
const MARKS: [(f64, &str); 7] =
    [(0.0, "0 %"), (std::f64::consts::LOG10_2, "50 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %")];

impl Report {
    /// The page.
    pub fn html(&self) -> String {
        let mut page =
            String::from("<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">");
        put(&mut page, format_args!("<title>haat bench: {}</title><style>\n{STYLE}</style>\n", escape(self.args.mix.name())));
        put(&mut page, format_args!("<h1>haat bench</h1><p class=what>{}</p>\n", escape(&self.title())));
        self.tiles(&mut page);
        page += "<div class=plots>\n";
        self.plots(&mut page);
        page += "</div>\n";
        self.tables(&mut page);
        page += "<footer>Times count from when something should have begun where the loop is open, and from when it was asked for where it is closed. \
                 The load generator ran on the machine whose CPU it shows.</footer></html>\n";
        page
    }

    fn tiles(&self, page: &mut String) {
        let (unit, per) = (self.args.mix.unit(), self.per_operation());
        let mut tiles = vec![(number(self.rate()), format!("{unit}s a second"))];
        if let Some(whole) = self.steps().filter(|s| !matches!(s, Step::Refusal | Step::StockChange)).last() {
            let p = self.outcome.seen.percentiles(whole);
            tiles.push((format!("{} ms", number(p.p50_ms)), format!("{}, median", whole.name())));
            tiles.push((format!("{} ms", number(p.p99_ms)), format!("{}, 99 %", whole.name())));
        }
        tiles.push((format!("{} ms", shown(per.server_ms)), format!("CPU of the server per {unit}")));
        tiles.push((number(per.statements), format!("statements per {unit}")));
        tiles.push((number(per.transactions), format!("transactions per {unit}")));
        tiles.push((number(per.flushes), format!("flushes per {unit}")));
        if let Some(memory) = self.used.memory {
            tiles.push((format!("{} MiB", number(memory.resident_mib)), format!("memory; at most {} MiB", number(memory.peak_mib))));
        }
        page.push_str("<div class=tiles>");
        for (value, name) in tiles {
            put(page, format_args!("<div><b>{}</b><span>{}</span></div>", escape(&value), escape(&name)));
        }
        page.push_str("</div>\n");
    }

    fn plots(&self, page: &mut String) {
        let warmup = self.args.warmup_seconds as f64;
        let over_time = |title, unit, lines| {
            let plot = Plot { title, across: "seconds", unit, scale: Scale::Linear, marks: &[], shaded: Some((warmup, "warm-up")), lines };
            plot.figure()
        };
        let unit = format!("{}s a second", self.args.mix.unit());
        let refused = self.outcome.seconds.iter().any(|s| s.refused > 0).then(|| self.by_second("refused (503)", |s| s.refused as f64));
        let failed = self.outcome.seconds.iter().any(|s| s.failed > 0).then(|| self.by_second("failed", |s| s.failed as f64));
        let done = self.by_second("done", |s| s.done as f64);
        page.push_str(&over_time("Throughput", &unit, [Some(done), refused, failed].into_iter().flatten().collect()));
        page.push_str(&self.percentiles());
        let times = vec![self.by_second("median", |s| s.p50_ms), self.by_second("99 %", |s| s.p99_ms)];
        page.push_str(&over_time("Latency by second", "ms", times));
        let cores = vec![self.by_sample("server", |s| s.server_cores), self.by_sample("load generator", |s| Some(s.generator_cores))];
        page.push_str(&over_time("CPU", "cores", cores));
        page.push_str(&over_time("Memory of the server", "MiB", vec![self.by_sample("resident", |s| s.memory_mib)]));
        let durable = vec![self.by_sample("transactions", |s| Some(s.transactions)), self.by_sample("flushes", |s| Some(s.flushes))];
        page.push_str(&over_time("Durable transactions and flushes", "a second", durable));
    }

    /// The curves of all steps. Each ends where one sample is left.
    fn percentiles(&self) -> String {
        let curve = |step: Step| {
            let count = self.outcome.seen.percentiles(step).count;
            let last = ((count as f64).log10() * f64::from(POINTS_PER_DECADE)).floor() as u32;
            let point = |n: u32| {
                let rarity = f64::from(n) / f64::from(POINTS_PER_DECADE);
                (rarity, self.outcome.seen.at(step, 1.0 - 10f64.powf(-rarity)))
            };
            Line { name: step.name().into(), points: (0..=last).map(point).collect() }
        };
        let lines = self.steps().map(curve).collect();
        Plot { title: "Latency by percentile", across: "percentile", unit: "ms", scale: Scale::Log, marks: &MARKS, shaded: None, lines }
            .figure()
    }

    fn by_second(&self, name: &str, value: impl Fn(&Second) -> f64) -> Line {
        let points = self.outcome.seconds.iter().enumerate().map(|(second, s)| (second as f64 + 1.0, value(s)));
        Line { name: name.into(), points: points.collect() }
    }

    fn by_sample(&self, name: &str, value: impl Fn(&Sample) -> Option<f64>) -> Line {
        Line { name: name.into(), points: self.samples.iter().filter_map(|s| Some((s.at_seconds, value(s)?))).collect() }
    }

    fn tables(&self, page: &mut String) {
        page.push_str(
            "<h2>Steps, in milliseconds</h2><div class=wide><table><tr><th><th>count<th>50 %<th>95 %<th>99 %<th>99.9 %<th>most</tr>\n",
        );
        for step in self.steps() {
            let (p, rare) = (self.outcome.seen.percentiles(step), self.outcome.seen.at(step, 0.999));
            let times = format_args!("{:.2}<td>{:.2}<td>{:.2}<td>{rare:.2}<td>{:.2}", p.p50_ms, p.p95_ms, p.p99_ms, p.max_ms);
            put(page, format_args!("<tr><td>{}<td>{}<td>{times}</tr>\n", escape(step.name()), p.count));
        }
        page.push_str("</table></div>\n");
        if !self.effects.is_empty() {
            page.push_str("<h2>From events to their effects, as the server measures it</h2><div class=wide><table><tr><th><th>events<th>50 %, ms<th>95 %, ms<th>within 5 ms</tr>\n");
            for e in &self.effects {
                let times = format_args!("{:.1}<td>{:.1}<td>{:.1} %", e.p50_ms, e.p95_ms, e.within_5_ms * 100.0);
                put(page, format_args!("<tr><td>{}<td>{}<td>{times}</tr>\n", escape(&e.who), e.events));
            }
            page.push_str("</table></div>\n");
        }
        if let Some(found) = &self.outcome.stock {
            let mut text = String::new();
            super::staleness(&mut text, found);
            let class = if found.stale_in_lists + found.stale_in_products > 0 { "bad" } else { "" };
            put(
                page,
                format_args!(
                    "<h2>What was shown while stock changed</h2><p class=\"{class}\">{}</p>\n",
                    escape(&text).replace('\n', "<br>")
                ),
            );
        }
        let mut text = String::new();
        self.failures(&mut text);
        put(page, format_args!("<h2>Failures</h2><p>{}</p>\n", escape(text.trim()).replace('\n', "<br>")));
    }
}

fn put(page: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(arguments);
}
