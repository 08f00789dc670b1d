//! Brings a shop's data in from a file: in chunks, each product wholly or not at all, so that it can be stopped at any time;
//! by handle, so that the same command goes on and a second run changes nothing; a bad product is reported and left out,
//! the others come in.

mod lines;
mod mapping;
mod orders;
mod products;
mod progress;
mod report;
mod shopify;
mod source;
mod stores;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contracts::files::RowError;

pub use mapping::Rule;
pub use orders::{WantedOrders, orders};
pub use products::{Into, Wanted, products};
pub use progress::Progress;
pub use report::Report;
pub use source::Format;

/// How much goes out at once, in bytes: with the largest body behind it still less than a call takes.
const CHUNK_BYTES: usize = 1 << 20;
/// The largest body of a product or an order.
const BODY_MAX: usize = 5 << 19;

fn too_large(line: u64, what: &str, size: usize) -> RowError {
    RowError::new(line, "", format!("{what} has at most 2.5 MB, this one has {:.1} MB", size as f64 / f64::from(1 << 20)))
}

/// Whether somebody wants an end. The first interrupt lets what was begun end, the second ends at once.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn on_interrupt() -> Stop {
        let stop = Stop::default();
        let wanted = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                wanted.0.store(true, Ordering::Relaxed);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        stop
    }

    fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
