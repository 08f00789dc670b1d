//! `haat sim`: the whole platform on one thread in virtual time, with faults drawn from a seed.
//!
//! Shoppers browse, order, pay, decline, cancel and come back; calls and commits lose their answers, the process dies and
//! starts again from what was flushed. When the faults have stopped and everything has come to rest, nothing that was
//! acknowledged may be missing, no money and no stock may have appeared or gone, and no saga may be unfinished.
//! The same seed gives the same run, event by event.

mod check;
mod shopper;
mod store;
mod world;

use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use clap::Args;

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
    /// Prints each event's type in order; for one seed.
    #[arg(long)]
    pub trace: bool,
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

/// Runs the seeds; fails with the first broken rule and the command that repeats it.
pub fn run(args: &SimArgs) -> anyhow::Result<()> {
    let next = AtomicU64::new(args.seeds.first);
    let totals = Mutex::new(world::Tally::default());
    let threads = args.threads.clamp(1, 64);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(args, &next, &totals))).collect();
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
    let tally = totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seeds = args.seeds.end - args.seeds.first;
    println!("{seeds} seeds: {tally}");
    if seeds >= 100 && tally.confirmed == 0 {
        bail!("no order was ever confirmed: the simulation tests nothing");
    }
    Ok(())
}

fn work(args: &SimArgs, next: &AtomicU64, totals: &Mutex<world::Tally>) -> anyhow::Result<()> {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= args.seeds.end {
            return Ok(());
        }
        let how = || format!("seed {seed}; repeat with: haat sim --seeds {seed}..{} --trace", seed + 1);
        let outcome = one(seed).with_context(how);
        let outcome = outcome.inspect_err(|_| next.store(u64::MAX / 2, Ordering::Relaxed))?;
        if args.trace {
            outcome.log.iter().for_each(|line| println!("{line}"));
        }
        if args.twice {
            let again = one(seed).with_context(how)?;
            if let Some((i, (a, b))) = outcome.log.iter().zip(&again.log).enumerate().find(|(_, (a, b))| a != b) {
                bail!("{}: two runs differ at event {i}:\n  {a}\n  {b}", how());
            }
            if outcome.log.len() != again.log.len() {
                bail!("{}: two runs have {} and {} events", how(), outcome.log.len(), again.log.len());
            }
        }
        totals.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(&outcome.tally);
    }
}

/// One run in virtual time, on a runtime of its own.
fn one(seed: u64) -> anyhow::Result<world::Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(world::run(seed))
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
}
