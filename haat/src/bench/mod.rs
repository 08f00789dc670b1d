//! `haat bench`: load through the public API, measured from outside.
//!
//! A client is one kept-alive connection that does one thing after the other: what, is said by the mix. All clients run on
//! one thread, so that the generator takes little of the machine that it shares with the server, and what it takes is
//! reported.

mod account;
mod args;
mod checkout;
mod client;
mod draw;
mod effects;
mod goods;
mod lists;
mod load;
mod meter;
mod prometheus;
mod report;
mod seller;
mod series;
mod server;
mod shelves;
mod stock;
mod times;
mod tracer;
mod usage;

use anyhow::{Context, Result};

pub use args::BenchArgs;

use meter::Meter;
use report::Report;
use server::Server;
use tracer::Tracer;

use crate::print;

/// Measures and prints.
pub async fn run(args: BenchArgs) -> Result<()> {
    let server = Server::start(&args).await?;
    let report = measure(&args, &server).await?;
    if let Some(file) = &args.report {
        std::fs::write(file, report.html()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if args.json { print::line(serde_json::to_string_pretty(&report.json())?) } else { print::text(report.text()) }
}

async fn measure(args: &BenchArgs, server: &Server) -> Result<Report> {
    let (load, window) = load::begin(args, server.address())?;
    let ended = || anyhow::anyhow!("the load generator panicked");
    if window.begun.await.is_err() {
        load.join().map_err(|_| ended())??;
        anyhow::bail!("the load generator ended early");
    }
    let mut meter = Meter::begin(server).await?;
    let (before, effects_before) = meter.until(window.opened).await?;
    let tracer = args.strace.then(|| Tracer::attach(server.pid())).transpose()?;
    let (after, effects) = meter.until(window.closed).await?;
    let flushes = tracer.map(Tracer::count).transpose()?;
    let outcome = load.join().map_err(|_| ended())??;
    Ok(Report {
        args: args.clone(),
        outcome,
        used: after.since(&before),
        effects: effects.since(&effects_before),
        flushes,
        samples: meter.samples,
    })
}
