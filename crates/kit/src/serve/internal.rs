//! The internal listener: services of other processes, each call proved by a token. The public never comes here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use contracts::Time;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tonic::Status;
use tower_service::Service;

use super::{Limits, connection};
use crate::auth::{ServiceKeys, TokenError};
use crate::channel::{ACTOR, CAUSATION, CallerService, Directory, after, parse_timeout};
use crate::context::scope;
use crate::events::{LOG_PATH, LOG_POSITION};
use crate::panics::caught;
use crate::trace::{self, rpc};
use crate::{Clock, Context, Problem, Tasks};

/// Where the gateway puts its word on who is calling.
pub const CONTEXT_TOKEN: HeaderName = HeaderName::from_static("x-haat-context");
const CART_TOKEN: HeaderName = HeaderName::from_static("x-cart-token");
/// Service tokens that are remembered as verified; each caller uses one for half a minute.
const VERIFIED_MAX: usize = 1_024;

/// Serves the services of this process to those of others until a graceful stop.
pub async fn internal(listener: TcpListener, guard: Guard) {
    let tasks = guard.tasks.clone();
    connection::serve(listener, guard.router(), tasks, Limits::default()).await;
}

/// Lets in who proves to be a declared service that declared to call the one it calls.
#[derive(Clone)]
pub struct Guard {
    directory: Directory,
    keys: ServiceKeys,
    clock: Clock,
    tasks: Tasks,
    verified: Arc<Mutex<BTreeMap<[u8; 32], Pass>>>,
}

/// Who calls whom, and until when that is believed.
type Pass = (&'static str, &'static str, Time);

impl Guard {
    /// For the services of this directory, once all are declared.
    pub fn new(directory: &Directory, master_key: &[u8; 32], clock: &Clock, tasks: &Tasks) -> Guard {
        let keys = ServiceKeys::new(master_key, directory.services());
        let (directory, clock, tasks) = (directory.clone(), clock.clone(), tasks.clone());
        Guard { directory, keys, clock, tasks, verified: Arc::default() }
    }

    /// What the internal listener serves.
    pub fn router(self) -> Router {
        Router::new().fallback(answer).with_state(self)
    }

    fn pass(&self, headers: &HeaderMap) -> Result<Pass, TokenError> {
        let token = bearer(headers).ok_or(TokenError::Malformed)?;
        let (digest, now): ([u8; 32], _) = (Sha256::digest(token.as_bytes()).into(), self.clock.now());
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pass) = verified.get(&digest).filter(|(_, _, until)| now < *until) {
            return Ok(*pass);
        }
        let pass = self.keys.check_service(token, now)?;
        if verified.len() >= VERIFIED_MAX {
            verified.retain(|_, (_, _, until)| now < *until);
        }
        if verified.len() < VERIFIED_MAX {
            verified.insert(digest, pass);
        }
        Ok(pass)
    }
}

async fn answer(State(guard): State<Guard>, request: Request) -> Response {
    if text(request.headers(), header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/grpc")) {
        return guard.rpc(request).await.unwrap_or_else(|status| status.into_http::<Body>());
    }
    if request.uri().path() == "/health" {
        return axum::Json(serde_json::json!({"status": "ok"})).into_response();
    }
    if request.uri().path() == "/metrics" {
        return crate::telemetry::metrics_response();
    }
    guard.http(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Guard {
    /// What accompanies a call, in the headers that the caller's channel writes.
    fn context(&self, headers: &HeaderMap) -> Context {
        Context {
            request_id: text(headers, HeaderName::from_static("x-request-id")),
            traceparent: text(headers, HeaderName::from_static("traceparent")),
            causation_id: text(headers, CAUSATION),
            actor: text(headers, ACTOR),
            deadline: parse_timeout(headers).map(|left| after(self.clock.now(), left)),
        }
    }

    /// A gRPC call of another service.
    async fn rpc(&self, mut request: Request) -> Result<Response, Status> {
        let refused = |e: TokenError| Status::unauthenticated(format!("service token: {e}"));
        let (from, to, _) = self.pass(request.headers()).map_err(refused)?;
        if request.uri().path() == LOG_POSITION {
            if !self.directory.may_read(to, from) {
                return Err(Status::permission_denied(format!("{to} does not declare that it reads the events of {from}")));
            }
        } else if request.uri().path().starts_with(LOG_PATH) {
            if !self.directory.may_read(from, to) {
                return Err(Status::permission_denied(format!("{from} does not declare that it reads the events of {to}")));
            }
        } else if !self.directory.may_call(from, to) {
            return Err(Status::permission_denied(format!("{from} does not declare that it calls {to}")));
        }
        let router = self.directory.local_rpc(to);
        let mut router = router.ok_or_else(|| Status::unavailable(format!("{to} does not run here")))?;
        let context = self.context(request.headers());
        let mut span = rpc::called(to, &context, request.uri().path());
        let context = span.within(context);
        strip(request.headers_mut());
        request.extensions_mut().insert(CallerService(from));
        let work = scope(context.clone(), async move { caught(router.call(request)).await });
        let answered = scope(context, async { self.tasks.spawn(work).await }).await;
        match answered {
            Ok(Some(Ok(Ok(response)))) => {
                rpc::answered(&mut span, Ok(&response));
                Ok(response)
            }
            Ok(Some(Ok(Err(never)))) => match never {},
            Ok(Some(Err(panicked))) => Err(Problem::internal(panicked).into()),
            Ok(None) => Err(Status::unavailable("this process is stopping")),
            Err(e) => Err(Problem::internal(e).into()),
        }
    }

    /// A request of a user, as the gateway of another process hands it on.
    async fn http(&self, mut request: Request) -> Result<Response, Problem> {
        let refused = |e: TokenError| Problem::unauthenticated(format!("context token: {e}"));
        let token = text(request.headers(), CONTEXT_TOKEN).ok_or_else(|| refused(TokenError::Malformed))?;
        let cart_token = text(request.headers(), CART_TOKEN);
        let vouched = self.keys.check_context(&token, cart_token.as_deref(), self.clock.now()).map_err(refused)?;
        if !self.directory.may_call(vouched.from, vouched.to) {
            return Err(Problem::forbidden(format!("{} does not declare that it calls {}", vouched.from, vouched.to)));
        }
        let router = self.directory.local_http(vouched.to);
        let mut router = router.ok_or_else(|| Problem::unavailable("service_unavailable", format!("{} does not run here", vouched.to)))?;
        let context = Context { request_id: vouched.request_id, actor: vouched.actor, ..self.context(request.headers()) };
        let mut span = trace::http::served(vouched.to, &context, request.method());
        let context = span.within(context);
        strip(request.headers_mut());
        request.extensions_mut().insert(vouched.caller);
        let method = request.method().clone();
        let work = async move { router.call(request).await.unwrap_or_else(|never| match never {}) };
        let response = scope(context, super::carry_out(&self.tasks, &method, work)).await;
        trace::http::answered(&mut span, response.status());
        Ok(response)
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in [header::AUTHORIZATION, CONTEXT_TOKEN, ACTOR, CAUSATION] {
        headers.remove(name);
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}
