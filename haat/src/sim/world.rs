//! The simulated world: one node, its disk, its clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::Router;
use axum::body::Body;
use contracts::Time;
use http_body_util::BodyExt as _;
use kit::db::{Database, Disk, Image};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Env, Ids, Platform, Query, Settings, Tasks};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::faults::{Faults, Kind};
use super::shopper::{self, Promise};
use super::tally::Tally;
use super::{check, market, store};
use crate::{console, platform};

/// The moment at which every simulation begins: 2026-01-01.
const ORIGIN: Time = Time(1_767_225_600_000_000);
const SHOPPERS: u64 = 12;
/// For how long things go wrong, in seconds of virtual time.
const TROUBLE_SECONDS: u64 = 60;
/// How long a payer has, in seconds: short enough that some are late.
const DEADLINE_SECONDS: (u64, u64) = (15, 60);
/// For how long stock is held beyond that, in seconds, and how soon later the catalog sees it.
const HELD_SECONDS: (u64, u64) = (10, 30);
/// How long everything may take to come to rest, in seconds of virtual time.
const REST_SECONDS_MAX: u64 = 3_600;
/// A sign-in of the administrator is used for so long, in seconds.
const ADMIN_SECONDS: i64 = 600;
pub const ADMIN: &str = "admin@sim.test";
pub const PASSWORD: &str = "correct horse battery";

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

/// An answer of the platform.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body where it is JSON.
    pub body: Json,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Whether asking again may bring something else: the platform could not answer, or is at it.
    fn is_passing(&self) -> bool {
        let code = self.body["code"].as_str().unwrap_or("");
        self.status >= 500 || self.status == 429 || code == "idempotency_key_in_use" || code == "conflict"
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
    dice: Ids,
    clock: Clock,
    ids: Ids,
    disk: Disk,
    faults: Arc<Faults>,
    node: Mutex<Option<Node>>,
    admin: Mutex<Option<(String, Time)>>,
    deadline_seconds: u64,
}

