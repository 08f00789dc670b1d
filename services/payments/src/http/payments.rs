//! `/payments`: what payers, stores and administrators see and do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::events::payments::RefundedItem;
use contracts::{Money, OrderId, PaymentId, Time, VendorId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, required_idempotency_key, respond};
use kit::problem::FieldError;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{App, Asker, RefundRequest, Shown};
use crate::domain::RefundWanted;
use crate::provider::METHODS;
use crate::store::{CashRow, RefundRow};

/// Who may read everybody's payments.
const READERS: &[Role] = &[Role::Support, Role::Admin];

/// A payment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    /// The payment.
    id: PaymentId,
    /// What it pays for.
    order_id: OrderId,
    /// requires_action, processing, completed, failed, cancelled, refunded or partially_refunded.
    status: String,
    /// How it is paid.
    method: String,
    /// How much.
    amount: Money,
    /// What is set aside for refunds or has gone back.
    refunded: Money,
    /// Who moves the money.
    provider: String,
    /// What the payer must do; left out when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    /// What is paid at the door, by store; left out for other methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cash: Vec<Cash>,
    /// When it was begun.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

/// What the payer must do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Action {
    /// redirect.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where to.
    url: String,
}

/// What one store's part brings in cash.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaymentCash)]
struct Cash {
    vendor_id: VendorId,
    /// promised, short, collected, remitted or released.
    status: String,
    due: Money,
    collected: Money,
    missing: Money,
}

impl From<Shown> for Payment {
    fn from(Shown { row, cash }: Shown) -> Payment {
        let url = row.action_url.filter(|_| row.status == "requires_action");
        Payment {
            id: row.id,
            order_id: row.order_id,
            status: row.status,
            provider: row.method.clone(),
            method: row.method,
            amount: row.amount,
            refunded: row.refunded,
            action: url.map(|url| Action { kind: "redirect", url }),
            cash: cash.into_iter().map(Cash::from).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<CashRow> for Cash {
    fn from(c: CashRow) -> Cash {
        Cash { vendor_id: c.vendor_id, status: c.status, due: c.due, collected: c.collected, missing: c.missing }
    }
}

/// Payments, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Payments {
    data: Vec<Payment>,
}

/// One payment, for its payer.
#[utoipa::path(get, path = "/api/v1/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Payment), (status = 404)))]
pub(super) async fn get_payment(State(app): State<App>, caller: Caller, Path(id): Path<PaymentId>) -> Result<axum::Json<Payment>, Problem> {
    let owner = super::owner(&caller, READERS)?;
    Ok(axum::Json(app.payment(owner, id).await?.into()))
}

/// The payments of an order, for its payer.
#[utoipa::path(get, path = "/api/v1/payments/order/{orderId}", tag = "payments", params(("orderId" = OrderId, Path)),
    responses((status = 200, body = Payments), (status = 404)))]
pub(super) async fn of_order(State(app): State<App>, caller: Caller, Path(order): Path<OrderId>) -> Result<axum::Json<Payments>, Problem> {
    let owner = super::owner(&caller, READERS)?;
    let found = app.of_order(owner, order).await?;
    Ok(axum::Json(Payments { data: found.into_iter().map(Payment::from).collect() }))
}

/// The caller's payments, newest first.
#[utoipa::path(get, path = "/api/v1/payments/history", tag = "payments", params(super::PageParams), responses((status = 200, body = Page<Payment>)))]
pub(super) async fn history(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<super::PageParams>,
) -> Result<axum::Json<Page<Payment>>, Problem> {
    let user = caller.user()?.id;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), "payments history")?;
    let rows = app.history(user, page.clone()).await?.into_iter().map(Payment::from).collect();
    Ok(axum::Json(page.page(rows, |p: &Payment| After { time: p.created_at, id: p.id.0 })))
}

