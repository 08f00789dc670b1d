//! Services under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use kit::channel::Channel;
use kit::context::{self, Context};
use kit::service::Shared;
use kit::tasks::Threads;
use kit::{Caller, Choice, Clock, Db, Ids, Platform, ServiceDef, Settings, Tasks};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::{Data, Engine, Response, absent};

/// How long work may take to end before a test fails, in seconds.
const SETTLE_SECONDS_MAX: u64 = 120;

/// A running platform of a few services, with a database of its own.
pub struct TestPlatform {
    running: Option<Platform>,
    defs: Vec<ServiceDef>,
    config: Json,
    data: Data,
    shift_us: Arc<AtomicI64>,
}

impl TestPlatform {
    /// Starts `defs`. Services that they name and that are not among them are there, but empty.
    pub async fn start(engine: Engine, defs: &[ServiceDef]) -> TestPlatform {
        TestPlatform::start_with(engine, defs, json!({})).await
    }

    /// As [`TestPlatform::start`], with sections of the configuration by service.
    pub async fn start_with(engine: Engine, defs: &[ServiceDef], config: Json) -> TestPlatform {
        TestPlatform::start_on(Data::fresh(engine), defs, config).await
    }

    /// As [`TestPlatform::start_with`], on a database that is there: a second node.
    pub async fn start_on(data: Data, defs: &[ServiceDef], config: Json) -> TestPlatform {
        let defs = absent::complete(defs);
        let mut platform = TestPlatform { running: None, defs, config, data, shift_us: Arc::default() };
        platform.begin().await;
        platform
    }

    async fn begin(&mut self) {
        let settings = Settings {
            database: self.data.database.clone(),
            clock: Clock::shifted(self.shift_us.clone()),
            ids: Ids::random(),
            tasks: Tasks::new(Threads::Pool),
            config: self.config.clone(),
            shared: Shared {
                public_url: "http://haat.test".into(),
                development: true,
                master_key: [7; 32],
                trusted_proxies: Vec::new(),
                limits_factor: None,
                timeout_percent: 100,
            },
            remotes: BTreeMap::new(),
        };
        let started = Platform::start(&self.defs, Choice::All, settings).await;
        self.running = Some(started.unwrap_or_else(|e| panic!("the platform does not start: {e}")));
    }

    /// The platform itself.
    pub fn platform(&self) -> &Platform {
        self.running.as_ref().expect("it runs from start to drop")
    }

    /// Its database, for a second node on it.
    pub fn data(&self) -> Data {
        self.data.clone()
    }

    /// Sends a request straight into the router of the service that answers `path`.
    pub async fn send(&self, method: &str, path: &str, caller: &Caller, body: Option<Json>, headers: &[(&str, &str)]) -> Response {
        let text = body.map(|b| b.to_string());
        let with_type = [&[("content-type", "application/json")], headers].concat();
        let headers = if text.is_some() { &with_type } else { headers };
        self.send_bytes(method, path, caller, text.unwrap_or_default().into_bytes(), headers).await
    }

    /// As [`TestPlatform::send`] with a body of any bytes and no header that is not given.
    pub async fn send_bytes(&self, method: &str, path: &str, caller: &Caller, body: Vec<u8>, headers: &[(&str, &str)]) -> Response {
        let service = self.owner(method, path);
        let router = self.platform().directory.local_http(service).expect("every declared service of a test runs");
        let mut request = http::Request::builder().method(method).uri(path).extension(caller.clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a test writes valid requests");
        let request_id = Ids::random().uuid(Clock::system().now()).to_string();
        let context = Context { request_id: Some(request_id), ..Context::default() };
        match context::scope(context, router.oneshot(request)).await {
            Ok(response) => Response::read(response).await,
            Err(never) => match never {},
        }
    }

    /// The service with the route that fits best: by method, then with the fewest parameters.
    fn owner(&self, method: &str, path: &str) -> &'static str {
        let path = path.split('?').next().unwrap_or(path);
        let routes = self.platform().directory.routes();
        let fitting = routes.iter().filter(|r| fits(&r.path, path));
        let best = fitting.min_by_key(|r| (r.method.as_str() != method, r.path.matches('{').count()));
        best.unwrap_or_else(|| panic!("no service of this test answers {path}")).service
    }

    /// The way to a service, for generated clients; the caller is the service `test`.
    pub fn channel(&self, callee: &'static str) -> Channel {
        let env = self.platform().env(absent::TEST).expect("the test is a service too");
        env.channel(callee).unwrap_or_else(|e| panic!("{e}"))
    }

    /// The database of a service, as that service sees it.
    pub fn db(&self, service: &str) -> Db {
        let env = self.platform().env(service).unwrap_or_else(|| panic!("{service} is not part of this test"));
        env.db.clone()
    }

    /// Waits until every event is delivered, no saga runs (waiting ones may wait) and no job is due.
    pub async fn settle(&self) {
        let left = self.platform().rest(Duration::from_secs(SETTLE_SECONDS_MAX)).await;
        let left = left.unwrap_or_else(|e| panic!("the database cannot be read: {e}"));
        assert!(left.is_empty(), "after {SETTLE_SECONDS_MAX} s there is still work:\n{}", left.join("\n"));
    }

    /// Moves the platform's clock on.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shift_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.platform().wake();
    }

    /// Drops everything where it stands and starts again on the same data.
    pub async fn restart(&mut self) {
        if let Some(platform) = self.running.take() {
            platform.crash().await;
        }
        self.begin().await;
    }
}

impl Drop for TestPlatform {
    fn drop(&mut self) {
        if let Some(platform) = &self.running {
            platform.tasks.abort();
        }
    }
}

/// Whether `path` is of the form `pattern`, whose parameters are `{name}`.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count() && pattern.zip(path).all(|(p, s)| p.starts_with('{') || p == s)
}
