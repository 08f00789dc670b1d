//! Quotes as callers read them.

use contracts::events::orders::{Totals, VendorPart};
use contracts::{Money, QuoteId, Time, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ItemView, item};
use crate::app::{Held, StoreOffers};
use crate::domain::pricing::Offer;

/// What the cart would cost, held for a while.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CartQuote)]
pub(crate) struct CartQuoteView {
    /// What a checkout names it by.
    quote_id: QuoteId,
    /// Until when the checkout gets these prices.
    expires_at: Time,
    vendor_orders: Vec<QuotedPart>,
    totals: Totals,
}

/// One store's part.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuotedPart {
    vendor_id: VendorId,
    items: Vec<ItemView>,
    /// The one that is in the totals; `none` where nothing is shipped.
    shipping_method: String,
    /// By which the store would ship.
    shipping_methods: Vec<ShippingOffer>,
    totals: Totals,
}

/// How one store would ship its part.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShippingQuote {
    vendor_id: VendorId,
    /// Null where nothing is shipped: digital goods and courses.
    weight_grams: Option<i64>,
    /// By which methods; none where nothing is shipped, or not there.
    methods: Vec<ShippingOffer>,
}

/// A method by which a store ships, at its price for all of the store's part.
#[derive(Serialize, ToSchema)]
struct ShippingOffer {
    /// As a checkout names it.
    method: String,
    /// For people.
    name: String,
    price: Money,
}

/// A quote of a cart.
pub(crate) fn cart_quote(held: Held) -> CartQuoteView {
    let part = |part: &VendorPart| QuotedPart {
        vendor_id: part.vendor_id,
        items: part.lines.iter().map(item).collect(),
        shipping_method: part.shipping_method.clone(),
        shipping_methods: held.offers.iter().filter(|o| o.vendor_id == part.vendor_id).map(offer).collect(),
        totals: part.totals.clone(),
    };
    let vendor_orders = held.priced.parts.iter().map(part).collect();
    CartQuoteView { quote_id: held.id, expires_at: held.expires_at, vendor_orders, totals: held.priced.totals }
}

/// A quote of shipping.
pub(crate) fn shipping_quote(store: &StoreOffers) -> ShippingQuote {
    ShippingQuote { vendor_id: store.vendor_id, weight_grams: store.grams, methods: store.offers.iter().map(offer).collect() }
}

fn offer(o: &Offer) -> ShippingOffer {
    ShippingOffer { method: o.method.clone(), name: o.name.clone(), price: o.price }
}
