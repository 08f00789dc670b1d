//! The tree in which products are filed.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::CategoryId;
use kit::http::{Ifs, Json, Page, Path, idempotency_key};
use kit::{Caller, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::filters::ListParams;
use super::products::{Within, list};
use super::{Tagged, given, tagged};
use crate::app::{App, CategoryPage};
use crate::domain::{CategoryInput, CategoryNode, Product};

#[derive(Serialize, ToSchema)]
pub(super) struct Categories {
    data: Vec<CategoryNode>,
}

/// The whole tree, each category with the published products in it or below it.
#[utoipa::path(get, path = "/api/v1/categories", tag = "catalog", responses((status = 200, body = Categories)))]
pub(super) async fn list_categories(State(app): State<App>) -> Result<axum::Json<Categories>, Problem> {
    Ok(axum::Json(Categories { data: app.categories().await? }))
}

/// One category, by id or slug, with what is above and below it.
#[utoipa::path(get, path = "/api/v1/categories/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, body = CategoryPage), (status = 404)))]
pub(super) async fn get_category(State(app): State<App>, Path(id): Path<String>) -> Result<Tagged<CategoryPage>, Problem> {
    let found = app.category(id).await?;
    Ok(tagged(found.node.category.version, found))
}

/// Published products in a category or below it, newest first.
#[utoipa::path(get, path = "/api/v1/categories/{id}/products", tag = "catalog", params(("id" = String, Path, description = "id or slug"), ListParams),
    responses((status = 200, body = Page<Product>), (status = 404)))]
pub(super) async fn list_products_in_category(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let category = app.category_id(id).await?;
    list(&app, &caller, query, Within::Category(category)).await
}

/// Adds a category.
#[utoipa::path(post, path = "/api/v1/categories", tag = "catalog", request_body = CategoryInput,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CategoryNode), (status = 409, description = "slug_taken"), (status = 422)))]
pub(super) async fn create_category(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(input, raw): Json<CategoryInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, "POST /categories", &raw)?;
    given(app.add_category(input, key).await?)
}

/// Replaces a category; where its parent changes, all below it moves along.
#[utoipa::path(put, path = "/api/v1/categories/{id}", tag = "catalog",
    params(("id" = CategoryId, Path), ("If-Match" = Option<String>, Header)), request_body = CategoryInput,
    responses((status = 200, body = CategoryPage), (status = 404), (status = 409, description = "slug_taken"), (status = 412), (status = 422)))]
pub(super) async fn change_category(
    State(app): State<App>,
    ifs: Ifs,
    Path(id): Path<CategoryId>,
    Json(input, _): Json<CategoryInput>,
) -> Result<Tagged<CategoryPage>, Problem> {
    let changed = app.change_category(id, input, ifs).await?;
    Ok(tagged(changed.node.category.version, changed))
}

/// Takes away a category in which nothing lies.
#[utoipa::path(delete, path = "/api/v1/categories/{id}", tag = "catalog", params(("id" = CategoryId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 404), (status = 409, description = "not_empty"), (status = 412)))]
pub(super) async fn delete_category(State(app): State<App>, ifs: Ifs, Path(id): Path<CategoryId>) -> Result<StatusCode, Problem> {
    app.delete_category(id, ifs).await?;
    Ok(StatusCode::NO_CONTENT)
}
