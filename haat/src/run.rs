//! Starting and stopping services in this process.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kit::db::{Database, Disk, Flush};
use kit::platform::Figures;
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Choice, Clock, DbError, Env, Ids, Platform, ServiceDef, Settings, Tasks, telemetry};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, Profile, master_key};
use crate::{console, demo, platform, print, sealed};

/// A started platform, and the database it stands on.
pub struct Running {
    /// The services.
    pub platform: Platform,
    /// Their rows.
    pub database: Database,
    master_key: [u8; 32],
}

/// Where a process can be reached.
#[derive(Default)]
pub struct Listeners {
    /// By clients.
    pub public: Option<TcpListener>,
    /// By other processes of haat.
    pub internal: Option<TcpListener>,
}

/// Opens the database, migrates, and starts the chosen services (all where none is named).
pub async fn start(config: &Config, only: &[String]) -> anyhow::Result<Running> {
    let names: Vec<&str> = only.iter().map(String::as_str).collect();
    let choice = if names.is_empty() { Choice::All } else { Choice::Only(&names) };
    start_at(config, platform::SERVICES, choice, Clock::system(), serde_json::to_value(&config.services)?).await
}

/// As [`start`], all services by another clock. Nobody is written to about what happens then.
pub async fn start_in_the_past(config: &Config, clock: Clock) -> anyhow::Result<Running> {
    let mut services = serde_json::to_value(&config.services)?;
    services["notifications"]["mail"] = serde_json::json!(false);
    let database = match &config.database.url {
        Some(_) => open(config)?,
        None => opened(config, Database::sqlite_to_fill(&config.sqlite_file()))?,
    };
    start_on(config, database, platform::SERVICES, Choice::All, clock, services).await
}

/// As [`start`], the console alone: to look at its notes.
pub async fn start_console(config: &Config) -> anyhow::Result<Running> {
    let alone = ServiceDef { calls: &[], ..console::SERVICE };
    start_at(config, &[alone], Choice::All, Clock::system(), serde_json::json!({})).await
}

async fn start_at(config: &Config, defs: &[ServiceDef], choice: Choice<'_>, clock: Clock, services: Json) -> anyhow::Result<Running> {
    config.make_data_directory()?;
    start_on(config, open(config)?, defs, choice, clock, services).await
}

async fn start_on(
    config: &Config,
    database: Database,
    defs: &[ServiceDef],
    choice: Choice<'_>,
    clock: Clock,
    services: Json,
) -> anyhow::Result<Running> {
    let master_key = master_key(config, &Ids::random())?;
    let runs = |name: &str| match choice {
        Choice::All => defs.iter().any(|def| def.name == name),
        Choice::Only(names) => names.contains(&name),
    };
    sealed::check(&database, &master_key, runs).await?;
    let settings = settings(config, database.clone(), master_key, clock, services)?;
    let platform = Platform::start(defs, choice, settings).await?;
    Ok(Running { platform, database, master_key })
}

/// Whether [`start`] would go well with this configuration, wherever its data lies. Changes nothing.
pub async fn try_out(config: &Config, master_key: [u8; 32]) -> anyhow::Result<()> {
    let nowhere = Database::inline(&Disk::empty()?, |_| Flush::PLAIN);
    let services = serde_json::to_value(&config.services)?;
    let settings = settings(config, nowhere, master_key, Clock::system(), services)?;
    Ok(Platform::try_out(platform::SERVICES, Choice::All, settings).await?)
}

