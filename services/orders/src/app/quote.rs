//! From what is wanted to what it costs: asks the cart, the catalog and the vendors, and changes nothing.

use contracts::proto::cart as cart_api;
use contracts::proto::catalog as catalog_api;
use contracts::proto::vendors as vendors_api;
use contracts::{Money, Time, VariantId};
use kit::problem::FieldError;

use super::{App, unreachable};
use crate::domain::pricing::{self, Item, NotShipped, Offer, Priced, Shipping, Terms, Unpriced};
use crate::domain::{COD, Checkout, Destination, Wanted, What, field};
use crate::error::Error;

/// Items on their way into an order.
pub(super) struct Basket {
    /// What is bought.
    pub items: Vec<Item>,
    /// By which methods the stores ship it.
    pub offers: Vec<Offer>,
    /// The cart they come from, with the lines that are taken out of it.
    pub cart: Option<Taken>,
    /// When the latest of its items was put in.
    pub filled_at: Option<Time>,
}

/// Lines of a cart.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Taken {
    /// The cart.
    pub cart_id: String,
    /// Variant and quantity.
    pub lines: Vec<(String, i64)>,
}

impl App {
    /// The listed items, or those of the owner's cart, on their way to `to`.
    pub(super) async fn basket(&self, owner: cart_api::Owner, items: Option<&[Wanted]>, to: Option<&Destination>) -> Result<Basket, Error> {
        if let Some(items) = items {
            return self.listed(items, to).await;
        }
        let request = cart_api::GetCartRequest { owner: Some(owner) };
        let cart = self.cart.clone().get_cart(request).await.map_err(unreachable("cart"))?.into_inner();
        if cart.lines.is_empty() {
            return Err(Error::CartEmpty);
        }
        let wanted = cart.lines.iter().map(|l| Ok(Wanted { what: What::Variant(id(&l.variant_id)?), quantity: l.quantity }));
        let basket = self.listed(&wanted.collect::<Result<Vec<_>, Error>>()?, to).await?;
        let filled_at = cart.lines.iter().filter_map(|l| kit::clock::made_at(l.item_id.parse().ok()?)).max();
        let lines = cart.lines.into_iter().map(|l| (l.variant_id, l.quantity)).collect();
        Ok(Basket { cart: Some(Taken { cart_id: cart.cart_id, lines }), filled_at, ..basket })
    }

    /// What an order of these items costs now.
    pub(super) fn price(&self, basket: &Basket, to: Option<&Destination>, shipping: &Shipping) -> Result<Priced, Error> {
        if to.is_none() && basket.items.iter().any(|i| i.grams().is_some()) {
            return Err(Error::Invalid(vec![field("/shippingAddress", "required", "something of this order is shipped")]));
        }
        let now = self.clock.now();
        let terms = Terms { tax: &self.config.tax, country: to.map(|t| t.country.as_str()), offers: &basket.offers };
        pricing::price(terms, &basket.items, shipping, || self.ids.uuid(now)).map_err(unpriced)
    }

