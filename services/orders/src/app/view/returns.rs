//! Returns as callers read them.

use contracts::events::orders::ReturnedLine;
use contracts::{Money, OrderId, OrderLineId, ProductId, RefundId, ReturnId, Time, VariantId, VendorId, VendorOrderId};
use kit::idempotency::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Order, Return, ReturnStatus};

/// Goods on their way back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Return)]
pub(crate) struct ReturnView {
    id: ReturnId,
    order_id: OrderId,
    /// Of the order, for people.
    number: String,
    vendor_order_id: VendorOrderId,
    vendor_id: VendorId,
    status: ReturnStatus,
    items: Vec<ReturnItemView>,
    /// The shopper's words.
    reason: String,
    /// Why it was rejected.
    answer: Option<String>,
    /// Null until the money is on its way back.
    refund: Option<ReturnRefundView>,
    created_at: Time,
    updated_at: Time,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReturnedItem)]
struct ReturnItemView {
    line_id: OrderLineId,
    variant_id: VariantId,
    product_id: ProductId,
    title: String,
    quantity: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReturnRefund)]
struct ReturnRefundView {
    /// Null where nothing was left to give back.
    id: Option<RefundId>,
    amount: Money,
}

/// A return of an order.
pub(crate) fn return_of(order: &Order, id: ReturnId) -> Option<ReturnView> {
    order.return_of(id).map(|r| returned(order, r))
}

/// Every return of an order, in the order in which they were asked for.
pub(crate) fn returns(order: &Order) -> Vec<ReturnView> {
    order.returns.iter().map(|r| returned(order, r)).collect()
}

fn returned(order: &Order, r: &Return) -> ReturnView {
    let title = |l: &ReturnedLine| {
        order.part(r.part).and_then(|p| p.lines.iter().find(|known| known.line_id == l.line_id)).map(|l| l.title.clone())
    };
    let item = |l: &ReturnedLine| ReturnItemView {
        line_id: l.line_id,
        variant_id: l.variant_id,
        product_id: l.product_id,
        title: title(l).unwrap_or_default(),
        quantity: l.quantity,
    };
    ReturnView {
        id: r.id,
        order_id: order.id,
        number: order.number.clone(),
        vendor_order_id: r.part,
        vendor_id: r.vendor_id,
        status: r.status,
        items: r.lines.iter().map(item).collect(),
        reason: r.reason.clone(),
        answer: r.answer.clone(),
        refund: r.refunded.map(|amount| ReturnRefundView { id: r.refund, amount: Money::new(amount, order.totals.total.currency) }),
        created_at: r.created_at,
        updated_at: r.updated_at,
    }
}

/// The answer to `POST /orders/{id}/return`, as it is repeated for its key.
pub(crate) fn return_answer(order: &Order, id: ReturnId) -> Option<Answer> {
    let body = serde_json::to_vec(&return_of(order, id)?).expect("a return always makes JSON");
    Some(Answer { status: 201, location: Some(format!("/api/v1/returns/{id}")), body })
}
