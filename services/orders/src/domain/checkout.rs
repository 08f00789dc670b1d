//! What a shopper asks for, checked before anybody else is asked.

use std::collections::BTreeMap;

use contracts::events::orders::Address;
use contracts::{Money, ProductId, QuoteId, VariantId, VendorId};
use kit::problem::FieldError;
use serde::Deserialize;
use utoipa::ToSchema;

use super::pricing::Shipping;

/// Lines of one order.
const LINES_MAX: usize = 100;
/// Pieces of one line.
const QUANTITY_MAX: i64 = 999;
/// Characters of any text a shopper writes.
const TEXT_MAX: usize = 500;

/// The body of `POST /orders`. Without `items` the caller's cart is ordered.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "shippingMethod": "standard",
    "paymentMethod": "sandbox",
    "shippingAddress": {
        "name": "Rahim Uddin", "phone": "+8801712345678", "line1": "12 Lake Road", "city": "Dhaka", "postalCode": "1207", "country": "BD",
    },
}))]
pub struct CheckoutInput {
    /// Instead of the cart.
    pub items: Option<Vec<WantedInput>>,
    /// Where a guest is written to; required of guests.
    pub email: Option<String>,
    /// Where the goods go; required when something is shipped.
    pub shipping_address: Option<Address>,
    /// How all stores ship; `standard` where left out.
    pub shipping_method: Option<String>,
    /// How single stores ship, by their id.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub shipping_methods: Option<BTreeMap<VendorId, String>>,
    /// How it is paid; `sandbox` where left out.
    pub payment_method: Option<String>,
    /// A quote of the cart, whose prices hold: the items, the place and the shipping methods are those that were quoted.
    pub quote_id: Option<QuoteId>,
    /// What the shopper saw; another total is refused.
    pub expected_total: Option<Money>,
    /// For the stores.
    pub note: Option<String>,
}

/// An item by its variant, or by its product where that has one variant.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedInput {
    /// The variant.
    pub variant_id: Option<VariantId>,
    /// Or the product.
    pub product_id: Option<ProductId>,
    /// 1 to 999.
    pub quantity: i64,
}

/// What is wanted of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub what: What,
    /// How many, 1 to 999.
    pub quantity: i64,
}

/// A variant, by itself or as the only one of its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// This variant.
    Variant(VariantId),
    /// The only variant of this product.
    Product(ProductId),
}

/// Where an order goes and whom to write to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    /// A guest's, or another one than the user's own.
    pub email: Option<String>,
    /// Where the goods go.
    pub address: Option<Address>,
    /// The shopper's own words.
    pub note: Option<String>,
}

/// The body of `PUT /orders/{id}`. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactChange {
    /// Where the goods go; in the same country, since prices depend on it.
    pub shipping_address: Option<Address>,
    /// For the stores; an empty one takes it away.
    pub note: Option<String>,
}

impl Contact {
    /// The contact after a change, and what of it is another.
    pub fn changed(&self, change: ContactChange) -> Result<(Contact, Vec<String>), Vec<FieldError>> {
        let (mut after, mut errors) = (self.clone(), Vec::new());
        if let Some(address) = change.shipping_address {
            let address = checked_address(address, &mut errors);
            match &self.address {
                None => errors.push(field("/shippingAddress", "not_shipped", "nothing of this order is shipped")),
                Some(before) if before.country != address.country => {
                    let text = format!("it stays in {}: cancel the order and place another to ship elsewhere", before.country);
                    errors.push(field("/shippingAddress/country", "fixed", text));
                }
                Some(_) => after.address = Some(address),
            }
        }
        if let Some(note) = change.note {
            errors.extend(checked_note(Some(&note)));
            after.note = Some(note).filter(|n| !n.trim().is_empty());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let parts = [(after.address != self.address, "shippingAddress"), (after.note != self.note, "note")];
        let changed = parts.into_iter().filter(|(is_another, _)| *is_another).map(|(_, name)| name.to_owned()).collect();
        Ok((after, changed))
    }
}

fn checked_note(note: Option<&str>) -> Option<FieldError> {
    note.filter(|n| !n.trim().is_empty()).and_then(|n| words("/note", n).err())
}

/// A checked request.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// `None`: the cart.
    pub items: Option<Vec<Wanted>>,
    /// Kept apart from the events.
    pub contact: Contact,
    /// How the parts are shipped.
    pub shipping: Shipping,
    /// How it is paid.
    pub payment_method: String,
    /// Whose prices hold.
    pub quote: Option<QuoteId>,
    /// What the shopper saw.
    pub expected_total: Option<Money>,
}

/// Whether the shopper is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shopper {
    /// Has an account, and a way to be reached.
    User,
    /// Has a cart token only.
    Guest,
}

