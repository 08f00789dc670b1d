//! What happens to carts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CartId, Money, OrderId, UserId, VariantId};

/// A variant was put into a cart, or more of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartItemAdded {
    /// The cart.
    pub cart_id: CartId,
    /// The variant.
    pub variant_id: VariantId,
    /// How many are in it now.
    pub quantity: i64,
}

/// A variant was taken out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartItemRemoved {
    /// The cart.
    pub cart_id: CartId,
    /// The variant.
    pub variant_id: VariantId,
}

/// A guest's cart went into a user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartMerged {
    /// The user's cart.
    pub cart_id: CartId,
    /// The guest's cart.
    pub from_cart_id: CartId,
    /// The user.
    pub user_id: UserId,
}

/// A line of a cart that was left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbandonedLine {
    /// The variant.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
    /// What one cost when it was put in.
    pub unit_price: Money,
}

/// Nobody changed a cart for as long as carts are kept; it is empty now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartAbandoned {
    /// The cart.
    pub cart_id: CartId,
    /// Whose it was; null for a guest's.
    pub user_id: Option<UserId>,
    /// What was in it.
    pub lines: Vec<AbandonedLine>,
}

/// A cart became an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartCheckedOut {
    /// The cart.
    pub cart_id: CartId,
    /// The order.
    pub order_id: OrderId,
}

crate::declare_events! { "cart";
    CartItemAdded = "cart.item_added" v 1 by cart_id,
    CartItemRemoved = "cart.item_removed" v 1 by cart_id,
    CartMerged = "cart.merged" v 1 by cart_id,
    CartAbandoned = "cart.abandoned" v 1 by cart_id,
    CartCheckedOut = "cart.checked_out" v 1 by cart_id,
}
