//! A guest who signs in: both carts are one before the answer leaves.
//!
//! The cart takes a guest's over once it hears `user.signed_in`. Whoever orders with the next request would find an empty
//! one, so the gateway, which sees who signed in and with which cart, asks for it at once. Where that does not work, the
//! event does it later; where it did, the event finds nothing left to do.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use kit::context::scope;
use kit::http::RouteInfo;
use kit::{Caller, Context, Problem};
use serde_json::Value as Json;

use crate::sessions::Sessions;
use crate::upstream::Upstreams;

/// Who is answered here is signed in.
const SIGN_INS: [&str; 2] = ["/api/v1/auth/login", "/api/v1/auth/register"];
/// What their answer has at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long the answer waits for the cart.
const MERGE_SECONDS_MAX: u64 = 2;

/// The guest who signs in with this request, where one does.
pub fn guest(route: &RouteInfo, caller: &Caller) -> Option<Caller> {
    let is_one = caller.cart_token.is_some() && SIGN_INS.contains(&route.path.as_str());
    is_one.then(|| Caller { user: None, ..caller.clone() })
}

/// The answer to a sign-in, once the guest's cart is the user's.
pub async fn merged(upstreams: &Upstreams, sessions: &Sessions, guest: Caller, answer: Response) -> Result<Response, Problem> {
    let (parts, body) = answer.into_parts();
    let bytes = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let bytes = bytes.map_err(|e| Problem::internal(format!("the answer to a sign-in cannot be read: {e}")))?.to_bytes();
    let merging = merge(upstreams, sessions, guest, serde_json::from_slice(&bytes).unwrap_or_default());
    match tokio::time::timeout(Duration::from_secs(MERGE_SECONDS_MAX), merging).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => tracing::info!(reason, "a guest's cart is taken over later"),
        Err(_) => tracing::info!(reason = "the cart does not answer", "a guest's cart is taken over later"),
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

async fn merge(upstreams: &Upstreams, sessions: &Sessions, guest: Caller, signed_in: Json) -> Result<(), String> {
    let token = signed_in["accessToken"].as_str().ok_or("there is no access token in the answer")?;
    let user = sessions.user_of(token).await.map_err(|refused| format!("{refused:?}"))?.user;
    let context = Context { actor: Some(format!("user:{}", user.id)), ..Context::current() };
    let mut request = Request::post("/api/v1/cart/merge").body(Body::empty()).map_err(|e| e.to_string())?;
    request.extensions_mut().insert(Caller { user: Some(user), ..guest });
    let cart = upstreams.of("cart").map_err(|problem| problem.detail)?;
    let status = scope(context, cart.call(request, 0)).await.status();
    if status.is_success() { Ok(()) } else { Err(format!("the cart answers {status}")) }
}
