//! payments: takes money, gives it back, and accounts for it.
//!
//! Owns payments, refunds, cash on delivery, the inbox of what providers tell, and the ledger (journals and entries).
//! Publishes `payment.*` and `ledger.posted`. Consumes `order.status_changed`: cash is collected with the delivery of a
//! part, and what is refused at the door is not paid. Providers tell by webhook, or are asked.
//! Calls sandbox, which moves the money, and vendors, to learn whose part a caller may refund.

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod provider;
mod rpc;
mod store;

use contracts::proto::sandbox::sandbox_client::SandboxClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::jobs::{JobDef, JobOutcome};
use kit::webhook::Secret;
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "payments",
    migrations: &[
        Migration::new("0001_payments", include_str!("../migrations/0001_payments.sql")),
        Migration::new("0002_cash", include_str!("../migrations/0002_cash.sql")),
        Migration::new("0003_webhook_inbox", include_str!("../migrations/0003_webhook_inbox.sql")),
    ],
    calls: &["sandbox", "vendors"],
    reads: &["orders"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: kit::service::checks::<Config>,
    build,
};

/// The `payments` section of the configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the sandbox signs its webhooks with; derived from the master key where left out.
    pub sandbox_webhook_secret: Option<String>,
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let secret = config.sandbox_webhook_secret.as_deref().map(Secret::from_text);
    let providers = provider::Providers {
        sandbox: SandboxClient::new(env.channel("sandbox")?),
        sandbox_secret: secret.unwrap_or_else(|| Secret::new(kit::auth::derive(&env.shared.master_key, "haat/webhooks/sandbox"))),
        public_url: env.shared.public_url.clone(),
    };
    let vendors = VendorsClient::new(env.channel("vendors")?);
    let app = app::App { db: env.db.clone(), clock: env.clock.clone(), providers, vendors };
    let (refunds, webhooks) = (app.clone(), app.clone());
    Ok(Service {
        http: http::routes().build(app.clone()),
        rpc: rpc::router(app),
        consumers: consumers::consumers(),
        jobs: vec![
            JobDef::queued(app::REFUND_JOB, move |job| {
                let app = refunds.clone();
                async move { app.run_refund_job(job).await }
            }),
            JobDef::every("forget_webhooks", 24 * 3_600, move |_| {
                let app = webhooks.clone();
                async move { app.forget_webhooks().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
            }),
        ],
        ..Service::default()
    })
}
