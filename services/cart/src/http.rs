//! Carts over HTTP.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contracts::{CartItemId, VariantId};
use kit::http::{Json, Path, Routes, Who};
use kit::problem::FieldError;
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::app::App;
use crate::domain::{Cart, Owner, QUANTITY_MAX};

/// The header in which a guest's token comes and goes.
const CART_TOKEN: HeaderName = HeaderName::from_static("x-cart-token");

/// Every route of the cart.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("cart")
        .add(Who::Guest, routes!(get_cart, clear_cart))
        .add(Who::Guest, routes!(add_item))
        .add(Who::Guest, routes!(set_quantity, remove_item))
        .add(Who::User, routes!(merge_cart))
}

/// The caller's cart, priced live. A guest without a token gets one in `X-Cart-Token`.
#[utoipa::path(get, path = "/api/v1/cart", tag = "cart",
    responses((status = 200, body = Cart, headers(("X-Cart-Token" = Option<String>, description = "To a guest who came without one.")))))]
async fn get_cart(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let whose = Whose::of(&app, &caller)?;
    let cart = app.cart(&whose.owner).await?;
    Ok(whose.answer(StatusCode::OK, cart))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AddBody {
    /// What.
    variant_id: VariantId,
    /// How many; 1 to 999.
    quantity: i64,
}

/// Puts more of a variant into the cart.
#[utoipa::path(post, path = "/api/v1/cart/items", tag = "cart", request_body = AddBody,
    responses((status = 201, body = Cart, headers(("X-Cart-Token" = Option<String>, description = "To a guest who came without one."))), (status = 422)))]
async fn add_item(State(app): State<App>, caller: Caller, Json(body, _): Json<AddBody>) -> Result<Response, Problem> {
    check_quantity(body.quantity, 1)?;
    let whose = Whose::of(&app, &caller)?;
    let cart = app.add(&whose.owner, whose.is_new, body.variant_id, body.quantity).await?;
    Ok(whose.answer(StatusCode::CREATED, cart))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QuantityBody {
    /// How many; 0 takes the line out.
    quantity: i64,
}

/// Sets how many are in a line.
#[utoipa::path(put, path = "/api/v1/cart/items/{itemId}", tag = "cart", params(("itemId" = CartItemId, Path)), request_body = QuantityBody,
    responses((status = 200, body = Cart), (status = 404), (status = 422)))]
async fn set_quantity(
    State(app): State<App>,
    caller: Caller,
    Path(item): Path<CartItemId>,
    Json(body, _): Json<QuantityBody>,
) -> Result<Response, Problem> {
    check_quantity(body.quantity, 0)?;
    let whose = Whose::of(&app, &caller)?;
    let cart = app.set_quantity(&whose.owner, item, body.quantity).await?;
    Ok(whose.answer(StatusCode::OK, cart))
}

/// Takes a line out.
#[utoipa::path(delete, path = "/api/v1/cart/items/{itemId}", tag = "cart", params(("itemId" = CartItemId, Path)),
    responses((status = 200, body = Cart), (status = 404)))]
async fn remove_item(State(app): State<App>, caller: Caller, Path(item): Path<CartItemId>) -> Result<Response, Problem> {
    let whose = Whose::of(&app, &caller)?;
    let cart = app.set_quantity(&whose.owner, item, 0).await?;
    Ok(whose.answer(StatusCode::OK, cart))
}

/// Takes everything out.
#[utoipa::path(delete, path = "/api/v1/cart", tag = "cart", responses((status = 204)))]
async fn clear_cart(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let whose = Whose::of(&app, &caller)?;
    app.clear(&whose.owner).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes the guest's cart of `X-Cart-Token` over into the caller's own: quantities are summed, at most 999 of a variant.
/// What does not fit stays where it is. Signing in with the token does the same; a repeat changes nothing.
#[utoipa::path(post, path = "/api/v1/cart/merge", tag = "cart", params(("X-Cart-Token" = String, Header)),
    responses((status = 200, body = Cart), (status = 400, description = "cart_token_required, invalid_cart_token"), (status = 401)))]
async fn merge_cart(State(app): State<App>, caller: Caller) -> Result<axum::Json<Cart>, Problem> {
    let user = caller.user()?.id;
    let guest = match (&caller.cart_token, caller.guest_hash()) {
        (Some(token), Some(hash)) if is_token(token) => hash,
        (Some(_), _) => return Err(invalid_token()),
        (None, _) => return Err(Problem::bad_request("cart_token_required", "send the X-Cart-Token of the cart to take over")),
    };
    Ok(axum::Json(app.merge(user, guest).await?))
}

fn invalid_token() -> Problem {
    Problem::bad_request("invalid_cart_token", "send X-Cart-Token as it was given to you, or leave it out")
}

fn check_quantity(quantity: i64, least: i64) -> Result<(), Problem> {
    if (least..=QUANTITY_MAX).contains(&quantity) {
        return Ok(());
    }
    let detail = format!("a quantity is {least} to {QUANTITY_MAX}, found {quantity}");
    Err(Problem::invalid(vec![FieldError { pointer: "/quantity".into(), code: "range", detail }]))
}

/// Ours are 56 of these characters; shorter ones could be guessed.
fn is_token(text: &str) -> bool {
    (32..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whose cart a request is about, and the token to hand back to a guest.
struct Whose {
    owner: Owner,
    token: Option<String>,
    /// Whether the token was made for this request, so that there is nothing under it.
    is_new: bool,
}

impl Whose {
    fn of(app: &App, caller: &Caller) -> Result<Whose, Problem> {
        if let Some(user) = &caller.user {
            return Ok(Whose { owner: Owner::User(user.id), token: None, is_new: false });
        }
        let is_new = caller.cart_token.is_none();
        let token = match &caller.cart_token {
            Some(token) if is_token(token) => token.clone(),
            Some(_) => return Err(invalid_token()),
            None => kit::auth::timed_secret(&app.ids, app.clock.now()),
        };
        let guest = Caller { cart_token: Some(token.clone()), ..Caller::default() };
        let hash = guest.guest_hash().unwrap_or_default();
        Ok(Whose { owner: Owner::Guest(hash), token: Some(token), is_new })
    }

    fn answer(self, status: StatusCode, cart: Cart) -> Response {
        let mut response = (status, axum::Json(cart)).into_response();
        if let Some(token) = self.token.and_then(|t| HeaderValue::from_str(&t).ok()) {
            response.headers_mut().insert(CART_TOKEN, token);
        }
        response
    }
}
