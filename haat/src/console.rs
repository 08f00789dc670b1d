//! console: what the command line does on running services.
//!
//! Owns a note of which demo data was loaded. Publishes nothing, consumes nothing.
//! Calls identity, vendors and catalog, for demo data, imports and the first administrator.

use kit::{BuildError, Env, Migration, Service, ServiceDef};
use utoipa::openapi::OpenApiBuilder;

/// The command line as a service among services: its calls are declared and checked like theirs.
pub const SERVICE: ServiceDef = ServiceDef {
    name: "console",
    migrations: &[Migration::new("0001_console", include_str!("../migrations/0001_console.sql"))],
    calls: &["identity", "vendors", "catalog"],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    check_config: |_| Ok(()),
    build,
};

fn build(_: Env) -> Result<Service, BuildError> {
    Ok(Service::default())
}
