//! What comes back: asked for by shoppers, answered by stores or left to time.

use serde_json::{Value as Json, json};

use super::promise::{SentBack, Way};
use super::shopper::{pause, text};
use super::staff::DELIVERED;
use super::world::World;

/// Sends pieces of some delivered parts back. Sometimes two requests ask at once for what can come back only once.
pub async fn send_back(world: &World, badge: (&str, &str), way: &Way, order: &Json) -> Vec<SentBack> {
    let mut sent = Vec::new();
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        if way.parts.get(&text(&part["id"])) != Some(&DELIVERED) || world.dice(3) == 0 {
            continue;
        }
        let asked = match world.dice(3) {
            0 => <[_; 2]>::from(tokio::join!(biased; request(world, badge, order, part, 1), request(world, badge, order, part, 2))),
            _ => [request(world, badge, order, part, 1).await, None],
        };
        for id in asked.into_iter().flatten() {
            sent.push(answer(world, id).await);
        }
    }
    sent
}

/// Asks for a return, under a key of its own, until there is an answer.
async fn request(world: &World, badge: (&str, &str), order: &Json, part: &Json, number: u64) -> Option<String> {
    let item = |line: &Json| {
        let most = line["quantity"].as_u64().unwrap_or(1);
        json!({"lineId": line["id"], "quantity": 1 + world.dice(most)})
    };
    let items: Vec<Json> = part["items"].as_array().into_iter().flatten().map(item).collect();
    let body = json!({"items": items, "reason": "does not fit"});
    let key = format!("return-{}-{number}", text(&part["id"]));
    let path = format!("/api/v1/orders/{}/return", text(&order["id"]));
    let answer = world.insist("POST", &path, Some(body), &[badge, ("idempotency-key", &key)]).await?;
    (answer.status == 201).then(|| text(&answer.body["id"]))
}

/// The store answers, or does not; the goods come, or do not.
async fn answer(world: &World, id: String) -> SentBack {
    let mut back = SentBack { id, status: "requested" };
    let words: &[&str] = match world.dice(8) {
        0 => &[],
        1 => &["reject"],
        2 => &["approve"],
        3 => &["approve", "reject"],
        _ => &["approve", "receive"],
    };
    for word in words {
        pause(world, 8_000).await;
        let Some(bearer) = world.admin().await else { return back };
        let path = format!("/api/v1/returns/{}/{word}", back.id);
        let body = (*word == "reject").then(|| json!({"reason": "worn"}));
        let answer = world.insist("POST", &path, body, &[("authorization", &bearer)]).await;
        if answer.is_none_or(|a| a.status != 200) {
            return back;
        }
        back.status = match *word {
            "reject" => "rejected",
            "receive" => "received",
            _ => "approved",
        };
    }
    back
}
