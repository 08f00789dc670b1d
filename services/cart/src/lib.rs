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
use kit::{BuildError, Env, Migration, Service, ServiceDef};
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "cart",
    migrations: &[Migration::new("0001_cart", include_str!("../migrations/0001_cart.sql"))],
    calls: &["catalog"],
    reads: &["identity"],
    describe: || http::routes().describe(),
    check_config: kit::service::checks::<Config>,
    build,
};

/// The `cart` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The currency in which an empty cart shows its sums.
    pub currency: Currency,
}

impl Default for Config {
    fn default() -> Config {
        Config { currency: Currency::BDT }
    }
}

fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let catalog = CatalogClient::new(env.channel("catalog")?);
    let app = app::App { db: env.db.clone(), ids: env.ids.clone(), catalog, currency: config.currency };
    Ok(Service { http: http::routes().build(app.clone()), rpc: rpc::router(app), consumers: consumers::all(), ..Service::default() })
}
