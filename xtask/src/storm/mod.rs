//! `cargo xtask storm`: the release binary under load, killed again and again.
//!
//! Shoppers buy, pay, decline, cancel and are refunded; the server is killed at random and dies at named points; after
//! each restart, and when all is quiet, somebody outside who wrote down what was acknowledged checks that it is so.

mod client;
mod courier;
mod goods;
mod invariants;
mod plan;
mod record;
mod server;
mod shopper;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::workspace;
use client::Client;
use courier::Courier;
use goods::Goods;
use plan::{Death, Plan};
use server::{End, Server};
use shopper::{Shopper, Stall};
use witness::Witness;

const ADMIN: (&str, &str) = ("admin@demo.haat.test", "demo-haat-1234");
/// A point that is not reached within this time is not reached at all.
const POINT_SECONDS_MAX: u64 = 6;

#[derive(Args)]
pub struct StormArgs {
    /// How long it rages, in seconds.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Shoppers at once.
    #[arg(long, default_value_t = 8)]
    shoppers: u64,
    /// Of the deaths and the shoppers; from the clock where left out.
    #[arg(long)]
    seed: Option<u64>,
    /// A binary that is built already.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Says whether everything held.
pub fn run(args: &StormArgs) -> Result<bool> {
    let seed = args.seed.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs()));
    let binary = args.binary.clone().map_or_else(build, Ok)?;
    let folder = std::env::temp_dir().join(format!("haat-storm-{seed}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("storm: seed {seed}, {} s, {} shoppers, in {}", args.seconds, args.shoppers, folder.display());
    let found = rage(args, seed, &binary, &folder)?;
    for text in &found {
        println!("VIOLATION {text}");
    }
    if found.is_empty() {
        std::fs::remove_dir_all(&folder)?;
    } else {
        println!("kept for a look: {}", folder.display());
    }
    Ok(found.is_empty())
}

fn build() -> Result<PathBuf> {
    println!("$ cargo build --release --package haat");
    ensure!(workspace::cargo(&["build", "--release", "--package", "haat"]).status()?.success(), "the release binary does not build");
    Ok(workspace::target_directory()?.join("release/haat"))
}

fn rage(args: &StormArgs, seed: u64, binary: &Path, folder: &Path) -> Result<Vec<String>> {
    let courier = Courier::open()?;
    let mut server = Server::new(binary, folder, courier.environment().into())?;
    ensure!(server.start(None)?, "the server ended while it started; its log is {}", server.log_path().display());
    let admin = Arc::new(Client::user(&server.base(), ADMIN.0, ADMIN.1));
    let goods = Goods::prepare(&admin)?;
    let before = goods.stock(&admin)?;
    let witness = Arc::new(Witness::new(&folder.join("acknowledged.jsonl"))?);
    let stop = Arc::new(AtomicBool::new(false));
    let stall = Stall { base: server.base(), goods: goods.clone(), witness: witness.clone(), admin: admin.clone(), stop: stop.clone() };
    let shoppers = shoppers(args.shoppers, seed, &stall)?;
    let mut plan = Plan::new(seed);
    let started = Instant::now();
    while started.elapsed().as_secs() < args.seconds {
        strike(&mut server, &mut plan, || witness.look_after_restart(&admin))?;
    }
    server.kill()?;
    ensure!(server.start(None)?, "the server ended while it started after the storm; its log is {}", server.log_path().display());
    stop.store(true, Ordering::Relaxed);
    for shopper in shoppers {
        shopper.join().map_err(|_| anyhow::anyhow!("a shopper panicked"))?;
    }
    let mut found = witness.judge(&admin, &goods, &before)?;
    found.extend(witness.complaints());
    found.extend(server.complaints()?);
    found.extend(plan.too_seldom(args.seconds));
    report(&plan, &witness, started.elapsed());
    println!("  {:>8} mails taken", courier.taken());
    Ok(found)
}

/// Starts the server, lets the witness look, and lets it die.
fn strike(server: &mut Server, plan: &mut Plan, look: impl FnOnce()) -> Result<()> {
    let death = plan.next();
    server.kill()?;
    let crash_at = match &death {
        Death::At { point, visits } => Some(format!("{point}:{visits}")),
        Death::After { .. } => None,
    };
    if server.start(crash_at)? {
        look();
    }
    let limit = match &death {
        Death::At { .. } => Duration::from_secs(POINT_SECONDS_MAX),
        Death::After { ms } => Duration::from_millis(*ms),
    };
    let end = server.dies_within(limit)?;
    match (death, end) {
        (Death::At { point, .. }, Some(End::AsTold)) => plan.hit(point),
        (Death::At { point, .. }, None) => plan.missed(point),
        (Death::After { .. }, None) => plan.killed(),
        (death, Some(end)) => {
            bail!("the server ended by itself ({end:?}, planned was {death:?}); its log is {}", server.log_path().display())
        }
    }
    Ok(())
}

fn shoppers(count: u64, seed: u64, stall: &Stall) -> Result<Vec<JoinHandle<()>>> {
    let start = |number| {
        let shopper = Shopper { stall: stall.clone(), seed: seed.wrapping_mul(1_000_003).wrapping_add(number) };
        Ok(std::thread::Builder::new().name(format!("shopper-{number}")).spawn(move || shopper.run())?)
    };
    (0..count).map(start).collect()
}

fn report(plan: &Plan, witness: &Witness, took: Duration) {
    println!(
        "{} deaths in {:.0} s, {} of them by kill -9; {} orders acknowledged",
        plan.deaths(),
        took.as_secs_f64(),
        plan.kills(),
        witness.orders()
    );
    for (point, _) in plan::POINTS {
        println!("  {:>4} × {point}", plan.hits(point));
    }
    for (answer, count) in witness.answers() {
        println!("  {count:>8} answers {answer}");
    }
}
