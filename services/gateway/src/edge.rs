//! The way of a request through the gateway.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kit::Network;
use kit::context::{scope, within};
use kit::http::{RouteInfo, Who};
use kit::panics::caught;
use kit::serve::{Peer, carry_out};
use kit::{Caller, Clock, Context, Env, Ids, Problem, Tasks};
use tokio::time::Instant;

use crate::aliases::Renamed;
use crate::credentials::Bearer;
use crate::limits::{Left, Limits};
use crate::sessions::{Refused, Sessions};
use crate::stats::Stats;
use crate::table::{Found, Table};
use crate::upstream::Upstreams;
use crate::{Config, aliases, arrival, body, credentials, merging, stream};

/// Everything a request meets.
pub struct Edge {
    table: Arc<Table>,
    sessions: Arc<Sessions>,
    limits: Limits,
    upstreams: Upstreams,
    stats: Arc<Stats>,
    trusted_proxies: Vec<Network>,
    /// How long answers may take, against what routes say.
    timeout_percent: u32,
    clock: Clock,
    ids: Ids,
    tasks: Tasks,
}

/// What an edge is made of besides its table.
pub struct Parts {
    pub sessions: Arc<Sessions>,
    pub upstreams: Upstreams,
    pub stats: Arc<Stats>,
}

/// Somebody whom a route lets in.
struct Admitted {
    caller: Caller,
    /// With which access token.
    token: Option<String>,
    /// Whether by what a role of the marketplace's own making opens, and by nothing else.
    is_granted: bool,
}

/// What the access log says of a request, filled in on its way.
#[derive(Default)]
struct Seen {
    route: Option<RouteInfo>,
    user: Option<String>,
    left: Option<Left>,
}

impl Edge {
    /// For the routes of `table`.
    pub fn new(env: &Env, config: &Config, table: Arc<Table>, parts: Parts) -> Edge {
        let Parts { sessions, upstreams, stats } = parts;
        let (clock, ids, tasks) = (env.clock.clone(), env.ids.clone(), env.tasks.clone());
        let limits = Limits::new(&config.limits, env.shared.limits_factor, &clock);
        let (trusted_proxies, timeout_percent) = (env.shared.trusted_proxies.clone(), env.shared.timeout_percent);
        Edge { table, sessions, limits, upstreams, stats, trusted_proxies, timeout_percent, clock, ids, tasks }
    }
}

/// Answers one request of the outside, whatever it is.
pub async fn handle(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    let (began, method) = (Instant::now(), request.method().clone());
    let request_id = arrival::request_id(request.headers(), &edge.ids, edge.clock.now());
    let (place, span) = arrival::trace(&request, &edge.ids, &request_id);
    let context = Context { request_id: Some(request_id.clone()), traceparent: Some(place.to_string()), ..Context::default() };
    let mut seen = Seen::default();
    let answer = async {
        let answered = caught(edge.answer(request, &mut seen)).await;
        let response = match answered.unwrap_or_else(|panicked| Err(Problem::internal(panicked))) {
            Ok(response) => presentable(response),
            Err(problem) => presentable(refusal(problem)),
        };
        kit::crash::point("gateway.before_answer");
        response
    };
    let mut response = scope(context.clone(), answer).await;
    if span.is_recorded()
        && let Ok(place) = HeaderValue::try_from(place.to_string())
    {
        response.headers_mut().insert("traceresponse", place);
    }
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    if let Some(left) = seen.left {
        left.write(response.headers_mut());
    }
    arrival::traced(span, &method, seen.route.as_ref(), response.status());
    let took = began.elapsed();
    edge.stats.count(seen.route.as_ref().map(|route| route.service), response.status(), took);
    within(context, || record(&method, &seen, response.status(), took));
    response
}

