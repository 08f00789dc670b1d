//! A service that says what it was asked, and fails in every way it is asked to.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kit::http::{Json, Path, Routes, Who};
use kit::{Caller, Context, Problem, Role, Service, ServiceDef};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

pub const SERVICE: ServiceDef = ServiceDef {
    name: "echo",
    migrations: &[],
    calls: &[],
    reads: &[],
    describe: || routes().describe(),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_| Ok(Service { http: routes().build(App), ..Service::default() }),
};

#[derive(Clone)]
struct App;

fn routes() -> Routes<App> {
    Routes::new("echo")
        .add(Who::Public, routes!(public))
        .add_limited(Who::Guest, 1_024, 30, routes!(guest))
        .add(Who::User, routes!(user))
        .add(Who::Roles(&[Role::Support, Role::Admin]), routes!(staff))
        .add(Who::Roles(&[Role::Support]), routes!(help))
        .add(Who::Roles(&[Role::Vendor]), routes!(sell))
        .add(Who::Roles(&[Role::Admin]), routes!(change_thing))
        .add(Who::Roles(&[Role::Admin]), routes!(staff_stream))
        .add(Who::Public, routes!(one))
        .add(Who::Public, routes!(panics))
        .add(Who::Public, routes!(panics_late))
        .add(Who::Public, routes!(bare))
        .add_limited(Who::Public, 1_024, 1, routes!(never))
        .add(Who::Public, routes!(held))
        .add(Who::Public, routes!(cancel))
        .add(Who::User, routes!(stream))
        .add(Who::Public, routes!(open_stream))
        .add(Who::Public, routes!(in_development))
}

async fn said(caller: Caller, headers: &HeaderMap, uri: &Uri) -> Value {
    let context = Context::current();
    let headers: BTreeMap<&str, String> =
        headers.iter().map(|(n, v)| (n.as_str(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    json!({
        "user": caller.user.as_ref().map(|u| u.id),
        "roles": caller.user.map(|u| u.roles.iter().map(|r| r.as_str()).collect::<Vec<_>>()),
        "cartToken": caller.cart_token,
        "address": caller.address,
        "headers": headers,
        "uri": uri.to_string(),
        "requestId": context.request_id,
        "traceparent": context.traceparent,
        "actor": context.actor,
        "deadline": context.deadline,
    })
}

#[utoipa::path(get, path = "/api/v1/echo", responses((status = 200)))]
async fn public(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[utoipa::path(post, path = "/api/v1/echo", request_body = Text, responses((status = 201)))]
async fn guest(caller: Caller, headers: HeaderMap, uri: Uri, Json(body, _): Json<Text>) -> (StatusCode, axum::Json<Value>) {
    let mut answer = said(caller, &headers, &uri).await;
    answer["text"] = json!(body.text);
    (StatusCode::CREATED, axum::Json(answer))
}

#[utoipa::path(get, path = "/api/v1/echo/user", responses((status = 200)))]
async fn user(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[utoipa::path(get, path = "/api/v1/echo/staff", responses((status = 200)))]
async fn staff(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[utoipa::path(get, path = "/api/v1/echo/help", responses((status = 200)))]
async fn help(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[utoipa::path(get, path = "/api/v1/echo/sell", responses((status = 200)))]
async fn sell(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[utoipa::path(put, path = "/api/v1/echo/things/{id}", responses((status = 200)))]
async fn change_thing(caller: Caller, headers: HeaderMap, uri: Uri) -> axum::Json<Value> {
    axum::Json(said(caller, &headers, &uri).await)
}

#[utoipa::path(get, path = "/api/v1/echo/staff-stream", responses((status = 200)))]
async fn staff_stream() -> Response {
    endless()
}

#[utoipa::path(get, path = "/api/v1/echo/things/{id}", responses((status = 200)))]
async fn one(Path(id): Path<Uuid>) -> axum::Json<Value> {
    axum::Json(json!({ "id": id }))
}

#[utoipa::path(get, path = "/api/v1/echo/panics", responses((status = 200)))]
async fn panics() -> StatusCode {
    panic!("out of cheese")
}

#[utoipa::path(post, path = "/api/v1/echo/panics", responses((status = 200)))]
async fn panics_late() -> StatusCode {
    tokio::task::yield_now().await;
    panic!("out of cheese")
}

#[utoipa::path(get, path = "/api/v1/echo/bare/{status}", responses((status = 200)))]
async fn bare(Path(status): Path<u16>) -> Response {
    (StatusCode::from_u16(status).unwrap(), "as a framework writes it").into_response()
}

#[utoipa::path(get, path = "/api/v1/echo/never", responses((status = 200)))]
async fn never() -> StatusCode {
    std::future::pending().await
}

/// What happens to a request that waits until a test lets it go on.
pub struct Hold {
    pub begun: Semaphore,
    pub go_on: Semaphore,
    pub done: Semaphore,
}

static HELD: LazyLock<Mutex<BTreeMap<String, Arc<Hold>>>> = LazyLock::new(Mutex::default);

pub fn hold(name: &str) -> Arc<Hold> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(Hold { begun: Semaphore::new(0), go_on: Semaphore::new(0), done: Semaphore::new(0) });
    held.entry(name.to_owned()).or_insert_with(new).clone()
}

#[utoipa::path(post, path = "/api/v1/echo/held/{name}", responses((status = 204)))]
async fn held(Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let hold = hold(&name);
    hold.begun.add_permits(1);
    hold.go_on.acquire().await.map_err(Problem::internal)?.forget();
    hold.done.add_permits(1);
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(put, path = "/api/v1/orders/{id}/cancel", responses((status = 200)))]
async fn cancel(Path(id): Path<String>, uri: Uri) -> axum::Json<Value> {
    axum::Json(json!({"id": id, "uri": uri.to_string()}))
}

/// Says one thing, and nothing more for ever.
fn endless() -> Response {
    let said = futures::stream::iter([Ok::<_, std::io::Error>("data: here\n\n")]);
    let body = axum::body::Body::from_stream(futures::StreamExt::chain(said, futures::stream::pending()));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[utoipa::path(get, path = "/api/v1/echo/stream", responses((status = 200)))]
async fn stream() -> Response {
    endless()
}

#[utoipa::path(get, path = "/api/v1/echo/open-stream", responses((status = 200)))]
async fn open_stream() -> Response {
    endless()
}

#[utoipa::path(get, path = "/dev/echo", responses((status = 200)))]
async fn in_development() -> StatusCode {
    StatusCode::OK
}
