//! Orders that were placed elsewhere, as they are brought in: a record that nobody moves on here.

use std::collections::BTreeMap;

use contracts::events::orders::{ImportedPart, Line, OrderImported, Totals, VendorPart};
use contracts::money::MoneyError;
use contracts::{Currency, Money, OrderId, OrderLineId, ProductId, Time, UserId, VariantId, VendorId, VendorOrderId};
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Order, PartStatus, Payment, Refused, field};

/// The most stores in one order.
const PARTS_MAX: usize = 100;
/// The most lines of one store in one order.
const ITEMS_MAX: usize = 1_000;
/// The most pieces of one line.
const QUANTITY_MAX: i64 = 1_000_000;
/// The largest amount, in minor units.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// How it was paid: elsewhere.
const ELSEWHERE: &str = "elsewhere";
/// Ids of imported orders follow from what they are called where they come from.
const IDS: Uuid = Uuid::from_u128(0x6f72_6465_7273_4973_8d70_6f72_7465_6401);

/// An order that was placed elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedOrderInput {
    /// From where; 1 to 40 lower-case letters, digits and hyphens.
    #[schema(example = "old-shop")]
    pub source: String,
    /// Its number there; 1 to 100 characters. The same again brings the order up to date.
    pub number: String,
    /// When it was placed.
    pub placed_at: Time,
    /// The shopper's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The account in whose list the order is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Whether the prices contain the tax; they do not where left out.
    #[serde(default)]
    pub tax_included: bool,
    /// What each store sold; 1 to 100. What stands otherwise is a part of its own.
    pub parts: Vec<ImportedPartInput>,
}

/// What one store sold.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedPartInput {
    /// The store's slug.
    pub vendor: String,
    /// Where it stands.
    pub status: ImportedStatus,
    /// When a carrier took it.
    pub shipped_at: Option<Time>,
    /// When it arrived.
    pub delivered_at: Option<Time>,
    /// What was sold; 1 to 1,000 lines.
    pub items: Vec<ImportedItemInput>,
    /// What shipping cost; nothing where left out.
    pub shipping: Option<Money>,
    /// What was taken off; nothing where left out.
    pub discount: Option<Money>,
}

/// A line as it was sold.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedItemInput {
    /// The store's own number for it; 1 to 100 characters.
    pub sku: String,
    /// 1 to 500 characters; the sku where left out.
    pub title: Option<String>,
    /// physical, digital or course; physical where left out.
    pub kind: Option<String>,
    /// 1 to 1,000,000.
    pub quantity: i64,
    /// What one cost.
    pub unit_price: Money,
    /// Tax in or on all of them; nothing where left out.
    pub tax: Option<Money>,
}

/// Where an imported part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as the states of parts")]
pub enum ImportedStatus {
    Confirmed,
    Processing,
    Shipped,
    Delivered,
    Returned,
    Cancelled,
}

impl From<ImportedStatus> for PartStatus {
    fn from(status: ImportedStatus) -> PartStatus {
        match status {
            ImportedStatus::Confirmed => PartStatus::Confirmed,
            ImportedStatus::Processing => PartStatus::Processing,
            ImportedStatus::Shipped => PartStatus::Shipped,
            ImportedStatus::Delivered => PartStatus::Delivered,
            ImportedStatus::Returned => PartStatus::Returned,
            ImportedStatus::Cancelled => PartStatus::Cancelled,
        }
    }
}

impl ImportedStatus {
    /// Where a part stands, as another platform can take it; `None` for what was never sold.
    pub fn of(status: PartStatus) -> Option<ImportedStatus> {
        Some(match status {
            PartStatus::Created | PartStatus::AwaitingPayment | PartStatus::Failed => return None,
            PartStatus::Cancelled => ImportedStatus::Cancelled,
            PartStatus::Confirmed => ImportedStatus::Confirmed,
            PartStatus::Processing => ImportedStatus::Processing,
            PartStatus::Shipped => ImportedStatus::Shipped,
            PartStatus::Delivered | PartStatus::ReturnRequested | PartStatus::PartiallyReturned => ImportedStatus::Delivered,
            PartStatus::Refused | PartStatus::Returned => ImportedStatus::Returned,
        })
    }
}

