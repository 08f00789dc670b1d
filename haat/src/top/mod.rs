//! `haat top`: what one process of haat does at the moment, from its `/metrics` alone.

mod page;
mod samples;
mod scrape;
mod screen;
mod sections;

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use page::Page;
use samples::Samples;
use scrape::Scraper;

use crate::print;

/// What `top` takes.
#[derive(Args, Clone, Debug)]
pub struct TopArgs {
    /// The process: its public address, or its internal one.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Looks twice, prints what happened in between as text, and ends. So it is wherever the output is no terminal.
    #[arg(long)]
    pub once: bool,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub every: u64,
}

/// What the process said at a moment.
struct Look {
    at: Instant,
    samples: Samples,
}

/// Runs until somebody has seen enough.
pub async fn run(args: &TopArgs) -> anyhow::Result<()> {
    let (scraper, every) = (Scraper::new(&args.server)?, Duration::from_secs(args.every));
    let first = look(&scraper).await?;
    if !args.once && std::io::stdout().is_terminal() {
        return screen::show(&scraper, first, every).await;
    }
    tokio::time::sleep(every).await;
    let page = page_of(&scraper, &first, &look(&scraper).await?);
    print::text(page.text())
}

async fn look(scraper: &Scraper) -> anyhow::Result<Look> {
    let samples = scraper.samples().await?;
    Ok(Look { at: Instant::now(), samples })
}

fn page_of(scraper: &Scraper, before: &Look, now: &Look) -> Page {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    sections::page(scraper.server(), &before.samples, &now.samples, seconds)
}
