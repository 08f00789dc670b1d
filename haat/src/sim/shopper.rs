//! What one shopper does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::promise::Promise;
use super::world::{Answer, PASSWORD, World};
use super::{returns, staff};

/// How often an impatient shopper looks whether the order is there already.
const LOOKS_AT_ONCE: usize = 40;

/// Shops once: goods of one or two kinds, an order, then whatever the dice say.
pub async fn shop(world: Arc<World>, number: u64) -> Promise {
    let mut promise = Promise { badge: ("x-cart-token", format!("{:032x}{number:08x}", world.seed)), ..Promise::default() };
    pause(&world, 3_000).await;
    let Some(items) = basket(&world).await else { return promise };
    if world.dice(3) == 0 {
        let email = format!("member{number}@sim.test");
        let Some(bearer) = register(&world, &email).await else { return promise };
        let guest = std::mem::replace(&mut promise.badge, ("authorization", bearer));
        promise.email = Some(email);
        if world.dice(3) == 0 {
            look_around(&world, &mut promise, &guest.1, &items[0]).await;
            return promise;
        }
    }
    if let Some(order) = place(&world, &mut promise, number, &items).await {
        promise.order = Some(order.clone());
        pause(&world, 20_000).await;
        if let Some(order) = look_again(&world, &promise, order).await {
            see_it_through(&world, &mut promise, &order).await;
        }
    }
    promise
}

/// The order as it is now, where it was answered before it could be paid.
async fn look_again(world: &World, promise: &Promise, order: Json) -> Option<Json> {
    if !order["payment"].is_null() {
        return Some(order);
    }
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    world.insist("GET", &path, None, &[promise.badge()]).await.map(|a| a.body)
}

async fn see_it_through(world: &World, promise: &mut Promise, order: &Json) {
    let path = order["payment"]["action"]["url"].as_str().and_then(|u| u.find("/sandbox/").map(|i| u[i..].to_owned()));
    let id = text(&order["id"]);
    match (world.dice(100), path) {
        (0..60, Some(path)) => pay(world, promise, &path, "approve", order).await,
        (60..68, Some(path)) => pay(world, promise, &path, "decline", order).await,
        (68..78, Some(path)) => pay(world, promise, &path, "timeout", order).await,
        (78..86, Some(path)) => {
            let approve = format!("{path}/approve");
            tokio::join!(biased; world.send("POST", &approve, None, &[]), cancel(world, promise, &id));
        }
        (86..92, _) => cancel(world, promise, &id).await,
        (0..50, None) if order["payment"].is_null() => cancel(world, promise, &id).await,
        _ => {}
    }
    let sold = promise.approved || order["payment"]["method"] == "cod";
    if sold && world.dice(4) == 0 {
        staff::refund(world, promise, order).await;
    }
    match (sold, world.dice(8)) {
        (true, 0) => {
            pause(world, 30_000).await;
            cancel(world, promise, &id).await;
        }
        (true, 1) => {
            let called_off;
            (promise.way, called_off) = tokio::join!(biased; staff::ship(world, order), call_off(world, promise.badge(), &id));
            promise.cancelled |= called_off;
        }
        (true, 2..7) => {
            promise.way = staff::ship(world, order).await;
            after_delivery(world, promise, order).await;
        }
        _ => {}
    }
}

/// Something comes back, or is refunded, or both at once; cash is handed over.
async fn after_delivery(world: &World, promise: &mut Promise, order: &Json) {
    if order["payment"]["method"] == "cod" {
        staff::hand_over(world, promise, order).await;
    }
    let mut refunded = Promise::default();
    let sent_back = returns::send_back(world, promise.badge(), &promise.way, order);
    if world.dice(2) == 0 {
        let refund = staff::refund(world, &mut refunded, order);
        (promise.returns, ()) = tokio::join!(biased; sent_back, refund);
    } else {
        promise.returns = sent_back.await;
    }
    promise.refunds += refunded.refunds;
    promise.broken = promise.broken.take().or(refunded.broken);
}

pub async fn pause(world: &World, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(world.dice(most_ms))).await;
}

/// One or two different variants.
async fn basket(world: &World) -> Option<Vec<(String, u64)>> {
    let answer = world.insist("GET", "/api/v1/products?limit=20", None, &[]).await?;
    let variants: Vec<String> = answer.body["data"]
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
    Some(chosen)
}

/// Makes an account, or finds that it was made by a request whose answer was lost.
async fn register(world: &World, email: &str) -> Option<String> {
    let body = json!({"email": email, "password": PASSWORD, "firstName": "A", "lastName": "B"});
    let answer = world.insist("POST", "/api/v1/auth/register", Some(body), &[]).await?;
    match answer.body["accessToken"].as_str() {
        Some(token) => Some(format!("Bearer {token}")),
        None => world.sign_in(email, &[]).await,
    }
}

