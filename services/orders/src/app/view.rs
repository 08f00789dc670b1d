//! Orders as callers read them. Commission is the store's business: a shopper does not see it.

mod invoice;
mod quote;
mod returns;

use std::collections::BTreeMap;

use contracts::events::orders::{Address, Line, Totals};
use contracts::{Money, OrderId, OrderLineId, PaymentId, ProductId, SagaId, Time, UserId, VariantId, VendorId, VendorOrderId};
use kit::idempotency::Answer;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use invoice::{Fonts, InvoiceView};
pub(crate) use quote::{CartQuoteView, ShippingQuote, cart_quote, shipping_quote};
pub(crate) use returns::{ReturnView, return_answer, return_of, returns};

use crate::domain::{COD, CarrierStatus, Contact, Imported, Order, OrderStatus, Part, PartStatus, Tracking};
use crate::store::CarrierStep;

/// An order, for its shopper.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub(crate) struct OrderView {
    id: OrderId,
    /// For people.
    number: String,
    status: OrderStatus,
    /// Null for a guest.
    user_id: Option<UserId>,
    vendor_orders: Vec<PartView>,
    totals: Totals,
    /// Null where nothing is shipped.
    shipping_address: Option<Address>,
    /// Null where the order was placed elsewhere.
    saga_id: Option<SagaId>,
    /// Null until the provider was asked.
    payment: Option<PaymentView>,
    /// Why it failed or was cancelled.
    reason: Option<String>,
    /// Where it was placed, when that was elsewhere: then it is a record, and nothing happens to it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<Imported>,
    note: Option<String>,
    created_at: Time,
    updated_at: Time,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderPart)]
struct PartView {
    id: VendorOrderId,
    vendor_id: VendorId,
    status: PartStatus,
    items: Vec<ItemView>,
    shipping_method: String,
    totals: Totals,
    tracking: Option<Tracking>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderItem)]
struct ItemView {
    id: OrderLineId,
    variant_id: VariantId,
    product_id: ProductId,
    title: String,
    /// physical, digital or course.
    kind: String,
    quantity: i64,
    unit_price: Money,
    line_total: Money,
    /// In the total of the line, or on it.
    tax: Money,
    /// At this rate, in 1/100 of a percent; null where it was sold before rates were kept.
    tax_basis_points: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<Money>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderPayment)]
struct PaymentView {
    id: PaymentId,
    /// requires_action, processing, completed, failed, cancelled, refunded or partially_refunded.
    status: &'static str,
    method: String,
    amount: Money,
    /// What the payer has to do; absent where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ActionView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PaymentAction)]
struct ActionView {
    /// redirect
    r#type: &'static str,
    url: String,
}

/// One store's part of an order, for the store.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VendorOrder)]
pub(crate) struct VendorOrderView {
    id: VendorOrderId,
    order_id: OrderId,
    /// Of the whole order, for people.
    number: String,
    vendor_id: VendorId,
    status: PartStatus,
    items: Vec<ItemView>,
    shipping_method: String,
    totals: Totals,
    /// What the marketplace keeps of it.
    commission: Money,
    /// How the order is paid.
    payment_method: String,
    /// What is to be taken at the door; null where that is nothing.
    to_collect: Option<Money>,
    /// What was taken at the door.
    collected: Option<Money>,
    /// Null until the order is confirmed, and once it has ended without a sale.
    shipping_address: Option<Address>,
    note: Option<String>,
    tracking: Option<Tracking>,
    /// Where it was placed, when that was elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<Imported>,
    created_at: Time,
    updated_at: Time,
}

/// An order, and the parts of it that somebody may move on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fulfilment)]
pub(crate) struct FulfilmentView {
    id: OrderId,
    /// For people.
    number: String,
    /// Of the whole order.
    status: OrderStatus,
    vendor_orders: Vec<VendorOrderView>,
}

/// The way of one part to the shopper.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrackingView {
    vendor_order_id: VendorOrderId,
    vendor_id: VendorId,
    status: PartStatus,
    carrier: Option<String>,
    number: Option<String>,
    /// What the store says of it. Oldest first.
    steps: Vec<StepView>,
    /// What the carrier says of it. Oldest first, by the carrier's clock.
    carrier_steps: Vec<CarrierStepView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TrackingStep)]
struct StepView {
    status: PartStatus,
    time: Time,
}

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = CarrierStep)]
struct CarrierStepView {
    status: CarrierStatus,
    time: Time,
    /// Where it was; null where the carrier says nothing of it.
    location: Option<String>,
    /// In the carrier's words.
    note: Option<String>,
}

/// An order, for its shopper.
pub(crate) fn order(order: &Order, contact: &Contact) -> OrderView {
    OrderView {
        id: order.id,
        number: order.number.clone(),
        status: order.status(),
        user_id: order.user_id,
        vendor_orders: order.parts.iter().map(part).collect(),
        totals: order.totals.clone(),
        shipping_address: contact.address.clone(),
        saga_id: Some(order.saga_id).filter(|_| order.imported.is_none()),
        payment: payment(order),
        reason: order.reason.clone(),
        imported: order.imported.clone(),
        note: contact.note.clone(),
        created_at: order.created_at,
        updated_at: order.updated_at,
    }
}

