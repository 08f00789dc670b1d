//! The simulated world: one node, its disk, its clients, and what goes wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::Router;
use axum::body::Body;
use contracts::Time;
use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use http_body_util::BodyExt as _;
use kit::channel::Fault;
use kit::db::{Database, Disk, Fate, Flush};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Env, Ids, Platform, Settings, Tasks};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{check, shopper, store};
use crate::{console, platform};

/// The moment at which every simulation begins: 2026-01-01.
const ORIGIN: Time = Time(1_767_225_600_000_000);
const SHOPPERS: u64 = 12;
/// For how long things go wrong, in seconds of virtual time.
const TROUBLE_SECONDS: u64 = 60;
/// How long everything may take to come to rest, in seconds of virtual time.
const REST_SECONDS_MAX: u64 = 3_600;
const ADMIN: &str = "admin@sim.test";
const PASSWORD: &str = "correct horse battery";

/// What happened in sum.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Shoppers.
    pub shoppers: u64,
    /// Orders that were acknowledged.
    pub orders: u64,
    /// Those that are confirmed.
    pub confirmed: u64,
    /// Those that failed or were cancelled.
    pub ended: u64,
    /// Crashes.
    pub crashes: u64,
    /// Commits that lost their answer or failed, and calls that were lost.
    pub faults: u64,
    /// Events in all logs.
    pub events: u64,
}

impl Tally {
    /// Adds another run.
    pub fn add(&mut self, other: &Tally) {
        self.shoppers += other.shoppers;
        self.orders += other.orders;
        self.confirmed += other.confirmed;
        self.ended += other.ended;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.events += other.events;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} shoppers, {} orders ({} confirmed, {} failed or cancelled), {} crashes, {} other faults, {} events; every rule holds",
            self.shoppers, self.orders, self.confirmed, self.ended, self.crashes, self.faults, self.events
        )
    }
}

/// A run that kept every rule.
pub struct Outcome {
    /// What happened in sum.
    pub tally: Tally,
    /// Every event of every log, in order.
    pub log: Vec<String>,
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

/// What goes wrong, and how often.
struct Faults {
    dice: Ids,
    percent: AtomicU64,
    count: AtomicU64,
}

impl Faults {
    fn new(seed: u64) -> Faults {
        Faults { dice: Ids::seeded(seed ^ 0xfa17), percent: AtomicU64::new(0), count: AtomicU64::new(0) }
    }

    /// From now on so many of a hundred commits and calls go wrong.
    fn set(&self, percent: u64) {
        self.percent.store(percent, Ordering::Relaxed);
    }

