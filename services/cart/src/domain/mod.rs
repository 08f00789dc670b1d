//! Whose cart it is, what it comes to, and what becomes of two of them.

mod merge;
mod owner;
#[cfg(test)]
mod tests;

use contracts::{CartId, CartItemId, Currency, Money, ProductId, VariantId, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

pub use merge::merge;
pub use owner::{Kept, Lifetimes, Owner};

/// The most of one variant in a cart.
pub const QUANTITY_MAX: i64 = 999;
/// The most lines in a cart.
pub const LINES_MAX: usize = 100;

/// A line as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The line.
    pub id: CartItemId,
    /// What.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
    /// What one cost when it was put in.
    pub seen_price: Money,
}

/// What the catalog says of a variant now.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Which variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Its store.
    pub vendor_id: VendorId,
    /// Product and variant.
    pub title: String,
    /// What one costs.
    pub price: Money,
    /// How many there are; none where it never runs out.
    pub available: Option<i64>,
    /// Whether it can be bought.
    pub buyable: bool,
}

/// A cart as its owner sees it, priced live.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// The cart.
    pub id: CartId,
    /// Its lines, in the order in which they were put in.
    pub items: Vec<Item>,
    /// A coupon's code.
    pub coupon: Option<String>,
    /// Coins to spend.
    pub coins: i64,
    /// What it comes to.
    pub totals: Totals,
    /// What has changed since things were put in, and what cannot be had.
    pub warnings: Vec<Warning>,
}

/// A line as its owner sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The line.
    pub id: CartItemId,
    /// What.
    pub variant_id: VariantId,
    /// Its product; null when the catalog no longer knows it.
    pub product_id: Option<ProductId>,
    /// Its store.
    pub vendor_id: Option<VendorId>,
    /// Product and variant.
    pub title: String,
    /// How many.
    pub quantity: i64,
    /// What one costs now.
    pub unit_price: Money,
    /// What all cost now.
    pub line_total: Money,
}

/// The sums of a cart. Shipping and tax depend on the address and are null before there is one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Goods at their prices.
    pub subtotal: Money,
    /// Taken off.
    pub discount: Money,
    /// Known with an address.
    pub shipping: Option<Money>,
    /// Known with an address.
    pub tax: Option<Money>,
    /// What is known of the price to pay.
    pub total: Money,
}

/// Something the owner should know.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// `insufficient_stock`, `price_changed` or `unavailable`.
    pub code: &'static str,
    /// Which line.
    pub item_id: CartItemId,
    /// How many there are.
    pub available: Option<i64>,
}

/// Prices lines by what the catalog says now. Lines that cannot be bought count nothing.
pub fn price(id: CartId, lines: &[Line], facts: &[Fact], empty: Currency) -> Cart {
    let mut warnings = Vec::new();
    let mut items = Vec::with_capacity(lines.len());
    let mut subtotal = Money::zero(lines.first().map_or(empty, |l| l.seen_price.currency));
    for line in lines {
        let fact = facts.iter().find(|f| f.variant_id == line.variant_id);
        let mut warn = |code, available| warnings.push(Warning { code, item_id: line.id, available });
        let buyable = fact.is_some_and(|f| f.buyable);
        let unit_price = fact.map_or(line.seen_price, |f| f.price);
        match fact {
            Some(f) if buyable => {
                if f.available.is_some_and(|n| n < line.quantity) {
                    warn("insufficient_stock", f.available);
                }
                if f.price != line.seen_price {
                    warn("price_changed", f.available);
                }
            }
            _ => warn("unavailable", Some(0)),
        }
        // Quantities and prices are bounded where they come in, so this cannot overflow; were it to, the line counts nothing.
        let line_total = unit_price.times(line.quantity).unwrap_or(Money::zero(unit_price.currency));
        if buyable {
            subtotal = subtotal.plus(line_total).unwrap_or(subtotal);
        }
        items.push(Item {
            id: line.id,
            variant_id: line.variant_id,
            product_id: fact.map(|f| f.product_id),
            vendor_id: fact.map(|f| f.vendor_id),
            title: fact.map(|f| f.title.clone()).unwrap_or_default(),
            quantity: line.quantity,
            unit_price,
            line_total,
        });
    }
    let zero = Money::zero(subtotal.currency);
    let totals = Totals { subtotal, discount: zero, shipping: None, tax: None, total: subtotal };
    Cart { id, items, coupon: None, coins: 0, totals, warnings }
}
