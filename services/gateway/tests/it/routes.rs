//! How the gateway's own routes answer, and how it refuses.

use kit::Role;
use serde_json::{Value, json};
use testing::{Engine, TestPlatform, redact};

use crate::outside::{Answer, Outside};
use crate::{SERVICES, identity};

testing::both_engines!(every_route_answers_in_its_form);

async fn every_route_answers_in_its_form(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let bearer = |roles: &[Role]| format!("Bearer {}", identity::sign_in(roles).1);
    let (admin, customer) = (bearer(&[Role::Admin]), bearer(&[Role::Customer]));
    let mut seen: Vec<Value> = Vec::new();
    let mut note = |what: &str, answer: Answer| {
        let mut body = answer.body;
        if let Some(id) = body.get_mut("requestId") {
            *id = json!("[request]");
        }
        seen.push(json!({"request": what, "status": answer.status, "body": body}));
    };
    let nothing = "01900000-0000-7000-8000-00000000dead";
    let asked: [(&str, &str, &str); 26] = [
        ("GET", "/health", ""),
        ("GET", "/api/v1/nowhere", ""),
        ("DELETE", "/health", ""),
        ("GET", "/api/v1/echo/user", ""),
        ("GET", "/api/v1/echo/user", "Bearer no.such.token"),
        ("GET", "/api/v1/echo/staff", &customer),
        ("GET", "/api/v1/sagas", ""),
        ("GET", "/api/v1/sagas", &customer),
        ("GET", "/api/v1/sagas", &admin),
        ("GET", "/api/v1/sagas?status=odd", &admin),
        ("GET", &format!("/api/v1/sagas/{nothing}"), &admin),
        ("GET", "/api/v1/gateway/routes", &customer),
        ("GET", "/api/v1/gateway/breakers", &admin),
        ("GET", "/api/v1/gateway/upstreams", ""),
        ("GET", "/api/v1/gateway/stats", &customer),
        ("GET", "/api/v1/schemas/cart.merged/1", ""),
        ("GET", "/api/v1/dead-letters", &admin),
        ("POST", &format!("/api/v1/dead-letters/{nothing}/retry"), &admin),
        ("GET", "/api/v1/dead-jobs", &admin),
        ("POST", &format!("/api/v1/dead-jobs/{nothing}/retry"), &admin),
        ("POST", &format!("/api/v1/dead-jobs/{nothing}/discard"), &admin),
        ("GET", "/api/v1/events/exports", &admin),
        ("GET", "/api/v1/events/exports?service=odd&limit=1", &admin),
        ("GET", "/api/v1/events/exports?after=odd:1", &admin),
        ("GET", &format!("/api/v1/replays/{nothing}"), &admin),
        ("POST", &format!("/api/v1/replays/{nothing}/cancel"), &admin),
    ];
    for (method, path, token) in asked {
        let who = if token.is_empty() {
            "nobody"
        } else if token == admin {
            "an administrator"
        } else {
            "a customer"
        };
        let who = if token.ends_with("no.such.token") { "a forger" } else { who };
        let headers: &[(&str, &str)] = if token.is_empty() { &[] } else { &[("authorization", token)] };
        note(&format!("{method} {path} by {who}"), outside.send(method, path, headers, Vec::new()).await);
    }
    note("POST /replays of nothing", {
        outside.post("/api/v1/replays", &[("authorization", &admin)], r#"{"readModel": "nothing"}"#).await
    });
    let other = outside.get("/health", &[("accept", "application/vnd.haat.v9+json")]).await;
    note("GET /health, only in another version", other);
    let versioned = outside.get("/api/v1/echo/public", &[("accept", "application/vnd.haat.v9+json")]).await;
    note("GET /api/v1/echo/public, only in another version", versioned);
    insta::assert_compact_json_snapshot!("every_route", redact(&json!(seen)));
}
