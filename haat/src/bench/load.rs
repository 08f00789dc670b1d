//! The clients.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::account::Account;
use super::args::{BenchArgs, Mix};
use super::checkout::{Basket, checkout};
use super::client::Connection;
use super::goods;
use super::lists::Lists;
use super::seller::Sellers;
use super::series::{Clients, Second};
use super::stock::{Found, Stock};
use super::times::{Failure, Seen, Step, Times};

/// After a failure a client waits so long: a server that refuses at once is not asked in a tight loop.
const AFTER_FAILURE_MS: u64 = 10;
/// Over so many connections stock changes.
const STOCK_CONNECTIONS: u64 = 16;

/// When measuring begins and ends.
pub struct Window {
    /// Sent when everything is prepared and the warm-up begins.
    pub begun: oneshot::Receiver<()>,
    /// Sent after the warm-up.
    pub opened: oneshot::Receiver<()>,
    /// Sent when the time is over.
    pub closed: oneshot::Receiver<()>,
}

/// What the clients saw.
pub struct Outcome {
    pub seen: Seen,
    pub seconds: Vec<Second>,
    /// Where stock changed meanwhile.
    pub stock: Option<Found>,
}

/// What a client does.
enum Work {
    Checkout(Vec<Basket>),
    Lists(Lists),
    Sellers(Sellers),
}

/// All clients share this; they run on one thread.
struct Load {
    work: Work,
    begun: Instant,
    opens: Instant,
    closes: Instant,
    /// Between two operations, where they begin at a fixed rate.
    pause: Option<Duration>,
    next: Cell<u64>,
    seen: RefCell<Seen>,
    clients: RefCell<Clients>,
    /// Keys of one run are not those of another.
    run: u32,
}

/// Where each of the window's moments is told.
type Moments = [oneshot::Sender<()>; 3];

/// Starts the clients on a thread and runtime of their own.
pub fn begin(args: &BenchArgs, address: SocketAddr) -> Result<(JoinHandle<Result<Outcome>>, Window)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ((begin, begun), (open, opened), (close, closed)) = (oneshot::channel(), oneshot::channel(), oneshot::channel());
    let args = args.clone();
    let run = move || LocalSet::new().block_on(&runtime, run(args, address, [begin, open, close]));
    let thread = std::thread::Builder::new().name("clients".into()).spawn(run)?;
    Ok((thread, Window { begun, opened, closed }))
}

async fn run(args: BenchArgs, address: SocketAddr, [begin, open, close]: Moments) -> Result<Outcome> {
    let work = prepare(&args, address).await?;
    let mut connections = Vec::new();
    for _ in 0..args.clients() {
        connections.push(Connection::open(address).await.context("the server takes no more connections")?);
    }
    let begun = Instant::now();
    let opens = begun + Duration::from_secs(args.warmup_seconds);
    let closes = opens + Duration::from_secs(args.seconds);
    let pause = args.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
    let (seen, clients) = (RefCell::new(Seen::new()), RefCell::new(Clients::begin(begun)));
    let load = Rc::new(Load { work, begun, opens, closes, pause, next: Cell::new(0), seen, clients, run: std::process::id() });
    // Nobody listens where the other side has failed already; that is so for all three.
    let _ = begin.send(());
    let mut tasks: Vec<_> = connections.into_iter().map(|c| tokio::task::spawn_local(load.clone().client(c))).collect();
    tasks.extend(change_stock(&load, &args, address).await?);
    tokio::time::sleep_until(opens).await;
    let _ = open.send(());
    tokio::time::sleep_until(closes).await;
    let _ = close.send(());
    for task in tasks {
        task.await.context("a client panicked")?;
    }
    let seconds = load.clients.replace(Clients::begin(closes)).seconds(closes);
    let stock = load.stock().map(|stock| *stock.found.borrow());
    Ok(Outcome { seen: load.seen.replace(Seen::new()), seconds, stock })
}