impl Edge {
    async fn answer(&self, mut request: Request, seen: &mut Seen) -> Result<Response, Problem> {
        let peer = request.extensions().get::<Peer>().map(|p| p.0.ip());
        let (route, renamed) = self.route(&mut request).inspect_err(|_| self.drain(&mut request))?;
        seen.route = Some(route.clone());
        let timeout = Duration::from_millis(route.timeout_seconds * 10 * u64::from(self.timeout_percent));
        let end = Instant::now() + timeout;
        let context = |timeout: Duration| {
            let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX / 1_000);
            Context { deadline: Some(self.clock.now().plus_millis(millis)), ..Context::current() }
        };
        // Where identity is silent there is still time for what is known without it.
        let admitted = scope(context(timeout / 2), self.admit(&mut request, route, peer, seen));
        let admitted = tokio::time::timeout_at(end, admitted).await;
        let Admitted { caller, token, is_granted } = match admitted.unwrap_or_else(|_| Err(Refused::slow().into())) {
            Ok(admitted) => admitted,
            Err(problem) => {
                self.drain(&mut request);
                return Err(problem);
            }
        };
        let actor = caller.user.as_ref().map(|u| format!("user:{}", u.id));
        seen.user = caller.user.as_ref().map(|u| u.id.to_string());
        let limit_bytes = route.body_limit_bytes;
        let mut request = request.map(|b| body::limited(b, limit_bytes, &self.tasks));
        if let Some(renamed) = renamed {
            renamed.apply(&mut request, &caller, limit_bytes).await?;
        }
        let guest = merging::guest(route, &caller);
        request.extensions_mut().insert(caller);

        let upstream = self.upstreams.of(route.service)?;
        let method = request.method().clone();
        let work = upstream.traced(route, request, limit_bytes);
        let context = Context { actor, ..context(end.saturating_duration_since(Instant::now())) };
        let answer = scope(context, carry_out(&self.tasks, &method, work));
        let response = tokio::time::timeout_at(end, answer).await.map_err(|_| {
            let text = format!("there was no answer within {} s; ask again whether it took effect", timeout.as_secs_f64());
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "gateway_timeout", text)
        })?;
        let response = match guest {
            Some(guest) if response.status().is_success() => merging::merged(&self.upstreams, &self.sessions, guest, response).await?,
            _ => response,
        };
        Ok(match token.filter(|_| stream::goes_on(&response)) {
            Some(token) => stream::while_signed_in(response, self.sessions.clone(), token, is_granted.then(|| route.clone())),
            None => response,
        })
    }

    /// The route of a request, under whichever name it is called. The request then carries the current version; an older
    /// spelling is applied once it is known who is calling.
    fn route(&self, request: &mut Request) -> Result<(&RouteInfo, Option<Renamed>), Problem> {
        let mut path = request.uri().path().to_owned();
        let method = request.method().clone();
        if let Some(versioned) = aliases::versioned(&path) {
            aliases::rewrite(request.uri_mut(), &versioned, None)?;
            path = versioned;
        }
        if path.starts_with("/api/") {
            aliases::acceptable(request.headers())?;
        }
        let found = self.table.find(&method, &path);
        if !matches!(found, Found::Route(_))
            && let Some(renamed) = aliases::renamed(&method, &path)
            && let Found::Route(route) = self.table.find(&renamed.method, &renamed.path)
        {
            return Ok((route, Some(renamed)));
        }
        match found {
            Found::Route(route) => Ok((route, None)),
            Found::Nothing => Err(Problem::not_found("route").with("path", path)),
            Found::OtherMethods(allowed) => {
                let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                let text = format!("{method} is not possible here; {} is", allowed.join(", "));
                Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text).with("allowed", allowed))
            }
        }
    }

    /// Who is calling, where the route lets in who that is.
    async fn admit(&self, request: &mut Request, route: &RouteInfo, peer: Option<IpAddr>, seen: &mut Seen) -> Result<Admitted, Problem> {
        let address = credentials::client_address(request.headers(), peer, &self.trusted_proxies);
        let cart_token = credentials::cart_token(request.headers())?;
        let bearer = credentials::take_bearer(request.headers_mut());
        body::check_announced(request.headers(), route.body_limit_bytes)?;
        let user = match bearer {
            Bearer::Absent => Ok(None),
            Bearer::Token(token) => match self.sessions.user_of(&token).await {
                Ok(signed_in) => Ok(Some((signed_in, token))),
                // Signing in again must be possible with a token that has expired still attached.
                Err(_) if route.who == Who::Public => Ok(None),
                Err(refused) => Err(refused.into()),
            },
            Bearer::Unreadable if route.who == Who::Public => Ok(None),
            Bearer::Unreadable => Err(Problem::unauthenticated("send one Authorization header: Bearer and an access token")),
        };
        // Whoever tries tokens is counted by address.
        let (user, refused) = user.map_or_else(|refused| (None, Some(refused)), |user| (user, None));
        let (signed_in, token) = user.unzip();
        let (user, grants) = signed_in.map(|s| (s.user, s.grants)).unzip();
        let mut caller = Caller { user, cart_token, address };
        seen.left = self.limits.check(route, &caller).map_err(|(problem, left)| {
            seen.left = Some(left);
            problem
        })?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        let is_granted = grants.is_some_and(|grants| grants.lift_caller(route, &mut caller));
        match route.who {
            Who::Public | Who::Guest => {}
            Who::User => drop(caller.user()?),
            Who::Roles(roles) => {
                caller.user()?;
                if !caller.has(roles) {
                    let names: Vec<&str> = roles.iter().map(|r| r.as_str()).collect();
                    return Err(Problem::forbidden(format!("this needs one of these roles: {}", names.join(", "))));
                }
            }
        }
        Ok(Admitted { caller, token, is_granted })
    }

    fn drain(&self, request: &mut Request) {
        let body = std::mem::take(request.body_mut());
        if !body.is_end_stream() {
            drop(body::Drained::new(body, &self.tasks));
        }
    }
}

