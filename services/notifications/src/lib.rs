//! notifications: what people are told, on which channel, and whether it reached them.
//!
//! Owns messages, what was read of them, and the development mailbox. Publishes `notification.*`.
//! Consumes `user.registered`, `order.created`, `order.confirmed`, `order.failed`, `order.cancelled`,
//! `order.status_changed` and `payment.refunded`. Calls identity, orders and vendors, for who is written to and about
//! what: events carry no contact details.

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod store;

use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::orders::orders_client::OrdersClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::jobs::{JobDef, JobOutcome};
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "notifications",
    migrations: &[Migration::new("0001_messages", include_str!("../migrations/0001_messages.sql"))],
    calls: &["identity", "orders", "vendors"],
    reads: &["identity", "orders", "payments"],
    describe: || http::routes().describe(),
    check_config: check,
    build,
};

/// How often old messages are forgotten, in seconds.
const PRUNE_EVERY_SECONDS: i64 = 24 * 3_600;

/// The `notifications` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After how many days a message is forgotten.
    pub keep_days: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config { keep_days: 365 }
    }
}

fn check(section: &serde_json::Value) -> Result<(), String> {
    let days = Config::deserialize(section).map_err(|e| e.to_string())?.keep_days;
    if (1..=36_500).contains(&days) { Ok(()) } else { Err(format!("keep_days: expected 1 to 36500, found {days}")) }
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        identity: IdentityClient::new(env.channel("identity")?),
        orders: OrdersClient::new(env.channel("orders")?),
        vendors: VendorsClient::new(env.channel("vendors")?),
        texts: domain::Texts::new().map_err(|e| BuildError::Other(e.to_string()))?,
        public_url: env.shared.public_url.clone(),
        keep_days: config.keep_days,
    };
    let (writing, pruning) = (app.clone(), app.clone());
    Ok(Service {
        http: http::served(app, env.shared.development),
        consumers: consumers::all(),
        jobs: vec![
            JobDef::queued(app::WRITE_JOB, move |job| {
                let app = writing.clone();
                async move { app.run_write_job(job).await }
            }),
            JobDef::every("prune", PRUNE_EVERY_SECONDS, move |_| {
                let app = pruning.clone();
                async move { app.prune().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
            }),
        ],
        ..Service::default()
    })
}