    fn strikes(&self) -> bool {
        let strikes = self.dice.bits() % 100 < self.percent.load(Ordering::Relaxed);
        if strikes {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        strikes
    }

    /// How long the next batch lasts and how it ends.
    fn flush(&self) -> Flush {
        let after = Duration::from_micros(200 + self.dice.bits() % 5_000);
        let fate = match (self.strikes(), self.dice.bits() % 2) {
            (false, _) => Fate::Durable,
            (true, 0) => Fate::AnswerLost,
            (true, _) => Fate::Undone(DbError::StorageFull),
        };
        Flush { size: 1 + (self.dice.bits() % 16) as usize, after, fate }
    }

    /// What happens to the next call between services.
    fn call(&self) -> Fault {
        match (self.strikes(), self.dice.bits() % 4) {
            (false, _) => Fault::None,
            (true, 0) => Fault::LoseRequest,
            (true, 1 | 2) => Fault::LoseAnswer,
            (true, _) => Fault::Delay(self.dice.bits() % 15_000),
        }
    }
}

/// The node, or nothing while it is down.
struct Node {
    gateway: Router,
    platform: Platform,
    database: Database,
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
    admin: Mutex<Option<String>>,
}

/// One run: a market is set up, things go wrong for a while, everything comes to rest, the rules are checked.
pub async fn run(seed: u64) -> anyhow::Result<Outcome> {
    let faults = Arc::new(Faults::new(seed));
    let disk = Disk::empty().map_err(|e| anyhow::anyhow!(e))?;
    let (dice, ids) = (Ids::seeded(seed ^ 0x5eed), Ids::seeded(seed));
    let clock = Clock::virtual_from(ORIGIN);
    let products = BTreeMap::new();
    let mut world = World { seed, products, dice, clock, ids, disk, faults, node: Mutex::default(), admin: Mutex::default() };
    world.start().await?;
    world.stock_up().await?;
    let world = Arc::new(world);
    let mut tally = trouble(&world).await?;
    let promises = tally.1;
    world.rest().await?;
    let mut checked = check::rules(&world, &promises).await?;
    checked.crashes = tally.0.crashes;
    checked.faults = world.faults.count.load(Ordering::Relaxed);
    tally.0 = checked;
    let log = world.log().await?;
    tally.0.events = log.len() as u64;
    world.crash().await;
    Ok(Outcome { tally: tally.0, log })
}

/// Shoppers shop while things go wrong.
async fn trouble(world: &Arc<World>) -> anyhow::Result<(Tally, Vec<shopper::Promise>)> {
    let mut tally = Tally::default();
    let shoppers: Vec<_> = (0..SHOPPERS).map(|n| tokio::spawn(shopper::shop(world.clone(), n))).collect();
    world.faults.set(world.dice(3) * 3);
    let end = tokio::time::Instant::now() + Duration::from_secs(TROUBLE_SECONDS);
    while tokio::time::Instant::now() < end {
        let pause = Duration::from_millis(2_000 + world.dice(15_000));
        let ended = world.database().map(|database| async move { database.fatal().await });
        // A commit whose outcome is unknown ends the process, as it would in earnest.
        let died = match ended {
            Some(fatal) => tokio::time::timeout(pause, fatal).await.is_ok(),
            None => false,
        };
        if died || world.dice(2) == 0 {
            world.crash().await;
            tally.crashes += 1;
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
    Ok((tally, promises))
}

impl World {
    /// 0 to `sides` − 1.
    pub fn dice(&self, sides: u64) -> u64 {
        if sides == 0 { 0 } else { self.dice.bits() % sides }
    }

    /// Starts the node on what is on its disk.
    async fn start(&self) -> anyhow::Result<()> {
        // Nobody is there yet who could bear a fault: a start that fails is tried again by whoever starts processes.
        let percent = self.faults.percent.swap(0, Ordering::Relaxed);
        let flushes = self.faults.clone();
        let database = Database::inline(&self.disk, move |_| flushes.flush());
        let settings = Settings {
            database: database.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            tasks: Tasks::new(Threads::Inline),
            config: json!({
                "identity": {"password": {"memory_kib": 8, "passes": 1, "lanes": 1, "at_once": 1, "waiting_max": 100}},
            }),
            shared: Shared {
                public_url: "http://haat.sim".into(),
                development: true,
                master_key: [7; 32],
                trusted_proxies: Vec::new(),
                limits_factor: None,
            },
            remotes: BTreeMap::new(),
        };
        let platform = Platform::start(platform::SERVICES, Choice::All, settings).await.context("the node does not start")?;
        let calls = self.faults.clone();
        platform.directory.set_faults(Arc::new(move |_| calls.call()));
        let gateway = platform.directory.local_http("gateway").context("the gateway runs here")?;
        *self.node() = Some(Node { gateway, platform, database, down: CancellationToken::new() });
        self.faults.set(percent);
        Ok(())
    }

    /// The node dies: its tasks stop where they stand, what was not flushed is gone.
    async fn crash(&self) {
        let Some(node) = self.node().take() else { return };
        node.down.cancel();
        node.platform.crash().await;
    }

    fn database(&self) -> Option<Database> {
        self.node().as_ref().map(|node| node.database.clone())
    }

    fn node(&self) -> std::sync::MutexGuard<'_, Option<Node>> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn console(&self) -> anyhow::Result<Env> {
        let node = self.node();
        let node = node.as_ref().context("the node is down")?;
        Ok(node.platform.env(console::SERVICE.name).context("the console runs here")?.clone())
    }

    /// One store per two products, five products, little stock: enough to sell out.
    async fn stock_up(&mut self) -> anyhow::Result<()> {
        let console = self.console()?;
        let admin = EnsureUserRequest {
            email: ADMIN.into(),
            password: PASSWORD.into(),
            first_name: "A".into(),
            last_name: "B".into(),
            roles: vec!["customer".into(), "admin".into()],
        };
        IdentityClient::new(console.channel("identity")?).ensure_user(admin).await?;
        for (n, slug) in ["one", "two", "three"].into_iter().enumerate() {
            let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id: String::new() };
            let store = VendorsClient::new(console.channel("vendors")?).ensure_store(request).await?.into_inner();
            let stock = 3 + self.dice(20) as i64;
            let product = |i: usize| {
                json!({"handle": format!("p{n}{i}"), "title": format!("p{n}{i}"), "variants": [
                {"sku": "A", "price": {"amount": 1_001 + 777 * i + 13 * n, "currency": "BDT"}, "stock": [{"onHand": stock}]}]})
            };
            let products = (0..2).map(|i| product(i).to_string()).collect();
            let request = ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products };
            CatalogClient::new(console.channel("catalog")?).import_products(request).await?;
            let list = self.get("/api/v1/products?limit=100", &[]).await?;
            for product in list["data"].as_array().into_iter().flatten() {
                self.products.entry(product["id"].as_str().unwrap_or_default().to_owned()).or_insert(stock);
            }
        }
        Ok(())
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
        tokio::select! {
            biased;
            () = down.cancelled() => None,
            answer = answering => answer,
        }
    }

