//! What an order is made of, as its events tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Money, OrderLineId, ProductId, VariantId, VendorId, VendorOrderId};

/// Sums of an order or of one store's part: `total = subtotal − discount + shipping (+ tax unless included)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Goods at their prices.
    pub subtotal: Money,
    /// Taken off.
    pub discount: Money,
    /// Shipping of all parts.
    pub shipping: Money,
    /// Tax in or on goods and shipping.
    pub tax: Money,
    /// Whether prices already contain the tax.
    pub tax_included: bool,
    /// What the shopper pays.
    pub total: Money,
}

/// Where goods go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Recipient.
    #[schema(example = "Rahim Uddin")]
    pub name: String,
    /// Phone in E.164 form.
    #[schema(example = "+8801712345678")]
    pub phone: String,
    /// Street and house.
    #[schema(example = "12 Lake Road")]
    pub line1: String,
    /// Second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City or district.
    #[schema(example = "Dhaka")]
    pub city: String,
    /// Postal code.
    #[schema(example = "1207")]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 code.
    #[schema(example = "BD")]
    pub country: String,
}

/// A line as it was sold. Price, title and commission never change after the sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The line.
    pub line_id: OrderLineId,
    /// What was sold.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// The store's own number for it; absent where it was sold before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Title at sale.
    pub title: String,
    /// physical, digital or course.
    pub kind: String,
    /// How many.
    pub quantity: i64,
    /// Price of one at sale.
    pub unit_price: Money,
    /// Price of all.
    pub line_total: Money,
    /// Tax in or on the line.
    pub tax: Money,
    /// Tax rate frozen at sale, in basis points; absent where it was sold before rates were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_basis_points: Option<i64>,
    /// Commission rate frozen at sale, in basis points.
    pub commission_basis_points: i64,
    /// Commission frozen at sale.
    pub commission: Money,
}

/// One store's part of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorPart {
    /// The part.
    pub vendor_order_id: VendorOrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// What it sells.
    pub lines: Vec<Line>,
    /// How it ships.
    pub shipping_method: String,
    /// Tax within the shipping price, or on it.
    pub shipping_tax: Money,
    /// Its sums.
    pub totals: Totals,
}
