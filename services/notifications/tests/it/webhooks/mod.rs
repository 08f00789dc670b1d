//! Webhooks: what is sent to whom, and that it comes.

mod owning;
mod reaching;
mod telling;

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, text};

const DAY: i64 = 24 * 3_600;

async fn open(engine: Engine) -> Market {
    Market::open_with(engine, json!({"webhooks": {"private_addresses": true}})).await
}

fn admin() -> Caller {
    testing::user_with(&[Role::Admin])
}

/// Registers an endpoint.
async fn register(m: &Market, who: &Caller, url: &str, types: &[&str]) -> Json {
    let body = json!({"url": url, "eventTypes": types});
    m.p.send("POST", "/api/v1/webhooks", who, Some(body), &[]).await.expect(201).body
}

fn path(webhook: &Json, rest: &str) -> String {
    format!("/api/v1/webhooks/{}{rest}", text(&webhook["id"]))
}

async fn get(m: &Market, who: &Caller, webhook: &Json) -> Json {
    m.p.send("GET", &path(webhook, ""), who, None, &[]).await.expect(200).body
}

/// What was sent there, oldest first.
async fn deliveries(m: &Market, who: &Caller, webhook: &Json, filter: &str) -> Vec<Json> {
    let page = m.p.send("GET", &path(webhook, &format!("/deliveries?limit=100{filter}")), who, None, &[]).await.expect(200).body;
    page["data"].as_array().unwrap().iter().rev().cloned().collect()
}

async fn later(m: &Market, seconds: i64) {
    m.p.advance_seconds(seconds);
    m.p.settle().await;
}
