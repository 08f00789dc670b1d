//! Processes of haat, started as `haat serve` starts them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use haat::config::{self, Config, Flags};
use haat::platform::SERVICES;
use haat::run::{self, Listeners, Running};
use tempfile::TempDir;
use testing::{Engine, Fresh};
use tokio::net::TcpListener;

/// What runs where.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// Everything in one process.
    Together(Engine),
    /// Orders and payments in one process, everything else in another, each with a database of its own.
    Apart,
}

/// The services that run apart.
const SALES: &[&str] = &["orders", "payments"];

/// The same for all processes of one platform, as it is in earnest.
const MASTER_KEY: &str = "3a9f6be1c04d5278e1b6f0937ad24c5e8b10f7d6a2c95e43b8071f6dce52a904";

/// A process of haat.
pub struct Node {
    pub running: Running,
    /// Dropped after what runs on it.
    _database: Option<Fresh>,
    _folder: TempDir,
}

/// All processes of one platform.
pub struct Nodes {
    pub nodes: Vec<Node>,
    /// Where clients reach it.
    pub url: String,
}

impl Nodes {
    pub async fn start(layout: Layout, more: &str) -> Nodes {
        let (public, internal) = (bind().await, bind().await);
        let url = format!("http://{}", address(&public));
        let listeners = Listeners { public: Some(public), internal: None };
        let nodes = match layout {
            Layout::Together(engine) => vec![Node::start(engine, &url, (&[], &[], more), listeners).await],
            Layout::Apart => {
                let front = elsewhere(SALES);
                let front_internal = bind().await;
                let (to_front, to_sales) = (remotes(&front, &front_internal), remotes(SALES, &internal));
                let sales = Listeners { public: None, internal: Some(internal) };
                let listeners = Listeners { internal: Some(front_internal), ..listeners };
                vec![
                    Node::start(Engine::Sqlite, &url, (SALES, &to_front, more), sales).await,
                    Node::start(Engine::Sqlite, &url, (&front, &to_sales, more), listeners).await,
                ]
            }
        };
        Nodes { nodes, url }
    }
}

impl Node {
    /// With `only` these services here, others there, and more in the configuration.
    async fn start(engine: Engine, url: &str, (only, remotes, more): (&[&str], &[(String, String)], &str), listeners: Listeners) -> Node {
        let folder = tempfile::tempdir().expect("a test needs a temporary folder");
        let database = (engine == Engine::Postgres).then(testing::fresh_database);
        let config = configuration(&folder, database.as_ref(), url, remotes, more);
        let only = only.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let running = run::start(&config, &only).await.unwrap_or_else(|e| panic!("{only:?} do not start: {e:#}"));
        running.answer(listeners).expect("a listener that is bound can be served");
        Node { running, _database: database, _folder: folder }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.platform.tasks.abort();
    }
}

/// From a file, as an operator writes it.
fn configuration(folder: &TempDir, database: Option<&Fresh>, url: &str, remotes: &[(String, String)], more: &str) -> Config {
    let mut text = format!("profile = 'development'\nmaster_key = '{MASTER_KEY}'\npublic_url = '{url}'\n");
    if let Some(database) = database {
        write!(text, "[database]\nurl = '{}'\nconnections = 6\n", database.url()).unwrap();
    }
    text += "[services.identity.password]\nmemory_kib = 8\npasses = 1\n[remotes]\n";
    for (service, address) in remotes {
        writeln!(text, "{service} = '{address}'").unwrap();
    }
    text += more;
    let file = folder.path().join("haat.toml");
    std::fs::write(&file, text).unwrap();
    let flags = Flags { file: Some(file), data: Some(folder.path().join("data")), ..Flags::default() };
    config::load(&flags).unwrap_or_else(|e| panic!("{e:#}"))
}

/// All services but these.
fn elsewhere(services: &[&str]) -> Vec<&'static str> {
    SERVICES.iter().map(|s| s.name).filter(|name| !services.contains(name)).collect()
}

fn remotes(services: &[&str], listener: &TcpListener) -> Vec<(String, String)> {
    services.iter().map(|s| ((*s).to_owned(), format!("http://{}", address(listener)))).collect()
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a test may listen on loopback")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}
