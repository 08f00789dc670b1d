//! What the gateway says of itself and of everything behind it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::outside::Outside;

testing::both_engines!(every_route_is_described, the_process_says_how_it_is, a_browser_is_led_to_the_reference);

async fn every_route_is_described(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let answer = outside.get("/openapi.json", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let document = &answer.body;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{"url": "http://haat.test"}]));
    for route in p.platform().directory.routes() {
        let operation = &document["paths"][route.path.replace("{*", "{")][route.method.as_str().to_ascii_lowercase()];
        assert!(!operation["x-haat-who"].is_null(), "{} {} is not described", route.method, route.path);
        assert_eq!(operation["responses"]["default"], json!({"$ref": "#/components/responses/Problem"}));
    }
    assert_eq!(document["paths"]["/api/v1/echo/staff"]["get"]["x-haat-who"], json!(["support", "admin"]));
    assert_eq!(document["paths"]["/api/v1/sagas"]["get"]["security"], json!([{"accessToken": []}]));
    let operations = || document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let names: BTreeSet<_> = operations().map(|o| o["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), operations().count(), "an operation is named twice");
    let mut references = Vec::new();
    collect_references(document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|v| collect_references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| collect_references(v, found)),
        _ => {}
    }
}

async fn the_process_says_how_it_is(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    assert_eq!(outside.get("/health", &[]).await.body, json!({"status": "ok"}));
    let ready = outside.get("/ready", &[]).await;
    assert_eq!((ready.status, &ready.body["dependencies"]["database"]), (200, &json!("ok")));
    // Where the database is a server of its own, its room is that server's to know.
    let storage = if engine == Engine::Sqlite { json!("ok") } else { json!(null) };
    assert_eq!(ready.body["dependencies"]["storage"], storage);
    assert_eq!(outside.get("/metrics", &[]).await.status, 200);
    let docs = outside.get("/docs", &[]).await;
    assert_eq!((docs.status, docs.header("location")), (303, "/docs/index.html"));
    let page = outside.get("/docs/index.html", &[]).await;
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"), "{}", page.status);
    let script = outside.get("/docs/swagger-initializer.js", &[]).await;
    assert!(String::from_utf8_lossy(&script.bytes).contains("/openapi.json"));
    outside.get("/docs/../secret", &[]).await.expect_problem(404, "not_found");
}

async fn a_browser_is_led_to_the_reference(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let accept = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    for method in ["GET", "HEAD"] {
        let answer = outside.send(method, "/", &[accept], Vec::new()).await;
        assert_eq!((answer.status, answer.header("location"), answer.header("vary")), (303, "/docs", "accept"), "{method}");
    }
    outside.get("/", &[]).await.expect_problem(404, "not_found");
    outside.get("/", &[("accept", "application/json")]).await.expect_problem(404, "not_found");
}
