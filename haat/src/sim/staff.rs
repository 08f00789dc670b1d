//! What stores and staff do with an order.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::promise::{Promise, Way};
use super::shopper::{pause, text};
use super::world::World;

/// The states of a part, in their order; a part's rank is its place here.
pub const STATES: [&str; 5] = ["awaiting_payment", "confirmed", "processing", "shipped", "delivered"];

/// The rank of what was delivered.
pub const DELIVERED: usize = 4;

/// How often is looked whether an order is confirmed, or cash is known to be short.
const LOOKS: usize = 30;

/// The rank of a state; 0 where it is none of [`STATES`]. What comes back was delivered, or refused once it had left.
pub fn rank(status: &Json) -> usize {
    match status.as_str() {
        Some("return_requested" | "partially_returned" | "returned") => DELIVERED,
        Some("refused") => DELIVERED - 1,
        _ => STATES.iter().position(|s| status == *s).unwrap_or(0),
    }
}

/// Moves some parts of an order on, each to a state drawn from the dice, once it is confirmed.
pub async fn ship(world: &World, order: &Json) -> Way {
    let mut way = Way::default();
    let Some(bearer) = world.admin().await else { return way };
    let admin = [("authorization", bearer.as_str())];
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    for _ in 0..LOOKS {
        let now = world.insist("GET", &path, None, &admin).await;
        match now.as_ref().and_then(|a| a.body["status"].as_str()) {
            Some("created" | "awaiting_payment") => pause(world, 3_000).await,
            Some("failed" | "cancelled") | None => return way,
            Some(_) => break,
        }
    }
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        let last = DELIVERED - world.dice(6).saturating_sub(3) as usize;
        let is_open = async |status: &str, body: Json| advance(world, &admin, part, status, body).await;
        for (wanted, status) in STATES.iter().enumerate().take(last.min(DELIVERED - 1) + 1).skip(2) {
            let Some(reached) = is_open(status, json!({ "status": status })).await else { return way };
            way.parts.insert(text(&part["id"]), rank(&json!(reached)));
            if rank(&json!(reached)) < wanted {
                return way;
            }
        }
        if last == DELIVERED {
            at_the_door(world, &mut way, &admin, order, part).await;
        }
    }
    way
}

/// A part is delivered, for all of its price in cash or for less of it; or it is not taken.
async fn at_the_door(world: &World, way: &mut Way, admin: &[(&str, &str)], order: &Json, part: &Json) {
    let (id, due) = (text(&part["id"]), part["totals"]["total"]["amount"].as_i64().unwrap_or(0));
    if world.dice(6) == 0 {
        let reached = advance(world, admin, part, "refused", json!({"status": "refused"})).await;
        if reached.as_deref() == Some("refused") {
            way.refused.insert(id);
        }
        return;
    }
    let in_cash = order["payment"]["method"] == "cod";
    let taken = if in_cash && world.dice(3) == 0 { world.dice(due.unsigned_abs() + 1) as i64 } else { due };
    let mut body = json!({"status": "delivered"});
    if taken < due {
        body["collected"] = json!({"amount": taken, "currency": "BDT"});
    }
    if advance(world, admin, part, "delivered", body).await.as_deref() != Some("delivered") {
        return;
    }
    way.parts.insert(id, DELIVERED);
    if in_cash {
        way.cash += taken + later(world, admin, order, part, due - taken).await;
    }
}

/// What was short at the door is collected later, or written off, or nobody cares. Gives what was collected.
async fn later(world: &World, admin: &[(&str, &str)], order: &Json, part: &Json, missing: i64) -> i64 {
    let (payment, vendor) = (text(&order["payment"]["id"]), text(&part["vendorId"]));
    let (what, body, amount) = match world.dice(3) {
        _ if missing == 0 => return 0,
        0 => {
            let some = 1 + world.dice(missing.unsigned_abs()) as i64;
            ("collect", json!({"vendorId": vendor, "amount": {"amount": some, "currency": "BDT"}}), some)
        }
        1 => ("write-off", json!({"vendorId": vendor, "reason": "given up"}), 0),
        _ => return 0,
    };
    let key = format!("collect-{}", text(&part["id"]));
    let headers = [admin, &[("idempotency-key", key.as_str())]].concat();
    for _ in 0..LOOKS {
        // That it is short becomes known to payments by an event.
        let answer = world.insist("POST", &format!("/api/v1/payments/{payment}/{what}"), Some(body.clone()), &headers).await;
        match answer.map(|a| a.status) {
            Some(409) => pause(world, 1_000).await,
            Some(200 | 201) => return amount,
            _ => return 0,
        }
    }
    0
}

/// Moves a part on, and says which state it has then; `None` where nobody answers.
async fn advance(world: &World, admin: &[(&str, &str)], part: &Json, status: &str, body: Json) -> Option<String> {
    let path = format!("/api/v1/vendor/orders/{}", text(&part["id"]));
    let answer = world.insist("PUT", &format!("{path}/status"), Some(body), admin).await?;
    if answer.status == 200 {
        return Some(status.to_owned());
    }
    // An earlier request may have done it and lost its answer.
    let now = world.insist("GET", &path, None, admin).await?;
    now.body["status"].as_str().map(str::to_owned)
}

