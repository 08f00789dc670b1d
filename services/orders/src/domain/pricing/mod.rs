//! What an order costs and who gets how much of it. Pure: lines in, the stores' parts and the ledger's shares out.
//!
//! Every sum of an order is the sum over its parts, and every sum of a part the sum over its lines, so that nothing
//! is ever rounded twice. Tax and commission are rounded once per line, shipping tax once per part.

mod shares;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use contracts::events::orders::{Line, Totals, VendorPart};
use contracts::money::MoneyError;
use contracts::{Currency, Money, OrderLineId, ProductId, VariantId, VendorId, VendorOrderId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use shares::{Share, paid_lines, shares};

/// What orders are priced by.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The flat price of each shipping method, per store that ships something; one price per currency it is offered in.
    pub shipping: BTreeMap<String, Vec<Money>>,
    /// How tax is worked out.
    pub tax: Tax,
}

/// One rate for goods and shipping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tax {
    /// In basis points: 1500 is 15 percent.
    pub basis_points: u16,
    /// Whether prices contain it already.
    pub included: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        let standard = vec![Money::new(6_000, Currency::BDT)];
        Rules { shipping: BTreeMap::from([(STANDARD.to_owned(), standard)]), tax: Tax::default() }
    }
}

impl Default for Tax {
    fn default() -> Tax {
        Tax { basis_points: 1_500, included: true }
    }
}

/// The shipping method where none is chosen.
pub const STANDARD: &str = "standard";

/// The shipping method of a part that nobody has to carry.
pub const NONE: &str = "none";

/// What is bought, as the catalog knows it now.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Whose it is.
    pub vendor_id: VendorId,
    /// Its title now.
    pub title: String,
    /// physical, digital or course.
    pub kind: String,
    /// How many; at least 1.
    pub quantity: i64,
    /// The price of one.
    pub unit_price: Money,
    /// The store's commission rate now.
    pub commission_basis_points: i64,
}

/// How the stores' parts are to be shipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shipping {
    /// For every store that is not named.
    pub method: Option<String>,
    /// For single stores.
    pub by_vendor: BTreeMap<VendorId, String>,
}

/// An order before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Priced {
    /// One part per store, in the order in which the stores first appear.
    pub parts: Vec<VendorPart>,
    /// Sums over the parts.
    pub totals: Totals,
}

