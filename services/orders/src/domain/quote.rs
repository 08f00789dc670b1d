//! A price that is held for a while.

use std::collections::BTreeMap;

use contracts::VendorId;
use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::destination::{Destination, DestinationInput, checked_destination};
use super::pricing::{Item, NONE, Priced, Shipping};

/// What a cart would cost, and what it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Where it would go.
    pub to: Option<Destination>,
    /// What it would be, and for how much.
    pub priced: Priced,
}

/// In what a checkout is not what was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Difference {
    /// Other variants or quantities.
    Items,
    /// Another place, as far as the price may depend on it.
    ShippingAddress,
    /// A store ships in another way.
    ShippingMethod,
}

impl Quote {
    /// In what a checkout of `items` differs; the prices hold where it does not. A checkout that chooses no shipping method
    /// takes the quoted ones.
    pub fn differences(&self, items: &[Item], to: Option<&Destination>, shipping: &Shipping) -> Vec<Difference> {
        let quoted = self.priced.parts.iter().flat_map(|p| &p.lines).map(|l| (l.variant_id, l.quantity));
        let same_items = quoted.collect::<BTreeMap<_, _>>() == items.iter().map(|i| (i.variant_id, i.quantity)).collect();
        let same_place = self.to.as_ref().map(Destination::plain) == to.map(Destination::plain);
        let mut shipped = self.priced.parts.iter().filter(|p| p.shipping_method != NONE);
        let same_way = shipped.all(|p| shipping.chosen(p.vendor_id).is_none_or(|method| method == p.shipping_method));
        let found = [(same_items, Difference::Items), (same_place, Difference::ShippingAddress), (same_way, Difference::ShippingMethod)];
        found.into_iter().filter(|(same, _)| !same).map(|(_, difference)| difference).collect()
    }
}

/// The body of `POST /cart/quote`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CartQuoteInput {
    /// Where the goods would go; required when something is shipped.
    pub shipping_address: Option<DestinationInput>,
    /// How all stores would ship; `standard` or a store's cheapest where left out.
    pub shipping_method: Option<String>,
    /// How single stores would ship, by their id.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub shipping_methods: Option<BTreeMap<VendorId, String>>,
}

/// Checks what can be checked without asking anybody.
pub fn check_cart_quote(input: CartQuoteInput) -> Result<(Option<Destination>, Shipping), Vec<FieldError>> {
    let mut errors = Vec::new();
    let to = input.shipping_address.map(|a| checked_destination(a, &mut errors));
    let shipping = Shipping { method: input.shipping_method, by_vendor: input.shipping_methods.unwrap_or_default() };
    if errors.is_empty() { Ok((to, shipping)) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use contracts::events::orders::{Line, Totals, VendorPart};
    use contracts::{Currency, Money, OrderLineId, ProductId, VariantId, VendorOrderId};
    use uuid::Uuid;

    use super::*;

    fn item(n: u128, quantity: i64) -> Item {
        Item {
            variant_id: VariantId(Uuid::from_u128(n)),
            product_id: ProductId::default(),
            vendor_id: VendorId(Uuid::from_u128(1)),
            sku: String::new(),
            title: String::new(),
            kind: "physical".into(),
            categories: Vec::new(),
            weight_grams: 0,
            quantity,
            unit_price: Money::zero(Currency::BDT),
            commission_basis_points: 0,
        }
    }

    fn place(country: &str, city: &str, postal_code: &str) -> Destination {
        Destination { country: country.into(), city: city.into(), postal_code: postal_code.into() }
    }

    /// Two of 1 and one of 2, by courier to Dhaka, and a course.
    fn quote() -> Quote {
        let zero = Money::zero(Currency::BDT);
        let totals = Totals { subtotal: zero, discount: zero, shipping: zero, tax: zero, tax_included: true, total: zero };
        let line = |i: Item| Line {
            line_id: OrderLineId::default(),
            variant_id: i.variant_id,
            product_id: i.product_id,
            sku: None,
            title: i.title,
            kind: i.kind,
            quantity: i.quantity,
            unit_price: zero,
            line_total: zero,
            tax: zero,
            tax_basis_points: None,
            commission_basis_points: 0,
            commission: zero,
        };
        let part = |vendor: u128, method: &str, items: Vec<Item>| VendorPart {
            vendor_order_id: VendorOrderId::default(),
            vendor_id: VendorId(Uuid::from_u128(vendor)),
            lines: items.into_iter().map(line).collect(),
            shipping_method: method.into(),
            shipping_tax: zero,
            totals: totals.clone(),
        };
        let parts = vec![part(1, "courier", vec![item(1, 2), item(2, 1)]), part(2, NONE, vec![item(3, 1)])];
        Quote { to: Some(place("BD", "Dhaka", "1207")), priced: Priced { parts, totals: totals.clone() } }
    }

    #[test]
    fn a_checkout_of_something_else_differs() {
        use Difference::{Items, ShippingAddress, ShippingMethod};
        let items = || vec![item(3, 1), item(2, 1), item(1, 2)];
        let dhaka = || Some(place("BD", "Dhaka", "1207"));
        let by = |method: Option<&str>, vendor: Option<(u128, &str)>| Shipping {
            method: method.map(str::to_owned),
            by_vendor: vendor.into_iter().map(|(n, m)| (VendorId(Uuid::from_u128(n)), m.to_owned())).collect(),
        };
        let cases = [
            (items(), dhaka(), by(None, None), vec![]),
            (items(), dhaka(), by(Some("courier"), Some((2, "rocket"))), vec![]),
            (items(), dhaka(), by(Some("rocket"), Some((1, "courier"))), vec![]),
            (items(), Some(place("BD", " dhaka", "12-07 ")), by(None, None), vec![]),
            (items()[1..].to_vec(), dhaka(), by(None, None), vec![Items]),
            (vec![item(3, 1), item(2, 2), item(1, 2)], dhaka(), by(None, None), vec![Items]),
            (items(), Some(place("BD", "Dhaka", "1208")), by(None, None), vec![ShippingAddress]),
            (items(), Some(place("IN", "Dhaka", "1207")), by(None, None), vec![ShippingAddress]),
            (items(), None, by(None, None), vec![ShippingAddress]),
            (items(), dhaka(), by(Some("standard"), None), vec![ShippingMethod]),
            (items(), dhaka(), by(Some("courier"), Some((1, "standard"))), vec![ShippingMethod]),
            (vec![], None, by(Some("x"), None), vec![Items, ShippingAddress, ShippingMethod]),
        ];
        for (items, to, shipping, expected) in cases {
            assert_eq!(quote().differences(&items, to.as_ref(), &shipping), expected, "{to:?} {shipping:?}");
        }
    }
}
