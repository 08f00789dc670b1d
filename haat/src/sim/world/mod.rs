//! The simulated world: one node, its disk, its clients.

mod client;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use contracts::{Envelope, Time};
use kit::db::{Database, Disk, Image};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Env, Ids, Platform, Query, Settings, Tasks};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::faults::{Faults, Kind};
use super::promise::Promise;
use super::tally::Tally;
use super::{check, market, shopper, staff, store, witness};
use crate::{console, platform};

pub use client::{ADMIN, Answer, PASSWORD};

/// The moment at which every simulation begins: 2026-01-01.
const ORIGIN: Time = Time(1_767_225_600_000_000);
const SHOPPERS: u64 = 10;
/// For how long things go wrong, in seconds of virtual time.
const TROUBLE_SECONDS: u64 = 60;
/// How long a payer has, in seconds: short enough that some are late.
const DEADLINE_SECONDS: (u64, u64) = (15, 60);
/// For how long stock is held beyond that, in seconds, and how soon later the catalog sees it.
const HELD_SECONDS: (u64, u64) = (10, 30);
/// How long after its delivery an order is final, in seconds: short enough that some ask too late for a return.
const COMPLETE_SECONDS: u64 = 40;
/// How long a store may take to answer a return, and the goods to come, in seconds.
const RETURN_SECONDS: (u64, u64) = (15, 20);
/// How long everything may take to come to rest, in seconds of virtual time.
const REST_SECONDS_MAX: u64 = 3_600;

/// A run that kept every rule.
pub struct Outcome {
    /// What happened in sum.
    pub tally: Tally,
    /// Every event of every log, in order.
    pub log: Vec<String>,
}

impl Outcome {
    /// Of all logs.
    pub fn hash(&self) -> [u8; 32] {
        let all = self.log.iter().fold(Sha256::new(), |all, line| all.chain_update(line).chain_update("\n"));
        all.finalize().into()
    }
}

/// The node, or nothing while it is down.
struct Node {
    gateway: Router,
    platform: Platform,
    down: CancellationToken,
}

/// Everything there is.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// Products and how many of each variant there were.
    pub products: BTreeMap<String, i64>,
    /// Products that have none.
    pub endless: Vec<String>,
    /// The stores that have an owner.
    pub owned: Vec<String>,
    dice: Ids,
    clock: Clock,
    ids: Ids,
    disk: Disk,
    faults: Arc<Faults>,
    node: Mutex<Option<Node>>,
    admin: Mutex<client::SignedIn>,
    deadline_seconds: u64,
    /// Since when nothing goes wrong any more.
    calm: OnceLock<Instant>,
    /// What haat must never do and did, in words.
    broken: Mutex<Vec<String>>,
}

/// One run: a market is set up, things go wrong for a while, everything comes to rest, the rules are checked.
pub async fn run(seed: u64, migrated: &Image, trace: bool) -> anyhow::Result<Outcome> {
    let mut world = World::on(seed, Disk::from_image(migrated)?);
    world.start().await?;
    let market = market::stock_up(&world, &world.console()?).await?;
    (world.products, world.endless, world.owned) = (market.products.into_iter().collect(), market.endless, market.owned);
    let world = Arc::new(world);
    let promises = trouble(&world).await?;
    world.keeps_its_word()?;
    world.rest().await?;
    let owed = world.read("payments", store::refunds_of_cash).await?;
    if !owed.is_empty() {
        staff::pay_out(&world, owed).await;
        world.settle().await?;
    }
    let events = world.events().await?;
    if trace {
        // Before the rules are checked: it is wanted where one of them is broken.
        events.iter().try_for_each(|e| crate::print::line(line(e)))?;
    }
    let mut tally = check::rules(&world, &promises, &events).await?;
    world.keeps_its_word()?;
    let log: Vec<_> = world.events().await?.iter().map(line).collect();
    (tally.seeds, tally.events, tally.faults) = (1, log.len() as u64, world.faults.counts());
    world.crash().await;
    Ok(Outcome { tally, log })
}

