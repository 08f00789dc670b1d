//! console: what the command line does on running services.
//!
//! Owns a note of how far the demo is loaded, and draws its pictures. Publishes nothing, consumes nothing.
//! Calls identity, vendors, catalog and orders, for demo data, imports, exports and the first administrator.

use kit::service::NoConfig;
use kit::{BuildError, Env, Migration, Service, ServiceDef};

use crate::demo;

/// The command line as a service among services: its calls are declared and checked like theirs.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "console",
    migrations: &[
        Migration::new("0001_console", include_str!("../migrations/0001_console.sql")),
        Migration::new("0002_demo", include_str!("../migrations/0002_demo.sql")),
    ],
    calls: &["identity", "vendors", "catalog", "orders"],
    reads: &[],
    describe: || demo::routes().describe(),
    keys: kit::service::keys::<NoConfig>,
    sealed: None,
    check_config: kit::service::checks::<NoConfig>,
    build,
};

fn build(_: Env) -> Result<Service, BuildError> {
    Ok(Service { http: demo::routes().build(()), ..Service::default() })
}
