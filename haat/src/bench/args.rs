use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::times::Step;

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// What the clients do.
    #[arg(long, value_enum, default_value_t = Mix::Checkout)]
    pub mix: Mix,
    /// Clients at once, each with a connection of its own; 16 where left out, with --rate as many as 1000 where the rate needs them.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub clients: Option<u32>,
    /// Open loop: so many begin per second, whether or not earlier ones are done. Where left out each client begins anew when it is done.
    #[arg(long, value_parser = positive)]
    pub rate: Option<f64>,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// How long to run before measuring, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub warmup_seconds: u64,
    /// How many products are brought in before lists are asked for (browse, lists); a second time they are there already.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub products: u32,
    /// Changes of stock per second beside the lists (browse, lists).
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub stock_changes: u32,
    /// The server keeps no answers to lists (a server of its own only).
    #[arg(long, conflicts_with = "target")]
    pub no_cache: bool,
    /// A server that runs already, such as http://127.0.0.1:8080; one is started on an empty folder where left out.
    #[arg(long)]
    pub target: Option<String>,
    /// An administrator's e-mail, who fills the shelves.
    #[arg(long, default_value = "admin@demo.haat.test")]
    pub admin: String,
    /// E-mails of those who sell (vendor); those of the demo where left out.
    #[arg(long = "seller", value_name = "EMAIL")]
    pub sellers: Vec<String>,
    /// The password of administrator and sellers.
    #[arg(long, default_value = "demo-haat-1234", env = "HAAT_BENCH_PASSWORD", hide_env_values = true)]
    pub password: String,
    /// Counts flushes from outside, by strace. Slows the server; take the times from a run without it.
    #[arg(long)]
    pub strace: bool,
    /// JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Writes a page with plots too, complete in one file.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mix {
    /// Complete checkouts: a product, two items, an order over two stores, the payment, until it is confirmed.
    Checkout,
    /// Complete checkouts whose first item is the same variant for all.
    Hot,
    /// Lists, products and categories, while stock changes.
    Browse,
    /// Lists of products alone, 80 % of them popular pages and 20 % random filters and cursors, while stock changes.
    Lists,
    /// A seller's work: each order's parts are found, packed and shipped; stock and prices change.
    Vendor,
}

/// With how many clients a closed loop runs where nobody says.
const CLIENTS: u32 = 16;
/// As many does an open loop have at most.
const CLIENTS_OPEN: u32 = 1_000;

impl BenchArgs {
    /// How many clients there are.
    pub fn clients(&self) -> u32 {
        self.clients.unwrap_or(if self.rate.is_some() { CLIENTS_OPEN } else { CLIENTS })
    }
}

impl Mix {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mix::Checkout => "checkout",
            Mix::Hot => "hot",
            Mix::Browse => "browse",
            Mix::Lists => "lists",
            Mix::Vendor => "vendor",
        }
    }

    /// What is counted: one of them.
    pub fn unit(self) -> &'static str {
        match self {
            Mix::Checkout | Mix::Hot => "checkout",
            Mix::Browse => "request",
            Mix::Lists => "list",
            Mix::Vendor => "order",
        }
    }

    /// What is measured of each, in order.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Mix::Checkout | Mix::Hot => &[
                Step::Product,
                Step::FirstItem,
                Step::SecondItem,
                Step::Order,
                Step::Approve,
                Step::Confirmed,
                Step::Paid,
                Step::Checkout,
                Step::Refusal,
            ],
            Mix::Browse => &[Step::PopularList, Step::RandomList, Step::Product, Step::Category, Step::StockChange, Step::Refusal],
            Mix::Lists => &[Step::PopularList, Step::RandomList, Step::StockChange, Step::Refusal],
            Mix::Vendor => &[Step::Parts, Step::Part, Step::Pack, Step::Ship, Step::StockChange, Step::Price, Step::Handled, Step::Refusal],
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0).ok_or_else(|| "expected a number above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchArgs,
    }

    #[test]
    fn an_open_loop_has_as_many_clients_as_it_may_need() {
        let clients = |words: &[&str]| Line::try_parse_from([&["bench"], words].concat()).map(|l| l.args.clients()).ok();
        let cases: [(&[&str], Option<u32>); 5] = [
            (&[], Some(16)),
            (&["--rate", "200"], Some(1_000)),
            (&["--rate", "200", "--clients", "8"], Some(8)),
            (&["--rate", "0"], None),
            (&["--no-cache", "--target", "http://127.0.0.1:1"], None),
        ];
        for (words, expected) in cases {
            assert_eq!(clients(words), expected, "{words:?}");
        }
    }
}
