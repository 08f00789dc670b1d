//! What a service is made of, as data.

mod keys;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use serde::de::DeserializeOwned;
use utoipa::openapi::OpenApi;

use crate::channel::{Channel, Directory};
use crate::db::{DbError, Query};
use crate::events::{LogKept, ReadModel};
use crate::http::RouteInfo;
use crate::jobs::JobDef;
use crate::network::Network;
use crate::saga::{Definition, Sagas};
use crate::{Clock, Consumer, Db, Ids, Migration, Tasks};

pub use keys::{Key, NoConfig, keys};

/// A service's declaration: one `const` per crate.
#[derive(Clone, Copy)]
pub struct ServiceDef {
    /// Its name in the API, in events, in configuration and in the database.
    pub name: &'static str,
    /// Its schema, in steps.
    pub migrations: &'static [Migration],
    /// The services it calls.
    pub calls: &'static [&'static str],
    /// The services whose events it reads.
    pub reads: &'static [&'static str],
    /// Its routes as data; needs nothing to be running.
    pub describe: fn() -> (Vec<RouteInfo>, OpenApi),
    /// What its section of the configuration may hold.
    pub keys: fn() -> Vec<Key>,
    /// What it keeps sealed, where it does: asked before it runs.
    pub sealed: Option<Sealed>,
    /// Whether its section of the configuration is right.
    pub check_config: fn(&serde_json::Value) -> Result<(), String>,
    /// Makes it.
    pub build: fn(Env) -> Result<Service, BuildError>,
}

/// Rows that are sealed under the master key: with another one the service could not work, and would make things worse.
#[derive(Clone, Copy)]
pub struct Sealed {
    /// What they are, such as `the secrets of webhooks`.
    pub what: &'static str,
    /// Whether one of them opens under this master key; where there is none yet, any will do.
    pub opens: fn(&mut Query, &[u8; 32]) -> Result<bool, DbError>,
}

/// What a service says of itself.
type Described = Arc<(Vec<RouteInfo>, OpenApi)>;

impl ServiceDef {
    /// What it says of itself; always the same, so it is worked out once a process and not at every start in it.
    pub(crate) fn described(&self) -> Described {
        static KNOWN: Mutex<BTreeMap<(&str, usize), Described>> = Mutex::new(BTreeMap::new());
        let key = (self.name, self.describe as usize);
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let described = Arc::new((self.describe)());
            KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, described.clone());
            described
        })
    }
}

/// Why a service cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A section of the configuration is wrong.
    #[error("configuration of {service}: {reason}")]
    Config {
        /// The service.
        service: &'static str,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// It calls a service that its declaration does not name.
    #[error("{caller} calls {callee}, which its declaration does not name")]
    Undeclared {
        /// The service.
        caller: &'static str,
        /// Whom it wants to call.
        callee: &'static str,
    },
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// A service that is ready to be served. An absent part is empty.
pub struct Service {
    /// Its HTTP side.
    pub http: Router,
    /// Its gRPC side.
    pub rpc: Router,
    /// What it does when something happened elsewhere.
    pub consumers: Vec<Consumer>,
    /// Its sagas, with their definitions.
    pub sagas: Option<(Sagas, Vec<Definition>)>,
    /// What it does later or regularly.
    pub jobs: Vec<JobDef>,
    /// What it derives from its own events, to be asked.
    pub read_models: Vec<ReadModel>,
    /// How long its own events are kept: for ever, where aggregates or read models are made from them.
    pub log: LogKept,
    /// What operators watch of its rows.
    pub figures: &'static [Figure],
    /// What whoever runs it should know, such as that something is not configured. It is said where it is served.
    pub notices: Vec<&'static str>,
}

/// A gauge that is looked up now and then: its statement gives a number in each row, and behind it what the labels hold.
/// It is read on a snapshot beside everything else; still it should cost no more than a few milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// In the metrics; the label `service` comes with it.
    pub name: &'static str,
    /// Further labels, in the order of the columns.
    pub labels: &'static [&'static str],
    /// Of the service's own schema; `$1` in it is the time.
    pub sql: &'static str,
}

impl Default for Service {
    fn default() -> Service {
        let (http, rpc, consumers, jobs) = (Router::new(), Router::new(), Vec::new(), Vec::new());
        Service {
            http,
            rpc,
            consumers,
            sagas: None,
            jobs,
            read_models: Vec::new(),
            log: LogKept::Forever,
            figures: &[],
            notices: Vec::new(),
        }
    }
}

/// What a service is given when it is made.
#[derive(Clone)]
pub struct Env {
    /// Its database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// Tasks that the process waits for.
    pub tasks: Tasks,
    /// Its section of the configuration, checked.
    pub config: serde_json::Value,
    /// What all services share of the configuration.
    pub shared: Shared,
    /// Who runs where.
    pub directory: Directory,
}

/// What all services share of the configuration.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The address under which people reach haat, without a slash at the end.
    pub public_url: String,
    /// Known passwords, sandbox and `/dev` pages are on.
    pub development: bool,
    /// From which all keys are derived; 32 bytes.
    pub master_key: [u8; 32],
    /// The proxies in front of this process, whose word on a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// How many times as often as in production somebody may ask; `None`: any number of times.
    pub limits_factor: Option<u32>,
    /// How long answers may take at the gateway, in percent of what routes say.
    pub timeout_percent: u32,
}

impl Env {
    /// Its section of the configuration as its own type.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, BuildError> {
        C::deserialize(&self.config).map_err(|e| BuildError::Config { service: self.db.service(), reason: e.to_string() })
    }

    /// The way to another service, for its generated client.
    pub fn channel(&self, callee: &'static str) -> Result<Channel, BuildError> {
        Channel::new(&self.directory, self.db.service(), callee, &self.clock, &self.shared.master_key)
    }

    /// The service's sagas.
    pub fn sagas(&self) -> Sagas {
        Sagas::new(self.db.clone(), self.clock.clone(), self.tasks.clone())
    }
}

/// A `check_config` for a configuration type.
pub fn checks<C: DeserializeOwned>(section: &serde_json::Value) -> Result<(), String> {
    C::deserialize(section).map(drop).map_err(|e| e.to_string())
}
