//! What happens to products and stock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CategoryId, Money, ProductId, ReservationId, UserId, VariantId, VendorId, WarehouseId};

/// A product came into being.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductCreated {
    /// The product.
    pub product_id: ProductId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its title.
    pub title: String,
    /// draft, published or archived.
    pub status: String,
}

/// A product's words, variants or pictures changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductUpdated {
    /// The product.
    pub product_id: ProductId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its title.
    pub title: String,
    /// draft, published or archived.
    pub status: String,
}

/// A product is for sale from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductPublished {
    /// The product.
    pub product_id: ProductId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its title.
    pub title: String,
    /// Where it is filed.
    pub category_ids: Vec<CategoryId>,
}

/// A product is no longer for sale, and no longer shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductArchived {
    /// The product.
    pub product_id: ProductId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its title.
    pub title: String,
}

/// A variant costs something else now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductPriceChanged {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Before.
    pub old_price: Money,
    /// Now.
    pub new_price: Money,
}

/// A change of stock on hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryUpdated {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Difference.
    pub delta: i64,
    /// On hand after it.
    pub on_hand: i64,
    /// Why.
    pub reason: String,
}

/// A line of a reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservedLine {
    /// The variant.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
}

/// Stock is held for an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// The reservation, equal to the order's id.
    pub reservation_id: ReservationId,
    /// What is held.
    pub lines: Vec<ReservedLine>,
}

/// Held stock was given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// The reservation, equal to the order's id.
    pub reservation_id: ReservationId,
    /// What was held.
    pub lines: Vec<ReservedLine>,
    /// `released` or `expired`.
    pub reason: String,
}

/// A variant has become scarce: so few can still be bought that its store should act. Told once until there are more again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryLow {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its store.
    pub vendor_id: VendorId,
    /// The product's title, and the variant's where there are several.
    pub title: String,
    /// How many can be bought, over all warehouses.
    pub available: i64,
    /// At how many the store wants to know.
    pub low_stock_at: i64,
}

/// What somebody waited for can be bought again. One event per person; whoever waits again asks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductBackInStock {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Who waited.
    pub user_id: UserId,
    /// The product's title, and the variant's where there are several.
    pub title: String,
    /// The product's name in addresses.
    pub slug: String,
}

crate::declare_events! { "catalog";
    ProductCreated = "product.created" v 1 by product_id,
    ProductUpdated = "product.updated" v 1 by product_id,
    ProductPublished = "product.published" v 1 by product_id,
    ProductArchived = "product.archived" v 1 by product_id,
    ProductPriceChanged = "product.price_changed" v 1 by product_id,
    InventoryUpdated = "inventory.updated" v 1 by product_id,
    InventoryReserved = "inventory.reserved" v 1 by reservation_id,
    InventoryReleased = "inventory.released" v 1 by reservation_id,
    InventoryLow = "inventory.low" v 1 by product_id,
    ProductBackInStock = "product.back_in_stock" v 1 by product_id,
}