    /// The items as the catalog and the vendors know them now.
    pub(super) async fn listed(&self, wanted: &[Wanted], to: Option<&Destination>) -> Result<Basket, Error> {
        let mut request = catalog_api::GetVariantsRequest::default();
        for w in wanted {
            match w.what {
                What::Variant(id) => request.variant_ids.push(id.to_string()),
                What::Product(id) => request.product_ids.push(id.to_string()),
            }
        }
        let answer = self.catalog.clone().get_variants(request).await.map_err(unreachable("catalog"))?.into_inner();
        let mut errors = Vec::new();
        let mut items: Vec<Item> = Vec::with_capacity(wanted.len());
        for (i, w) in wanted.iter().enumerate() {
            match pick(&answer.variants, w.what, i) {
                Err(e) => errors.push(e),
                // A product may be its variant under another name.
                Ok(v) => match items.iter_mut().find(|item| item.variant_id.to_string() == v.variant_id) {
                    Some(same) => same.quantity += w.quantity,
                    None => items.push(item(v, w.quantity)?),
                },
            }
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let offers = self.add_terms(&mut items, to).await?;
        Ok(Basket { items, offers, cart: None, filled_at: None })
    }

    /// Gives the items their commission; by which methods the stores ship them.
    pub(super) async fn add_terms(&self, items: &mut [Item], to: Option<&Destination>) -> Result<Vec<Offer>, Error> {
        let lines = items.iter().map(|item| vendors_api::SaleLine {
            vendor_id: item.vendor_id.to_string(),
            category_ids: item.categories.iter().map(ToString::to_string).collect(),
            amount: item.unit_price.amount.saturating_mul(item.quantity),
            currency: item.unit_price.currency.code().to_owned(),
            grams: item.grams(),
        });
        let destination =
            to.map(|d| vendors_api::Destination { country: d.country.clone(), city: d.city.clone(), postal_code: d.postal_code.clone() });
        let request = vendors_api::SaleTermsRequest { lines: lines.collect(), destination };
        let terms = self.vendors.clone().sale_terms(request).await.map_err(unreachable("vendors"))?.into_inner();
        let rates = terms.commission_basis_points;
        if rates.len() != items.len() || rates.iter().any(|r| !(0..=10_000).contains(r)) {
            return Err(Error::Internal(format!("vendors: {} commission rates for {} lines: {rates:?}", rates.len(), items.len())));
        }
        for (item, rate) in items.iter_mut().zip(rates) {
            item.commission_basis_points = rate;
        }
        terms.offers.into_iter().map(offer).collect()
    }
}

/// Whether it can be paid as it should be, and comes to what the shopper saw.
pub(super) fn check_payment(checkout: &Checkout, priced: &Priced) -> Result<(), Error> {
    let mut lines = priced.parts.iter().flat_map(|p| &p.lines);
    if checkout.payment_method == COD && lines.any(|l| l.kind != "physical") {
        let text = "cash is paid at the door: digital goods and courses are paid first";
        return Err(Error::Invalid(vec![field("/paymentMethod", "method_unavailable", text)]));
    }
    match checkout.expected_total {
        Some(expected) if expected != priced.totals.total => Err(Error::PriceChanged(priced.totals.total)),
        _ => Ok(()),
    }
}

/// Why there is no price, in terms of the request.
fn unpriced(e: Unpriced) -> Error {
    let text = e.to_string();
    let wrong = |pointer: String, code| Error::Invalid(vec![field(pointer, code, text.clone())]);
    match e {
        Unpriced::Empty => Error::CartEmpty,
        Unpriced::MixedCurrency(..) => Error::MixedCurrency,
        Unpriced::TooLarge => wrong("/items".into(), "too_large"),
        Unpriced::Shipping(NotShipped::Nowhere(_)) => wrong("/shippingAddress".into(), "not_shipped"),
        Unpriced::Shipping(NotShipped::NotOfThisOrder(vendor)) => wrong(format!("/shippingMethods/{vendor}"), "unknown_store"),
        Unpriced::Shipping(NotShipped::UnknownMethod { named: true, vendor_id, .. }) => {
            wrong(format!("/shippingMethods/{vendor_id}"), "unknown_method")
        }
        Unpriced::Shipping(NotShipped::UnknownMethod { .. }) => wrong("/shippingMethod".into(), "unknown_method"),
    }
}

fn offer(o: vendors_api::ShippingOffer) -> Result<Offer, Error> {
    let currency = o.currency.parse().map_err(|e| Error::Internal(format!("vendors: {e}")))?;
    Ok(Offer { vendor_id: id(&o.vendor_id)?, method: o.method, name: o.name, price: Money::new(o.amount, currency) })
}

/// The variant that is meant, if it can be bought.
fn pick(found: &[catalog_api::Variant], what: What, place: usize) -> Result<&catalog_api::Variant, FieldError> {
    let variant = match what {
        What::Variant(id) => {
            let variant = found.iter().find(|v| v.variant_id == id.to_string());
            variant.ok_or_else(|| field(format!("/items/{place}/variantId"), "unknown_variant", format!("there is no variant {id}")))?
        }
        What::Product(id) => {
            let pointer = format!("/items/{place}/productId");
            let mut variants = found.iter().filter(|v| v.product_id == id.to_string() && v.buyable);
            let first = variants.next();
            let first = first.ok_or_else(|| field(pointer.as_str(), "unknown_product", format!("there is no product {id} to buy")))?;
            if variants.next().is_some() {
                return Err(field(pointer, "variant_required", "the product has several variants: name one by its variantId"));
            }
            first
        }
    };
    if variant.buyable {
        return Ok(variant);
    }
    Err(field(format!("/items/{place}"), "unavailable", format!("{} is no longer sold", variant.title)))
}

fn item(v: &catalog_api::Variant, quantity: i64) -> Result<Item, Error> {
    let price = v.price.as_ref().ok_or_else(|| Error::Internal(format!("catalog: variant {} has no price", v.variant_id)))?;
    let currency = price.currency.parse().map_err(|e| Error::Internal(format!("catalog: {e}")))?;
    Ok(Item {
        variant_id: id::<VariantId>(&v.variant_id)?,
        product_id: id(&v.product_id)?,
        vendor_id: id(&v.vendor_id)?,
        sku: v.sku.clone(),
        title: v.title.clone(),
        kind: v.kind.clone(),
        categories: v.category_ids.iter().map(|c| id(c)).collect::<Result<_, _>>()?,
        weight_grams: v.weight_grams,
        quantity,
        unit_price: Money::new(price.amount, currency),
        commission_basis_points: 0,
    })
}

/// An id that another service sent.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Internal(format!("not an id: {text:?}")))
}