/// A way to pay.
#[derive(Serialize, ToSchema)]
struct PaymentMethod {
    /// Its name in `paymentMethod` of an order.
    method: &'static str,
    /// For people.
    title: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(super) struct PaymentMethods {
    data: Vec<PaymentMethod>,
}

/// What a shopper can pay with here.
#[utoipa::path(get, path = "/api/v1/payments/methods", tag = "payments", responses((status = 200, body = PaymentMethods)))]
pub(super) async fn methods() -> axum::Json<PaymentMethods> {
    let data = METHODS.map(|m| PaymentMethod { method: m.as_str(), title: m.title() });
    axum::Json(PaymentMethods { data: data.into() })
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InitiateBody {
    /// Which order is to be paid.
    order_id: OrderId,
}

/// What the payer of an order has to do now: its `action`, left out where that is nothing. An order begins its payment by
/// itself, so this begins none; it is how a payer who left comes back to it.
#[utoipa::path(post, path = "/api/v1/payments/initiate", tag = "payments", request_body = InitiateBody,
    responses((status = 200, body = Payment), (status = 401), (status = 404)))]
pub(super) async fn initiate(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<InitiateBody>,
) -> Result<axum::Json<Payment>, Problem> {
    let owner = super::owner(&caller, &[Role::Admin])?;
    let newest = app.of_order(owner, body.order_id).await?.into_iter().next();
    Ok(axum::Json(newest.ok_or_else(|| Problem::not_found("payment of this order"))?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConfirmBody {
    /// Which payment.
    payment_id: PaymentId,
}

/// Asks the provider how a payment stands; safe to call any number of times.
#[utoipa::path(post, path = "/api/v1/payments/confirm", tag = "payments", request_body = ConfirmBody,
    responses((status = 200, body = Payment), (status = 404), (status = 503)))]
pub(super) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<ConfirmBody>,
) -> Result<axum::Json<Payment>, Problem> {
    let owner = super::owner(&caller, &[Role::Admin])?;
    Ok(axum::Json(app.confirm(owner, body.payment_id).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RefundBody {
    /// How much; instead of `items`.
    amount: Option<Money>,
    /// For which pieces: what was paid for them goes back. Instead of `amount`.
    items: Option<Vec<RefundedItem>>,
    /// Why; at most 500 characters.
    reason: String,
}

/// Gives money back: an administrator up to what was captured, a store up to its own part.
#[utoipa::path(post, path = "/api/v1/payments/{id}/refund", tag = "payments", request_body = RefundBody,
    params(("id" = PaymentId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = RefundRow), (status = 404), (status = 409), (status = 422)))]
pub(super) async fn refund(
    State(app): State<App>,
    caller: Caller,
    Path(payment_id): Path<PaymentId>,
    headers: HeaderMap,
    Json(body, raw): Json<RefundBody>,
) -> Result<Response, Problem> {
    let asker = match caller.user()? {
        _ if caller.has(&[Role::Admin]) => Asker::Admin,
        user if caller.has(&[Role::Vendor]) => Asker::Vendor(user.id),
        _ => return Err(Problem::forbidden("a refund is made by an administrator or by the store that was paid")),
    };
    let key = required_idempotency_key(&headers, &caller, &format!("POST /payments/{payment_id}/refund"), &raw)?;
    let reason = super::text("/reason", &body.reason)?;
    let wanted = match (body.amount, body.items) {
        (Some(amount), None) => RefundWanted::Amount(amount),
        (None, Some(items)) => RefundWanted::Items(items),
        _ => return Err(Problem::invalid(vec![one_of("/amount"), one_of("/items")])),
    };
    let (answer, replayed) = app.refund_for(asker, RefundRequest { payment_id, wanted, reason, key }).await?;
    Ok(respond(answer, replayed))
}

fn one_of(pointer: &str) -> FieldError {
    let detail = "a refund names an amount or items, and not both".to_owned();
    FieldError { pointer: pointer.into(), code: "amount_or_items", detail }
}