/// One run: a market is set up, things go wrong for a while, everything comes to rest, the rules are checked.
pub async fn run(seed: u64, migrated: &Image) -> anyhow::Result<Outcome> {
    let mut world = World::on(seed, Disk::from_image(migrated)?);
    world.start().await?;
    world.products = market::stock_up(&world, &world.console()?).await?.into_iter().collect();
    let world = Arc::new(world);
    let promises = trouble(&world).await?;
    world.rest().await?;
    let mut tally = check::rules(&world, &promises).await?;
    let log = world.log().await?;
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

/// Shoppers shop while things go wrong.
async fn trouble(world: &Arc<World>) -> anyhow::Result<Vec<Promise>> {
    let shoppers: Vec<_> = (0..SHOPPERS).map(|n| tokio::spawn(shopper::shop(world.clone(), n))).collect();
    world.faults.set(world.dice(4) * 2);
    let end = tokio::time::Instant::now() + Duration::from_secs(TROUBLE_SECONDS);
    while tokio::time::Instant::now() < end {
        let pause = Duration::from_millis(4_000 + world.dice(20_000));
        let died = tokio::time::timeout(pause, world.faults.tripped()).await.is_ok();
        if died || world.dice(2) == 0 {
            world.faults.count(if died { Kind::CrashAtWork } else { Kind::Crash });
            world.crash().await;
            tokio::time::sleep(Duration::from_millis(world.dice(3_000))).await;
            world.start().await?;
        }
    }
    world.faults.set(0);
    world.crash().await;
    world.start().await?;
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
            dice,
            clock: Clock::virtual_from(ORIGIN),
            ids: Ids::seeded(seed),
            disk,
            faults: Faults::new(seed),
            node: Mutex::default(),
            admin: Mutex::default(),
            deadline_seconds,
        }
    }

    /// 0 to `sides` − 1.
    pub fn dice(&self, sides: u64) -> u64 {
        if sides == 0 { 0 } else { self.dice.bits() % sides }
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
                "orders": {"payment_deadline_seconds": self.deadline_seconds, "reservation_slack_seconds": HELD_SECONDS.0},
                "catalog": {"expiry_interval_seconds": HELD_SECONDS.1},
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
        let platform = Platform::start(platform::SERVICES, Choice::All, settings).await.context("the node does not start")?;
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

    /// Sends a request in through the gateway. `None`: there is no answer, and nobody knows what happened.
    pub async fn send(&self, method: &str, path: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Option<Answer> {
        let (gateway, down) = {
            let node = self.node();
            let node = node.as_ref()?;
            (node.gateway.clone(), node.down.clone())
        };
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match &body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let answering = async {
            let Ok(response) = gateway.oneshot(request.ok()?).await;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.ok()?.to_bytes().to_vec();
            let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
            Some(Answer { status, body, bytes })
        };
        let answer = tokio::select! {
            biased;
            () = down.cancelled() => None,
            answer = answering => answer,
        };
        answer.filter(|_| !self.faults.loses_reply())
    }

    /// Sends a request again and again until the answer is final; `None` where even patience did not help.
    pub async fn insist(&self, method: &str, path: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Option<Answer> {
        for _ in 0..60 {
            match self.send(method, path, body.clone(), headers).await {
                Some(answer) if !answer.is_passing() => return Some(answer),
                _ => tokio::time::sleep(Duration::from_millis(200 + self.dice(1_500))).await,
            }
        }
        None
    }

    /// A `200` that must come, now that nothing goes wrong.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Json> {
        let answer = self.send("GET", path, None, headers).await.with_context(|| format!("GET {path}: no answer"))?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// As [`World::get`], signed in as the administrator.
    pub async fn admin_get(&self, path: &str) -> anyhow::Result<Json> {
        let bearer = self.admin().await.context("the administrator cannot sign in")?;
        self.get(path, &[("authorization", &bearer)]).await
    }

    /// The administrator's `Authorization` header.
    pub async fn admin(&self) -> Option<String> {
        let known = self.admin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((bearer, _)) = known.filter(|(_, at)| at.plus_seconds(ADMIN_SECONDS) > self.clock.now()) {
            return Some(bearer);
        }
        let bearer = self.sign_in(ADMIN, &[]).await?;
        *self.admin.lock().unwrap_or_else(PoisonError::into_inner) = Some((bearer.clone(), self.clock.now()));
        Some(bearer)
    }

    /// Signs in and gives the `Authorization` header.
    pub async fn sign_in(&self, email: &str, headers: &[(&str, &str)]) -> Option<String> {
        let login = json!({"email": email, "password": PASSWORD});
        let answer = self.insist("POST", "/api/v1/auth/login", Some(login), headers).await?;
        Some(format!("Bearer {}", answer.body["accessToken"].as_str()?))
    }

    /// Waits until nothing is left to do: deadlines of orders pass, late webhooks arrive, retries succeed.
    async fn rest(&self) -> anyhow::Result<()> {
        let end = tokio::time::Instant::now() + Duration::from_secs(REST_SECONDS_MAX);
        tokio::time::sleep(Duration::from_secs(self.deadline_seconds + HELD_SECONDS.0 + HELD_SECONDS.1 + 5)).await;
        loop {
            let left = self.unfinished().await?;
            if left.is_empty() {
                return Ok(());
            }
            if tokio::time::Instant::now() > end {
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
    async fn log(&self) -> anyhow::Result<Vec<String>> {
        let mut log = Vec::new();
        for env in self.envs() {
            let mut after = 0;
            loop {
                let events = env.db.read(move |q| kit::events::after(q, after, 500)).await.map_err(|e: DbError| anyhow::anyhow!(e))?;
                let Some(last) = events.last() else { break };
                after = last.position;
                log.extend(events.iter().map(|e| format!("{} {} {} {} {} {}", e.source, e.time, e.kind, e.stream, e.sequence, e.data)));
            }
        }
        Ok(log)
    }
}