/// From where an order was brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Such as `old-shop`.
    pub source: String,
    /// Its number there.
    pub number: String,
}

/// The id that an order from elsewhere has here.
fn imported_id(source: &str, number: &str) -> OrderId {
    OrderId(Uuid::new_v5(&IDS, format!("{source}:{number}").as_bytes()))
}

/// The id of a store's n-th part.
fn part_id(order: OrderId, store: VendorId, number: u8) -> VendorOrderId {
    let name: Vec<u8> = store.0.as_bytes().iter().copied().chain([number]).collect();
    VendorOrderId(Uuid::new_v5(&order.0, &name))
}

impl ImportedOrderInput {
    /// What is to be written down of it; all that is wrong with it, where it cannot be.
    pub fn check(&self, stores: &BTreeMap<String, VendorId>, at: Time) -> Result<OrderImported, Vec<FieldError>> {
        let mut errors = self.word_errors(at);
        let order_id = imported_id(&self.source, &self.number);
        let mut parts = Vec::with_capacity(self.parts.len());
        let currency = self.parts.first().and_then(|p| p.items.first()).map_or(Currency::BDT, |i| i.unit_price.currency);
        let mut seen: BTreeMap<VendorId, u8> = BTreeMap::new();
        for (place, part) in self.parts.iter().enumerate() {
            let at = format!("/parts/{place}");
            match stores.get(&part.vendor) {
                None => errors.push(field(format!("{at}/vendor"), "unknown_store", format!("there is no store {:?}", part.vendor))),
                Some(store) => {
                    let number = seen.entry(*store).or_default();
                    *number += 1;
                    match part.check(self, part_id(order_id, *store, *number), (*store, currency)) {
                        Ok(part) => parts.push(part),
                        Err(wrong) => errors.extend(wrong.into_iter().map(|e| FieldError { pointer: format!("{at}{}", e.pointer), ..e })),
                    }
                }
            }
        }
        let totals = sum(currency, self.tax_included, parts.iter().map(|p| &p.sold.totals));
        match (errors.is_empty(), totals) {
            (true, Ok(totals)) => Ok(OrderImported {
                order_id,
                number: format!("{}:{}", self.source, self.number),
                source: self.source.clone(),
                source_number: self.number.clone(),
                user_id: self.user_id,
                parts,
                totals,
                placed_at: self.placed_at,
                at,
            }),
            (true, Err(e)) => Err(vec![field("/parts", "range", e.to_string())]),
            (false, _) => Err(errors),
        }
    }

    fn word_errors(&self, now: Time) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=40).contains(&self.source.len()) || !self.source.chars().all(is_word) {
            errors.push(field("/source", "malformed", "expected 1 to 40 lower-case letters, digits and hyphens"));
        }
        if !is_text(&self.number, 100) {
            errors.push(field("/number", "length", "a number has 1 to 100 characters"));
        }
        if self.placed_at > now {
            errors.push(field("/placedAt", "range", "an order was placed in the past"));
        }
        if self.email.as_ref().is_some_and(|e| !e.contains('@') || !is_text(e, 254)) {
            errors.push(field("/email", "malformed", "expected an e-mail address"));
        }
        if !(1..=PARTS_MAX).contains(&self.parts.len()) {
            errors.push(field("/parts", "count", "an order is of 1 to 100 stores"));
        }
        errors
    }
}

