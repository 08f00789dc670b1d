//! orders: what was bought, by whom, from which stores, and what became of it.
//!
//! Owns orders with their parts and returns, the contact of each, what carriers tell of them, quotes of carts, and the sagas that
//! fulfil, cancel and take them back.
//! Publishes `order.*`. Consumes `payment.completed`, `payment.failed`, `payment.refunded`.
//! Calls cart (what is ordered), catalog (prices, stock held, shipped and returned), vendors (commission, shipping, whose store), payments (by its sagas).

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod rpc;
mod sagas;
mod store;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use contracts::OrderId;
use contracts::proto::cart::cart_client::CartClient;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::payments::payments_client::PaymentsClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::jobs::{Job, JobDef, JobOutcome};
use kit::{BuildError, Db, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

use domain::pricing::Tax;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "orders",
    migrations: &[
        Migration::new("0001_orders", include_str!("../migrations/0001_orders.sql")),
        Migration::new("0002_returns", include_str!("../migrations/0002_returns.sql")),
        Migration::new("0003_quotes", include_str!("../migrations/0003_quotes.sql")),
        Migration::new("0004_next", include_str!("../migrations/0004_next.sql")),
        Migration::new("0005_carriers", include_str!("../migrations/0005_carriers.sql")),
    ],
    calls: &["cart", "catalog", "vendors", "payments"],
    reads: &["payments"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: check,
    build,
};

/// How often quotes that no longer hold are forgotten.
const PRUNE_QUOTES_EVERY_SECONDS: i64 = 3_600;

/// How often old messages of carriers are forgotten.
const FORGET_MESSAGES_EVERY_SECONDS: i64 = 24 * 3_600;

/// The `orders` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How tax is worked out.
    pub tax: Tax,
    /// With what one can pay; the first where nothing is chosen.
    pub payment_methods: Vec<String>,
    /// How long the payer has, in seconds.
    pub payment_deadline_seconds: i64,
    /// How much longer stock is held than the payer has, in seconds.
    pub reservation_slack_seconds: i64,
    /// How long the prices of a quote hold, in seconds.
    pub quote_seconds: i64,
    /// How long a checkout waits for the payment to begin, in seconds.
    pub checkout_wait_seconds: u64,
    /// How long after the last delivery an order is final, in seconds.
    pub complete_after_seconds: i64,
    /// How long a store may take to answer a return before it is taken to agree, in seconds.
    pub return_answer_seconds: i64,
    /// How long the goods of a return may take to come back, in seconds.
    pub return_receive_seconds: i64,
    /// Carriers that may tell how parcels move, by name: each has the `secret` that it signs its webhooks with.
    pub carriers: BTreeMap<String, CarrierConfig>,
    /// Fonts for PDF invoices with letters beyond Windows-1252, such as Bangla: the first that is there and has them.
    pub invoice_fonts: Vec<PathBuf>,
}

/// A carrier in the configuration.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierConfig {
    /// What it signs its webhooks with: `whsec_` and base64, or any text of at least 16 bytes.
    pub secret: String,
}

impl std::fmt::Debug for CarrierConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarrierConfig(hidden)")
    }
}

/// Where distributions put a font with Bangla letters.
const INVOICE_FONTS: &[&str] = &[
    "/usr/share/fonts/truetype/noto/NotoSansBengali-Regular.ttf",
    "/usr/share/fonts/noto/NotoSansBengali-Regular.ttf",
    "/usr/share/fonts/google-noto/NotoSansBengali-Regular.ttf",
];

impl Default for Config {
    fn default() -> Config {
        Config {
            tax: Tax::default(),
            payment_methods: vec!["sandbox".into(), "cod".into()],
            payment_deadline_seconds: 15 * 60,
            reservation_slack_seconds: 60,
            quote_seconds: 15 * 60,
            checkout_wait_seconds: 10,
            complete_after_seconds: 7 * 24 * 60 * 60,
            return_answer_seconds: 3 * 24 * 60 * 60,
            return_receive_seconds: 30 * 24 * 60 * 60,
            carriers: BTreeMap::new(),
            invoice_fonts: INVOICE_FONTS.iter().map(PathBuf::from).collect(),
        }
    }
}

fn check(section: &serde_json::Value) -> Result<(), String> {
    let config = Config::deserialize(section).map_err(|e| e.to_string())?;
    app::Carriers::new(&config.carriers)?;
    config.tax.mistake().map_or(Ok(()), |mistake| Err(format!("tax: {mistake}")))
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let sagas = env.sagas();
    let catalog = CatalogClient::new(env.channel("catalog")?);
    let cart = CartClient::new(env.channel("cart")?);
    let callees = sagas::Callees { catalog: catalog.clone(), cart: cart.clone(), payments: PaymentsClient::new(env.channel("payments")?) };
    let wrong = |reason| BuildError::Config { service: SERVICE.name, reason };
    let mut carriers = app::Carriers::new(&config.carriers).map_err(wrong)?;
    if env.shared.development {
        carriers = carriers.with_invented(&env.shared.master_key);
    }
    let definitions = sagas::definitions(&callees, config.complete_after_seconds);
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        ids: env.ids.clone(),
        id_secret: kit::auth::derive(&env.shared.master_key, "haat/orders/ids"),
        tasks: env.tasks.clone(),
        sagas: sagas.clone(),
        catalog,
        cart,
        vendors: VendorsClient::new(env.channel("vendors")?),
        carriers: Arc::new(carriers),
        public_url: env.shared.public_url.clone(),
        fonts: Arc::new(app::view::Fonts::load(&config.invoice_fonts)),
        config,
    };
    Ok(Service {
        http: http::routes().build(app.clone()),
        rpc: rpc::router(app.clone()),
        consumers: consumers::consumers(&sagas),
        sagas: Some((sagas, definitions)),
        jobs: jobs(&app),
        read_models: vec![store::READ_MODEL],
        ..Service::default()
    })
}

fn jobs(app: &app::App) -> Vec<JobDef> {
    let db = app.db.clone();
    let [shipping, returning, quoting, hearing, forgetting] = std::array::from_fn(|_| app.clone());
    vec![
        JobDef::queued(app::COMPLETE, move |job| complete(db.clone(), job)),
        JobDef::queued(app::SHIP_STOCK, move |job| {
            let app = shipping.clone();
            async move { app.run_ship_stock(job).await }
        }),
        JobDef::every("prune_quotes", PRUNE_QUOTES_EVERY_SECONDS, move |_| {
            let app = quoting.clone();
            async move { app.prune_quotes().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
        }),
        JobDef::queued(app::RESTOCK, move |job| {
            let app = returning.clone();
            async move { app.run_restock(job).await }
        }),
        JobDef::queued(app::HEAR, move |job| {
            let app = hearing.clone();
            async move { app.run_hear(job).await }
        }),
        JobDef::every("forget_carrier_messages", FORGET_MESSAGES_EVERY_SECONDS, move |_| {
            let app = forgetting.clone();
            async move { app.forget_carrier_messages().await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done) }
        }),
    ]
}

async fn complete(db: Db, job: Job) -> JobOutcome {
    let Ok(order) = job.key.parse::<OrderId>() else { return JobOutcome::Failed(format!("not an order: {:?}", job.key)) };
    app::complete_order(&db, order).await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
}