    /// A `200` that must come, now that nothing goes wrong.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Json> {
        let answer = self.send("GET", path, None, headers).await.with_context(|| format!("GET {path}: no answer"))?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// As [`World::get`], signed in as the administrator.
    pub async fn admin_get(&self, path: &str) -> anyhow::Result<Json> {
        let known = self.admin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let token = match known {
            Some(token) => token,
            None => {
                let login = json!({"email": ADMIN, "password": PASSWORD});
                let answer = self.send("POST", "/api/v1/auth/login", Some(login), &[]).await.context("no answer to the sign-in")?;
                let token = answer.body["accessToken"].as_str().with_context(|| format!("no token: {}", answer.body))?.to_owned();
                *self.admin.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
                token
            }
        };
        self.get(path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// Waits until nothing is left to do: deadlines of orders pass, late webhooks arrive, retries succeed.
    async fn rest(&self) -> anyhow::Result<()> {
        // Orders that nobody pays end at their deadline of 15 minutes.
        tokio::time::sleep(Duration::from_secs(20 * 60)).await;
        let end = tokio::time::Instant::now() + Duration::from_secs(REST_SECONDS_MAX);
        loop {
            let left = self.unfinished().await?;
            if left.is_empty() {
                return Ok(());
            }
            if tokio::time::Instant::now() > end {
                bail!("an hour after the last fault there is still work:\n{}", left.join("\n"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn unfinished(&self) -> anyhow::Result<Vec<String>> {
        let envs = self.envs();
        let mut left = Vec::new();
        for env in envs {
            let found = env.db.read(store::open_sagas);
            left.extend(found.await.map_err(|e: DbError| anyhow::anyhow!(e))?);
        }
        let node = self.node().take().context("the node is down")?;
        let more = node.platform.unfinished().await;
        *self.node() = Some(node);
        left.extend(more.map_err(|e| anyhow::anyhow!(e))?);
        Ok(left)
    }

    fn envs(&self) -> Vec<Env> {
        let node = self.node();
        let Some(node) = node.as_ref() else { return Vec::new() };
        node.platform.services().filter_map(|s| node.platform.env(s)).cloned().collect()
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
