//! cart: what somebody means to buy.
//!
//! Owns cart lines, of users and of guests. Publishes `cart.*`.
//! Consumes `user.signed_in`, to take a guest's cart over. Calls catalog, for live prices and stock.

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod rpc;
mod store;

use contracts::Currency;
use contracts::proto::catalog::catalog_client::CatalogClient;
use domain::Lifetimes;
use kit::events::LogKept;
use kit::jobs::{JobDef, JobOutcome};
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "cart",
    migrations: &[
        Migration::new("0001_cart", include_str!("../migrations/0001_cart.sql")),
        Migration::new("0002_expiry", include_str!("../migrations/0002_expiry.sql")),
        Migration::new("0003_checkouts", include_str!("../migrations/0003_checkouts.sql")),
    ],
    calls: &["catalog"],
    reads: &["identity"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: check,
    build,
};

/// The `cart` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The currency in which an empty cart shows its sums.
    pub currency: Currency,
    /// How long a guest's cart is kept after its last change, in seconds.
    pub guest_kept_seconds: i64,
    /// How long a user's cart is kept after its last change, in seconds.
    pub user_kept_seconds: i64,
}

/// How often carts are looked through for those that end.
const EXPIRE_EVERY_SECONDS: i64 = 3_600;
/// How often what is long over is forgotten, in seconds.
const PRUNE_EVERY_SECONDS: i64 = 24 * 3_600;
const DAY_SECONDS: i64 = 24 * 3_600;

impl Default for Config {
    fn default() -> Config {
        Config { currency: Currency::BDT, guest_kept_seconds: 7 * DAY_SECONDS, user_kept_seconds: 90 * DAY_SECONDS }
    }
}

fn check(section: &serde_json::Value) -> Result<(), String> {
    let config = Config::deserialize(section).map_err(|e| e.to_string())?;
    let shortest = config.guest_kept_seconds.min(config.user_kept_seconds);
    if shortest > 0 { Ok(()) } else { Err(format!("carts are kept for 1 second or more, found {shortest}")) }
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let catalog = CatalogClient::new(env.channel("catalog")?);
    let lifetimes = Lifetimes { guest_seconds: config.guest_kept_seconds, user_seconds: config.user_kept_seconds };
    let app =
        app::App { db: env.db.clone(), ids: env.ids.clone(), clock: env.clock.clone(), lifetimes, catalog, currency: config.currency };
    let ending = app.clone();
    let expire = JobDef::every("expire_carts", EXPIRE_EVERY_SECONDS, move |_| {
        let app = ending.clone();
        async move { app.expire().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
    });
    let pruning = app.clone();
    let prune = JobDef::every("prune_cart", PRUNE_EVERY_SECONDS, move |_| {
        let app = pruning.clone();
        async move { app.prune().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
    });
    Ok(Service {
        http: http::routes().build(app.clone()),
        rpc: rpc::router(app),
        consumers: consumers::all(lifetimes),
        jobs: vec![expire, prune],
        log: LogKept::Days(365),
        ..Service::default()
    })
}
