//! identity: who people are, and how they prove it.
//!
//! Owns accounts, roles, pictures, measurements and preferences, sessions, address books and the keys that sign access tokens.
//! Publishes `user.registered`, `user.link_requested`, `user.verified`, `user.signed_in`, `user.profile_updated`, `user.role_changed`, `user.deactivated`,
//! `user.activated`, `role.changed` and `session.ended`, without contact details. Consumes nothing. Calls nobody.

mod app;
mod config;
mod domain;
mod error;
mod http;
mod jobs;
mod rpc;
mod store;

use kit::{BuildError, Env, Migration, Service, ServiceDef};

pub use config::Config;

/// How the platform runs this service.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "identity",
    migrations: &[
        Migration::new("0001_accounts", include_str!("../migrations/0001_accounts.sql")),
        Migration::new("0002_links", include_str!("../migrations/0002_links.sql")),
        Migration::new("0003_settings", include_str!("../migrations/0003_settings.sql")),
        Migration::new("0004_photos", include_str!("../migrations/0004_photos.sql")),
        Migration::new("0005_custom_roles", include_str!("../migrations/0005_custom_roles.sql")),
    ],
    calls: &[],
    reads: &[],
    describe: || http::routes().describe(),
    keys: kit::service::keys::<Config>,
    sealed: Some(app::SEALED),
    check_config: |section| Config::read(section).map(drop),
    build,
};

fn build(env: Env) -> Result<Service, BuildError> {
    let config = Config::read(&env.config).map_err(|reason| BuildError::Config { service: "identity", reason })?;
    let app = app::App::new(&env, config)?;
    Ok(Service { http: http::routes().build(app.clone()), rpc: rpc::router(app.clone()), jobs: jobs::all(&app), ..Service::default() })
}
