//! What administrators see of the way in: its routes, the services behind it, and what was answered.

use axum::extract::State;
use contracts::Time;
use futures::future::join_all;
use kit::Problem;
use kit::http::{RouteInfo, Who};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use crate::breaker::Standing;
use crate::stats::Counted;

/// A route.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRoute {
    method: String,
    path: String,
    /// Who answers.
    service: &'static str,
    /// `public`, `guest` (a user, or a guest by cart token), `user`, or the roles of which one is needed.
    who: Vec<&'static str>,
    /// The largest body.
    body_limit_bytes: usize,
    /// How long the answer may take; profiles scale it.
    timeout_seconds: u64,
}

/// Every route.
#[derive(Serialize, ToSchema)]
pub struct GatewayRoutes {
    data: Vec<GatewayRoute>,
}

/// A service behind the gateway.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    service: &'static str,
    /// `here`, in the gateway's process; `elsewhere`; or `absent`, it runs nowhere.
    place: &'static str,
    /// Where else.
    address: Option<String>,
    /// Whether it answers at this moment.
    answers: bool,
}

/// Every service.
#[derive(Serialize, ToSchema)]
pub struct UpstreamList {
    data: Vec<Upstream>,
}

/// How the gateway stands to a service in another process that it has asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerView {
    service: &'static str,
    /// `closed`: it is asked; `open`: it is left alone; `half_open`: the next request finds out.
    state: &'static str,
    /// Requests in a row that did not reach it.
    failures: u32,
    /// Until when it is left alone.
    open_until: Option<Time>,
}

/// Every service in another process that was asked.
#[derive(Serialize, ToSchema)]
pub struct BreakerList {
    data: Vec<BreakerView>,
}

/// What was answered since the gateway's process began.
#[derive(Serialize, ToSchema)]
pub struct GatewayStats {
    /// When it began.
    since: Time,
    /// By service; the last is what fits no route.
    services: Vec<ServiceStats>,
}

/// What one service answered, or the gateway in its name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStats {
    /// Null for what fits no route.
    service: Option<&'static str>,
    /// All answers.
    requests: u64,
    /// With a status of 200 to 299.
    succeeded: u64,
    /// 300 to 399.
    redirected: u64,
    /// 400 to 499.
    refused: u64,
    /// 500 to 599.
    failed: u64,
    /// How long an answer took on average, in milliseconds.
    took_ms_average: f64,
}

/// The route table.
#[utoipa::path(get, path = "/api/v1/gateway/routes", responses((status = 200, body = GatewayRoutes), (status = 401), (status = 403)))]
pub async fn list_routes(State(app): State<App>) -> Result<axum::Json<GatewayRoutes>, Problem> {
    let mut data: Vec<GatewayRoute> = app.routes()?.into_iter().map(GatewayRoute::from).collect();
    data.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    Ok(axum::Json(GatewayRoutes { data }))
}

/// The services behind the gateway, and whether they answer.
#[utoipa::path(get, path = "/api/v1/gateway/upstreams", responses((status = 200, body = UpstreamList), (status = 401), (status = 403)))]
pub async fn list_upstreams(State(app): State<App>) -> Result<axum::Json<UpstreamList>, Problem> {
    let directory = app.directory()?;
    let asked = directory.services().into_iter().map(|service| {
        let (is_here, address, operators) = (directory.local_http(service).is_some(), directory.remote(service), &app.operators);
        async move {
            let (place, address) = match (is_here, address) {
                (true, _) => ("here", None),
                (false, None) => return Upstream { service, place: "absent", address: None, answers: false },
                (false, address) => ("elsewhere", address),
            };
            Upstream { service, place, address, answers: operators.answers(service).await }
        }
    });
    Ok(axum::Json(UpstreamList { data: join_all(asked).await }))
}

/// Which services in other processes are left alone for a while, since they did not answer.
#[utoipa::path(get, path = "/api/v1/gateway/breakers", responses((status = 200, body = BreakerList), (status = 401), (status = 403)))]
pub async fn list_breakers(State(app): State<App>) -> axum::Json<BreakerList> {
    let now = app.clock.now();
    let view = |(service, Standing { failures, open_until }): (&'static str, Standing)| {
        let state = match open_until {
            None => "closed",
            Some(until) if now < until => "open",
            Some(_) => "half_open",
        };
        BreakerView { service, state, failures, open_until }
    };
    axum::Json(BreakerList { data: app.breakers.standings().into_iter().map(view).collect() })
}

/// How many requests were answered how, by service, since this process began. Every process counts its own.
#[utoipa::path(get, path = "/api/v1/gateway/stats", responses((status = 200, body = GatewayStats), (status = 401), (status = 403)))]
pub async fn get_stats(State(app): State<App>) -> axum::Json<GatewayStats> {
    let services = app.stats.counted().into_iter().map(ServiceStats::from).collect();
    axum::Json(GatewayStats { since: app.stats.since, services })
}

impl From<RouteInfo> for GatewayRoute {
    fn from(route: RouteInfo) -> GatewayRoute {
        let who = match route.who {
            Who::Public => vec!["public"],
            Who::Guest => vec!["guest"],
            Who::User => vec!["user"],
            Who::Roles(roles) => roles.iter().map(|r| r.as_str()).collect(),
        };
        GatewayRoute {
            method: route.method.to_string(),
            path: route.path,
            service: route.service,
            who,
            body_limit_bytes: route.body_limit_bytes,
            timeout_seconds: route.timeout_seconds,
        }
    }
}

impl From<Counted> for ServiceStats {
    fn from(counted: Counted) -> ServiceStats {
        let [_, succeeded, redirected, refused, failed] = counted.answers;
        let requests: u64 = counted.answers.iter().sum();
        let took_ms_average = counted.took_us.checked_div(requests).unwrap_or(0) as f64 / 1_000.0;
        ServiceStats { service: counted.service, requests, succeeded, redirected, refused, failed, took_ms_average }
    }
}