fn settings(config: &Config, database: Database, master_key: [u8; 32], clock: Clock, services: Json) -> anyhow::Result<Settings> {
    let proxies = config.trusted_proxies.iter().map(|p| p.parse().map_err(|e| anyhow::anyhow!("trusted_proxies: {e}")));
    let shared = Shared {
        public_url: config.public_url(),
        development: config.profile == Profile::Development,
        master_key,
        trusted_proxies: proxies.collect::<anyhow::Result<_>>()?,
        limits_factor: match config.profile {
            Profile::Development => None,
            Profile::Staging => Some(2),
            Profile::Production => Some(1),
        },
        timeout_percent: match config.profile {
            Profile::Development => 200,
            Profile::Staging => 150,
            Profile::Production => 100,
        },
    };
    Ok(Settings {
        database,
        clock,
        ids: Ids::random(),
        tasks: Tasks::new(Threads::Pool),
        config: services,
        shared,
        remotes: config.remotes.clone().into_iter().collect::<BTreeMap<_, _>>(),
    })
}

fn open(config: &Config) -> anyhow::Result<Database> {
    match &config.database.url {
        Some(url) => Database::postgres(url, config.database.connections).context("database.url"),
        None => opened(config, Database::sqlite(&config.sqlite_file())),
    }
}

fn opened(config: &Config, database: Result<Database, DbError>) -> anyhow::Result<Database> {
    database.with_context(|| format!("cannot open {}", config.sqlite_file().display()))
}

impl Running {
    /// The console's view of the services, for commands.
    pub fn console(&self) -> anyhow::Result<&Env> {
        self.platform.env(console::SERVICE.name).context("the console does not run here")
    }

    /// Answers at the listeners from now on: clients where the gateway runs here, other processes at the internal one.
    /// Says where.
    pub fn answer(&self, listeners: Listeners) -> anyhow::Result<Vec<String>> {
        let tasks = &self.platform.tasks;
        let mut addresses = Vec::new();
        if let (Some(listener), Some(gateway)) = (listeners.public, self.platform.directory.local_http("gateway")) {
            addresses.push(format!("http://{}", listener.local_addr()?));
            tasks.spawn(kit::serve::public(listener, gateway, tasks.clone()));
        }
        if let Some(listener) = listeners.internal {
            addresses.push(format!("http://{} (other processes of haat)", listener.local_addr()?));
            let guard = kit::serve::Guard::new(&self.platform.directory, &self.master_key, &Clock::system(), tasks);
            tasks.spawn(kit::serve::internal(listener, guard));
        }
        Ok(addresses)
    }

    /// Lets everything that was begun end.
    pub async fn stop(self) {
        self.platform.stop().await;
        self.database.close();
    }
}

/// `haat demo`: everything, with goods and accounts and some days of orders behind it, on loopback.
pub async fn demo(config: &Config, days: u32) -> anyhow::Result<()> {
    let (config, listeners) = bind(config, &[]).await?;
    let loading = Loading::new(demo::STORES.len(), days);
    demo::load(&config, days, |step| loading.tell(step)).await?;
    loading.bar.finish_and_clear();
    serve_until_stopped(&config, &[], listeners, true).await
}

/// How far the demo is loaded: a bar where somebody watches, a line now and then where it goes to a file.
struct Loading {
    bar: ProgressBar,
    stores: usize,
    days: u32,
}

impl Loading {
    fn new(stores: usize, days: u32) -> Loading {
        let bar = ProgressBar::new(stores as u64 + u64::from(days));
        if let Ok(style) = ProgressStyle::with_template("loading the demo marketplace {bar:30} {msg}") {
            bar.set_style(style);
        }
        Loading { bar, stores, days }
    }

    fn tell(&self, step: demo::Step) {
        let (before, done, of, what) = match step {
            demo::Step::Stores(done) => (0, done, self.stores, "stores"),
            demo::Step::Days(done) => (self.stores, done as usize, self.days as usize, "days of orders"),
        };
        let text = format!("{done} of {of} {what}");
        if self.bar.is_hidden() && (done == of || done.is_multiple_of(LINE_EVERY)) {
            let _ = writeln!(std::io::stdout(), "loading the demo marketplace: {text}");
        }
        self.bar.set_position((before + done) as u64);
        self.bar.set_message(text);
    }
}

/// After how many steps there is a line.
const LINE_EVERY: usize = 10;

