//! Whose cart it is, and what it comes to.

use contracts::{CartId, CartItemId, Currency, Money, ProductId, VariantId, VendorId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// The most of one variant in a cart.
pub const QUANTITY_MAX: i64 = 999;
/// The most lines in a cart.
pub const LINES_MAX: usize = 100;

/// Whose cart it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Somebody signed in.
    User(contracts::UserId),
    /// Whoever holds the token with this SHA-256, in hexadecimal.
    Guest(String),
}

impl Owner {
    /// An owner has one cart; its id follows from the owner, so an empty cart needs no row.
    pub fn cart_id(&self) -> CartId {
        let text = match self {
            Owner::User(id) => format!("cart\nuser\n{id}"),
            Owner::Guest(hash) => format!("cart\nguest\n{hash}"),
        };
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
        CartId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

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

/// Two quantities of one variant, from a guest's cart and the user's own: the sum, capped.
pub fn merged(own: i64, guest: i64) -> i64 {
    own.saturating_add(guest).min(QUANTITY_MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn line(n: u128, quantity: i64, price: i64) -> Line {
        Line {
            id: CartItemId(Uuid::from_u128(n)),
            variant_id: VariantId(Uuid::from_u128(n)),
            quantity,
            seen_price: Money::new(price, Currency::BDT),
        }
    }

    fn fact(n: u128, price: i64, available: Option<i64>, buyable: bool) -> Fact {
        Fact {
            variant_id: VariantId(Uuid::from_u128(n)),
            product_id: ProductId(Uuid::from_u128(n)),
            vendor_id: VendorId(Uuid::from_u128(n)),
            title: "x".into(),
            price: Money::new(price, Currency::BDT),
            available,
            buyable,
        }
    }

    #[test]
    fn lines_are_priced_by_what_the_catalog_says_now() {
        let id = Owner::Guest("a".into()).cart_id();
        let lines = [line(1, 2, 100), line(2, 3, 50), line(3, 1, 10), line(4, 1, 7), line(5, 999, 1)];
        // The last one never runs out.
        let facts = [fact(1, 100, Some(2), true), fact(2, 60, Some(1), true), fact(3, 10, None, false), fact(5, 1, None, true)];
        let cart = price(id, &lines, &facts, Currency::BDT);
        assert_eq!(cart.totals.subtotal, Money::new(2 * 100 + 3 * 60 + 999, Currency::BDT));
        let warned: Vec<_> = cart.warnings.iter().map(|w| (w.code, w.item_id.0.as_u128(), w.available)).collect();
        assert_eq!(
            warned,
            [("insufficient_stock", 2, Some(1)), ("price_changed", 2, Some(1)), ("unavailable", 3, Some(0)), ("unavailable", 4, Some(0))]
        );
    }

    #[test]
    fn merging_sums_and_caps() {
        for (own, guest, expected) in [(1, 2, 3), (0, 5, 5), (998, 5, 999), (999, 999, 999)] {
            assert_eq!(merged(own, guest), expected);
        }
    }

    #[test]
    fn every_owner_has_a_cart_of_their_own() {
        let user = |n| Owner::User(contracts::UserId(Uuid::from_u128(n))).cart_id();
        assert_eq!(user(1), user(1));
        assert_ne!(user(1), user(2));
        assert_ne!(Owner::Guest("x".into()).cart_id(), Owner::Guest("y".into()).cart_id());
    }
}