/// The stores of an order hand over cash; sometimes it is recorded twice at once, under two keys.
pub async fn hand_over(world: &World, promise: &mut Promise, order: &Json) {
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        if promise.way.parts.get(&text(&part["id"])) != Some(&DELIVERED) || world.dice(2) == 0 {
            continue;
        }
        let amount = 1 + world.dice(part["totals"]["total"]["amount"].as_u64().unwrap_or(1)) as i64;
        let (vendor, id) = (text(&part["vendorId"]), text(&part["id"]));
        let body = json!({"vendorId": vendor, "amount": {"amount": amount, "currency": "BDT"}, "reference": id});
        let again = if world.dice(3) == 0 { 2 } else { 1 };
        let once = async |n: u64| {
            let key = format!("{n}-{id}");
            let Some(bearer) = world.admin().await.filter(|_| n < again) else { return 0 };
            let headers = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
            let answer = world.insist("POST", "/api/v1/payments/cash/remittances", Some(body.clone()), &headers).await;
            answer.filter(|a| a.status == 201).map_or(0, |_| amount)
        };
        let (one, two) = tokio::join!(biased; once(0), once(1));
        promise.way.remitted += one + two;
    }
}

/// Gives some of an order's money back: an amount, or what was paid for a piece. Sometimes two do so at once, each with a
/// key of its own, of more than there is.
pub async fn refund(world: &World, promise: &mut Promise, order: &Json) {
    let total = order["payment"]["amount"]["amount"].as_i64().unwrap_or(0);
    let path = format!("/api/v1/payments/{}/refund", text(&order["payment"]["id"]));
    let money = |amount: i64| json!({"amount": {"amount": amount, "currency": "BDT"}, "reason": BROKEN});
    let piece = json!({"items": [{"lineId": order["vendorOrders"][0]["items"][0]["id"], "quantity": 1}], "reason": BROKEN});
    // A key is used for one request: this may be the second round of refunds of an order.
    let key = format!("{:x}", world.dice(u64::MAX));
    let (one, two) = (format!("{key}-1"), format!("{key}-2"));
    let given = match world.dice(4) {
        0 => {
            let most = money(total * 6 / 10 + 1);
            tokio::join!(biased; refund_once(world, &path, &one, most.clone()), refund_once(world, &path, &two, most))
        }
        1 => tokio::join!(biased; refund_once(world, &path, &one, piece.clone()), refund_once(world, &path, &two, piece)),
        _ => (refund_once(world, &path, &one, money(1 + world.dice(total.unsigned_abs()) as i64)).await, Ok(0)),
    };
    for one in [given.0, given.1] {
        match one {
            Ok(amount) => promise.refunds += amount,
            Err(broken) => promise.broken = Some(broken),
        }
    }
}

/// Why staff refunds.
pub const BROKEN: &str = "broken";

/// Asks for a refund until there is an answer, then once more with the same key. Gives what was acknowledged to go back.
async fn refund_once(world: &World, path: &str, key: &str, body: Json) -> Result<i64, String> {
    let Some(bearer) = world.admin().await else { return Ok(0) };
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    let first = world.insist("POST", path, Some(body.clone()), &headers).await;
    let Some(first) = first.filter(|a| a.status == 201) else { return Ok(0) };
    match world.insist("POST", path, Some(body), &headers).await {
        Some(again) if again.bytes != first.bytes => Err(format!("one key, two refunds: {} and {}", first.body, again.body)),
        _ => Ok(first.body["amount"]["amount"].as_i64().unwrap_or(0)),
    }
}

/// Pays refunds of cash out by hand, as somebody does in the end.
pub async fn pay_out(world: &World, refunds: Vec<(uuid::Uuid, uuid::Uuid)>) {
    for (payment, refund) in refunds {
        let Some(bearer) = world.admin().await else { return };
        let path = format!("/api/v1/payments/{payment}/refunds/{refund}/settle");
        let answer = world.insist("POST", &path, None, &[("authorization", &bearer)]).await;
        if answer.as_ref().is_none_or(|a| a.status != 200) {
            world.breaks(format!("refund {refund} of cash cannot be settled: {:?}", answer.map(|a| a.body)));
        }
    }
}

/// Sets another commission again and again: what was sold keeps the rate of its time.
pub async fn change_commission(world: Arc<World>) {
    for round in 0_u64.. {
        pause(&world, 4_000).await;
        if world.calm_since().is_some() {
            return;
        }
        let Some(bearer) = world.admin().await else { return };
        let rules = json!({"rules": [{"basisPoints": 300 + 7 * (round % 100)}]});
        let _ = world.send("PUT", "/api/v1/vendors/commission-rules", Some(rules), &[("authorization", &bearer)]).await;
    }
}