/// A disk on which the platform has been started once: for other worlds to begin with.
pub async fn migrated() -> anyhow::Result<Image> {
    let world = World::on(0, Disk::empty()?);
    world.start().await?;
    world.crash().await;
    Ok(world.disk.image()?)
}

/// An event as the logs are compared by.
fn line(e: &Envelope) -> String {
    format!("{} {} {} {} {} {}", e.source, e.time, e.kind, e.stream, e.sequence, e.data)
}

/// Shoppers shop while things go wrong.
async fn trouble(world: &Arc<World>) -> anyhow::Result<Vec<Promise>> {
    let shoppers: Vec<_> = (0..SHOPPERS).map(|n| tokio::spawn(shopper::shop(world.clone(), n))).collect();
    let rules = tokio::spawn(staff::change_commission(world.clone()));
    world.faults.set(world.dice(4) * 2);
    world.faults.set_outage(true);
    let end = Instant::now() + Duration::from_secs(TROUBLE_SECONDS);
    while Instant::now() < end {
        let pause = Duration::from_millis(4_000 + world.dice(20_000));
        let died = tokio::time::timeout(pause, world.faults.tripped()).await.is_ok();
        world.faults.set_outage(world.dice(2) == 0);
        if died || world.dice(2) == 0 {
            world.faults.count(if died { Kind::CrashAtWork } else { Kind::Crash });
            world.crash().await;
            tokio::time::sleep(Duration::from_millis(world.dice(3_000))).await;
            world.start().await?;
        }
    }
    world.faults.set(0);
    world.faults.set_outage(false);
    world.crash().await;
    world.start().await?;
    let _ = world.calm.set(Instant::now());
    rules.await.context("changing the rules panicked")?;
    let mut promises = Vec::new();
    for shopper in shoppers {
        promises.push(shopper.await.context("a shopper panicked")?);
    }
    Ok(promises)
}

impl World {
    fn on(seed: u64, disk: Disk) -> World {
        let dice = Ids::seeded(seed ^ 0x5eed);
        let deadline_seconds = DEADLINE_SECONDS.0 + dice.bits() % (DEADLINE_SECONDS.1 - DEADLINE_SECONDS.0);
        World {
            seed,
            products: BTreeMap::new(),
            endless: Vec::new(),
            owned: Vec::new(),
            dice,
            clock: Clock::virtual_from(ORIGIN),
            ids: Ids::seeded(seed),
            disk,
            faults: Faults::new(seed),
            node: Mutex::default(),
            admin: Mutex::default(),
            deadline_seconds,
            calm: OnceLock::new(),
            broken: Mutex::default(),
        }
    }

    /// 0 to `sides` − 1.
    pub fn dice(&self, sides: u64) -> u64 {
        if sides == 0 { 0 } else { self.dice.bits() % sides }
    }

    /// Since when nothing goes wrong any more.
    pub fn calm_since(&self) -> Option<Instant> {
        self.calm.get().copied()
    }

