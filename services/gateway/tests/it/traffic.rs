//! What the gateway shows of events and of itself.

use std::sync::Arc;

use kit::Role;
use kit::channel::{CallInfo, Fault};
use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::outside::{Outside, bearer};
use crate::{SERVICES, identity};

testing::both_engines!(
    every_type_of_event_has_a_schema,
    the_route_table_is_shown_to_administrators,
    services_and_answers_are_shown_to_administrators,
    a_service_of_this_process_is_asked_too_whether_it_answers,
);

async fn every_type_of_event_has_a_schema(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let list = outside.get("/api/v1/schemas", &[]).await.body;
    let types = list["data"].as_array().unwrap();
    assert_eq!(types.len(), contracts::events::all().len());
    for kind in types {
        let answer = outside.get(kind["url"].as_str().unwrap(), &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/schema+json"), "{kind}");
        let file =
            format!("{}/../../schemas/events/{}/{}.json", env!("CARGO_MANIFEST_DIR"), kind["type"].as_str().unwrap(), kind["version"]);
        let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(answer.body, written, "{kind}");
    }
    let named = outside.get("/schemas/order.created/1", &[]).await;
    assert_eq!((named.status, named.body["title"].as_str()), (200, Some("OrderCreated")), "as envelopes name it");
    for path in ["/api/v1/schemas/order.created/2", "/api/v1/schemas/order.created/x", "/api/v1/schemas/nothing.happened/1"] {
        outside.get(path, &[]).await.expect_problem(404, "not_found");
    }
}

async fn the_route_table_is_shown_to_administrators(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (admin, customer) = (bearer(&identity::sign_in(&[Role::Admin]).1), bearer(&identity::sign_in(&[Role::Customer]).1));
    outside.get("/api/v1/gateway/routes", &[]).await.expect_problem(401, "unauthenticated");
    outside.get("/api/v1/gateway/routes", &[("authorization", &customer)]).await.expect_problem(403, "forbidden");
    let routes = outside.get("/api/v1/gateway/routes", &[("authorization", &admin)]).await.body;
    let of = |method: &str, path: &str| {
        let found = routes["data"].as_array().unwrap().iter().find(|r| r["method"] == *method && r["path"] == *path);
        found.unwrap_or_else(|| panic!("{method} {path} is not there")).clone()
    };
    assert_eq!(
        of("GET", "/api/v1/echo/staff"),
        json!({"method": "GET", "path": "/api/v1/echo/staff", "service": "echo", "who": ["support", "admin"],
            "bodyLimitBytes": 65_536, "timeoutSeconds": 30})
    );
    assert_eq!(of("GET", "/api/v1/echo/never")["timeoutSeconds"], 1);
    assert_eq!((&of("GET", "/health")["who"], &of("GET", "/api/v1/echo/user")["who"]), (&json!(["public"]), &json!(["user"])));
    assert_eq!(routes["data"].as_array().unwrap().len(), p.platform().directory.routes().len());
}

async fn a_service_of_this_process_is_asked_too_whether_it_answers(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let admin = bearer(&identity::sign_in(&[Role::Admin]).1);
    let is_lost = |call: &CallInfo| call.caller == "gateway" && call.callee == "echo";
    p.platform().directory.set_faults(Arc::new(move |call| if is_lost(call) { Fault::LoseRequest } else { Fault::None }));
    let upstreams = outside.get("/api/v1/gateway/upstreams", &[("authorization", &admin)]).await.body;
    for upstream in upstreams["data"].as_array().unwrap().iter().filter(|u| u["place"] == "here") {
        assert_eq!(upstream["answers"], json!(upstream["service"] != "echo"), "{upstream}");
    }
}

async fn services_and_answers_are_shown_to_administrators(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let admin = bearer(&identity::sign_in(&[Role::Admin]).1);
    let seen = async |path: &str| outside.get(path, &[("authorization", &admin)]).await.body;
    let upstreams = seen("/api/v1/gateway/upstreams").await;
    let echo = upstreams["data"].as_array().unwrap().iter().find(|u| u["service"] == "echo").unwrap();
    assert_eq!(*echo, json!({"service": "echo", "place": "here", "address": null, "answers": true}));
    assert_eq!(seen("/api/v1/gateway/breakers").await, json!({"data": []}), "nothing runs elsewhere");
    let before = seen("/api/v1/gateway/stats").await;
    for path in ["/api/v1/echo", "/api/v1/echo", "/api/v1/echo/bare/418", "/api/v1/nowhere"] {
        outside.get(path, &[]).await;
    }
    let after = seen("/api/internal/bus-stats").await;
    assert_eq!(before["since"], after["since"]);
    let grown = |service: Value, what: &str| {
        let count =
            |stats: &Value| stats["services"].as_array().unwrap().iter().find(|s| s["service"] == service).unwrap()[what].as_u64().unwrap();
        count(&after) - count(&before)
    };
    assert_eq!((grown(json!("echo"), "succeeded"), grown(json!("echo"), "refused"), grown(json!("echo"), "requests")), (2, 1, 3));
    assert_eq!((grown(Value::Null, "refused"), grown(Value::Null, "requests")), (1, 1));
    assert_eq!(grown(json!("gateway"), "succeeded"), 1, "the look before");
}
