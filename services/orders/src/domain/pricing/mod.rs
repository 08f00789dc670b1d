//! What an order costs and who gets how much of it. Pure: lines in, the stores' parts and the ledger's shares out.
//!
//! Every sum of an order is the sum over its parts, and every sum of a part the sum over its lines, so that nothing
//! is ever rounded twice. Tax and commission are rounded once per line, at the rates that are frozen there; shipping tax once per part.

mod shares;
mod shipping;
mod tax;
#[cfg(test)]
mod tests;

use contracts::events::orders::{Line, Totals, VendorPart};
use contracts::money::MoneyError;
use contracts::{CategoryId, Currency, Money, OrderLineId, ProductId, VariantId, VendorId, VendorOrderId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use shares::{Share, paid_lines, shares};
pub use shipping::{NONE, NotShipped, Offer, Shipping};
pub use tax::Tax;

use tax::Rate;

/// What an order is priced by, besides what the catalog says.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// How tax is worked out.
    pub tax: &'a Tax,
    /// The country to which the order goes; none where it goes nowhere.
    pub country: Option<&'a str>,
    /// What the stores take for shipping their parts to where they go.
    pub offers: &'a [Offer],
}

/// The kind of what has stock and is carried to somebody.
const PHYSICAL: &str = "physical";

/// What is bought, as the catalog knows it now.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Whose it is.
    pub vendor_id: VendorId,
    /// The store's own number for it.
    pub sku: String,
    /// Its title now.
    pub title: String,
    /// physical, digital or course.
    pub kind: String,
    /// The categories in which it is filed, for tax.
    pub categories: Vec<CategoryId>,
    /// What one weighs, for shipping.
    pub weight_grams: i64,
    /// How many; at least 1.
    pub quantity: i64,
    /// The price of one.
    pub unit_price: Money,
    /// The store's commission rate now.
    pub commission_basis_points: i64,
}

impl Item {
    /// What all pieces weigh; none for what nobody carries.
    pub fn grams(&self) -> Option<i64> {
        is_physical(&self.kind).then(|| self.weight_grams.saturating_mul(self.quantity))
    }
}

/// An order before it has a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priced {
    /// One part per store for what it ships and one for what it does not, in the order in which they first appear.
    pub parts: Vec<VendorPart>,
    /// Sums over the parts.
    pub totals: Totals,
}

/// Why an order has no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// There is nothing in it.
    #[error("there is nothing to price")]
    Empty,
    /// Lines with prices in two currencies.
    #[error("all items of an order are priced in one currency, found {0} and {1}")]
    MixedCurrency(Currency, Currency),
    /// A store does not ship there, not with this weight, or not in this way.
    #[error(transparent)]
    Shipping(#[from] NotShipped),
    /// A sum does not fit 64 bits.
    #[error("the amount is too large")]
    TooLarge,
}

impl From<MoneyError> for Unpriced {
    fn from(_: MoneyError) -> Unpriced {
        Unpriced::TooLarge // currencies were checked first
    }
}

/// Prices `items`; parts and lines get their ids from `new_id`.
pub fn price(terms: Terms, items: &[Item], shipping: &Shipping, mut new_id: impl FnMut() -> Uuid) -> Result<Priced, Unpriced> {
    let currency = one_currency(items)?;
    let shipping_rate = terms.tax.rate(terms.country, &[]);
    shipping.check(items)?;
    // What is delivered at once and what is packed first are two parts, so that each is in one state as a whole.
    let part_of = |item: &Item| (item.vendor_id, is_physical(&item.kind));
    let mut wanted: Vec<(VendorId, bool)> = Vec::new();
    for item in items {
        if !wanted.contains(&part_of(item)) {
            wanted.push(part_of(item));
        }
    }
    let mut parts = Vec::with_capacity(wanted.len());
    for (vendor, ships) in wanted {
        let mut lines = Vec::new();
        for item in items.iter().filter(|i| part_of(i) == (vendor, ships)) {
            let rate = terms.tax.rate(terms.country, &item.categories);
            lines.push(line(rate, item, OrderLineId(new_id()))?);
        }
        let chosen = if ships {
            let offer = shipping.choose(vendor, terms.offers)?;
            (offer.method.clone(), offer.price)
        } else {
            (NONE.to_owned(), Money::zero(currency))
        };
        parts.push(part(shipping_rate, VendorOrderId(new_id()), vendor, lines, chosen)?);
    }
    let totals = sum_of_totals(terms.tax.included, currency, parts.iter().map(|p| &p.totals))?;
    Ok(Priced { parts, totals })
}

fn one_currency(items: &[Item]) -> Result<Currency, Unpriced> {
    let first = items.first().ok_or(Unpriced::Empty)?.unit_price.currency;
    match items.iter().find(|i| i.unit_price.currency != first) {
        Some(other) => Err(Unpriced::MixedCurrency(first, other.unit_price.currency)),
        None => Ok(first),
    }
}

fn line(rate: Rate, item: &Item, line_id: OrderLineId) -> Result<Line, Unpriced> {
    let line_total = item.unit_price.times(item.quantity)?;
    let line_tax = rate.of(line_total)?;
    Ok(Line {
        line_id,
        variant_id: item.variant_id,
        product_id: item.product_id,
        sku: Some(item.sku.clone()).filter(|s| !s.is_empty()),
        title: item.title.clone(),
        kind: item.kind.clone(),
        quantity: item.quantity,
        unit_price: item.unit_price,
        line_total,
        tax: line_tax,
        tax_basis_points: Some(rate.basis_points),
        commission_basis_points: item.commission_basis_points,
        commission: rate.net(line_total, line_tax)?.basis_points(item.commission_basis_points)?,
    })
}

fn part(rate: Rate, id: VendorOrderId, vendor_id: VendorId, lines: Vec<Line>, shipping: (String, Money)) -> Result<VendorPart, Unpriced> {
    let (shipping_method, shipping) = shipping;
    let currency = shipping.currency;
    let subtotal = Money::sum(currency, lines.iter().map(|l| l.line_total))?;
    let shipping_tax = rate.of(shipping)?;
    let tax_total = Money::sum(currency, lines.iter().map(|l| l.tax))?.plus(shipping_tax)?;
    let gross = subtotal.plus(shipping)?;
    let totals = Totals {
        subtotal,
        discount: Money::zero(currency),
        shipping,
        tax: tax_total,
        tax_included: rate.included,
        total: if rate.included { gross } else { gross.plus(tax_total)? },
    };
    Ok(VendorPart { vendor_order_id: id, vendor_id, lines, shipping_method, shipping_tax, totals })
}

fn sum_of_totals<'a>(tax_included: bool, currency: Currency, parts: impl Iterator<Item = &'a Totals> + Clone) -> Result<Totals, Unpriced> {
    let sum = |field: fn(&Totals) -> Money| Money::sum(currency, parts.clone().map(field));
    Ok(Totals {
        subtotal: sum(|t| t.subtotal)?,
        discount: sum(|t| t.discount)?,
        shipping: sum(|t| t.shipping)?,
        tax: sum(|t| t.tax)?,
        tax_included,
        total: sum(|t| t.total)?,
    })
}

fn is_physical(kind: &str) -> bool {
    kind == PHYSICAL
}