/// `haat serve`: the chosen services.
pub async fn serve(config: &Config, only: &[String]) -> anyhow::Result<()> {
    let (config, listeners) = bind(config, only).await?;
    serve_until_stopped(&config, only, listeners, false).await
}

/// Takes the addresses before anything else: where one is in use nothing need be undone, and where any free port was
/// asked for, the configuration and so every link names the one that was given.
async fn bind(config: &Config, only: &[String]) -> anyhow::Result<(Config, Listeners)> {
    let (mut config, mut listeners) = (config.clone(), Listeners::default());
    if only.is_empty() || only.iter().any(|service| service == "gateway") {
        let listener = listen(config.listen, "listen").await?;
        config.listen = listener.local_addr()?;
        listeners.public = Some(listener);
    }
    if let Some(address) = config.internal_listen {
        listeners.internal = Some(listen(address, "internal_listen").await?);
    }
    Ok((config, listeners))
}

/// What is recorded of the last work is sent when that is done, however it ends.
async fn serve_until_stopped(config: &Config, only: &[String], listeners: Listeners, welcome: bool) -> anyhow::Result<()> {
    let traces = config.telemetry.begin()?;
    let ended = serve_until(config, only, listeners, welcome).await;
    if let Some(traces) = traces {
        traces.close().await;
    }
    ended
}

async fn serve_until(config: &Config, only: &[String], listeners: Listeners, welcome: bool) -> anyhow::Result<()> {
    let running = start(config, only).await?;
    telemetry::count(&running.platform.tasks).map_err(anyhow::Error::msg)?;
    for (service, notice) in running.platform.notices() {
        tracing::warn!(service, "{notice}");
    }
    let listening = running.answer(listeners)?;
    if listening.is_empty() {
        bail!("nothing would listen: run the gateway here, or set internal_listen");
    }
    // Before anybody is told that it is ready: who is told may stop it at once.
    let asked = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    print_welcome(config, &listening, welcome)?;
    wait_for_the_end(running, asked).await
}

async fn listen(address: std::net::SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("{key}: cannot listen on {address}; is another haat running? Choose another port with --listen"))
}

fn print_welcome(config: &Config, listening: &[String], demo: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for address in listening {
        writeln!(out, "haat {} listens on {address}", env!("CARGO_PKG_VERSION"))?;
    }
    if demo {
        writeln!(out, "  API reference   {}/docs", config.public_url())?;
        writeln!(out, "  accounts        shopper@, vendor@ and admin@demo.haat.test, password {}", demo::PASSWORD)?;
        writeln!(out, "  data            {}", config.data.display())?;
    }
    writeln!(out, "haat is ready")?;
    Ok(out.flush()?)
}

/// How often what is unfinished is looked at, in seconds.
const FIGURES_EVERY_SECONDS: u64 = 15;

/// Sets the gauges of unfinished work for as long as the process lives.
async fn watch(platform: &Platform) {
    let mut figures = Figures::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(FIGURES_EVERY_SECONDS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(e) = figures.set(platform).await {
            tracing::warn!(error = %e, "what is unfinished cannot be looked at");
        }
    }
}

/// The first signal lets what was begun end, the second ends at once.
async fn wait_for_the_end(running: Running, (mut interrupt, mut terminate): (Signal, Signal)) -> anyhow::Result<()> {
    let database = running.database.clone();
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        reason = database.fatal() => {
            running.platform.crash().await;
            bail!("the database cannot go on: {reason}. Nothing that was not acknowledged is lost; start haat again");
        }
        () = watch(&running.platform) => {}
        () = running.platform.tasks.died() => bail!("a part that must always run has ended; see the log above"),
    }
    print::aside("haat stops: what was begun is brought to its end (once more to stop at once)");
    tokio::select! {
        biased;
        () = running.stop() => Ok(()),
        _ = interrupt.recv() => bail!("stopped at once"),
        _ = terminate.recv() => bail!("stopped at once"),
    }
}