/// A problem of the gateway's own; which methods are possible is also said in a header.
fn refusal(problem: Problem) -> Response {
    let allowed = problem.extensions.get("allowed").and_then(|a| a.as_array());
    let allowed = allowed.map(|a| a.iter().filter_map(|m| m.as_str()).collect::<Vec<_>>().join(", "));
    let mut response = problem.into_response();
    if let Some(allowed) = allowed.filter(|_| response.status() == StatusCode::METHOD_NOT_ALLOWED)
        && let Ok(allowed) = HeaderValue::try_from(allowed)
    {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// An answer as it may leave: every error a problem, with the headers that its status asks for.
fn presentable(mut response: Response) -> Response {
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && is_bare(&response) {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = bare_problem(status).into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

/// Errors that frameworks write are plain text or nothing.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.is_empty() || kind.starts_with("text/plain")
}

fn bare_problem(status: StatusCode) -> Problem {
    match status.as_u16() {
        404 => Problem::not_found("resource"),
        405 => Problem::new(status, "method_not_allowed", "this method is not possible here"),
        413 => Problem::new(status, "body_too_large", "the body is larger than this route takes"),
        415 => Problem::new(status, "unsupported_media_type", "the body has a type that this route does not take"),
        400..=499 => Problem::new(status, "bad_request", "the request could not be read"),
        _ => Problem::internal(format!("a service answered {status} without saying why")),
    }
}

/// One line in the access log, one tick of the metrics.
fn record(method: &Method, seen: &Seen, status: StatusCode, took: Duration) {
    let (service, route) = seen.route.as_ref().map_or(("", ""), |r| (r.service, r.path.as_str()));
    let (status, took_us) = (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    let user = seen.user.as_deref().unwrap_or("");
    tracing::info!(target: "haat::access", method = %method, route, service, status, took_us, user, "answered");
    // Clients may invent methods; a metric per invention would be theirs to make.
    let method = seen.route.as_ref().map_or("", |_| method.as_str());
    let labels =
        [("service", service.to_owned()), ("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("haat_http_requests_total", &labels).increment(1);
    let labels = [("service", service.to_owned()), ("route", route.to_owned())];
    metrics::histogram!("haat_http_request_seconds", &labels).record(took.as_secs_f64());
}