impl ImportedPartInput {
    fn check(
        &self,
        order: &ImportedOrderInput,
        vendor_order_id: VendorOrderId,
        (vendor_id, currency): (VendorId, Currency),
    ) -> Result<ImportedPart, Vec<FieldError>> {
        let mut errors = Vec::new();
        if !(1..=ITEMS_MAX).contains(&self.items.len()) {
            errors.push(field("/items", "count", "a part has 1 to 1,000 items"));
        }
        let mut lines = Vec::with_capacity(self.items.len());
        for (place, item) in self.items.iter().enumerate() {
            let line_id = OrderLineId(Uuid::new_v5(&vendor_order_id.0, &(place as u64).to_be_bytes()));
            match item.check(line_id, vendor_id, currency) {
                Ok(line) => lines.push(line),
                Err(wrong) => errors.extend(wrong.into_iter().map(|e| FieldError { pointer: format!("/items/{place}{}", e.pointer), ..e })),
            }
        }
        let shipping = amount(self.shipping, currency, "/shipping", &mut errors);
        let discount = amount(self.discount, currency, "/discount", &mut errors);
        let totals = part_totals(&lines, currency, (shipping, discount), order.tax_included);
        match totals {
            Ok(totals) if errors.is_empty() && totals.total.amount >= 0 => Ok(ImportedPart {
                sold: VendorPart {
                    vendor_order_id,
                    vendor_id,
                    lines,
                    shipping_method: ELSEWHERE.to_owned(),
                    shipping_tax: Money::zero(currency),
                    totals,
                },
                status: PartStatus::from(self.status).as_str().to_owned(),
                shipped_at: self.shipped_at,
                delivered_at: self.delivered_at,
            }),
            Ok(_) if errors.is_empty() => Err(vec![field("/discount", "range", "more is taken off than there is")]),
            Err(e) if errors.is_empty() => Err(vec![field("/items", "range", e.to_string())]),
            _ => Err(errors),
        }
    }
}

impl ImportedItemInput {
    fn check(&self, line_id: OrderLineId, vendor_id: VendorId, currency: Currency) -> Result<Line, Vec<FieldError>> {
        let mut errors = Vec::new();
        if !is_text(&self.sku, 100) {
            errors.push(field("/sku", "length", "a sku has 1 to 100 characters"));
        }
        if self.title.as_ref().is_some_and(|t| !is_text(t, 500)) {
            errors.push(field("/title", "length", "a title has 1 to 500 characters"));
        }
        let kind = self.kind.as_deref().unwrap_or("physical");
        if !["physical", "digital", "course"].contains(&kind) {
            errors.push(field("/kind", "unknown", "expected physical, digital or course"));
        }
        if !(1..=QUANTITY_MAX).contains(&self.quantity) {
            errors.push(field("/quantity", "range", "a quantity is 1 to 1,000,000"));
        }
        let unit_price = amount(Some(self.unit_price), currency, "/unitPrice", &mut errors);
        let tax = amount(self.tax, currency, "/tax", &mut errors);
        let line_total = unit_price.times(self.quantity.clamp(0, QUANTITY_MAX));
        let Some(line_total) = line_total.ok().filter(|_| errors.is_empty()) else { return Err(errors) };
        let of_store = |what: &str| Uuid::new_v5(&vendor_id.0, format!("{what} {}", self.sku).as_bytes());
        Ok(Line {
            line_id,
            variant_id: VariantId(of_store("variant")),
            product_id: ProductId(of_store("product")),
            sku: Some(self.sku.clone()),
            title: self.title.clone().unwrap_or_else(|| self.sku.clone()),
            kind: kind.to_owned(),
            quantity: self.quantity,
            unit_price,
            line_total,
            tax,
            tax_basis_points: None,
            commission_basis_points: 0,
            commission: Money::zero(currency),
        })
    }
}

fn is_text(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// An amount in the order's currency, nothing where there is none.
fn amount(given: Option<Money>, currency: Currency, pointer: &str, errors: &mut Vec<FieldError>) -> Money {
    let given = given.unwrap_or(Money::zero(currency));
    if given.currency != currency {
        errors.push(field(pointer, "mixed_currency", "all amounts of an order are in one currency"));
    }
    if !(0..=AMOUNT_MAX).contains(&given.amount) {
        errors.push(field(pointer, "range", "an amount is 0 to 10^12 minor units"));
    }
    given
}

fn part_totals(lines: &[Line], currency: Currency, (shipping, discount): (Money, Money), tax_included: bool) -> Result<Totals, MoneyError> {
    let subtotal = Money::sum(currency, lines.iter().map(|l| l.line_total))?;
    let tax = Money::sum(currency, lines.iter().map(|l| l.tax))?;
    let before_tax = subtotal.minus(discount)?.plus(shipping)?;
    let total = if tax_included { before_tax } else { before_tax.plus(tax)? };
    Ok(Totals { subtotal, discount, shipping, tax, tax_included, total })
}

fn sum<'a>(currency: Currency, tax_included: bool, parts: impl Iterator<Item = &'a Totals> + Clone) -> Result<Totals, MoneyError> {
    let all = |of: fn(&Totals) -> Money| Money::sum(currency, parts.clone().map(of));
    Ok(Totals {
        subtotal: all(|t| t.subtotal)?,
        discount: all(|t| t.discount)?,
        shipping: all(|t| t.shipping)?,
        tax: all(|t| t.tax)?,
        tax_included,
        total: all(|t| t.total)?,
    })
}