/// One part, for its store.
pub(crate) fn vendor_order(order: &Order, part: &Part, contact: &Contact) -> VendorOrderView {
    let sold = part.status >= PartStatus::Confirmed;
    let commission = part.lines.iter().map(|l| l.commission.amount).sum();
    let currency = part.totals.total.currency;
    VendorOrderView {
        id: part.id,
        order_id: order.id,
        number: order.number.clone(),
        vendor_id: part.vendor_id,
        status: part.status,
        items: part.lines.iter().map(|l| ItemView { commission: Some(l.commission), ..item(l) }).collect(),
        shipping_method: part.shipping_method.clone(),
        totals: part.totals.clone(),
        commission: Money::new(commission, currency),
        payment_method: order.payment.method.clone(),
        to_collect: part.to_collect(&order.payment),
        collected: part.collected.map(|amount| Money::new(amount, currency)),
        shipping_address: contact.address.clone().filter(|_| sold && !part.is_digital()),
        note: contact.note.clone().filter(|_| sold),
        tracking: part.tracking.clone(),
        imported: order.imported.clone(),
        created_at: order.created_at,
        updated_at: order.updated_at,
    }
}

/// The answer to whoever moved these parts, as it is repeated for its key.
pub(crate) fn fulfilment_answer(order: &Order, parts: &[VendorOrderId], contact: &Contact) -> Answer {
    let moved = order.parts.iter().filter(|p| parts.contains(&p.id));
    let view = FulfilmentView {
        id: order.id,
        number: order.number.clone(),
        status: order.status(),
        vendor_orders: moved.map(|p| vendor_order(order, p, contact)).collect(),
    };
    Answer { status: 200, location: None, body: serde_json::to_vec(&view).expect("an order always makes JSON") }
}

/// The way of each part, with what carriers say of it.
pub(crate) fn tracking(order: &Order, told: &BTreeMap<VendorOrderId, Vec<CarrierStep>>) -> Vec<TrackingView> {
    let carrier_step = |step: &CarrierStep| {
        let CarrierStep { status, time, location, note } = step.clone();
        CarrierStepView { status, time, location, note }
    };
    let view = |part: &Part| TrackingView {
        vendor_order_id: part.id,
        vendor_id: part.vendor_id,
        status: part.status,
        carrier: part.tracking.as_ref().and_then(|t| t.carrier.clone()),
        number: part.tracking.as_ref().and_then(|t| t.number.clone()),
        steps: part.steps.iter().map(|(status, time)| StepView { status: *status, time: *time }).collect(),
        carrier_steps: told.get(&part.id).into_iter().flatten().map(carrier_step).collect(),
    };
    order.parts.iter().map(view).collect()
}

/// The answer to `POST /orders`, as it is repeated for its key.
pub(crate) fn answer(placed: &Order, contact: &Contact) -> Answer {
    let body = serde_json::to_vec(&order(placed, contact)).expect("an order always makes JSON");
    Answer { status: 201, location: Some(location(placed.id)), body }
}

/// Where an order is.
pub(crate) fn location(id: OrderId) -> String {
    format!("/api/v1/orders/{id}")
}

fn part(part: &Part) -> PartView {
    PartView {
        id: part.id,
        vendor_id: part.vendor_id,
        status: part.status,
        items: part.lines.iter().map(item).collect(),
        shipping_method: part.shipping_method.clone(),
        totals: part.totals.clone(),
        tracking: part.tracking.clone(),
    }
}

fn item(line: &Line) -> ItemView {
    ItemView {
        id: line.line_id,
        variant_id: line.variant_id,
        product_id: line.product_id,
        title: line.title.clone(),
        kind: line.kind.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        line_total: line.line_total,
        tax: line.tax,
        tax_basis_points: line.tax_basis_points,
        commission: None,
    }
}

fn payment(order: &Order) -> Option<PaymentView> {
    let payment = &order.payment;
    if !payment.requested {
        return None;
    }
    let open = order.status() == OrderStatus::AwaitingPayment;
    let url = payment.action_url.clone().filter(|_| open);
    let status = match order.status() {
        // Cash of one store may go back before that of another has come: until then it is processing.
        _ if payment.method == COD && payment.paid.is_none() && order.parts.iter().any(|p| !p.status.is_dead()) => "processing",
        _ if payment.refunded > 0 && payment.refunded < payment.paid.unwrap_or(order.totals.total.amount) => "partially_refunded",
        _ if payment.refunded > 0 => "refunded",
        _ if payment.paid.is_some() => "completed",
        OrderStatus::Failed => "failed",
        OrderStatus::Cancelled | OrderStatus::Returned => "cancelled",
        _ if url.is_some() => "requires_action",
        _ => "processing",
    };
    let action = url.map(|url| ActionView { r#type: "redirect", url });
    Some(PaymentView { id: payment.id, status, method: payment.method.clone(), amount: order.totals.total, action })
}
