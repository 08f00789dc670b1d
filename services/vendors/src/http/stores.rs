//! What stores say of themselves.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contracts::VendorId;
use kit::http::{Ifs, Json, Path, Query, etag};
use kit::{Caller, Problem, Role};

use super::{StoreParams, own};
use crate::app::App;
use crate::domain::{Store, StoreChange};
use crate::error::Error;

/// The caller's own store.
#[utoipa::path(get, path = "/api/v1/vendors/store", tag = "vendors", params(StoreParams),
    responses((status = 200, body = Store), (status = 404), (status = 422, description = "vendor_id_needed, with the caller's stores")))]
pub async fn my_store(State(app): State<App>, caller: Caller, Query(p): Query<StoreParams>) -> Result<Response, Problem> {
    Ok(tagged(own(&app, &caller, p.vendor_id).await?))
}

/// Changes what the caller's own store says of itself. What is left out stays.
#[utoipa::path(put, path = "/api/v1/vendors/store", tag = "vendors", request_body = StoreChange,
    params(StoreParams, ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Store), (status = 404), (status = 412), (status = 422)))]
pub async fn put_my_store(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Query(p): Query<StoreParams>,
    Json(body, _): Json<StoreChange>,
) -> Result<Response, Problem> {
    let store = own(&app, &caller, p.vendor_id).await?;
    Ok(tagged(app.change(store.id, body, expects(ifs)).await?))
}

/// A store's shop window, by its id or slug.
#[utoipa::path(get, path = "/api/v1/vendors/{id}", tag = "vendors",
    params(("id" = String, Path)), responses((status = 200, body = Store), (status = 404)))]
pub async fn get_store(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = match id.parse::<VendorId>() {
        Ok(id) => app.store(id).await?,
        Err(_) => app.stores_named(vec![id]).await?.pop().ok_or(Error::NoStore)?,
    };
    Ok(tagged(found))
}

/// Changes what a store says of itself: one's own, or any as an administrator.
#[utoipa::path(put, path = "/api/v1/vendors/{id}", tag = "vendors",
    params(("id" = VendorId, Path), ("If-Match" = Option<String>, Header)), request_body = StoreChange,
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
