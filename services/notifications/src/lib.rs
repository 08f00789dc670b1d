//! notifications: what people are told, on which channel, and whether it reached them.
//!
//! Owns messages, what was read of them, their deliveries, templates, what people prefer, their devices, lists of people to tell, the development mailbox, and
//! outgoing webhooks. Publishes `notification.*`.
//! Consumes `user.registered`, `user.link_requested`, `session.ended`, `order.created`, `order.confirmed`, `order.failed`, `order.cancelled`,
//! `order.parts_cancelled`, `order.status_changed`, `order.return_requested`, `order.return_approved`, `order.return_rejected`,
//! `payment.refunded`, `product.back_in_stock`, `inventory.low` and `vendor.staff_invited`, and passes on what webhooks ask for. Calls identity, orders and vendors, for who is written to and about
//! what: events carry no contact details.

mod app;
mod config;
mod consumers;
mod domain;
mod error;
mod http;
mod provider;
mod store;

use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::orders::orders_client::OrdersClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::auth::derive;
use kit::events::LogKept;
use kit::jobs::{JobDef, JobOutcome};
use kit::{BuildError, Env, Migration, Service, ServiceDef};

pub use config::Config;

const NAME: &str = "notifications";

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: NAME,
    migrations: &[
        Migration::new("0001_messages", include_str!("../migrations/0001_messages.sql")),
        Migration::new("0002_deliveries", include_str!("../migrations/0002_deliveries.sql")),
        Migration::new("0003_templates", include_str!("../migrations/0003_templates.sql")),
        Migration::new("0004_preferences", include_str!("../migrations/0004_preferences.sql")),
        Migration::new("0005_bulk", include_str!("../migrations/0005_bulk.sql")),
        Migration::new("0006_push_tokens", include_str!("../migrations/0006_push_tokens.sql")),
        Migration::new("0007_webhooks", include_str!("../migrations/0007_webhooks.sql")),
        Migration::new("0008_webhook_queues", include_str!("../migrations/0008_webhook_queues.sql")),
        Migration {
            name: "0009_message_rows",
            sql: include_str!("../migrations/0009_message_rows.sql"),
            // Its rows lie as they should, and others may be writing some.
            postgres: Some(include_str!("../migrations/0009_message_rows.postgres.sql")),
        },
    ],
    calls: &["identity", "orders", "vendors"],
    reads: &["identity", "catalog", "orders", "payments", "vendors"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: Some(app::SEALED),
    check_config: |section| Config::read(section).map(drop),
    build,
};

/// How often old messages are forgotten, in seconds.
const PRUNE_EVERY_SECONDS: i64 = 24 * 3_600;

fn build(env: Env) -> Result<Service, BuildError> {
    let wrong = |reason| BuildError::Config { service: "notifications", reason };
    let config = Config::read(&env.config).map_err(wrong)?;
    let development = env.shared.development;
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        ids: env.ids.clone(),
        tasks: env.tasks.clone(),
        live: app::Live::default(),
        identity: IdentityClient::new(env.channel("identity")?),
        orders: OrdersClient::new(env.channel("orders")?),
        vendors: VendorsClient::new(env.channel("vendors")?),
        texts: domain::Texts::new().map_err(|e| BuildError::Other(e.to_string()))?,
        public_url: env.shared.public_url.clone(),
        links: domain::LinkKey::new(derive(&env.shared.master_key, "haat/notifications/links")),
        mailer: provider::Mailer::new(&config, development, &env.shared.public_url).map_err(wrong)?,
        mail: config.mail,
        development,
        attempts_max: config.attempts_max,
        keep_days: config.keep_days,
        webhooks: app::Webhooks::new(&config.webhooks, development, env.shared.master_key).map_err(wrong)?,
    };
    Ok(Service {
        notices: app.mailer.notice().into_iter().collect(),
        http: http::served(app.clone(), development),
        consumers: consumers::all(),
        jobs: jobs(&app),
        log: LogKept::Days(365),
        figures: &store::FIGURES,
        ..Service::default()
    })
}

/// What notifications does later or regularly.
fn jobs(app: &app::App) -> Vec<JobDef> {
    let (writing, delivering, telling, pruning) = (app.clone(), app.clone(), app.clone(), app.clone());
    let (routing, posting, trying) = (app.clone(), app.clone(), app.clone());
    vec![
        JobDef::together(app::WRITE_JOB, move |jobs| {
            let app = writing.clone();
            async move { app.run_write_jobs(jobs).await }
        }),
        JobDef::queued(app::DELIVERY_JOB, move |job| {
            let app = delivering.clone();
            async move { app.run_delivery_job(job).await }
        }),
        JobDef::queued(app::BULK_JOB, move |job| {
            let app = telling.clone();
            async move { app.run_bulk_job(job).await }
        }),
        JobDef::every("prune", PRUNE_EVERY_SECONDS, move |_| {
            let app = pruning.clone();
            async move { app.prune().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
        }),
        JobDef::queued(app::ROUTE_JOB, move |job| {
            let app = routing.clone();
            async move { app.run_route_job(job).await }
        }),
        JobDef::queued(app::WEBHOOK_JOB, move |job| {
            let app = posting.clone();
            async move { app.run_webhook_job(job).await }
        })
        .apart(),
        JobDef::queued(app::WEBHOOK_TEST_JOB, move |job| {
            let app = trying.clone();
            async move { app.run_webhook_test_job(job).await }
        })
        .apart(),
    ]
}
