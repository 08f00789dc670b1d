//! Cash on delivery: what stores collected, what they handed over, and refunds that are paid out by hand.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{Money, PaymentId, RefundId, VendorId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, given, required_idempotency_key};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{admin, text};
use crate::app::{App, Asker, LateCash, RemittanceRequest, WriteOff};
use crate::domain::CashStatus;
use crate::store::{CashRow, RefundRow, RemittanceRow};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CashParams {
    /// Of this store only.
    vendor_id: Option<VendorId>,
    /// promised, short, collected, remitted or released.
    status: Option<String>,
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// Cash by payment and store, newest first: an administrator sees all of it, a store its own.
#[utoipa::path(get, path = "/api/v1/payments/cash", tag = "payments",
    params(CashParams), responses((status = 200, body = Page<CashRow>), (status = 400)))]
pub(super) async fn list_cash(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<CashParams>,
) -> Result<axum::Json<Page<CashRow>>, Problem> {
    let asker = asker(&caller)?;
    if let Some(status) = p.status.as_deref().filter(|s| !CashStatus::ALL.iter().any(|known| known.as_str() == *s)) {
        let text = format!("expected promised, short, collected, remitted or released, found {status:?}");
        return Err(Problem::bad_request("invalid_query", text));
    }
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("cash {asker:?} {:?} {:?}", p.vendor_id, p.status))?;
    let rows = app.cash(asker, p.vendor_id, p.status, page.clone()).await?;
    Ok(axum::Json(page.page(rows, |c: &CashRow| After { time: c.created_at, id: c.id })))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CollectBody {
    /// Whose part was short.
    vendor_id: VendorId,
    /// How much came; at most what is missing.
    amount: Money,
}

/// Records cash that came after the door for a part that was short.
#[utoipa::path(post, path = "/api/v1/payments/{id}/collect", tag = "payments", request_body = CollectBody,
    params(("id" = PaymentId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CashRow), (status = 404), (status = 409, description = "not_short, collection_exceeds_due, not_cash"), (status = 422)))]
pub(super) async fn collect(
    State(app): State<App>,
    caller: Caller,
    Path(payment_id): Path<PaymentId>,
    headers: HeaderMap,
    Json(body, raw): Json<CollectBody>,
) -> Result<Response, Problem> {
    let key = required_idempotency_key(&headers, &caller, &format!("POST /payments/{payment_id}/collect"), &raw)?;
    let request = LateCash { payment_id, vendor_id: body.vendor_id, amount: body.amount, key };
    given(app.collect(asker(&caller)?, request).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WriteOffBody {
    /// Whose part was short.
    vendor_id: VendorId,
    /// Why; at most 500 characters.
    reason: String,
}

/// Expects no more of a part that was short. The store is paid from what came.
#[utoipa::path(post, path = "/api/v1/payments/{id}/write-off", tag = "payments", request_body = WriteOffBody, params(("id" = PaymentId, Path)),
    responses((status = 200, body = CashRow), (status = 404), (status = 409, description = "not_short, not_cash"), (status = 422)))]
pub(super) async fn write_off(
    State(app): State<App>,
    caller: Caller,
    Path(payment_id): Path<PaymentId>,
    Json(body, _): Json<WriteOffBody>,
) -> Result<axum::Json<CashRow>, Problem> {
    admin(&caller)?;
    let reason = text("/reason", &body.reason)?;
    Ok(axum::Json(app.write_off(WriteOff { payment_id, vendor_id: body.vendor_id, reason }).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemittanceBody {
    /// The store that collected it, itself or by its carrier.
    vendor_id: VendorId,
    /// How much was handed over.
    amount: Money,
    /// Such as the number of a deposit slip; at most 500 characters.
    reference: String,
    /// Which payments it is for, at most 100; those that wait longest where left out.
    payments: Option<Vec<PaymentId>>,
}

/// Records cash that was handed over to the marketplace.
#[utoipa::path(post, path = "/api/v1/payments/cash/remittances", tag = "payments", request_body = RemittanceBody,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RemittanceRow), (status = 409, description = "remittance_exceeds_collected, remittance_mismatch"), (status = 422)))]
pub(super) async fn remit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<RemittanceBody>,
) -> Result<Response, Problem> {
    admin(&caller)?;
    let key = required_idempotency_key(&headers, &caller, "POST /payments/cash/remittances", &raw)?;
    let reference = text("/reference", &body.reference)?;
    let RemittanceBody { vendor_id, amount, payments, .. } = body;
    given(app.remit(RemittanceRequest { vendor_id, amount, reference, payments, key }).await?)
}

/// What was handed over, newest first.
#[utoipa::path(get, path = "/api/v1/payments/cash/remittances", tag = "payments",
    params(super::PageParams), responses((status = 200, body = Page<RemittanceRow>)))]
pub(super) async fn remittances(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<super::PageParams>,
) -> Result<axum::Json<Page<RemittanceRow>>, Problem> {
    admin(&caller)?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), "remittances")?;
    let rows = app.remittances(page.clone()).await?;
    Ok(axum::Json(page.page(rows, |r: &RemittanceRow| After { time: r.created_at, id: r.id.0 })))
}

/// Says that a refund of cash was paid out by hand.
#[utoipa::path(post, path = "/api/v1/payments/{id}/refunds/{refundId}/settle", tag = "payments",
    params(("id" = PaymentId, Path), ("refundId" = RefundId, Path)),
    responses((status = 200, body = RefundRow), (status = 404), (status = 409, description = "not_to_be_settled")))]
pub(super) async fn settle_refund(
    State(app): State<App>,
    caller: Caller,
    Path((payment, refund)): Path<(PaymentId, RefundId)>,
) -> Result<axum::Json<RefundRow>, Problem> {
    admin(&caller)?;
    Ok(axum::Json(app.settle_refund(payment, refund).await?))
}

/// Who asks about the money of stores.
pub(super) fn asker(caller: &Caller) -> Result<Asker, Problem> {
    match caller.user()? {
        _ if caller.has(&[Role::Admin]) => Ok(Asker::Admin),
        user if caller.has(&[Role::Vendor]) => Ok(Asker::Vendor(user.id)),
        _ => Err(Problem::forbidden("the money of stores is seen by them and by administrators")),
    }
}
