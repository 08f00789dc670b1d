//! What is declared is there, under its name and its older ones; nothing else is.

use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::outside::Outside;

testing::both_engines!(
    an_unknown_path_is_not_found,
    another_method_is_refused_with_those_that_are_possible,
    older_spellings_lead_to_the_same_routes,
    every_answer_carries_its_request_id,
);

async fn an_unknown_path_is_not_found(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let paths = ["/", "/nowhere", "/api/v1/nowhere", "/api/v2/echo", "/api/v1/echo/", "//api/v1/echo", "/api/v1/%65cho", "/API/V1/ECHO"];
    for path in paths {
        outside.get(path, &[]).await.expect_problem(404, "not_found");
    }
    outside.get("/api/v1/echo/things/not-an-id", &[]).await.expect_problem(404, "not_found");
    outside.get("/api/v1/echo/things/%ff%fe", &[]).await.expect_problem(404, "not_found");
    // The services' gRPC side is not reachable from here.
    outside.post("/haat.identity.v1.Identity/GetKeys", &[("content-type", "application/grpc")], "").await.expect_problem(404, "not_found");
}

async fn another_method_is_refused_with_those_that_are_possible(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    for method in ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
        let answer = outside.send(method, "/api/v1/echo", &[], Vec::new()).await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET, POST", "{method}");
    }
    let head = outside.send("HEAD", "/api/v1/echo", &[], Vec::new()).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

async fn older_spellings_lead_to_the_same_routes(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let answer = outside.get("/api/echo?a=%20b&c", &[]).await;
    assert_eq!((answer.status, answer.body["uri"].as_str()), (200, Some("/api/v1/echo?a=%20b&c")));
    let answer = outside.post("/api/orders/7/cancel?why=x", &[], "").await;
    assert_eq!((answer.status, &answer.body), (200, &serde_json::json!({"id": "7", "uri": "/api/v1/orders/7/cancel?why=x"})));
    // An older spelling of a route that is not there is not there either.
    outside.post("/api/users/login", &[], "{}").await.expect_problem(404, "not_found");
    assert_eq!(outside.get("/dev/echo", &[]).await.status, 200);
}

async fn every_answer_carries_its_request_id(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    for path in ["/api/v1/echo", "/nowhere", "/health", "/api/v1/echo/panics"] {
        assert_eq!(outside.get(path, &[]).await.header("x-request-id").len(), 36, "{path}");
        assert_eq!(outside.get(path, &[("x-request-id", "mine-1")]).await.header("x-request-id"), "mine-1", "{path}");
    }
    let answer = outside.get("/api/v1/echo", &[("x-request-id", "a b"), ("traceparent", "nonsense")]).await;
    assert_eq!(answer.body["requestId"], answer.header("x-request-id"));
    assert_eq!(answer.body["traceparent"].as_str().map(str::len), Some(55));
}
