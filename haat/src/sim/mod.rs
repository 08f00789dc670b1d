//! `haat sim`: the whole platform on one thread in virtual time, with faults drawn from a seed.
//!
//! Shoppers browse, sign in, order, pay, decline, cancel, send goods back and come again; stores ship, take cash and answer
//! returns, staff refunds and changes the commission. Calls, commits, webhooks and answers get lost or arrive too late, the
//! process dies and starts again from what was flushed. When the faults have stopped and everything
//! has come to rest, nothing that was acknowledged may be missing, one key has had one effect, no money and no stock may have
//! appeared or gone, and no saga may be unfinished. The same seed gives the same run, event by event.

mod check;
mod faults;
mod market;
mod promise;
mod returns;
mod shopper;
mod staff;
mod store;
mod tally;
mod witness;
mod world;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use clap::Args;
use kit::auth::hex;
use kit::db::Image;
use kit::telemetry;
use sha2::{Digest, Sha256};

use tally::Tally;

use crate::print;

/// What `haat sim` takes.
#[derive(Args, Clone, Debug)]
pub struct SimArgs {
    /// The seeds to run, the last one left out.
    #[arg(long, default_value = "0..100", value_name = "A..B")]
    pub seeds: Seeds,
    /// Runs every seed twice and compares the logs event by event.
    #[arg(long)]
    pub twice: bool,
    /// How many seeds run at once.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub threads: usize,
    /// Prints every event of every log, in order.
    #[arg(long)]
    pub trace: bool,
    /// Writes what the services say of themselves to the standard error stream, such as `kit=debug,orders=debug`.
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

/// A range of seeds.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    first: u64,
    end: u64,
}

impl FromStr for Seeds {
    type Err = String;
    fn from_str(text: &str) -> Result<Seeds, String> {
        let wrong = || format!("expected a range such as 0..500, found {text:?}");
        let (first, end) = text.split_once("..").ok_or_else(wrong)?;
        let (first, end) = (first.parse().map_err(|_| wrong())?, end.parse().map_err(|_| wrong())?);
        if first < end { Ok(Seeds { first, end }) } else { Err(wrong()) }
    }
}

/// What all threads have found so far.
#[derive(Default)]
struct Found {
    tally: Tally,
    /// The hash of all logs of each seed.
    hashes: BTreeMap<u64, [u8; 32]>,
}

/// Runs the seeds; fails with the first broken rule and the command that repeats it.
pub fn run(args: &SimArgs) -> anyhow::Result<()> {
    if let Some(filter) = &args.log {
        telemetry::log(telemetry::LogFormat::Pretty, filter).map_err(anyhow::Error::msg)?;
    }
    let migrated = in_virtual_time(world::migrated())?;
    let next = AtomicU64::new(args.seeds.first);
    let found = Mutex::new(Found::default());
    let threads = args.threads.clamp(1, 64);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(args, &migrated, &next, &found))).collect();
        let mut first_error = None;
        for worker in workers {
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(e)) => first_error = first_error.or(Some(e)),
                Err(_) => first_error = first_error.or(Some(anyhow::anyhow!("the simulator panicked; see above"))),
            }
        }
        first_error.map_or(Ok(()), Err)
    })?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let all = found.hashes.values().fold(Sha256::new(), |all, hash| all.chain_update(hash)).finalize();
    print::line(&found.tally)?;
    print::line(format_args!("  every rule holds; all logs together are {}", &hex(&all)[..16]))?;
    found.tally.shows_everything()
}

fn work(args: &SimArgs, migrated: &Image, next: &AtomicU64, found: &Mutex<Found>) -> anyhow::Result<()> {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= args.seeds.end {
            return Ok(());
        }
        let outcome = run_seed(args, migrated, seed)
            .with_context(|| format!("seed {seed}; repeat with: haat sim --seeds {seed}..{} --trace", seed + 1));
        let outcome = outcome.inspect_err(|_| next.store(u64::MAX / 2, Ordering::Relaxed))?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.tally.add(&outcome.tally);
        found.hashes.insert(seed, outcome.hash());
    }
}

fn run_seed(args: &SimArgs, migrated: &Image, seed: u64) -> anyhow::Result<world::Outcome> {
    let outcome = in_virtual_time(world::run(seed, migrated, args.trace))?;
    if args.twice {
        same(&outcome, &in_virtual_time(world::run(seed, migrated, false))?)?;
    }
    Ok(outcome)
}

/// Two runs of a seed are one run.
fn same(one: &world::Outcome, other: &world::Outcome) -> anyhow::Result<()> {
    if one.hash() == other.hash() {
        return Ok(());
    }
    match one.log.iter().zip(&other.log).enumerate().find(|(_, (a, b))| a != b) {
        Some((i, (a, b))) => bail!("two runs differ first at event {i}:\n  {a}\n  {b}"),
        None => bail!("two runs have {} and {} events", one.log.len(), other.log.len()),
    }
}

/// Runs something to its end on a runtime of its own.
fn in_virtual_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_seeds_is_read() {
        assert!("0..5".parse::<Seeds>().is_ok());
        for text in ["", "5", "5..5", "9..1", "a..b"] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_difference_is_named_by_its_first_event() {
        let outcome = |lines: &[&str]| world::Outcome { tally: Tally::default(), log: lines.iter().map(|l| (*l).to_owned()).collect() };
        assert!(same(&outcome(&["a", "b"]), &outcome(&["a", "b"])).is_ok());
        let different = same(&outcome(&["a", "b", "c"]), &outcome(&["a", "x", "y"])).unwrap_err().to_string();
        assert!(different.ends_with("at event 1:\n  b\n  x"), "{different}");
        assert!(same(&outcome(&["a"]), &outcome(&["a", "b"])).unwrap_err().to_string().contains("1 and 2 events"));
    }
}
