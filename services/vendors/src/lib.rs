//! vendors: the stores that sell.
//!
//! Owns stores, who works in them, what they take for shipping, the rules on commission, and the figures of what stores sell
//! and earn. Publishes `vendor.updated` and `vendor.staff_invited`. Consumes `order.*` and `payment.*`, from which the figures come.
//! Calls identity, to make somebody a vendor.

mod app;
mod consumers;
mod domain;
mod error;
mod http;
mod rpc;
mod store;

use contracts::proto::identity::identity_client::IdentityClient;
use contracts::{Currency, Money};
use domain::shipping::Method;
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "vendors",
    migrations: &[
        Migration::new("0001_vendors", include_str!("../migrations/0001_vendors.sql")),
        Migration::new("0002_staff_and_rules", include_str!("../migrations/0002_staff_and_rules.sql")),
        Migration::new("0003_shipping", include_str!("../migrations/0003_shipping.sql")),
        Migration::new("0004_figures", include_str!("../migrations/0004_figures.sql")),
        Migration::new("0005_invitations", include_str!("../migrations/0005_invitations.sql")),
        Migration::new("0006_invitations_sent", include_str!("../migrations/0006_invitations_sent.sql")),
    ],
    calls: &["identity"],
    reads: &["orders", "payments"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: check,
    build,
};

/// The `vendors` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the marketplace keeps of a sale where a store has no rate of its own, in basis points (1/100 of a percent).
    pub commission_basis_points: i64,
    /// How a store ships that says nothing else, as `PUT /vendors/store/shipping` takes it.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub shipping: Vec<Method>,
}

/// What the marketplace takes for shipping a store's part of an order, wherever it goes.
const STANDARD: Money = Money { amount: 6_000, currency: Currency::BDT };

impl Default for Config {
    fn default() -> Config {
        Config { commission_basis_points: 1_000, shipping: vec![domain::shipping::flat("standard", "Standard", STANDARD)] }
    }
}

fn check(section: &serde_json::Value) -> Result<(), String> {
    let config = Config::deserialize(section).map_err(|e| e.to_string())?;
    let rate = config.commission_basis_points;
    if !(0..=10_000).contains(&rate) {
        return Err(format!("commission_basis_points: expected 0 to 10000, found {rate}"));
    }
    let wrong = domain::shipping::mistakes(&config.shipping).into_iter().next();
    wrong.map_or(Ok(()), |e| Err(format!("shipping: {}: {}", e.pointer, e.detail)))
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let app = app::App {
        db: env.db.clone(),
        clock: env.clock.clone(),
        default_rate: config.commission_basis_points,
        shipping: config.shipping.into(),
        identity: IdentityClient::new(env.channel("identity")?),
    };
    Ok(Service { http: http::routes().build(app.clone()), rpc: rpc::router(app), consumers: consumers::all(), ..Service::default() })
}
