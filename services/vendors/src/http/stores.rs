//! What stores say of themselves.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contracts::VendorId;
use kit::http::{Ifs, Json, Path};
use kit::{Caller, Problem, Role};

use super::own;
use crate::app::App;
use crate::domain::{Store, StoreChange};

/// The caller's own store.
#[utoipa::path(get, path = "/api/v1/vendors/store", tag = "vendors", responses((status = 200, body = Store), (status = 404)))]
pub async fn my_store(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(tagged(own(&app, &caller).await?))
}

/// Changes what the caller's own store says of itself. What is left out stays.
#[utoipa::path(put, path = "/api/v1/vendors/store", tag = "vendors", request_body = StoreChange,
    responses((status = 200, body = Store), (status = 404), (status = 412), (status = 422)))]
pub async fn put_my_store(State(app): State<App>, caller: Caller, ifs: Ifs, Json(body, _): Json<StoreChange>) -> Result<Response, Problem> {
    let store = own(&app, &caller).await?;
    Ok(tagged(app.change(store.id, body, expects(ifs)).await?))
}

/// A store's shop window.
#[utoipa::path(get, path = "/api/v1/vendors/{id}", tag = "vendors", params(("id" = VendorId, Path)), responses((status = 200, body = Store), (status = 404)))]
pub async fn get_store(State(app): State<App>, Path(id): Path<VendorId>) -> Result<Response, Problem> {
    Ok(tagged(app.store(id).await?))
}

/// Changes what a store says of itself: one's own, or any as an administrator.
#[utoipa::path(put, path = "/api/v1/vendors/{id}", tag = "vendors", params(("id" = VendorId, Path)), request_body = StoreChange,
    responses((status = 200, body = Store), (status = 404), (status = 412), (status = 422)))]
pub async fn put_store(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<VendorId>,
    ifs: Ifs,
    Json(body, _): Json<StoreChange>,
) -> Result<Response, Problem> {
    let user = caller.user()?.id;
    if !caller.has(&[Role::Admin]) && app.stores_of(user).await?.iter().all(|s| s.id != id) {
        return Err(Problem::not_found("store"));
    }
    Ok(tagged(app.change(id, body, expects(ifs)).await?))
}

pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

pub(super) fn expects(ifs: Ifs) -> impl Fn(i64) -> bool + Send + 'static {
    move |version| ifs.check(&etag(version)).is_ok()
}

fn tagged(store: Store) -> Response {
    let tag = HeaderValue::from_str(&etag(store.version));
    let mut response = axum::Json(store).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
