//! What happens to orders. Each event carries its moment, so that an order is the fold of its events alone.
//! Addresses and e-mail are not in them: those are kept where they can be erased.

mod parts;
mod returns;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, PaymentId, RefundId, SagaId, Time, UserId, VendorId, VendorOrderId};

pub use parts::{Address, Line, Totals, VendorPart};
pub use returns::{OrderReturnApproved, OrderReturnRefunded, OrderReturnRejected, OrderReturnRequested, OrderReturned, ReturnedLine};

/// A shopper placed an order; stock is held, nothing is paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// The order.
    pub order_id: OrderId,
    /// Its number for people, such as `HT-2026-000123`.
    pub number: String,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Hash of the guest's cart token; null for a user.
    pub guest: Option<String>,
    /// The stores' parts.
    pub parts: Vec<VendorPart>,
    /// Sums over the parts.
    pub totals: Totals,
    /// How it will be paid.
    pub payment_method: String,
    /// Until when it must be paid.
    pub payment_deadline: Time,
    /// The payment.
    pub payment_id: PaymentId,
    /// The saga that fulfils it.
    pub saga_id: SagaId,
    /// When.
    pub at: Time,
}

/// An order that was placed elsewhere was brought in, or brought in again as it stands there now: a record of what
/// happened, for which nothing was held, paid or sent here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderImported {
    /// The order.
    pub order_id: OrderId,
    /// Its number for people: the source and its number there, such as `old-shop:10017`.
    pub number: String,
    /// From where, such as `old-shop`.
    pub source: String,
    /// Its number there.
    pub source_number: String,
    /// The shopper, where the order's address belongs to an account.
    pub user_id: Option<UserId>,
    /// The stores' parts.
    pub parts: Vec<ImportedPart>,
    /// Sums over the parts.
    pub totals: Totals,
    /// When it was placed.
    pub placed_at: Time,
    /// When it was brought in.
    pub at: Time,
}

/// One store's part of an imported order, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedPart {
    /// What was sold.
    pub sold: VendorPart,
    /// `confirmed`, `processing`, `shipped`, `delivered`, `returned` or `cancelled`.
    pub status: String,
    /// When a carrier took it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped_at: Option<Time>,
    /// When it arrived, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Time>,
}

/// The payer can act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPaymentRequested {
    /// The order.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// Where the payer goes; null when nothing is to be done.
    pub action_url: Option<String>,
    /// When.
    pub at: Time,
}

/// Paid or promised, and the stock is the order's for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// What was sold by whom.
    pub vendor_ids: Vec<VendorId>,
    /// What the shopper pays.
    pub total: Money,
    /// When.
    pub at: Time,
}

/// The money was captured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPaid {
    /// The order.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: Time,
}

/// It could not be paid or filled; nothing is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderFailed {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// Why, as a stable code: `payment_declined`, `payment_timeout`, `out_of_stock`.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// The shopper or an operator called it off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The stores that were to pack it; none where it was not confirmed yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_ids: Vec<VendorId>,
    /// Why, in the words of who did it.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// Some parts of an order were called off; the others, delivered without a carrier, stay sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPartsCancelled {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// Which parts.
    pub parts: Vec<CancelledPart>,
    /// Why, in the words of who did it.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// The shopper said anew where it goes, or what the stores should know. The words themselves are kept where they can be erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// What is another: `shippingAddress`, `note`.
    pub changed: Vec<String>,
    /// When.
    pub at: Time,
}

/// A part that was called off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelledPart {
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
}

/// A store moved its part on, or it moved on by itself: digital goods are delivered when the order is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatusChanged {
    /// The order.
    pub order_id: OrderId,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// The new state: `processing`, `shipped`, `delivered`, `refused`.
    pub status: String,
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// The payment, where this step moves money: cash at the door, or goods that were refused there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// The cash that was taken at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<Money>,
    /// What was refused at the door; its money goes back, and not that of what the store has delivered otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<ReturnedLine>,
    /// When.
    pub at: Time,
}

/// The last part has left its store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// When.
    pub at: Time,
}

/// The last part has arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The payment.
    pub payment_id: PaymentId,
    /// When.
    pub at: Time,
}

/// Delivered so long ago that it is final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// When.
    pub at: Time,
}

/// Money went back to the shopper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRefunded {
    /// The order.
    pub order_id: OrderId,
    /// The refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: Time,
}

crate::declare_events! { "orders";
    OrderCreated = "order.created" v 1 by order_id,
    OrderImported = "order.imported" v 1 by order_id,
    OrderPaymentRequested = "order.payment_requested" v 1 by order_id,
    OrderConfirmed = "order.confirmed" v 1 by order_id,
    OrderPaid = "order.paid" v 1 by order_id,
    OrderFailed = "order.failed" v 1 by order_id,
    OrderCancelled = "order.cancelled" v 1 by order_id,
    OrderPartsCancelled = "order.parts_cancelled" v 1 by order_id,
    OrderUpdated = "order.updated" v 1 by order_id,
    OrderStatusChanged = "order.status_changed" v 1 by order_id,
    OrderReturnRequested = "order.return_requested" v 1 by order_id,
    OrderReturnApproved = "order.return_approved" v 1 by order_id,
    OrderReturnRejected = "order.return_rejected" v 1 by order_id,
    OrderReturned = "order.returned" v 1 by order_id,
    OrderReturnRefunded = "order.return_refunded" v 1 by order_id,
    OrderShipped = "order.shipped" v 1 by order_id,
    OrderDelivered = "order.delivered" v 1 by order_id,
    OrderCompleted = "order.completed" v 1 by order_id,
    OrderRefunded = "order.refunded" v 1 by order_id,
}
