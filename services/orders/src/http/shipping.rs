//! What shipping would cost.

use axum::extract::State;
use contracts::{Money, VendorId};
use kit::Problem;
use kit::http::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, StoreOffers};
use crate::domain::pricing::Offer;
use crate::domain::{ShippingQuoteInput, check_shipping_quote};
use crate::error::Error;

/// What shipping would cost, by store.
#[derive(Serialize, ToSchema)]
pub(super) struct ShippingQuotes {
    /// In the order in which the stores first appear.
    data: Vec<ShippingQuote>,
}

/// How one store would ship its part.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShippingQuote {
    vendor_id: VendorId,
    /// Null where nothing is shipped: digital goods and courses.
    weight_grams: Option<i64>,
    /// By which methods; none where nothing is shipped, or not there.
    methods: Vec<ShippingOffer>,
}

/// A method by which a store ships, at its price for all of the store's part.
#[derive(Serialize, ToSchema)]
pub(super) struct ShippingOffer {
    /// As a checkout names it.
    method: String,
    /// For people.
    name: String,
    price: Money,
}

/// By which methods each store would ship these items to an address, and for how much.
#[utoipa::path(post, path = "/api/v1/shipping/quotes", tag = "shipping", request_body = ShippingQuoteInput,
    responses((status = 200, body = ShippingQuotes), (status = 422)))]
pub(super) async fn quote_shipping(
    State(app): State<App>,
    Json(input, _): Json<ShippingQuoteInput>,
) -> Result<axum::Json<ShippingQuotes>, Problem> {
    let (items, to) = check_shipping_quote(input).map_err(Error::Invalid)?;
    let data = app.shipping_offers(&items, &to).await?.into_iter().map(quote).collect();
    Ok(axum::Json(ShippingQuotes { data }))
}

fn quote(store: StoreOffers) -> ShippingQuote {
    ShippingQuote { vendor_id: store.vendor_id, weight_grams: store.grams, methods: store.offers.into_iter().map(offer).collect() }
}

fn offer(o: Offer) -> ShippingOffer {
    ShippingOffer { method: o.method, name: o.name, price: o.price }
}
