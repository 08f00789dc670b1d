//! Products out of the catalog.

use axum::extract::State;
use contracts::{ProductId, VendorId};
use kit::http::Query;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::ExportedProduct;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParams {
    /// The store; may be left out by a user with one store, and by an administrator who wants all.
    vendor_id: Option<VendorId>,
    /// 1 to 200; 100 where left out.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<ProductId>,
}

/// Products as an import takes them.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportPage {
    data: Vec<ExportedProduct>,
    /// Where the next page begins; null on the last.
    next: Option<ProductId>,
}

/// Every product of a store, whatever its status, in the order of their ids, as an import takes them.
#[utoipa::path(get, path = "/api/v1/products/exports", tag = "catalog", params(ExportParams),
    responses((status = 200, body = ExportPage), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn export_products(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<ExportParams>,
) -> Result<axum::Json<ExportPage>, Problem> {
    let limit = p.limit.unwrap_or(100);
    if !(1..=200).contains(&limit) {
        return Err(Problem::bad_request("invalid_limit", "limit is 1 to 200"));
    }
    let vendor = match caller.has(&[Role::Admin]) {
        true => p.vendor_id,
        false => Some(app.store_of_user(caller.user()?.id, p.vendor_id).await?.id),
    };
    let (data, next) = app.export(vendor, p.after, limit).await?;
    Ok(axum::Json(ExportPage { data, next }))
}
