//! Services that a test does not start, but that those it starts name.

use axum::Router;
use kit::channel::EVERY_SERVICE;
use kit::{BuildError, Env, Service, ServiceDef};
use tonic::Status;
use utoipa::openapi::{OpenApi, OpenApiBuilder};

/// Name of the service as which a test itself acts.
pub(crate) const TEST: &str = "test";

/// `defs`, an empty service for each one that they name and that is not among them, and the test itself, which may
/// call all of them. An empty service answers no call (`unavailable`); its log can be written to by the test.
pub(crate) fn complete(defs: &[ServiceDef]) -> Vec<ServiceDef> {
    let mut all = defs.to_vec();
    for name in defs.iter().flat_map(|d| d.calls.iter().chain(d.reads)) {
        if *name != EVERY_SERVICE && all.iter().all(|d| d.name != *name) {
            all.push(empty(name, &[]));
        }
    }
    let names = all.iter().map(|d| d.name).collect::<Vec<_>>();
    all.push(empty(TEST, Vec::leak(names)));
    all
}

fn empty(name: &'static str, calls: &'static [&'static str]) -> ServiceDef {
    ServiceDef { name, migrations: &[], calls, reads: &[], describe, keys: Vec::new, sealed: None, check_config: |_| Ok(()), build }
}

fn describe() -> (Vec<kit::http::RouteInfo>, OpenApi) {
    (Vec::new(), OpenApiBuilder::new().build())
}

fn build(_: Env) -> Result<Service, BuildError> {
    let rpc =
        Router::new().fallback(|| async { Status::unavailable("this test does not start the service").into_http::<axum::body::Body>() });
    Ok(Service { rpc, ..Service::default() })
}
