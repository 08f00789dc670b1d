//! What roles of the marketplace's own making open, and what they do not.

use contracts::RoleId;
use contracts::events::identity::{RoleChanged, UserRoleChanged};
use kit::Role;
use serde_json::json;
use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::identity::{self, Session};
use crate::outside::{Answer, Outside, bearer};
use crate::streams::{is_waiting, next, open};

testing::both_engines!(
    a_grant_opens_its_route_and_no_other,
    a_holder_is_let_in_as_what_the_route_names,
    what_may_never_be_granted_is_not_whoever_says_so,
    a_route_that_a_role_opens_no_more_is_closed_at_once,
    a_role_that_is_taken_opens_nothing,
    word_that_comes_twice_or_late_changes_nothing,
    grants_are_believed_as_long_as_roles_are,
    a_granted_answer_that_goes_on_ends_with_the_grant,
);

const STAFF: &str = "GET /api/v1/echo/staff";

async fn with(outside: &Outside, method: &str, path: &str, token: &str) -> Answer {
    outside.send(method, path, &[("authorization", &bearer(token))], Vec::new()).await
}

fn changed(name: &str, permissions: &[&str]) -> RoleChanged {
    let permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
    RoleChanged { role_id: RoleId::default(), name: name.into(), permissions }
}

async fn tell(p: &TestPlatform, event: RoleChanged) {
    p.db("identity").write(move |tx| tx.publish(event.clone())).await.unwrap();
    p.settle().await;
}

async fn a_grant_opens_its_route_and_no_other(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF, "PUT /api/v1/echo/things/{id}"]);
    let others = identity::sign_in(&[Role::Customer]).1;
    let answer = with(&outside, "GET", "/api/v1/echo/staff", &token).await;
    assert_eq!((answer.status, &answer.body["roles"]), (200, &json!(["customer", "admin"])));
    assert_eq!((&answer.body["user"], &answer.body["actor"]), (&json!(user.id), &json!(format!("user:{}", user.id))));
    assert_eq!(with(&outside, "HEAD", "/api/v1/echo/staff", &token).await.status, 200);
    assert_eq!(with(&outside, "PUT", "/api/v1/echo/things/7", &token).await.body["roles"], json!(["customer", "admin"]));
    for path in ["/api/v1/echo", "/api/v1/echo/user"] {
        let answer = with(&outside, "GET", path, &token).await;
        assert_eq!((answer.status, &answer.body["roles"]), (200, &json!(["customer"])), "{path}");
    }
    for path in ["/api/v1/echo/help", "/api/v1/echo/sell", "/api/v1/echo/staff-stream", "/api/v1/sagas", "/api/v1/gateway/routes"] {
        with(&outside, "GET", path, &token).await.expect_problem(403, "forbidden");
    }
    for (method, path) in [("GET", "/api/v1/echo/staff"), ("PUT", "/api/v1/echo/things/7")] {
        with(&outside, method, path, &others).await.expect_problem(403, "forbidden");
        outside.send(method, path, &[], Vec::new()).await.expect_problem(401, "unauthenticated");
    }
}

async fn a_holder_is_let_in_as_what_the_route_names(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF, "GET /api/v1/echo/help"]);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/help", &token).await.body["roles"], json!(["customer", "support"]));
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.body["roles"], json!(["customer", "admin"]));
    // Who has further roles keeps them.
    identity::set(user.session, Session::Granted(vec![Role::Customer, Role::Vendor], vec![STAFF]));
    let gone = UserRoleChanged { user_id: user.id, roles: vec!["customer".into(), "vendor".into(), "helper".into()] };
    p.db("identity").write(move |tx| tx.publish(gone.clone())).await.unwrap();
    p.settle().await;
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.body["roles"], json!(["customer", "vendor", "admin"]));
    assert_eq!(with(&outside, "GET", "/api/v1/echo/sell", &token).await.body["roles"], json!(["customer", "vendor"]));
    with(&outside, "GET", "/api/v1/echo/help", &token).await.expect_problem(403, "forbidden");
}

async fn what_may_never_be_granted_is_not_whoever_says_so(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let wide = ["GET /api/v1/echo", "GET /api/v1/echo/user", "GET /api/v1/echo/sell", "POST /api/v1/replays", "*", "GET *", ""];
    let token = identity::sign_in_granted(&wide).1;
    for path in ["/api/v1/echo", "/api/v1/echo/user"] {
        assert_eq!(with(&outside, "GET", path, &token).await.body["roles"], json!(["customer"]), "{path}");
    }
    with(&outside, "GET", "/api/v1/echo/sell", &token).await.expect_problem(403, "forbidden");
    with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
    let nothing = [("authorization", bearer(&token))];
    let nothing: Vec<(&str, &str)> = nothing.iter().map(|(n, v)| (*n, v.as_str())).collect();
    outside.post("/api/v1/replays", &nothing, r#"{"readModel": "orders"}"#).await.expect_problem(403, "forbidden");
}

async fn a_route_that_a_role_opens_no_more_is_closed_at_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF]);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200);
    identity::set(user.session, Session::Granted(vec![Role::Customer], vec!["GET /api/v1/echo/help"]));
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200, "nobody has said so yet");
    tell(&p, changed("another", &[])).await;
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200, "this role is not theirs");
    tell(&p, changed("helper", &["GET /api/v1/echo/help"])).await;
    with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
    assert_eq!(with(&outside, "GET", "/api/v1/echo/help", &token).await.status, 200);
    // Where the word is lost, the session is asked for again after a minute.
    identity::set(user.session, Session::Granted(vec![Role::Customer], Vec::new()));
    p.advance_seconds(61);
    with(&outside, "GET", "/api/v1/echo/help", &token).await.expect_problem(403, "forbidden");
}

async fn a_role_that_is_taken_opens_nothing(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF]);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200);
    identity::set(user.session, Session::Open(vec![Role::Customer]));
    let taken = UserRoleChanged { user_id: user.id, roles: vec!["customer".into()] };
    p.db("identity").write(move |tx| tx.publish(taken.clone())).await.unwrap();
    p.settle().await;
    with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
}

async fn word_that_comes_twice_or_late_changes_nothing(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF]);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200);
    identity::set(user.session, Session::Granted(vec![Role::Customer], Vec::new()));
    for _ in 0..2 {
        tell(&p, changed("helper", &[])).await;
        with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
    }
    // What an older event says was open is not believed: identity is asked what is open now.
    tell(&p, changed("helper", &[STAFF])).await;
    with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
}

async fn grants_are_believed_as_long_as_roles_are(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in_granted(&[STAFF]);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200);
    identity::set(user.session, Session::Silence);
    p.advance_seconds(299);
    assert_eq!(with(&outside, "GET", "/api/v1/echo/staff", &token).await.status, 200, "it was open less than five minutes ago");
    p.advance_seconds(2);
    with(&outside, "GET", "/api/v1/echo/staff", &token).await.expect_problem(503, "identity_unavailable");
}

async fn a_granted_answer_that_goes_on_ends_with_the_grant(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (user, token) = identity::sign_in_granted(&["GET /api/v1/echo/staff-stream"]);
    let mut stream = open(&p, "/api/v1/echo/staff-stream", &token).await;
    let mut own = open(&p, "/api/v1/echo/stream", &token).await;
    assert!(is_waiting(&mut stream));
    identity::set(user.session, Session::Granted(vec![Role::Customer], Vec::new()));
    tell(&p, changed("helper", &[])).await;
    assert_eq!(next(&mut stream).await, None);
    assert!(is_waiting(&mut own), "what is open to everybody who is signed in goes on");
}
