//! Orders from elsewhere, in and out.

use axum::extract::State;
use contracts::OrderId;
use kit::Problem;
use kit::http::{Json, Query};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::{ImportedOrderInput, field};
use crate::error::Error;

/// The most orders in one request.
const ORDERS_MAX: usize = 200;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImportBody {
    /// 1 to 200.
    orders: Vec<ImportedOrderInput>,
    /// Says what would be done, and writes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What became of one order.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportOutcome {
    /// created, updated, unchanged or refused.
    outcome: &'static str,
    /// What is wrong with it; pointers begin at the order.
    #[schema(value_type = Vec<Object>)]
    errors: Vec<FieldError>,
}

/// One for each order, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportOutcomes {
    data: Vec<ImportOutcome>,
}

/// Brings orders in that were placed elsewhere, by source and number, each wholly or not at all: as records, for which no
/// stock is held, no money moves and nobody is written to. The same again brings them up to date.
#[utoipa::path(post, path = "/api/v1/orders/imports", tag = "orders", request_body = ImportBody,
    responses((status = 200, body = ImportOutcomes), (status = 401), (status = 403), (status = 422)))]
pub(super) async fn import_orders(State(app): State<App>, Json(body, _): Json<ImportBody>) -> Result<axum::Json<ImportOutcomes>, Problem> {
    if !(1..=ORDERS_MAX).contains(&body.orders.len()) {
        return Err(Error::Invalid(vec![field("/orders", "count", "send 1 to 200 orders at once")]).into());
    }
    let done = app.import(body.orders, body.dry_run, false).await?;
    let data = done.into_iter().map(|brought| {
        let (outcome, errors) = brought.told();
        ImportOutcome { outcome, errors }
    });
    Ok(axum::Json(ImportOutcomes { data: data.collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParams {
    /// 1 to 200; 100 where left out.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<OrderId>,
}

/// Orders as an import takes them.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportPage {
    data: Vec<ImportedOrderInput>,
    /// Where the next page begins; null on the last.
    next: Option<OrderId>,
}

/// Every order that was sold, in the order of their ids, as an import takes them.
#[utoipa::path(get, path = "/api/v1/orders/exports", tag = "orders", params(ExportParams),
    responses((status = 200, body = ExportPage), (status = 401), (status = 403)))]
pub(super) async fn export_orders(State(app): State<App>, Query(p): Query<ExportParams>) -> Result<axum::Json<ExportPage>, Problem> {
    let limit = p.limit.unwrap_or(100);
    if !(1..=200).contains(&limit) {
        return Err(Problem::bad_request("invalid_limit", "limit is 1 to 200"));
    }
    let (data, next) = app.export(p.after, limit).await?;
    Ok(axum::Json(ExportPage { data, next }))
}
