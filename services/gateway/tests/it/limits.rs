//! Requests that go wrong, or on without their client.

use serde_json::json;
use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::echo;
use crate::outside::Outside;

testing::both_engines!(
    a_panic_is_a_problem,
    a_route_that_does_not_answer_times_out,
    a_client_that_hangs_up_does_not_stop_a_use_case,
    errors_of_frameworks_become_problems,
    a_service_that_runs_nowhere_is_unavailable,
);

async fn a_panic_is_a_problem(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    for method in ["GET", "POST"] {
        let answer = outside.send(method, "/api/v1/echo/panics", &[], Vec::new()).await;
        answer.expect_problem(500, "internal");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("cheese"), "what went wrong inside stays inside");
    }
    assert_eq!(outside.get("/api/v1/echo", &[]).await.status, 200);
}

async fn a_route_that_does_not_answer_times_out(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    Outside::of(&p.platform().directory).get("/api/v1/echo/never", &[]).await.expect_problem(504, "gateway_timeout");
}

async fn a_client_that_hangs_up_does_not_stop_a_use_case(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let name = kit::auth::hex(&kit::Ids::random().bytes::<16>());
    let hold = echo::hold(&name);
    let path = format!("/api/v1/echo/held/{name}");
    tokio::select! {
        biased;
        answer = outside.post(&path, &[], "") => panic!("it is held, and answered {}", answer.status),
        begun = hold.begun.acquire() => begun.unwrap().forget(),
    }
    // The request's future is gone now, as when a client hangs up.
    hold.go_on.add_permits(1);
    hold.done.acquire().await.unwrap().forget();
}

async fn errors_of_frameworks_become_problems(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let cases = [
        (400, "bad_request"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (500, "internal"),
    ];
    for (status, code) in cases {
        outside.get(&format!("/api/v1/echo/bare/{status}"), &[]).await.expect_problem(status, code);
    }
    let fine = outside.get("/api/v1/echo/bare/200", &[]).await;
    assert_eq!((fine.status, fine.bytes.as_slice()), (200, b"as a framework writes it".as_slice()));
}

async fn a_service_that_runs_nowhere_is_unavailable(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let ready = outside.get("/ready", &[]).await;
    assert_eq!((ready.status, &ready.body["dependencies"]["echo"]), (200, &json!("ok")));
    let directory = &p.platform().directory;
    let (routes, openapi) = (echo::SERVICE.describe)();
    directory.declare("echo", &[], routes, openapi);
    let answer = outside.get("/api/v1/echo", &[]).await;
    answer.expect_problem(503, "service_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}
