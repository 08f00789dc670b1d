//! How the main routes of notifications answer.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, redact};

use crate::market::{Market, id_of, text};

testing::both_engines!(every_main_route_answers_in_its_form);

async fn every_main_route_answers_in_its_form(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    m.sale(&shopper, "k1").await;
    let admin = testing::user_with(&[Role::Admin]);
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, p) = (who.clone(), format!("/api/v1/notifications{path}"), &m.p);
        async move { p.send(method, &path, &who, body, &[]).await }
    };
    let list = note("GET /notifications", send(&shopper, "GET", "", None).await);
    let one = format!("/{}/read", text(&list.body["data"][0]["id"]));
    note("PUT /notifications/{id}/read", send(&shopper, "PUT", &one, None).await);
    note("PUT /notifications/{id}/read by somebody else", send(&admin, "PUT", &one, None).await);
    note("POST /notifications/read-all", send(&shopper, "POST", "/read-all", None).await);
    note("GET /notifications/history", send(&shopper, "GET", "/history?limit=1", None).await);
    note("GET /notifications/preferences", send(&shopper, "GET", "/preferences", None).await);
    note("POST /notifications/push-tokens", send(&shopper, "POST", "/push-tokens", Some(json!({"token": "t", "platform": "ios"}))).await);
    note("GET /notifications/push-tokens", send(&shopper, "GET", "/push-tokens", None).await);
    let to = json!({"template": "announcement", "userId": id_of(&shopper), "channels": ["in_app"], "variables": {"subject": "Eid", "text": "Offers"}});
    note("POST /notifications/send", send(&admin, "POST", "/send", Some(to.clone())).await);
    note("POST /notifications/send by a shopper", send(&shopper, "POST", "/send", Some(to)).await);
    let unknown = json!({"template": "order.created", "userId": id_of(&shopper)});
    note("POST /notifications/send of what is not sent so", send(&admin, "POST", "/send", Some(unknown)).await);
    let many =
        json!({"template": "announcement", "recipients": [{"userId": id_of(&shopper)}], "variables": {"subject": "Eid", "text": "Offers"}});
    note("POST /notifications/bulk", send(&admin, "POST", "/bulk", Some(many)).await);
    note("GET /notifications/templates/{kind}", send(&admin, "GET", "/templates/order.shipped?channel=in_app&locale=en", None).await);
    insta::assert_compact_json_snapshot!("every_main_route", redact(&json!(seen)));
}
