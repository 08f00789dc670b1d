//! What stores and staff do with an order.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::shopper::{Promise, pause, text};
use super::world::World;

/// The states of a part, in their order; a part's rank is its place here.
pub const STATES: [&str; 5] = ["awaiting_payment", "confirmed", "processing", "shipped", "delivered"];

/// How often is looked whether an order is confirmed.
const LOOKS: usize = 30;

/// The rank of a state; 0 where it is none of [`STATES`].
pub fn rank(status: &Json) -> usize {
    STATES.iter().position(|s| status == *s).unwrap_or(0)
}

/// Moves some parts of an order on, each to a state drawn from the dice. Gives how far each was acknowledged to have come.
pub async fn ship(world: &World, mut parts: BTreeMap<String, usize>, order: &Json) -> BTreeMap<String, usize> {
    let Some(bearer) = world.admin().await else { return parts };
    let admin = [("authorization", bearer.as_str())];
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    for _ in 0..LOOKS {
        let now = world.insist("GET", &path, None, &admin).await;
        match now.as_ref().and_then(|a| a.body["status"].as_str()) {
            Some("created" | "awaiting_payment") => pause(world, 3_000).await,
            Some("failed" | "cancelled") | None => return parts,
            Some(_) => break,
        }
    }
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        let id = text(&part["id"]);
        let last = 2 + world.dice(3) as usize;
        for (wanted, status) in STATES.iter().enumerate().take(last + 1).skip(2) {
            let Some(reached) = advance(world, &admin, &id, status).await else { return parts };
            parts.insert(id.clone(), reached);
            if reached < wanted {
                break;
            }
        }
    }
    parts
}

/// Moves a part on, and says which state it has; `None` where nobody answers.
async fn advance(world: &World, admin: &[(&str, &str)], part: &str, status: &str) -> Option<usize> {
    let path = format!("/api/v1/vendor/orders/{part}");
    let answer = world.insist("PUT", &format!("{path}/status"), Some(json!({ "status": status })), admin).await?;
    if answer.status == 200 {
        return Some(rank(&answer.body["status"]));
    }
    // An earlier request may have done it and lost its answer.
    let now = world.insist("GET", &path, None, admin).await?;
    Some(rank(&now.body["status"]))
}

/// Gives some of an order's money back, and asks again with the same key.
pub async fn refund(world: &World, promise: &mut Promise, order: &Json) {
    let Some(bearer) = world.admin().await else { return };
    let total = order["payment"]["amount"]["amount"].as_i64().unwrap_or(0);
    let amount = 1 + world.dice(total.unsigned_abs()) as i64;
    let path = format!("/api/v1/payments/{}/refund", text(&order["payment"]["id"]));
    let body = json!({"amount": {"amount": amount, "currency": "BDT"}, "reason": "broken"});
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "refund")];
    promise.refund_asked = amount;
    let Some(first) = world.insist("POST", &path, Some(body.clone()), &headers).await.filter(|a| a.status == 201) else { return };
    promise.refunds = amount;
    if let Some(again) = world.insist("POST", &path, Some(body), &headers).await
        && again.bytes != first.bytes
    {
        promise.broken = Some(format!("one key, two refunds: {} and {}", first.body, again.body));
    }
}
