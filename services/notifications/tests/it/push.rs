//! Devices that messages can be pushed to.

use contracts::events::identity::SessionEnded;
use kit::{Caller, ServiceDef};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

testing::both_engines!(
    a_device_is_one_persons_at_a_time,
    devices_go_with_their_session,
    what_is_no_device_is_refused,
    of_many_devices_the_last_ones_stay,
);

const SERVICES: &[ServiceDef] = &[notifications::SERVICE];
const PATH: &str = "/api/v1/notifications/push-tokens";

async fn say(p: &TestPlatform, who: &Caller, token: &str, platform: &str) -> Response {
    p.send("POST", PATH, who, Some(json!({"token": token, "platform": platform})), &[]).await
}

async fn devices(p: &TestPlatform, who: &Caller) -> Vec<Json> {
    p.send("GET", PATH, who, None, &[]).await.expect(200).body["data"].as_array().unwrap().clone()
}

async fn a_device_is_one_persons_at_a_time(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (ayesha, rahim) = (testing::user(), testing::user());
    let first = say(&p, &ayesha, "t1", "android").await.expect(201);
    assert_eq!(first.header("location"), format!("{PATH}/{}", first.body["id"].as_str().unwrap()));
    assert!(!first.body.to_string().contains("t1"), "who has a token can be written to: {}", first.body);
    let again = say(&p, &ayesha, "t1", "android").await.expect(201);
    assert_eq!(again.body["id"], first.body["id"]);
    say(&p, &ayesha, "t2", "ios").await.expect(201);
    assert_eq!(devices(&p, &ayesha).await.iter().map(|d| &d["platform"]).collect::<Vec<_>>(), ["ios", "android"]);
    let moved = say(&p, &rahim, "t1", "android").await.expect(201);
    assert_eq!(devices(&p, &ayesha).await.len(), 1, "the device has gone to somebody else");
    let one = format!("{PATH}/{}", moved.body["id"].as_str().unwrap());
    p.send("DELETE", &one, &ayesha, None, &[]).await.expect(404);
    p.send("DELETE", &one, &rahim, None, &[]).await.expect(204);
    p.send("DELETE", &one, &rahim, None, &[]).await.expect(404);
    assert_eq!(devices(&p, &rahim).await, Vec::<Json>::new());
    assert_eq!(p.send("GET", PATH, &testing::guest(), None, &[]).await.status, 401);
}

async fn devices_go_with_their_session(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let phone = testing::user();
    let mut tablet = testing::user();
    let user = phone.user.clone().unwrap();
    tablet.user.as_mut().unwrap().id = user.id;
    say(&p, &phone, "t1", "android").await.expect(201);
    say(&p, &tablet, "t2", "ios").await.expect(201);
    let ended = SessionEnded { user_id: user.id, session_id: user.session, reason: "signed_out".into() };
    p.db("identity").write(move |tx| tx.publish(ended.clone())).await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    p.settle().await;
    let left = devices(&p, &phone).await;
    assert_eq!(left.iter().map(|d| &d["platform"]).collect::<Vec<_>>(), ["ios"]);
}

async fn what_is_no_device_is_refused(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let user = testing::user();
    for token in ["", "with space", &"x".repeat(4_097), "ü"] {
        let refused = say(&p, &user, token, "web").await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], "/token", "{token}");
    }
    assert_eq!(say(&p, &user, "t", "fridge").await.code(), "invalid_body");
    p.send("DELETE", &format!("{PATH}/01900000-0000-7000-8000-00000000dead"), &user, None, &[]).await.expect(404);
}

async fn of_many_devices_the_last_ones_stay(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let user = testing::user();
    let first = say(&p, &user, "t0", "web").await.expect(201).body;
    for n in 1..=20 {
        say(&p, &user, &format!("t{n}"), "web").await.expect(201);
    }
    let left = devices(&p, &user).await;
    assert_eq!((left.len(), left.iter().any(|d| d["id"] == first["id"])), (20, false));
}
