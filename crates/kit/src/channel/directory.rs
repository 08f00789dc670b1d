use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use utoipa::openapi::OpenApi;

use super::faults::{FaultFn, Faults};
use crate::http::RouteInfo;

/// In a declaration's `calls`: every service there is. For the gateway, which acts for users everywhere.
pub const EVERY_SERVICE: &str = "*";

#[derive(Default)]
struct Known {
    services: Mutex<BTreeMap<&'static str, Entry>>,
    faults: Faults,
}

/// Where each service is, and what it answers: filled by the platform, read by channels and the gateway.
#[derive(Clone, Default)]
pub struct Directory(Arc<Known>);

/// A directory seen from one of its own services, which must not keep it alive.
#[derive(Clone, Default)]
pub struct WeakDirectory(Weak<Known>);

#[derive(Clone, Default)]
struct Entry {
    calls: &'static [&'static str],
    reads: &'static [&'static str],
    described: Arc<(Vec<RouteInfo>, OpenApi)>,
    http: Option<Router>,
    rpc: Option<Router>,
    remote: Option<String>,
}

impl Directory {
    /// Knows nobody.
    pub fn new() -> Directory {
        Directory::default()
    }

    /// Makes a service known by what it declares, whether or not it runs here.
    pub fn declare(&self, service: &'static str, calls: &'static [&'static str], routes: Vec<RouteInfo>, openapi: OpenApi) {
        self.declare_described(service, calls, Arc::new((routes, openapi)));
    }

    /// As [`Directory::declare`], of what others hold too.
    pub(crate) fn declare_described(
        &self,
        service: &'static str,
        calls: &'static [&'static str],
        described: Arc<(Vec<RouteInfo>, OpenApi)>,
    ) {
        self.lock().insert(service, Entry { calls, described, ..Entry::default() });
    }

    /// The service reads the events of these.
    pub fn declare_reads(&self, service: &str, reads: &'static [&'static str]) {
        if let Some(entry) = self.lock().get_mut(service) {
            entry.reads = reads;
        }
    }

    /// The service runs in this process.
    pub fn set_local(&self, service: &'static str, http: Router, rpc: Router) {
        if let Some(entry) = self.lock().get_mut(service) {
            (entry.http, entry.rpc) = (Some(http), Some(rpc));
        }
    }

    /// The service runs elsewhere, at `http://host:port`.
    pub fn set_remote(&self, service: &'static str, address: String) {
        if let Some(entry) = self.lock().get_mut(service) {
            entry.remote = Some(address);
        }
    }

    /// Every declared route.
    pub fn routes(&self) -> Vec<RouteInfo> {
        self.lock().values().flat_map(|e| e.described.0.clone()).collect()
    }

    /// The OpenAPI description of every service, with its name.
    pub fn openapi(&self) -> Vec<(&'static str, OpenApi)> {
        self.lock().iter().map(|(name, e)| (*name, e.described.1.clone())).collect()
    }

    /// Every declared service.
    pub fn services(&self) -> Vec<&'static str> {
        self.lock().keys().copied().collect()
    }

    /// Whether `caller` declared that it calls `callee`.
    pub fn may_call(&self, caller: &str, callee: &str) -> bool {
        self.lock().get(caller).is_some_and(|e| e.calls.contains(&callee) || e.calls.contains(&EVERY_SERVICE))
    }

    /// Whether `subscriber` declared that it reads the events of `publisher`.
    pub fn may_read(&self, subscriber: &str, publisher: &str) -> bool {
        self.lock().get(subscriber).is_some_and(|e| e.reads.contains(&publisher))
    }

    /// Who declared that it reads the events of `publisher`.
    pub(crate) fn subscribers(&self, publisher: &str) -> Vec<&'static str> {
        self.lock().iter().filter(|(_, e)| e.reads.contains(&publisher)).map(|(name, _)| *name).collect()
    }

    /// The HTTP side of a service that runs here.
    pub fn local_http(&self, service: &str) -> Option<Router> {
        self.lock().get(service).and_then(|e| e.http.clone())
    }

    /// The gRPC side of a service that runs here.
    pub fn local_rpc(&self, service: &str) -> Option<Router> {
        self.lock().get(service).and_then(|e| e.rpc.clone())
    }

    /// The address of a service that runs elsewhere.
    pub fn remote(&self, service: &str) -> Option<String> {
        self.lock().get(service).and_then(|e| e.remote.clone())
    }

    /// Lets calls between services go wrong: `decide` is asked about each. Once; the first one stays.
    pub fn set_faults(&self, decide: FaultFn) {
        self.0.faults.set(decide);
    }

    pub(crate) fn faults(&self) -> Faults {
        self.0.faults.clone()
    }

    /// For a service to keep: services are in the directory, so one that held it would never end.
    pub fn downgrade(&self) -> WeakDirectory {
        WeakDirectory(Arc::downgrade(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Entry>> {
        self.0.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WeakDirectory {
    /// The directory, as long as its platform runs.
    pub fn upgrade(&self) -> Option<Directory> {
        self.0.upgrade().map(Directory)
    }
}
