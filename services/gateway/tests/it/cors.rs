//! Pages of other sites.

use serde_json::json;
use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::outside::Outside;

testing::both_engines!(only_pages_of_named_sites_may_ask);

async fn only_pages_of_named_sites_may_ask(engine: Engine) {
    let p = TestPlatform::start_with(engine, SERVICES, json!({"gateway": {"cors_origins": ["https://shop.example"]}})).await;
    let outside = Outside::of(&p.platform().directory);
    let preflight = async |origin: &str| {
        let headers =
            [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", "idempotency-key")];
        outside.send("OPTIONS", "/api/v1/echo", &headers, Vec::new()).await
    };
    let allowed = preflight("https://shop.example").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, "https://shop.example"));
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    let answer = outside.get("/api/v1/echo", &[("origin", "https://shop.example")]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "https://shop.example"));
    assert!(answer.header("access-control-expose-headers").contains("x-cart-token"));
    assert_eq!(answer.header("access-control-allow-credentials"), "", "tokens travel in headers, never in cookies");

    let closed = TestPlatform::start(engine, SERVICES).await;
    let answer = Outside::of(&closed.platform().directory).get("/api/v1/echo", &[("origin", "https://shop.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "", "nobody unless named");
}
