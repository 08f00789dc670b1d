//! What one shopper does, and what was promised to it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::world::{Answer, World};

/// What the platform acknowledged to a shopper: the rules are checked against this.
#[derive(Clone, Debug, Default)]
pub struct Promise {
    /// The token with which the order can be read.
    pub token: String,
    /// The order, once `201` came back, as first answered.
    pub order: Option<Json>,
    /// Whether an approval was acknowledged.
    pub approved: bool,
    /// Whether a decline was acknowledged.
    pub declined: bool,
    /// Whether a cancellation was acknowledged.
    pub cancelled: bool,
    /// What was promised twice and differently, if anything.
    pub broken: Option<String>,
}

const TRIES: usize = 60;

/// Shops once: goods of one or two kinds, an order, then whatever the dice say.
pub async fn shop(world: Arc<World>, number: u64) -> Promise {
    let mut promise = Promise { token: format!("{:032x}{number:08x}", world.seed), ..Promise::default() };
    pause(&world, 3_000).await;
    let Some(items) = basket(&world).await else { return promise };
    let Some(order) = place(&world, &mut promise, number, &items).await else { return promise };
    let path = order["payment"]["action"]["url"].as_str().and_then(|u| u.find("/sandbox/").map(|i| u[i..].to_owned()));
    let id = order["id"].as_str().unwrap_or_default().to_owned();
    let payment = order["payment"]["id"].as_str().unwrap_or_default().to_owned();
    promise.order = Some(order);
    pause(&world, 20_000).await;
    let dice = world.dice(100);
    match (dice, path) {
        (0..55, Some(path)) => pay(&world, &mut promise, &path, "approve", &payment).await,
        (55..65, Some(path)) => pay(&world, &mut promise, &path, "decline", &payment).await,
        (65..77, Some(path)) => pay(&world, &mut promise, &path, "timeout", &payment).await,
        (77..85, Some(path)) => {
            tokio::join!(biased; pay_only(&world, &path), cancel(&world, &mut promise, &id));
        }
        (85..92, _) => cancel(&world, &mut promise, &id).await,
        _ => {}
    }
    if promise.approved && world.dice(6) == 0 {
        pause(&world, 30_000).await;
        cancel(&world, &mut promise, &id).await;
    }
    promise
}

async fn pause(world: &World, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(world.dice(most_ms))).await;
}

/// One or two different variants.
async fn basket(world: &World) -> Option<Vec<(String, u64)>> {
    for _ in 0..TRIES {
        if let Some(Answer { status: 200, body, .. }) = world.send("GET", "/api/v1/products?limit=20", None, &[]).await {
            let variants: Vec<String> = body["data"]
                .as_array()?
                .iter()
                .flat_map(|p| p["variants"].as_array().cloned().unwrap_or_default())
                .filter_map(|v| v["id"].as_str().map(str::to_owned))
                .collect();
            let first = world.dice(variants.len() as u64) as usize;
            let second = (first + 1 + world.dice(variants.len() as u64 - 1) as usize) % variants.len();
            let mut chosen = vec![(variants[first].clone(), 1 + world.dice(3))];
            if world.dice(2) == 0 {
                chosen.push((variants[second].clone(), 1 + world.dice(2)));
            }
            return Some(chosen);
        }
        pause(world, 500).await;
    }
    None
}

/// Orders, through the cart or by a list of items, and asks again with the same key until there is an answer.
async fn place(world: &World, promise: &mut Promise, number: u64, items: &[(String, u64)]) -> Option<Json> {
    let token = promise.token.clone();
    let token = [("x-cart-token", token.as_str())];
    let mut body = json!({
        "email": format!("shopper{number}@sim.test"),
        "shippingAddress": {"name": "A B", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207", "country": "BD"},
        "shippingMethod": "standard",
        "paymentMethod": "sandbox",
    });
    if world.dice(2) == 0 {
        for (variant, quantity) in items {
            // A lost answer may mean that it is in the cart: the order takes whatever is there.
            let _ = world.send("POST", "/api/v1/cart/items", Some(json!({"variantId": variant, "quantity": quantity})), &token).await;
        }
    } else {
        body["items"] = items.iter().map(|(v, q)| json!({"variantId": v, "quantity": q})).collect();
    }
    let key = format!("order-{}-{number}", world.seed);
    let headers = [token[0], ("idempotency-key", key.as_str())];
    let (first, second) = if world.dice(8) == 0 {
        tokio::join!(biased; ask(world, &body, &headers), ask(world, &body, &headers))
    } else {
        (ask(world, &body, &headers).await, None)
    };
    if let (Some(a), Some(b)) = (&first, &second)
        && a.status == 201
        && b.status == 201
        && a.bytes != b.bytes
    {
        promise.broken = Some(format!("one key, two answers: {} and {}", a.body, b.body));
    }
    first.or(second).filter(|a| a.status == 201).map(|a| a.body)
}

/// Asks until the answer is final. `409 idempotency_key_in_use` and `5xx` mean: ask again.
async fn ask(world: &World, body: &Json, headers: &[(&str, &str)]) -> Option<Answer> {
    for _ in 0..TRIES {
        match world.send("POST", "/api/v1/orders", Some(body.clone()), headers).await {
            Some(a) if a.status < 500 && a.body["code"] != "idempotency_key_in_use" && a.body["code"] != "conflict" => return Some(a),
            _ => pause(world, 1_500).await,
        }
    }
    None
}

async fn pay(world: &World, promise: &mut Promise, path: &str, how: &str, payment: &str) {
    for _ in 0..TRIES {
        match world.send("POST", &format!("{path}/{how}"), None, &[]).await {
            Some(a) if a.status == 200 => {
                promise.approved = how != "decline";
                promise.declined = how == "decline";
                break;
            }
            Some(a) if a.status < 500 => return,
            _ => pause(world, 1_000).await,
        }
    }
    if world.dice(2) == 0 {
        let token = promise.token.clone();
        let body = json!({"paymentId": payment});
        let _ = world.send("POST", "/api/v1/payments/confirm", Some(body), &[("x-cart-token", token.as_str())]).await;
    }
}

async fn pay_only(world: &World, path: &str) {
    let _ = world.send("POST", &format!("{path}/approve"), None, &[]).await;
}

async fn cancel(world: &World, promise: &mut Promise, order: &str) {
    let token = promise.token.clone();
    for _ in 0..TRIES {
        let path = format!("/api/v1/orders/{order}/cancel");
        match world.send("PUT", &path, Some(json!({"reason": "changed my mind"})), &[("x-cart-token", token.as_str())]).await {
            Some(a) if a.status == 200 => {
                promise.cancelled = true;
                return;
            }
            Some(a) if a.status < 500 && a.body["code"] != "conflict" => return,
            _ => pause(world, 1_000).await,
        }
    }
}
