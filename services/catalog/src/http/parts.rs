//! Variants and pictures of products.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::{ProductId, VariantId};
use kit::http::{Ifs, Json, Path, idempotency_key};
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Tagged, given, seller, tagged};
use crate::app::{App, Edit};
use crate::domain::{Media, MediaInput, Product, Variant, VariantInput};

/// Adds a variant to a product.
#[utoipa::path(post, path = "/api/v1/products/{id}/variants", tag = "catalog",
    params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header), ("Idempotency-Key" = Option<String>, Header)), request_body = VariantInput,
    responses((status = 201, body = Variant), (status = 404), (status = 409, description = "sku_taken"), (status = 412), (status = 422)))]
pub(super) async fn add_variant(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    ifs: Ifs,
    Path(product): Path<ProductId>,
    Json(input, raw): Json<VariantInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, &format!("POST /products/{product}/variants"), &raw)?;
    let seller = seller(&app, &caller).await?;
    given(app.add_variant(Edit { seller, product, ifs }, input, key).await?)
}

/// Replaces a variant. `If-Match` is the product's tag.
#[utoipa::path(put, path = "/api/v1/products/{id}/variants/{variantId}", tag = "catalog",
    params(("id" = ProductId, Path), ("variantId" = VariantId, Path), ("If-Match" = Option<String>, Header)), request_body = VariantInput,
    responses((status = 200, body = Variant), (status = 404), (status = 409, description = "sku_taken"), (status = 412), (status = 422)))]
pub(super) async fn change_variant(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path((product, variant)): Path<(ProductId, VariantId)>,
    Json(input, _): Json<VariantInput>,
) -> Result<Tagged<Variant>, Problem> {
    let seller = seller(&app, &caller).await?;
    let (now, version) = app.change_variant(Edit { seller, product, ifs }, variant, input).await?;
    Ok(tagged(version, now))
}

/// Takes a variant from sale; its sku brings it back.
#[utoipa::path(delete, path = "/api/v1/products/{id}/variants/{variantId}", tag = "catalog",
    params(("id" = ProductId, Path), ("variantId" = VariantId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 404), (status = 409, description = "last_variant"), (status = 412)))]
pub(super) async fn remove_variant(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path((product, variant)): Path<(ProductId, VariantId)>,
) -> Result<StatusCode, Problem> {
    let seller = seller(&app, &caller).await?;
    app.remove_variant(Edit { seller, product, ifs }, variant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a picture behind the others.
#[utoipa::path(post, path = "/api/v1/products/{id}/media", tag = "catalog",
    params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header), ("Idempotency-Key" = Option<String>, Header)), request_body = MediaInput,
    responses((status = 201, body = Media), (status = 404), (status = 409, description = "too_many"), (status = 412), (status = 422)))]
pub(super) async fn add_picture(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    ifs: Ifs,
    Path(product): Path<ProductId>,
    Json(input, raw): Json<MediaInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, &format!("POST /products/{product}/media"), &raw)?;
    let seller = seller(&app, &caller).await?;
    given(app.add_picture(Edit { seller, product, ifs }, input, key).await?)
}

/// Takes a picture away.
#[utoipa::path(delete, path = "/api/v1/products/{id}/media/{mediaId}", tag = "catalog",
    params(("id" = ProductId, Path), ("mediaId" = Uuid, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 404), (status = 412)))]
pub(super) async fn remove_picture(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path((product, picture)): Path<(ProductId, Uuid)>,
) -> Result<StatusCode, Problem> {
    let seller = seller(&app, &caller).await?;
    app.remove_picture(Edit { seller, product, ifs }, picture).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    /// Every picture of the product, the first first.
    ids: Vec<Uuid>,
}

/// Puts the pictures in another order.
#[utoipa::path(put, path = "/api/v1/products/{id}/media/order", tag = "catalog",
    params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header)), request_body = OrderBody,
    responses((status = 200, body = Product), (status = 404), (status = 412), (status = 422)))]
pub(super) async fn order_pictures(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(product): Path<ProductId>,
    Json(body, _): Json<OrderBody>,
) -> Result<Tagged<Product>, Problem> {
    let seller = seller(&app, &caller).await?;
    let now = app.order_pictures(Edit { seller, product, ifs }, body.ids).await?;
    Ok(tagged(now.version, now))
}
