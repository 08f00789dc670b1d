//! Who gets in.

use std::sync::Arc;
use std::time::Duration;

use contracts::events::identity::{SessionEnded, UserRoleChanged};
use kit::auth::{Signer, User, issue_access};
use kit::channel::{CallInfo, Fault};
use kit::{Clock, Role};
use serde_json::json;
use testing::{Data, Engine, TestPlatform};
use tokio::time::Instant;
use uuid::Uuid;

use crate::SERVICES;
use crate::identity::{self, Session};
use crate::outside::{Answer, Outside, bearer};

testing::both_engines!(
    routes_say_who_may_call_them,
    a_token_that_is_not_good_is_refused_where_one_is_needed,
    nobody_is_believed_about_who_they_are,
    an_ended_session_is_refused_at_once,
    changed_roles_take_effect_at_once,
    a_session_is_checked_again_after_a_minute,
    identity_may_be_silent_for_a_while,
    a_token_ends_when_it_expires,
    a_cart_token_reaches_the_service,
);

async fn routes_say_who_may_call_them(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (customer, support) = (identity::sign_in(&[Role::Customer]).1, identity::sign_in(&[Role::Customer, Role::Support]).1);
    let cases = [
        ("/api/v1/echo", 200, 200, 200),
        ("/api/v1/echo/user", 401, 200, 200),
        ("/api/v1/echo/staff", 401, 403, 200),
        ("/api/v1/sagas", 401, 403, 403),
    ];
    for (path, nobody, as_customer, as_support) in cases {
        let found = [
            outside.get(path, &[]).await.status,
            outside.get(path, &[("authorization", &bearer(&customer))]).await.status,
            outside.get(path, &[("authorization", &bearer(&support))]).await.status,
        ];
        assert_eq!(found, [nobody, as_customer, as_support], "{path}");
    }
    let answer = outside.get("/api/v1/echo/user", &[]).await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    outside.get("/api/v1/echo/staff", &[("authorization", &bearer(&customer))]).await.expect_problem(403, "forbidden");
}

async fn a_token_that_is_not_good_is_refused_where_one_is_needed(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, good) = identity::sign_in(&[Role::Customer]);
    let now = Clock::system().now();
    let by = |signer: &Signer, issuer: &str, at| issue_access(signer, issuer, &user, Uuid::nil(), at);
    let (id, session) = identity::stranger();
    let unknown = identity::token_of(&User { id, session, roles: vec![Role::Admin] });
    let tokens = [
        by(&Signer::new(&[1; 32]), "http://haat.test", now),
        by(&identity::signer(), "http://elsewhere.test", now),
        by(&identity::signer(), "http://haat.test", now.plus_seconds(-901)),
        by(&identity::signer(), "http://haat.test", now.plus_seconds(600)),
        format!("{}x", &good[..good.len() - 1]),
        unknown,
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "x".repeat(10_000),
        String::new(),
    ];
    for token in &tokens {
        let sent = bearer(token);
        outside.get("/api/v1/echo/user", &[("authorization", &sent)]).await.expect_problem(401, "unauthenticated");
        outside.post("/api/v1/echo", &[("authorization", &sent)], r#"{"text": ""}"#).await.expect_problem(401, "unauthenticated");
        // A public route works with a token that has expired still attached: signing in is one.
        let answer = outside.get("/api/v1/echo", &[("authorization", &sent)]).await;
        assert_eq!((answer.status, &answer.body["user"]), (200, &json!(null)));
    }
    let twice = [("authorization", bearer(&good)), ("authorization", bearer(&good))];
    let twice: Vec<(&str, &str)> = twice.iter().map(|(n, v)| (*n, v.as_str())).collect();
    outside.get("/api/v1/echo/user", &twice).await.expect_problem(401, "unauthenticated");
    assert_eq!(outside.get("/api/v1/echo/user", &twice[..1]).await.status, 200);
}

async fn nobody_is_believed_about_who_they_are(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let spoofed = [
        ("x-haat-context", "e30"),
        ("x-haat-actor", "user:1"),
        ("x-user-id", "1"),
        ("x-user-roles", "admin"),
        ("x-internal-service", "orders"),
        ("forwarded", "for=192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-real-ip", "192.0.2.1"),
    ];
    let answer = outside.get("/api/v1/echo", &spoofed).await;
    assert_eq!(answer.status, 200);
    for member in ["user", "roles", "cartToken", "address", "actor"] {
        assert_eq!(answer.body[member], json!(null), "{member}");
    }
    for (name, _) in spoofed {
        assert_eq!(answer.body["headers"][name], json!(null), "{name} reached the service");
    }
    outside.get("/api/v1/echo/user", &spoofed).await.expect_problem(401, "unauthenticated");
    outside.get("/api/v1/echo/staff", &spoofed).await.expect_problem(401, "unauthenticated");

    let (user, token) = identity::sign_in(&[Role::Customer]);
    let answer = outside.get("/api/v1/echo/user", &[("authorization", &bearer(&token)), ("x-user-id", "1")]).await;
    assert_eq!(answer.body["user"], json!(user.id));
    assert_eq!(answer.body["actor"], json!(format!("user:{}", user.id)));
    assert_eq!(answer.body["headers"]["authorization"], json!(null), "the token stays at the gateway");
    assert!(answer.body["deadline"].is_string());
}