impl Order {
    /// What happens when `wanted` is brought in over this one: nothing where it stands so already.
    pub fn import(&self, wanted: OrderImported) -> Option<OrderImported> {
        let after = imported(&wanted);
        (Order { updated_at: self.updated_at, ..after } != *self).then_some(wanted)
    }

    /// Whether it was placed here, so that something can happen to it here.
    pub(super) fn is_of_here(&self) -> Result<(), Refused> {
        match &self.imported {
            None => Ok(()),
            Some(from) => Err(Refused::Imported { shop: from.source.clone() }),
        }
    }
}

/// What platforms call orders that were placed here.
pub const HERE: &str = "haat";

impl Order {
    /// As another platform takes it, where its stores are called so; `None` where nothing of it was sold.
    pub fn export(&self, email: Option<String>, stores: &BTreeMap<VendorId, String>) -> Option<ImportedOrderInput> {
        let from = self.imported.clone().unwrap_or_else(|| Imported { source: HERE.to_owned(), number: self.number.clone() });
        let part = |part: &super::Part| {
            let reached = |to| part.steps.iter().find(|(status, _)| *status == to).map(|(_, at)| *at);
            Some(ImportedPartInput {
                vendor: stores.get(&part.vendor_id)?.clone(),
                status: ImportedStatus::of(part.status)?,
                shipped_at: reached(PartStatus::Shipped),
                delivered_at: reached(PartStatus::Delivered),
                items: part.lines.iter().map(exported).collect(),
                shipping: Some(part.totals.shipping),
                discount: Some(part.totals.discount),
            })
        };
        let parts: Vec<_> = self.parts.iter().filter_map(part).collect();
        (!parts.is_empty()).then_some(ImportedOrderInput {
            source: from.source,
            number: from.number,
            placed_at: self.created_at,
            email,
            user_id: self.user_id,
            tax_included: self.totals.tax_included,
            parts,
        })
    }
}

fn exported(line: &Line) -> ImportedItemInput {
    ImportedItemInput {
        sku: line.sku.clone().unwrap_or_else(|| line.variant_id.to_string()),
        title: Some(line.title.clone()),
        kind: Some(line.kind.clone()),
        quantity: line.quantity,
        unit_price: line.unit_price,
        tax: Some(line.tax),
    }
}

/// An order as it is after it was brought in.
pub(super) fn imported(e: &OrderImported) -> Order {
    let part = |p: &ImportedPart| {
        let mut part = super::Part::new(&p.sold);
        part.reach(PartStatus::Confirmed, e.placed_at);
        let steps = [(PartStatus::Shipped, p.shipped_at), (PartStatus::Delivered, p.delivered_at)];
        steps.into_iter().filter_map(|(to, at)| at.map(|at| (to, at))).for_each(|(to, at)| part.reach(to, at));
        part.status = PartStatus::parse(&p.status).unwrap_or(PartStatus::Confirmed);
        part
    };
    Order {
        id: e.order_id,
        number: e.number.clone(),
        user_id: e.user_id,
        parts: e.parts.iter().map(part).collect(),
        totals: e.totals.clone(),
        payment: Payment { method: ELSEWHERE.to_owned(), deadline: e.placed_at, ..Order::default().payment },
        imported: Some(Imported { source: e.source.clone(), number: e.source_number.clone() }),
        created_at: e.placed_at,
        updated_at: e.at,
        ..Order::default()
    }
}
