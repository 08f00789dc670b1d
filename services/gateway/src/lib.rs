//! gateway: the one way in for all clients.
//!
//! Owns no rows; keeps verified access tokens in memory. Publishes nothing.
//! Consumes `session.ended`, `user.role_changed` and `role.changed`, so that what a token opens changes at once.
//! Calls identity for keys and sessions, and every service on behalf of those who call.
//!
//! A request passes `edge`: an id and a trace, the route table (what is not declared does not exist), who is calling
//! and whether that one may, limits, then the service that answers, here or in another process. Whoever signs in with a
//! guest's cart is answered once the cart has taken it over.

mod aliases;
mod arrival;
mod body;
mod breaker;
mod consumers;
mod cors;
mod credentials;
mod edge;
mod grants;
mod http;
mod limits;
mod merging;
mod operators;
mod recent;
mod sessions;
mod stats;
mod stream;
mod table;
mod upstream;

use std::sync::Arc;

use axum::Router;
use kit::channel::EVERY_SERVICE;
use kit::{BuildError, Env, Service, ServiceDef};
use schemars::JsonSchema;
use serde::Deserialize;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: NAME,
    migrations: &[],
    calls: &["identity", EVERY_SERVICE],
    reads: &["identity"],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: None,
    check_config: kit::service::checks::<Config>,
    build,
};

const NAME: &str = "gateway";

/// The `gateway` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many verified access tokens are remembered.
    pub verified_tokens_max: usize,
    /// After how long a remembered token's session is asked for again, in seconds.
    pub session_check_seconds: i64,
    /// Other sites whose pages may ask from a browser, such as `https://shop.example`; none where empty.
    pub cors_origins: Vec<String>,
    /// How often somebody may ask.
    pub limits: limits::LimitsConfig,
}

impl Default for Config {
    fn default() -> Config {
        let limits = limits::LimitsConfig::default();
        Config { verified_tokens_max: 10_000, session_check_seconds: 60, cors_origins: Vec::new(), limits }
    }
}

/// The router of the result is what the public listener serves.
fn build(env: Env) -> Result<Service, BuildError> {
    let config: Config = env.config()?;
    let table = Arc::new(table::Table::new(env.directory.routes(), env.shared.development).map_err(BuildError::Other)?);
    let sessions = Arc::new(sessions::Sessions::new(&env, &config)?);
    let (breakers, stats) = (Arc::default(), Arc::new(stats::Stats::new(&env.directory.services(), env.clock.now())));
    let own = http::routes().build(http::App::new(&env, &breakers, &stats)?);
    let upstreams = upstream::Upstreams::new(&env, own, breakers);
    let edge = Arc::new(edge::Edge::new(&env, &config, table, edge::Parts { sessions: sessions.clone(), upstreams, stats }));
    Ok(Service {
        http: cors::allow(&config.cors_origins, Router::new().fallback(edge::handle).with_state(edge)).map_err(BuildError::Other)?,
        consumers: consumers::consumers(&sessions),
        ..Service::default()
    })
}
