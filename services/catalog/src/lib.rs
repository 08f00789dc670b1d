//! catalog: what is sold and how much of it there is.
//!
//! Owns categories, products, variants, warehouses, stock with its movements, reservations, who waits for what, and files of products on their way in.
//! Publishes `product.*` and `inventory.*`. Consumes `vendor.updated`.
//! Calls vendors, to learn whose store a caller may write for.

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod rpc;
mod store;

use std::time::Duration;

use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::jobs::{JobDef, JobOutcome};
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
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
        Migration::new("0006_store_names", include_str!("../migrations/0006_store_names.sql")),
        Migration::new("0007_uploads", include_str!("../migrations/0007_uploads.sql")),
        Migration::new("0008_price_range", include_str!("../migrations/0008_price_range.sql")),
        Migration::new("0009_file_stock", include_str!("../migrations/0009_file_stock.sql")),
    ],
    calls: &["vendors"],
    reads: &["vendors"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: kit::service::checks::<Config>,
    build,
};

/// The `catalog` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often reservations that nobody committed are given back, in seconds.
    pub expiry_interval_seconds: i64,
    /// For how long answers to lists that anybody may see are kept, in milliseconds; 0: not at all.
    pub lists_kept_ms: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { expiry_interval_seconds: 30, lists_kept_ms: 900 }
    }
}

/// How often files that were brought in long ago are forgotten, in seconds.
const PRUNE_EVERY_SECONDS: i64 = 24 * 3_600;

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let kept = app::Kept::new(Duration::from_millis(config.lists_kept_ms));
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        counted: app::Counted::default(),
        public_url: env.shared.public_url.clone(),
        vendors: VendorsClient::new(env.channel("vendors")?),
        kept: kept.clone(),
    };
    let (expiry, waits, uploads, pruning) = (app.clone(), app.clone(), app.clone(), app.clone());
    Ok(Service {
        http: http::routes().build(app.clone()).layer(axum::middleware::from_fn_with_state(kept.clone(), http::forget_after_changes)),
        rpc: rpc::router(app),
        consumers: consumers::all(kept),
        jobs: vec![
            JobDef::every("expire_reservations", config.expiry_interval_seconds, move |_| {
                let app = expiry.clone();
                async move { app.expire_reservations().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
            }),
            JobDef::queued(app::BACK_IN_STOCK, move |job| {
                let app = waits.clone();
                async move { app.run_back_in_stock(job).await }
            }),
            JobDef::queued(app::UPLOAD_JOB, move |job| {
                let app = uploads.clone();
                async move { app.run_upload_job(job).await }
            }),
            JobDef::every("prune_uploads", PRUNE_EVERY_SECONDS, move |_| {
                let app = pruning.clone();
                async move { app.prune_uploads().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
            }),
        ],
        figures: &store::FIGURES,
        ..Service::default()
    })
}
