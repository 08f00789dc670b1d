//! What an order would cost.

use axum::extract::State;
use axum::http::StatusCode;
use kit::http::Json;
use kit::{Caller, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{guest_token, reader};
use crate::app::view::{self, CartQuoteView, ShippingQuote};
use crate::app::{App, cart_owner};
use crate::domain::{CartQuoteInput, ShippingQuoteInput, check_cart_quote, check_shipping_quote};
use crate::error::Error;

/// What the caller's cart would cost, sent somewhere in some way. A checkout that names the quote within 15 minutes gets its
/// prices, once, if it is of the same items, to the same place and in the same way.
#[utoipa::path(post, path = "/api/v1/cart/quote", tag = "cart", request_body = Option<CartQuoteInput>,
    responses((status = 201, body = CartQuoteView), (status = 401), (status = 422, description = "cart_empty, invalid")))]
pub(super) async fn quote_cart(
    State(app): State<App>,
    caller: Caller,
    input: Option<Json<CartQuoteInput>>,
) -> Result<(StatusCode, axum::Json<CartQuoteView>), Problem> {
    let who = reader(&caller)?.own().ok_or_else(|| Problem::unauthenticated("sign in first"))?;
    let owner = cart_owner(caller.user.as_ref().map(|u| u.id), guest_token(&caller)?);
    let (to, shipping) = check_cart_quote(input.unwrap_or_default().0).map_err(Error::Invalid)?;
    let held = app.quote_cart(who, owner, to, &shipping).await?;
    Ok((StatusCode::CREATED, axum::Json(view::cart_quote(held))))
}

/// What shipping would cost, by store.
#[derive(Serialize, ToSchema)]
pub(super) struct ShippingQuotes {
    /// In the order in which the stores first appear.
    data: Vec<ShippingQuote>,
}

/// By which methods each store would ship these items to an address, and for how much.
#[utoipa::path(post, path = "/api/v1/shipping/quotes", tag = "shipping", request_body = ShippingQuoteInput,
    responses((status = 200, body = ShippingQuotes), (status = 422)))]
pub(super) async fn quote_shipping(
    State(app): State<App>,
    Json(input, _): Json<ShippingQuoteInput>,
) -> Result<axum::Json<ShippingQuotes>, Problem> {
    let (items, to) = check_shipping_quote(input).map_err(Error::Invalid)?;
    let data = app.shipping_offers(&items, &to).await?.iter().map(view::shipping_quote).collect();
    Ok(axum::Json(ShippingQuotes { data }))
}