/// Checks what can be checked without asking anybody; `methods` are those with which one can pay here.
pub fn check(input: CheckoutInput, shopper: Shopper, methods: &[String]) -> Result<Checkout, Vec<FieldError>> {
    let mut errors = Vec::new();
    let items = input.items.map(|items| wanted(items, &mut errors));
    let email = input.email.map(|e| e.trim().to_owned());
    match &email {
        None if shopper == Shopper::Guest => errors.push(field("/email", "required", "a guest says where to write to")),
        Some(email) if !is_email(email) => errors.push(field("/email", "format", "expected an e-mail address such as name@example.com")),
        _ => {}
    }
    let address = input.shipping_address.map(|a| checked_address(a, &mut errors));
    errors.extend(checked_note(input.note.as_deref()));
    let note = input.note.filter(|n| !n.trim().is_empty());
    let payment_method = input.payment_method.unwrap_or_else(|| methods.first().cloned().unwrap_or_default());
    if !methods.contains(&payment_method) {
        let text = format!("expected one of {}, found {payment_method:?}", methods.join(", "));
        errors.push(field("/paymentMethod", "unknown_method", text));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let shipping = Shipping { method: input.shipping_method, by_vendor: input.shipping_methods.unwrap_or_default() };
    let (contact, quote, expected_total) = (Contact { email, address, note }, input.quote_id, input.expected_total);
    Ok(Checkout { items, contact, shipping, payment_method, quote, expected_total })
}

pub(super) fn wanted(items: Vec<WantedInput>, errors: &mut Vec<FieldError>) -> Vec<Wanted> {
    if items.is_empty() || items.len() > LINES_MAX {
        errors.push(field("/items", "length", format!("an order has 1 to {LINES_MAX} items")));
        return Vec::new();
    }
    let mut out: Vec<Wanted> = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let what = match (item.variant_id, item.product_id) {
            (Some(variant), None) => What::Variant(variant),
            (None, Some(product)) => What::Product(product),
            _ => {
                errors.push(field(format!("/items/{i}"), "ambiguous", "an item names a variantId or a productId, and not both"));
                continue;
            }
        };
        match out.iter_mut().find(|w| w.what == what) {
            // Both are in range or refused, so the sum cannot overflow.
            Some(same) if in_range(item.quantity) && in_range(same.quantity + item.quantity) => same.quantity += item.quantity,
            None if in_range(item.quantity) => out.push(Wanted { what, quantity: item.quantity }),
            _ => {
                errors.push(field(
                    format!("/items/{i}/quantity"),
                    "range",
                    format!("a quantity is 1 to {QUANTITY_MAX}, found {}", item.quantity),
                ));
            }
        }
    }
    out
}

fn in_range(quantity: i64) -> bool {
    (1..=QUANTITY_MAX).contains(&quantity)
}

fn checked_address(mut a: Address, errors: &mut Vec<FieldError>) -> Address {
    a.phone.retain(|c| !matches!(c, ' ' | '-' | '(' | ')'));
    let mut text = |name: &str, value: &mut String, least: usize, most: usize| {
        *value = value.trim().to_owned();
        if !(least..=most).contains(&value.chars().count()) || value.chars().any(char::is_control) {
            let detail = format!("expected {least} to {most} characters without control characters");
            errors.push(field(format!("/shippingAddress/{name}"), "length", detail));
        }
    };
    text("name", &mut a.name, 1, 200);
    text("line1", &mut a.line1, 1, 200);
    if let Some(line2) = &mut a.line2 {
        text("line2", line2, 0, 200);
    }
    text("city", &mut a.city, 1, 100);
    text("postalCode", &mut a.postal_code, 0, 20);
    if !is_phone(&a.phone) {
        errors.push(field("/shippingAddress/phone", "format", "expected a phone number in E.164 form such as +8801712345678"));
    }
    if !is_country(&a.country) {
        errors.push(field("/shippingAddress/country", "format", "expected an ISO 3166-1 alpha-2 code such as BD"));
    }
    a
}

/// The form of an ISO 3166-1 alpha-2 code.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// E.164: a plus and 7 to 15 digits, the first of them not 0.
fn is_phone(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Something with one `@` and a dot behind it, of at most 254 characters: the rest only a message can prove.
fn is_email(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    let [local, domain] = parts[..] else { return false };
    let shape = !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    shape && text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// What somebody writes for others to read: 1 to 500 characters, of control characters only line breaks and tabs.
pub fn words(pointer: &str, text: &str) -> Result<String, FieldError> {
    let printable = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    if (1..=TEXT_MAX).contains(&text.chars().count()) && printable {
        return Ok(text.to_owned());
    }
    Err(field(pointer, "length", format!("expected 1 to {TEXT_MAX} characters without control characters")))
}

/// A mistake in the body.
pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.into(), code, detail: detail.into() }
}
