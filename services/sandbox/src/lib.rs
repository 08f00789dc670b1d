//! sandbox: a payment provider to try everything with, as if it were someone else's.
//!
//! Owns its sessions, charges and refunds; nobody reads its tables, and it knows nothing of orders.
//! Publishes nothing and consumes nothing: it calls its merchant by webhook, with the bad habits of real providers.
//! Calls no service.

mod app;
mod domain;
mod error;
mod http;
mod rpc;
mod store;

use kit::jobs::JobDef;
use kit::outbound::Outbound;
use kit::webhook::Secret;
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

pub use domain::Chaos;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "sandbox",
    migrations: &[Migration::new("0001_sandbox", include_str!("../migrations/0001_sandbox.sql"))],
    calls: &[],
    reads: &[],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: check,
    build,
};

/// The longest that a webhook may be late, in seconds.
const LATE_MAX_SECONDS: f64 = 86_400.0;

/// The `sandbox` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long after a timeout its webhook comes, in seconds.
    pub late_webhook: f64,
    /// What webhooks are signed with; derived from the master key where left out.
    pub webhook_secret: Option<String>,
    /// Which bad habits are on.
    pub chaos: Chaos,
}

impl Default for Config {
    fn default() -> Config {
        Config { late_webhook: 5.0, webhook_secret: None, chaos: Chaos::default() }
    }
}

fn check(section: &serde_json::Value) -> Result<(), String> {
    let late = Config::deserialize(section).map_err(|e| e.to_string())?.late_webhook;
    if (0.0..=LATE_MAX_SECONDS).contains(&late) {
        Ok(())
    } else {
        Err(format!("late_webhook: expected 0 to {LATE_MAX_SECONDS} seconds, found {late}"))
    }
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let secret = config.webhook_secret.as_deref().map(Secret::from_text);
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        ids: env.ids.clone(),
        tasks: env.tasks.clone(),
        outbound: Outbound::new(&env),
        secret: secret.unwrap_or_else(|| Secret::new(kit::auth::derive(&env.shared.master_key, "haat/webhooks/sandbox"))),
        public_url: env.shared.public_url.clone(),
        late_webhook_ms: (config.late_webhook * 1_000.0) as i64,
        chaos: config.chaos,
    };
    let deliveries = app.clone();
    Ok(Service {
        // Outside development there is no page and no record, whatever a gateway lets through.
        http: if env.shared.development { http::routes().build(app.clone()) } else { axum::Router::new() },
        rpc: rpc::router(app),
        jobs: vec![JobDef::queued(app::WEBHOOK_JOB, move |job| {
            let app = deliveries.clone();
            async move { app.run_webhook_job(job).await }
        })],
        ..Service::default()
    })
}
