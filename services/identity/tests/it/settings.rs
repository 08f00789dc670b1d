//! Measurements and preferences.

use kit::{Caller, Role};
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};

use crate::people::{Person, register, start};

testing::both_engines!(
    what_was_said_last_is_kept,
    settings_are_their_owners_and_nobody_elses,
    a_stale_setting_is_not_overwritten,
    what_cannot_be_is_refused_by_its_field,
);

async fn get(p: &TestPlatform, who: &Caller, whose: &Person, kind: &str) -> Response {
    p.send("GET", &format!("/api/v1/users/{}/{kind}", whose.id()), who, None, &[]).await
}

async fn put(p: &TestPlatform, who: &Caller, whose: &Person, kind: &str, body: Value) -> Response {
    p.send("PUT", &format!("/api/v1/users/{}/{kind}", whose.id()), who, Some(body), &[]).await
}

async fn what_was_said_last_is_kept(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    let first = get(&p, &her.caller, &her, "preferences").await.expect(200);
    assert_eq!(first.body, json!({"currency": null, "personalised": true, "updatedAt": null}));
    assert_eq!(get(&p, &her.caller, &her, "measurements").await.expect(200).body["heightMm"], Value::Null);
    put(&p, &her.caller, &her, "measurements", json!({"heightMm": 1_650, "waistMm": 700})).await.expect(200);
    let said = put(&p, &her.caller, &her, "measurements", json!({"heightMm": 1_655})).await.expect(200);
    assert_eq!((&said.body["heightMm"], &said.body["waistMm"], said.header("etag")), (&json!(1_655), &Value::Null, "\"2\""));
    assert!(said.body["updatedAt"].is_string());
    let seen = get(&p, &her.caller, &her, "measurements").await.expect(200);
    assert_eq!((&seen.body, seen.header("etag")), (&said.body, "\"2\""));
    put(&p, &her.caller, &her, "preferences", json!({"currency": "BDT", "personalised": false})).await.expect(200);
    let seen = get(&p, &her.caller, &her, "preferences").await.expect(200).body;
    assert_eq!((&seen["currency"], &seen["personalised"]), (&json!("BDT"), &json!(false)));
}

async fn settings_are_their_owners_and_nobody_elses(engine: Engine) {
    let p = start(engine).await;
    let (her, him) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    let (support, admin) = (testing::user_with(&[Role::Support]), testing::user_with(&[Role::Admin]));
    for kind in ["measurements", "preferences"] {
        for (who, read, change) in
            [(&her.caller, 200, 200), (&him.caller, 404, 404), (&support, 200, 404), (&admin, 200, 200), (&Caller::default(), 401, 401)]
        {
            get(&p, who, &her, kind).await.expect(read);
            put(&p, who, &her, kind, json!({})).await.expect(change);
        }
        let nobody = format!("/api/v1/users/{}/{kind}", admin.user().unwrap().id);
        p.send("GET", &nobody, &admin, None, &[]).await.expect(404);
        p.send("PUT", &nobody, &admin, Some(json!({})), &[]).await.expect(404);
    }
}

async fn a_stale_setting_is_not_overwritten(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    let path = format!("/api/v1/users/{}/measurements", her.id());
    let tag = get(&p, &her.caller, &her, "measurements").await.header("etag").to_owned();
    let put = async || p.send("PUT", &path, &her.caller, Some(json!({"heightMm": 1_650})), &[("if-match", &tag)]).await;
    put().await.expect(200);
    assert_eq!(put().await.expect(412).code(), "stale");
}

async fn what_cannot_be_is_refused_by_its_field(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    for (kind, body, pointer) in [
        ("measurements", json!({"heightMm": 0}), "/heightMm"),
        ("measurements", json!({"weightG": 700_001}), "/weightG"),
        ("preferences", json!({"currency": "XYZ"}), "/currency"),
    ] {
        assert_eq!(put(&p, &her.caller, &her, kind, body).await.expect(422).body["errors"][0]["pointer"], pointer);
    }
    put(&p, &her.caller, &her, "preferences", json!({"colour": "red"})).await.expect(400);
}