async fn with(outside: &Outside, path: &str, token: &str) -> Answer {
    outside.get(path, &[("authorization", &bearer(token))]).await
}

async fn an_ended_session_is_refused_at_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in(&[Role::Customer]);
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200);
    identity::set(user.session, Session::Ended);
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200, "nobody has said so yet");
    let ended = SessionEnded { user_id: user.id, session_id: user.session, reason: "signed_out".into() };
    p.db("identity").write(move |tx| tx.publish(ended.clone())).await.unwrap();
    p.settle().await;
    with(&outside, "/api/v1/echo/user", &token).await.expect_problem(401, "unauthenticated");
}

async fn changed_roles_take_effect_at_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in(&[Role::Customer, Role::Admin]);
    assert_eq!(with(&outside, "/api/v1/echo/staff", &token).await.status, 200);
    identity::set(user.session, Session::Open(vec![Role::Customer]));
    let changed = UserRoleChanged { user_id: user.id, roles: vec!["customer".into()] };
    p.db("identity").write(move |tx| tx.publish(changed.clone())).await.unwrap();
    p.settle().await;
    with(&outside, "/api/v1/echo/staff", &token).await.expect_problem(403, "forbidden");
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.body["roles"], json!(["customer"]));
}

async fn a_session_is_checked_again_after_a_minute(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in(&[Role::Customer]);
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200);
    identity::set(user.session, Session::Ended);
    p.advance_seconds(59);
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200);
    p.advance_seconds(2);
    with(&outside, "/api/v1/echo/user", &token).await.expect_problem(401, "unauthenticated");
}

async fn identity_may_be_silent_for_a_while(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let (user, token) = identity::sign_in(&[Role::Customer]);
    identity::set(user.session, Session::Silence);
    with(&outside, "/api/v1/echo/user", &token).await.expect_problem(503, "identity_unavailable");
    identity::set(user.session, Session::Open(vec![Role::Customer]));
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200);
    identity::set(user.session, Session::Silence);
    p.advance_seconds(299);
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200, "it was seen open less than five minutes ago");
    p.advance_seconds(2);
    with(&outside, "/api/v1/echo/user", &token).await.expect_problem(503, "identity_unavailable");
}

async fn a_token_ends_when_it_expires(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let token = identity::sign_in(&[Role::Customer]).1;
    assert_eq!(with(&outside, "/api/v1/echo/user", &token).await.status, 200);
    p.advance_seconds(kit::auth::ACCESS_SECONDS + 1);
    with(&outside, "/api/v1/echo/user", &token).await.expect_problem(401, "unauthenticated");
}

async fn a_cart_token_reaches_the_service(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let answer = outside.post("/api/v1/echo", &[("x-cart-token", "abc_DEF-1")], r#"{"text": "x"}"#).await;
    assert_eq!((answer.status, &answer.body["cartToken"]), (201, &json!("abc_DEF-1")));
    for wrong in ["", " ", "a b", "\u{e9}", &"x".repeat(1_000)] {
        outside.get("/api/v1/echo", &[("x-cart-token", wrong)]).await.expect_problem(400, "invalid_cart_token");
    }
}

#[test]
fn whoever_waits_for_identity_is_answered_in_time() {
    testing::run_in_virtual_time(async {
        let p = TestPlatform::start_on(Data::in_memory(), SERVICES, json!({})).await;
        let outside = Outside::of(&p.platform().directory);
        let token = identity::sign_in(&[Role::Customer]).1;
        p.platform().directory.set_faults(Arc::new(|call: &CallInfo| match call.callee {
            "identity" if call.caller == "gateway" => Fault::Delay(3_600_000),
            _ => Fault::None,
        }));
        let began = Instant::now();
        let two = tokio::join!(with(&outside, "/api/v1/echo/user", &token), with(&outside, "/api/v1/echo/user", &token));
        two.0.expect_problem(503, "identity_unavailable");
        two.1.expect_problem(503, "identity_unavailable");
        assert!(began.elapsed() < Duration::from_secs(31), "{:?}", began.elapsed());
    });
}
