//! The services behind the gateway: called directly in this process, over HTTP in another one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kit::auth::{Signer, issue_context, service_signer};
use kit::channel::WeakDirectory;
use kit::http::RouteInfo;
use kit::serve::CONTEXT_TOKEN;
use kit::trace::{self, Kind, Span, traced};
use kit::{Caller, Clock, Context, Env, Problem};
use tower_service::Service;

use crate::breaker::{Breaker, Breakers};
use crate::{NAME, body};

const CONNECT_SECONDS: u64 = 2;
const IDLE_SECONDS: u64 = 60;

/// Headers that belong to one connection and not to the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Where requests go.
pub struct Upstreams {
    /// The gateway's own routes.
    own: Router,
    directory: WeakDirectory,
    client: Client<HttpConnector, Body>,
    signer: Signer,
    clock: Clock,
    breakers: Arc<Breakers>,
}

/// The way to one service.
pub enum Upstream {
    /// In this process.
    Local(Router),
    /// In another one.
    Remote(Box<Remote>),
}

/// The way to a service in another process.
pub struct Remote {
    service: &'static str,
    address: String,
    client: Client<HttpConnector, Body>,
    signer: Signer,
    clock: Clock,
    breaker: Arc<Breaker>,
}

impl Upstreams {
    /// All services of the directory; `own` are the gateway's routes.
    pub fn new(env: &Env, own: Router, breakers: Arc<Breakers>) -> Upstreams {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(CONNECT_SECONDS)));
        let idle = Duration::from_secs(IDLE_SECONDS);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(idle).build(connector);
        let signer = service_signer(&env.shared.master_key, NAME);
        Upstreams { own, directory: env.directory.downgrade(), client, signer, clock: env.clock.clone(), breakers }
    }

    /// The way to a service; `503` where it runs nowhere.
    pub fn of(&self, service: &'static str) -> Result<Upstream, Problem> {
        if service == NAME {
            return Ok(Upstream::Local(self.own.clone()));
        }
        let directory = self.directory.upgrade().ok_or_else(|| unavailable(service))?;
        if let Some(router) = directory.local_http(service) {
            return Ok(Upstream::Local(router));
        }
        let address = directory.remote(service).ok_or_else(|| unavailable(service))?;
        let (client, signer, clock) = (self.client.clone(), self.signer.clone(), self.clock.clone());
        let breaker = self.breakers.of(service);
        Ok(Upstream::Remote(Box::new(Remote { service, address, client, signer, clock, breaker })))
    }
}

impl Upstream {
    /// As [`Upstream::call`], with its part in the trace: the service's work here, or a request to another process.
    pub fn traced(self, route: &RouteInfo, request: Request, body_limit_bytes: usize) -> impl Future<Output = Response> + use<> {
        let (service, kind) = match &self {
            Upstream::Local(_) => (route.service, Kind::Internal),
            Upstream::Remote(_) => (NAME, Kind::Client),
        };
        let mut span = Span::begin(service, kind, || format!("{} {}", route.method, route.path).into());
        async move {
            let response = traced(&span, self.call(request, body_limit_bytes)).await;
            trace::http::answered(&mut span, response.status());
            response
        }
    }

    /// Hands the request on. Over a socket the caller becomes a signed token.
    pub async fn call(self, request: Request, body_limit_bytes: usize) -> Response {
        match self {
            Upstream::Local(mut router) => router.call(request).await.unwrap_or_else(|never| match never {}),
            Upstream::Remote(remote) => remote.call(request, body_limit_bytes).await.unwrap_or_else(IntoResponse::into_response),
        }
    }
}

impl Remote {
    async fn call(self, mut request: Request, body_limit_bytes: usize) -> Result<Response, Problem> {
        self.breaker.admit(self.clock.now()).map_err(|seconds| {
            let mut problem = unavailable(self.service);
            problem.retry_after = Some(seconds);
            problem
        })?;
        let target = self.target(request.uri())?;
        *request.uri_mut() = target;
        self.accompany(&mut request);
        let response = self.client.request(request).await.map_err(|e| {
            if body::is_too_large(&e) {
                return body::too_large(body_limit_bytes);
            }
            let is_left_alone = self.breaker.failed(self.clock.now());
            tracing::warn!(service = self.service, address = self.address, is_left_alone, error = %e, "a service cannot be reached");
            unavailable(self.service)
        })?;
        if self.breaker.succeeded() {
            tracing::info!(service = self.service, "a service that was left alone answers again");
        }
        let mut response = response.map(Body::new);
        remove_hop_by_hop(response.headers_mut());
        Ok(response)
    }

    fn target(&self, uri: &Uri) -> Result<Uri, Problem> {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        Uri::try_from(format!("{}{path}", self.address.trim_end_matches('/'))).map_err(Problem::internal)
    }

    fn accompany(&self, request: &mut Request) {
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        let now = self.clock.now();
        let token = issue_context(&self.signer, NAME, self.service, &caller, now);
        let context = Context::current();
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        headers.remove(header::HOST);
        headers.remove("traceparent");
        let timeout = context.deadline.map(|d| format!("{}m", (d.0.saturating_sub(now.0) / 1_000).clamp(1, 99_999_999)));
        let words = [
            (CONTEXT_TOKEN, Some(token)),
            (HeaderName::from_static("traceparent"), context.traceparent),
            (HeaderName::from_static("grpc-timeout"), timeout),
        ];
        for (name, value) in words {
            if let Some(value) = value.and_then(|v| HeaderValue::try_from(v).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn unavailable(service: &str) -> Problem {
    Problem::unavailable("service_unavailable", format!("{service} does not answer now; try again"))
}
