//! `haat bench`: complete checkouts against a running server, measured from outside.
//!
//! A shopper is one kept-alive connection that looks at a product, puts goods of two stores into a cart, orders, pays in
//! the sandbox and asks until the order is confirmed; then comes back as a new guest. All shoppers run on one thread, so
//! that the generator takes little of the machine that it shares with the server, and what it takes is reported.

mod args;
mod client;
mod flow;
mod goods;
mod load;
mod prometheus;
mod report;
mod server;
mod times;
mod tracer;
mod usage;

use anyhow::{Context, Result};

pub use args::BenchArgs;

use client::Connection;
use report::Report;
use server::Server;
use tracer::Tracer;

/// Measures and prints.
pub async fn run(args: BenchArgs) -> Result<()> {
    let server = Server::start(&args).await?;
    let report = measure(&args, &server).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        print!("{}", report.text());
    }
    Ok(())
}

async fn measure(args: &BenchArgs, server: &Server) -> Result<Report> {
    let mut connection = Connection::open(server.address()).await.context("the server does not answer")?;
    let baskets = goods::prepare(&mut connection, args).await?;
    let (load, window) = load::begin(args, server.address(), baskets)?;
    // Where the load ended early there is no window; its own error says why.
    let _ = window.opened.await;
    let before = usage::take(&mut connection, server.pid()).await?;
    let tracer = args.strace.then(|| Tracer::attach(server.pid())).transpose()?;
    let _ = window.closed.await;
    let after = usage::take(&mut connection, server.pid()).await?;
    let flushes = tracer.map(Tracer::count).transpose()?;
    let seen = load.join().map_err(|_| anyhow::anyhow!("the load generator panicked"))??;
    Ok(Report { args: args.clone(), seen, used: after.since(&before), memory: after.memory, flushes })
}