async fn prepare(args: &BenchArgs, address: SocketAddr) -> Result<Work> {
    let mut connection = Connection::open(address).await.context("the server does not answer")?;
    let admin = Account::new(&args.admin, &args.password);
    Ok(match args.mix {
        Mix::Checkout | Mix::Hot => {
            let goods = goods::prepare(&mut connection, &admin, None).await?;
            Work::Checkout(goods::baskets(&goods, args.mix == Mix::Hot)?)
        }
        Mix::Browse | Mix::Lists => Work::Lists(Lists::prepare(&mut connection, args, Stock::new(admin)).await?),
        Mix::Vendor => Work::Sellers(Sellers::prepare(&mut connection, args, &admin).await?),
    })
}

/// Changes stock at a fixed rate, where the work is to look at it.
async fn change_stock(load: &Rc<Load>, args: &BenchArgs, address: SocketAddr) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut tasks = Vec::new();
    if let Some(stock) = load.stock().filter(|_| args.stock_changes > 0) {
        for first in 0..STOCK_CONNECTIONS {
            let connection = Connection::open(address).await?;
            tasks.push(tokio::task::spawn_local(load.clone().changes(stock.clone(), connection, first, f64::from(args.stock_changes))));
        }
    }
    Ok(tasks)
}

impl Load {
    async fn client(self: Rc<Load>, mut connection: Connection) {
        loop {
            let number = self.next.replace(self.next.get() + 1);
            let due = self.due(number);
            if due >= self.closes {
                return;
            }
            if self.pause.is_some() {
                // The timer counts in milliseconds: who need not wait does not ask it.
                tokio::time::sleep_until(due).await;
            }
            if Instant::now() >= self.closes {
                self.failed(Failure::new(Step::Begin, "never begun: all clients were busy"));
                continue;
            }
            match self.once(&mut connection, number, due).await {
                Ok(times) => self.done(&times),
                Err(failure) => {
                    self.failed(failure);
                    tokio::time::sleep(Duration::from_millis(AFTER_FAILURE_MS)).await;
                }
            }
        }
    }

    async fn once(&self, connection: &mut Connection, number: u64, due: Instant) -> Result<Times, Failure> {
        let key = || format!("bench-{}-{number}", self.run);
        match &self.work {
            Work::Checkout(baskets) => {
                let basket = &baskets[number as usize % baskets.len()];
                checkout(connection, basket, &key(), due).await.map(|(times, _)| times)
            }
            Work::Lists(lists) => lists.look(connection, number, self.pause.map(|_| due)).await,
            Work::Sellers(sellers) => sellers.handle(connection, &key(), number, due).await,
        }
    }

    fn done(&self, times: &Times) {
        if self.is_measured() {
            self.seen.borrow_mut().add(times);
        }
        self.clients.borrow_mut().done(times.whole());
    }

    /// A refusal is counted within the window; what should never fail, always.
    fn failed(&self, failure: Failure) {
        let is_refused = failure.refused_after.is_some();
        self.clients.borrow_mut().failed(is_refused);
        if !is_refused || self.is_measured() {
            self.seen.borrow_mut().fail(failure);
        }
    }

    fn is_measured(&self) -> bool {
        (self.opens..self.closes).contains(&Instant::now())
    }

    /// When operation `number` should begin. At a fixed rate a late one counts from when it should have begun, so that
    /// a stall of the server is seen by all whom it would have kept waiting.
    fn due(&self, number: u64) -> Instant {
        self.pause.map_or_else(Instant::now, |pause| self.begun + pause.mul_f64(number as f64))
    }

    fn stock(&self) -> Option<&Rc<Stock>> {
        match &self.work {
            Work::Lists(lists) => Some(&lists.stock),
            Work::Checkout(_) | Work::Sellers(_) => None,
        }
    }

    /// Every so manieth change from `first` on.
    async fn changes(self: Rc<Load>, stock: Rc<Stock>, mut connection: Connection, first: u64, per_second: f64) {
        for number in (first..).step_by(STOCK_CONNECTIONS as usize) {
            let due = self.begun + Duration::from_secs_f64(number as f64 / per_second);
            if due >= self.closes {
                return;
            }
            tokio::time::sleep_until(due).await;
            match stock.change(&mut connection, number).await {
                Ok(Some(at)) if self.is_measured() => self.seen.borrow_mut().note(Step::StockChange, at - due),
                Ok(_) => {}
                Err(failure) => self.failed(failure),
            }
        }
    }
}
