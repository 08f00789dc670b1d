//! How the main routes of payments answer.

use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, Response, redact};

use crate::shop::Shop;

testing::both_engines!(every_main_route_answers_in_its_form);

async fn every_main_route_answers_in_its_form(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(1_000).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, p) = (who.clone(), format!("/api/v1{path}"), &shop.p);
        async move { p.send(method, &path, &who, body, &[]).await }
    };
    let (payer, admin, nobody) = (&shop.payer, &shop.admin, Caller::default());
    let one = format!("/payments/{}", begun.id);
    note("GET /payments/{id}", send(payer, "GET", &one, None).await);
    note("GET /payments/{id} by somebody else", send(&testing::user(), "GET", &one, None).await);
    note("POST /payments/{id}/refund of what was not captured", shop.refund(admin, &begun, 1, "early").await);
    note("POST /payments/initiate", send(payer, "POST", "/payments/initiate", Some(json!({"orderId": begun.order}))).await);
    shop.answer(&begun, "approve").await.expect(200);
    shop.p.settle().await;
    note("POST /payments/confirm", shop.confirm(&begun).await);
    note("POST /payments/{id}/refund", shop.refund(admin, &begun, 400, "a").await);
    note("POST /payments/{id}/refund of too much", shop.refund(admin, &begun, 601, "b").await);
    let keyless = json!({"amount": {"amount": 1, "currency": "BDT"}, "reason": "broken"});
    note("POST /payments/{id}/refund without a key", send(admin, "POST", &format!("{one}/refund"), Some(keyless)).await);
    shop.p.settle().await;
    note("GET /payments/order/{orderId}", send(payer, "GET", &format!("/payments/order/{}", begun.order), None).await);
    note("GET /payments/history", send(payer, "GET", "/payments/history", None).await);
    note("GET /payments/methods", send(&nobody, "GET", "/payments/methods", None).await);
    note("POST /payments/webhooks/{provider}, unsigned", send(&nobody, "POST", "/payments/webhooks/sandbox", Some(json!({}))).await);
    note("GET /ledger/entries", send(admin, "GET", &format!("/ledger/entries?orderId={}&limit=100", begun.order), None).await);
    note("GET /payments/cash/remittances", send(admin, "GET", "/payments/cash/remittances", None).await);
    insta::assert_compact_json_snapshot!("every_main_route", redact(&json!(seen)));
}