    /// Notes what haat must never do.
    pub fn breaks(&self, what: String) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn keeps_its_word(&self) -> anyhow::Result<()> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.first().map_or(Ok(()), |what| bail!("{what}"))
    }

    /// Starts the node on what is on its disk.
    async fn start(&self) -> anyhow::Result<()> {
        // Nobody is there yet who could bear a fault: a start that fails is tried again by whoever starts processes.
        let percent = self.faults.set(0);
        let flushes = self.faults.clone();
        let database = Database::inline(&self.disk, move |_| flushes.flush());
        let settings = Settings {
            database,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            tasks: Tasks::new(Threads::Inline),
            config: json!({
                "identity": {"password": {"memory_kib": 8, "passes": 1, "lanes": 1, "at_once": 1, "waiting_max": 100}},
                "orders": {
                    "payment_deadline_seconds": self.deadline_seconds, "reservation_slack_seconds": HELD_SECONDS.0,
                    "complete_after_seconds": COMPLETE_SECONDS,
                    "return_answer_seconds": RETURN_SECONDS.0, "return_receive_seconds": RETURN_SECONDS.1,
                },
                // What is kept is kept by the machine's own clock, which a simulation has nothing to do with.
                "catalog": {"expiry_interval_seconds": HELD_SECONDS.1, "lists_kept_ms": 0},
            }),
            shared: Shared {
                public_url: "http://haat.sim".into(),
                development: true,
                master_key: [7; 32],
                trusted_proxies: Vec::new(),
                limits_factor: None,
                timeout_percent: 100,
            },
            remotes: BTreeMap::new(),
        };
        let services = [platform::SERVICES, &[witness::SERVICE]].concat();
        let platform = Platform::start(&services, Choice::All, settings).await.context("the node does not start")?;
        let calls = self.faults.clone();
        platform.directory.set_faults(Arc::new(move |call| calls.call(call)));
        let gateway = platform.directory.local_http("gateway").context("the gateway runs here")?;
        *self.node() = Some(Node { gateway, platform, down: CancellationToken::new() });
        self.faults.set(percent);
        Ok(())
    }

    /// The node dies: its tasks stop where they stand, what was not flushed is gone.
    async fn crash(&self) {
        let Some(node) = self.node().take() else { return };
        node.down.cancel();
        node.platform.crash().await;
    }

    fn node(&self) -> MutexGuard<'_, Option<Node>> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn console(&self) -> anyhow::Result<Env> {
        self.env(console::SERVICE.name)
    }

    fn env(&self, service: &str) -> anyhow::Result<Env> {
        let node = self.node();
        let node = node.as_ref().context("the node is down")?;
        Ok(node.platform.env(service).with_context(|| format!("{service} runs here"))?.clone())
    }

    fn envs(&self) -> Vec<Env> {
        let node = self.node();
        let Some(node) = node.as_ref() else { return Vec::new() };
        node.platform.services().filter_map(|s| node.platform.env(s)).cloned().collect()
    }

    /// Reads the database of one service.
    pub async fn read<T: Send + 'static>(&self, service: &str, f: fn(&mut Query) -> Result<T, DbError>) -> anyhow::Result<T> {
        Ok(self.env(service)?.db.read(f).await?)
    }

    /// Reads the databases of all services, one after the other.
    pub async fn read_all<T: Send + 'static>(&self, f: fn(&mut Query) -> Result<Vec<T>, DbError>) -> anyhow::Result<Vec<T>> {
        let mut all = Vec::new();
        for env in self.envs() {
            all.extend(env.db.read(f).await?);
        }
        Ok(all)
    }

    /// Waits until nothing is left to do: deadlines of orders pass, late webhooks arrive, retries succeed.
    async fn rest(&self) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_secs(self.deadline_seconds + HELD_SECONDS.0 + HELD_SECONDS.1 + 5)).await;
        self.settle().await
    }

    async fn settle(&self) -> anyhow::Result<()> {
        let end = Instant::now() + Duration::from_secs(REST_SECONDS_MAX);
        loop {
            let left = self.unfinished().await?;
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("an hour after the last fault there is still work:\n{}", left.join("\n"));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn unfinished(&self) -> anyhow::Result<Vec<String>> {
        let mut left = self.read_all(store::open_work).await?;
        let node = self.node().take().context("the node is down")?;
        let more = node.platform.unfinished().await;
        *self.node() = Some(node);
        left.extend(more?);
        Ok(left)
    }

    /// Every event of every log, in order.
    async fn events(&self) -> anyhow::Result<Vec<Envelope>> {
        let mut all = Vec::new();
        for env in self.envs() {
            let mut after = 0;
            loop {
                let events = env.db.read(move |q| kit::events::after(q, after, 500)).await.map_err(|e: DbError| anyhow::anyhow!(e))?;
                let Some(last) = events.last() else { break };
                after = last.position;
                all.extend(events);
            }
        }
        Ok(all)
    }
}