impl Priced {
    /// Whether anything has to be carried to somebody.
    pub fn ships(&self) -> bool {
        self.parts.iter().any(|p| p.lines.iter().any(is_physical))
    }
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
    /// Not a method of these rules, or not in this currency.
    #[error("there is no shipping method {method:?} for prices in {currency}")]
    UnknownShipping {
        /// What was chosen.
        method: String,
        /// The order's currency.
        currency: Currency,
        /// For which store; none where it was chosen for all.
        vendor_id: Option<VendorId>,
    },
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
pub fn price(rules: &Rules, items: &[Item], shipping: &Shipping, mut new_id: impl FnMut() -> Uuid) -> Result<Priced, Unpriced> {
    let currency = one_currency(items)?;
    let mut stores: Vec<VendorId> = Vec::new();
    for item in items {
        if !stores.contains(&item.vendor_id) {
            stores.push(item.vendor_id);
        }
    }
    let mut parts = Vec::with_capacity(stores.len());
    for vendor in stores {
        let mut lines = Vec::new();
        for item in items.iter().filter(|i| i.vendor_id == vendor) {
            lines.push(line(rules.tax, item, OrderLineId(new_id()))?);
        }
        let (method, fee) = shipping_of(rules, shipping, vendor, &lines, currency)?;
        parts.push(part(rules.tax, VendorOrderId(new_id()), vendor, lines, (method, fee))?);
    }
    let totals = sum_of_totals(rules.tax, currency, parts.iter().map(|p| &p.totals))?;
    Ok(Priced { parts, totals })
}

fn one_currency(items: &[Item]) -> Result<Currency, Unpriced> {
    let first = items.first().ok_or(Unpriced::Empty)?.unit_price.currency;
    match items.iter().find(|i| i.unit_price.currency != first) {
        Some(other) => Err(Unpriced::MixedCurrency(first, other.unit_price.currency)),
        None => Ok(first),
    }
}

fn line(tax: Tax, item: &Item, line_id: OrderLineId) -> Result<Line, Unpriced> {
    let line_total = item.unit_price.times(item.quantity)?;
    let line_tax = tax.of(line_total)?;
    Ok(Line {
        line_id,
        variant_id: item.variant_id,
        product_id: item.product_id,
        title: item.title.clone(),
        kind: item.kind.clone(),
        quantity: item.quantity,
        unit_price: item.unit_price,
        line_total,
        tax: line_tax,
        commission_basis_points: item.commission_basis_points,
        commission: tax.net(line_total, line_tax)?.basis_points(item.commission_basis_points)?,
    })
}

fn shipping_of(
    rules: &Rules,
    shipping: &Shipping,
    vendor: VendorId,
    lines: &[Line],
    currency: Currency,
) -> Result<(String, Money), Unpriced> {
    if !lines.iter().any(is_physical) {
        return Ok((NONE.to_owned(), Money::zero(currency)));
    }
    let own = shipping.by_vendor.get(&vendor);
    let method = own.or(shipping.method.as_ref()).map_or(STANDARD, String::as_str);
    let fee = rules.shipping.get(method).and_then(|prices| prices.iter().find(|p| p.currency == currency));
    let vendor_id = own.map(|_| vendor);
    fee.map(|fee| (method.to_owned(), *fee)).ok_or_else(|| Unpriced::UnknownShipping { method: method.to_owned(), currency, vendor_id })
}

fn part(tax: Tax, id: VendorOrderId, vendor_id: VendorId, lines: Vec<Line>, shipping: (String, Money)) -> Result<VendorPart, Unpriced> {
    let (shipping_method, shipping) = shipping;
    let currency = shipping.currency;
    let subtotal = Money::sum(currency, lines.iter().map(|l| l.line_total))?;
    let shipping_tax = tax.of(shipping)?;
    let tax_total = Money::sum(currency, lines.iter().map(|l| l.tax))?.plus(shipping_tax)?;
    let gross = subtotal.plus(shipping)?;
    let totals = Totals {
        subtotal,
        discount: Money::zero(currency),
        shipping,
        tax: tax_total,
        tax_included: tax.included,
        total: if tax.included { gross } else { gross.plus(tax_total)? },
    };
    Ok(VendorPart { vendor_order_id: id, vendor_id, lines, shipping_method, shipping_tax, totals })
}

fn sum_of_totals<'a>(tax: Tax, currency: Currency, parts: impl Iterator<Item = &'a Totals> + Clone) -> Result<Totals, Unpriced> {
    let sum = |field: fn(&Totals) -> Money| Money::sum(currency, parts.clone().map(field));
    Ok(Totals {
        subtotal: sum(|t| t.subtotal)?,
        discount: sum(|t| t.discount)?,
        shipping: sum(|t| t.shipping)?,
        tax: sum(|t| t.tax)?,
        tax_included: tax.included,
        total: sum(|t| t.total)?,
    })
}

fn is_physical(line: &Line) -> bool {
    line.kind == "physical"
}

impl Tax {
    /// The tax within a price, or on it: one path, two denominators.
    fn of(self, price: Money) -> Result<Money, MoneyError> {
        let rate = i64::from(self.basis_points);
        price.fraction(rate, if self.included { 10_000 + rate } else { 10_000 })
    }

    /// What is left of a price without its tax.
    fn net(self, price: Money, tax: Money) -> Result<Money, MoneyError> {
        if self.included { price.minus(tax) } else { Ok(price) }
    }
}