/// Fills a guest's cart and signs in with it; perhaps more than once, since answers get lost.
async fn look_around(world: &World, promise: &mut Promise, guest: &str, (variant, quantity): &(String, u64)) {
    let token = [("x-cart-token", guest)];
    let body = json!({"variantId": variant, "quantity": 1});
    let Some(cart) = world.insist("POST", "/api/v1/cart/items", Some(body), &token).await else { return };
    // The first request may have been carried out more than once; this one says how many there are to be.
    let path = format!("/api/v1/cart/items/{}", text(&cart.body["items"][0]["id"]));
    let set = world.insist("PUT", &path, Some(json!({ "quantity": quantity })), &token).await;
    if set.is_none_or(|a| a.status != 200) {
        return;
    }
    if let Some(email) = &promise.email
        && world.sign_in(email, &token).await.is_some()
    {
        promise.cart = Some((variant.clone(), *quantity));
    }
}

/// Orders, through the cart or by a list of items, and asks again with the same key until there is an answer.
async fn place(world: &World, promise: &mut Promise, number: u64, items: &[(String, u64)]) -> Option<Json> {
    let mut body = json!({
        "shippingAddress": {"name": "A B", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207", "country": "BD"},
        "shippingMethod": "standard",
        "paymentMethod": if world.dice(4) == 0 { "cod" } else { "sandbox" },
    });
    if promise.email.is_none() {
        body["email"] = json!(format!("guest{number}@sim.test"));
    }
    if world.dice(2) == 0 {
        for (variant, quantity) in items {
            // A lost answer may mean that it is in the cart: the order takes whatever is there.
            let _ = world
                .send("POST", "/api/v1/cart/items", Some(json!({"variantId": variant, "quantity": quantity})), &[promise.badge()])
                .await;
        }
    } else {
        body["items"] = items.iter().map(|(v, q)| json!({"variantId": v, "quantity": q})).collect();
    }
    let key = format!("order-{}-{number}", world.seed);
    promise.asked = Some((key.clone(), body.clone()));
    let headers = [promise.badge(), ("idempotency-key", key.as_str())];
    let ask = || world.insist("POST", "/api/v1/orders", Some(body.clone()), &headers);
    let (first, second) = match world.dice(8) {
        0 => tokio::join!(biased; ask(), ask()),
        1 => {
            let (first, called_off) = tokio::join!(biased; ask(), call_off_early(world, promise.badge()));
            promise.cancelled |= called_off;
            (first, None)
        }
        _ => (ask().await, None),
    };
    let [first, second] = [first, second].map(|a| a.filter(|a| a.status == 201));
    if let (Some(a), Some(b)) = (&first, &second)
        && a.bytes != b.bytes
    {
        promise.broken = Some(format!("one key, two answers: {} and {}", a.body, b.body));
    }
    let Answer { body, bytes, .. } = first.or(second)?;
    promise.answer = bytes;
    Some(body)
}

/// Answers the payment page, then perhaps asks the platform to look.
async fn pay(world: &World, promise: &mut Promise, path: &str, how: &str, order: &Json) {
    let answer = world.insist("POST", &format!("{path}/{how}"), None, &[]).await;
    if answer.is_some_and(|a| a.status == 200) {
        (promise.approved, promise.declined) = (how != "decline", how == "decline");
    }
    if world.dice(2) == 0 {
        let body = json!({"paymentId": order["payment"]["id"]});
        let _ = world.send("POST", "/api/v1/payments/confirm", Some(body), &[promise.badge()]).await;
    }
}

async fn cancel(world: &World, promise: &mut Promise, order: &str) {
    promise.cancelled |= call_off(world, promise.badge(), order).await;
}

/// Whether it was acknowledged that the order is called off.
async fn call_off(world: &World, badge: (&str, &str), order: &str) -> bool {
    let (path, why) = (format!("/api/v1/orders/{order}/cancel"), json!({"reason": "changed my mind"}));
    world.insist("PUT", &path, Some(why), &[badge]).await.is_some_and(|a| a.status == 200)
}

/// Looks for the order while its request is under way, and calls it off before that is answered.
async fn call_off_early(world: &World, badge: (&str, &str)) -> bool {
    for _ in 0..LOOKS_AT_ONCE {
        pause(world, 100).await;
        let listed = world.send("GET", "/api/v1/orders", None, &[badge]).await;
        if let Some(id) = listed.and_then(|a| a.body["data"][0]["id"].as_str().map(str::to_owned)) {
            return call_off(world, badge, &id).await;
        }
    }
    false
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
