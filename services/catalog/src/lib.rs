//! catalog: what is sold and how much of it there is.
//!
//! Owns categories, products, variants, warehouses, stock with its movements, reservations, and who waits for what.
//! Publishes `product.*` and `inventory.*`. Consumes nothing.
//! Calls vendors, to learn whose store a caller may write for.

mod app;
mod domain;
mod error;
mod http;
mod rpc;
mod store;

use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::jobs::{JobDef, JobOutcome};
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "catalog",
    migrations: &[
        Migration::new("0001_catalog", include_str!("../migrations/0001_catalog.sql")),
        Migration::new("0002_movements", include_str!("../migrations/0002_movements.sql")),
        Migration::new("0003_warehouses", include_str!("../migrations/0003_warehouses.sql")),
        Migration::new("0004_categories", include_str!("../migrations/0004_categories.sql")),
        Migration::new("0005_lifecycle", include_str!("../migrations/0005_lifecycle.sql")),
    ],
    calls: &["vendors"],
    reads: &[],
    describe: || http::routes().describe(),
    check_config: kit::service::checks::<Config>,
    build,
};

/// The `catalog` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often reservations that nobody committed are given back, in seconds.
    pub expiry_interval_seconds: i64,
}

impl Default for Config {
    fn default() -> Config {
        Config { expiry_interval_seconds: 30 }
    }
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let app =
        app::App { db: env.db.clone(), public_url: env.shared.public_url.clone(), vendors: VendorsClient::new(env.channel("vendors")?) };
    let (expiry, waits) = (app.clone(), app.clone());
    Ok(Service {
        http: http::routes().build(app.clone()),
        rpc: rpc::router(app),
        jobs: vec![
            JobDef::every("expire_reservations", config.expiry_interval_seconds, move |_| {
                let app = expiry.clone();
                async move { app.expire_reservations().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
            }),
            JobDef::queued(app::BACK_IN_STOCK, move |job| {
                let app = waits.clone();
                async move { app.run_back_in_stock(job).await }
            }),
        ],
        ..Service::default()
    })
}
