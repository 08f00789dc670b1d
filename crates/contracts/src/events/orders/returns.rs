//! What comes back, and its money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, OrderLineId, ProductId, RefundId, ReturnId, Time, UserId, VariantId, VendorId, VendorOrderId};

/// A line, or some of it, that came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnedLine {
    /// The line.
    pub line_id: OrderLineId,
    /// What came back.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: i64,
}

/// Goods of one store's part are back with it and can be sold again: they were refused at the door, or returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturned {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// The return; absent where they were refused at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// What came back; physical goods only.
    pub lines: Vec<ReturnedLine>,
    /// `refused` at the door, or `returned`.
    pub reason: String,
    /// Where the part stands now: `refused`, `returned`, or less where only some of it came back.
    pub part_status: String,
    /// When.
    pub at: Time,
}

/// The shopper wants to send pieces of a part back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturnRequested {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The return.
    pub return_id: ReturnId,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// What.
    pub lines: Vec<ReturnedLine>,
    /// Why, in the shopper's words.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// The store takes it back: the shopper may send it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturnApproved {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The return.
    pub return_id: ReturnId,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// When.
    pub at: Time,
}

/// The store does not take it back, or it never came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturnRejected {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The return.
    pub return_id: ReturnId,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Why.
    pub reason: String,
    /// Where the part stands now.
    pub part_status: String,
    /// When.
    pub at: Time,
}

/// The money of what came back was set aside for the shopper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturnRefunded {
    /// The order.
    pub order_id: OrderId,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// Its number.
    pub number: String,
    /// The return.
    pub return_id: ReturnId,
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// Its store.
    pub vendor_id: VendorId,
    /// The refund; absent where nothing was left to give back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: Time,
}
