//! What stores take for carrying goods.

use axum::extract::State;
use contracts::VendorId;
use kit::http::{Ifs, Json, Query, etag};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::stores::expects;
use super::{StoreParams, own, owned};
use crate::app::App;
use crate::domain::shipping::Method;

/// How goods are shipped.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingMethods {
    /// In the order in which they are offered.
    data: Vec<Method>,
    /// Whether the store has said so itself; otherwise these are the marketplace's.
    own: bool,
}

/// A store's methods anew.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShippingBody {
    /// In place of all that there are; none for those of the marketplace.
    methods: Vec<Method>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MethodsParams {
    /// Of this store; of the marketplace where left out.
    vendor_id: Option<VendorId>,
}

/// With an entity tag.
type Tagged = ([(&'static str, String); 1], axum::Json<ShippingMethods>);

/// How a store ships, or how every store does that says nothing else.
#[utoipa::path(get, path = "/api/v1/shipping/methods", tag = "shipping", params(MethodsParams),
    responses((status = 200, body = ShippingMethods), (status = 404)))]
pub async fn list_methods(State(app): State<App>, Query(p): Query<MethodsParams>) -> Result<axum::Json<ShippingMethods>, Problem> {
    let Some(vendor) = p.vendor_id else {
        return Ok(axum::Json(ShippingMethods { data: app.shipping.to_vec(), own: false }));
    };
    Ok(axum::Json(view(app.shipping_of(vendor).await?)))
}

/// How the caller's own store ships.
#[utoipa::path(get, path = "/api/v1/vendors/store/shipping", tag = "vendors", params(StoreParams),
    responses((status = 200, body = ShippingMethods), (status = 404)))]
pub async fn get_shipping(State(app): State<App>, caller: Caller, Query(p): Query<StoreParams>) -> Result<Tagged, Problem> {
    let store = own(&app, &caller, p.vendor_id).await?;
    Ok(tagged(store.version, app.shipping_of(store.id).await?))
}

/// Replaces the shipping methods of the caller's own store; for its owner. Orders that were placed keep their price.
#[utoipa::path(put, path = "/api/v1/vendors/store/shipping", tag = "vendors", request_body = ShippingBody,
    params(StoreParams, ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = ShippingMethods), (status = 403), (status = 404), (status = 412), (status = 422)))]
pub async fn put_shipping(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Query(p): Query<StoreParams>,
    Json(body, _): Json<ShippingBody>,
) -> Result<Tagged, Problem> {
    let store = owned(&app, &caller, p.vendor_id).await?;
    let version = app.set_shipping(store, body.methods, expects(ifs)).await?;
    Ok(tagged(version, app.shipping_of(store).await?))
}

fn view((own, data): (bool, Vec<Method>)) -> ShippingMethods {
    ShippingMethods { data, own }
}

fn tagged(version: i64, methods: (bool, Vec<Method>)) -> Tagged {
    ([("etag", etag(version))], axum::Json(view(methods)))
}
