//! The shoppers.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::args::BenchArgs;
use super::client::Connection;
use super::flow::{Basket, checkout};
use super::times::Seen;

/// After a failure a shopper waits so long: a server that refuses at once is not asked in a tight loop.
const AFTER_FAILURE_MS: u64 = 10;

/// When measuring begins and ends.
pub struct Window {
    /// Sent after the warm-up.
    pub opened: oneshot::Receiver<()>,
    /// Sent when the time is over.
    pub closed: oneshot::Receiver<()>,
}

/// All shoppers share this; they run on one thread.
struct Load {
    baskets: Vec<Basket>,
    begun: Instant,
    opens: Instant,
    closes: Instant,
    /// Between two checkouts, where they begin at a fixed rate.
    pause: Option<Duration>,
    next: Cell<u64>,
    seen: RefCell<Seen>,
    /// Keys of one run are not those of another.
    run: u32,
}

/// Starts the shoppers on a thread and runtime of their own.
pub fn begin(args: &BenchArgs, address: SocketAddr, baskets: Vec<Basket>) -> Result<(JoinHandle<Result<Seen>>, Window)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ((open, opened), (close, closed)) = (oneshot::channel(), oneshot::channel());
    let args = args.clone();
    let shop = move || LocalSet::new().block_on(&runtime, shop(args, address, baskets, open, close));
    let thread = std::thread::Builder::new().name("shoppers".into()).spawn(shop)?;
    Ok((thread, Window { opened, closed }))
}

async fn shop(
    args: BenchArgs,
    address: SocketAddr,
    baskets: Vec<Basket>,
    open: oneshot::Sender<()>,
    close: oneshot::Sender<()>,
) -> Result<Seen> {
    let mut connections = Vec::new();
    for _ in 0..args.shoppers {
        connections.push(Connection::open(address).await.context("the server takes no more connections")?);
    }
    let begun = Instant::now();
    let opens = begun + Duration::from_secs(args.warmup_seconds);
    let closes = opens + Duration::from_secs(args.seconds);
    let pause = args.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
    let (next, seen) = (Cell::new(0), RefCell::new(Seen::new()));
    let load = Rc::new(Load { baskets, begun, opens, closes, pause, next, seen, run: std::process::id() });
    let shoppers: Vec<_> = connections.into_iter().map(|c| tokio::task::spawn_local(load.clone().shopper(c))).collect();
    tokio::time::sleep_until(opens).await;
    // Nobody listens where the other side has failed already.
    let _ = open.send(());
    tokio::time::sleep_until(closes).await;
    let _ = close.send(());
    for shopper in shoppers {
        shopper.await.context("a shopper panicked")?;
    }
    Ok(load.seen.replace(Seen::new()))
}

impl Load {
    async fn shopper(self: Rc<Load>, mut connection: Connection) {
        loop {
            let number = self.next.replace(self.next.get() + 1);
            let due = self.due(number);
            if due >= self.closes {
                return;
            }
            tokio::time::sleep_until(due).await;
            let basket = &self.baskets[number as usize % self.baskets.len()];
            let outcome = checkout(&mut connection, basket, &format!("bench-{}-{number}", self.run), due).await;
            let measured = (self.opens..self.closes).contains(&Instant::now());
            match outcome {
                Ok(times) if measured => self.seen.borrow_mut().add(&times),
                Ok(_) => {}
                Err(failure) => {
                    self.seen.borrow_mut().fail(failure);
                    tokio::time::sleep(Duration::from_millis(AFTER_FAILURE_MS)).await;
                }
            }
        }
    }

    /// When checkout `number` should begin. At a fixed rate a late one counts from when it should have begun, so that
    /// a stall of the server is seen by all whom it would have kept waiting.
    fn due(&self, number: u64) -> Instant {
        self.pause.map_or_else(Instant::now, |pause| self.begun + pause.mul_f64(number as f64))
    }
}
