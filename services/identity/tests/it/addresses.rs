use kit::Caller;
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};

use crate::people::{register, start, start_with};

testing::both_engines!(
    an_address_is_added_read_changed_and_deleted,
    an_address_may_leave_out_what_is_optional,
    there_is_at_most_one_default,
    of_many_defaults_at_once_one_stays,
    somebody_elses_address_is_not_found,
    a_stale_address_is_not_overwritten,
    an_address_is_added_once_per_key,
    a_book_has_a_last_page,
);

fn home() -> Value {
    json!({"label": "Home", "name": "Rahima Khatun", "phone": "+8801712345678", "line1": "House 1, Road 2", "line2": "3rd floor",
           "city": "Dhaka", "region": "Dhaka Division", "postalCode": "1207", "country": "BD"})
}

fn with(changes: Value) -> Value {
    let mut body = home();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn send(p: &TestPlatform, method: &str, path: &str, caller: &Caller, body: Option<Value>) -> Response {
    p.send(method, &format!("/api/v1/users/addresses{path}"), caller, body, &[]).await
}

async fn add(p: &TestPlatform, caller: &Caller, body: Value) -> Value {
    send(p, "POST", "", caller, Some(body)).await.expect(201).body
}

/// Id and `isDefault` of each, newest first.
async fn book(p: &TestPlatform, caller: &Caller) -> Vec<(String, bool)> {
    let r = send(p, "GET", "", caller, None).await.expect(200);
    let data = r.body["data"].as_array().unwrap().clone();
    data.iter().map(|a| (a["id"].as_str().unwrap().to_owned(), a["isDefault"].as_bool().unwrap())).collect()
}

fn id(address: &Value) -> String {
    address["id"].as_str().unwrap().to_owned()
}

async fn an_address_is_added_read_changed_and_deleted(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let r = send(&p, "POST", "", &caller, Some(home())).await.expect(201);
    for (name, value) in home().as_object().unwrap() {
        assert_eq!(&r.body[name], value, "{name}");
    }
    let path = format!("/{}", id(&r.body));
    assert_eq!(r.header("location"), format!("/api/v1/users/addresses{path}"));
    assert_eq!(send(&p, "GET", &path, &caller, None).await.expect(200).body, r.body);

    let changed = send(&p, "PUT", &path, &caller, Some(with(json!({"city": "Khulna", "line2": null})))).await.expect(200);
    assert_eq!((&changed.body["city"], &changed.body["line2"]), (&json!("Khulna"), &json!(null)));
    assert_eq!(changed.body["createdAt"], r.body["createdAt"]);
    assert_eq!(changed.body["isDefault"], true, "left out, it stays");
    assert_eq!(send(&p, "GET", &path, &caller, None).await.expect(200).body, changed.body);

    send(&p, "DELETE", &path, &caller, None).await.expect(204);
    send(&p, "DELETE", &path, &caller, None).await.expect(404);
    send(&p, "GET", &path, &caller, None).await.expect(404);
    assert_eq!(book(&p, &caller).await, []);
}

async fn an_address_may_leave_out_what_is_optional(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let short = json!({"name": "R", "phone": "+8801712345678", "line1": "1", "city": "D", "country": "BD"});
    let address = add(&p, &caller, short.clone()).await;
    for name in ["label", "line2", "region", "postalCode"] {
        assert_eq!(address[name], json!(null), "{name}");
    }
    for name in ["name", "phone", "line1", "city", "country"] {
        let mut body = short.clone();
        body.as_object_mut().unwrap().remove(name);
        let r = send(&p, "POST", "", &caller, Some(body)).await.expect(400);
        assert!(r.body["detail"].as_str().unwrap().contains(name), "{:?}", r.body);
    }
}

async fn there_is_at_most_one_default(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let defaults = async |p: &TestPlatform| book(p, &caller).await.into_iter().map(|(_, d)| d).collect::<Vec<_>>();
    let first = add(&p, &caller, home()).await;
    assert_eq!(first["isDefault"], true, "the first one is");
    add(&p, &caller, home()).await;
    assert_eq!(defaults(&p).await, [false, true]);
    add(&p, &caller, with(json!({"isDefault": true}))).await;
    assert_eq!(defaults(&p).await, [true, false, false]);
    send(&p, "PUT", &format!("/{}", id(&first)), &caller, Some(with(json!({"isDefault": true})))).await.expect(200);
    assert_eq!(defaults(&p).await, [false, false, true]);
    send(&p, "PUT", &format!("/{}", id(&first)), &caller, Some(with(json!({"isDefault": false})))).await.expect(200);
    assert_eq!(defaults(&p).await, [false, false, false]);
}

async fn of_many_defaults_at_once_one_stays(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let old = format!("/{}", id(&add(&p, &caller, home()).await));
    let one = || send(&p, "POST", "", &caller, Some(with(json!({"isDefault": true}))));
    let change = send(&p, "PUT", &old, &caller, Some(with(json!({"isDefault": true}))));
    let answers = tokio::join!(biased; one(), one(), change, one(), one(), one());
    for r in [answers.0, answers.1, answers.3, answers.4, answers.5] {
        r.expect(201);
    }
    answers.2.expect(200);
    let book = book(&p, &caller).await;
    assert_eq!((book.len(), book.iter().filter(|(_, d)| *d).count()), (6, 1));
}

async fn somebody_elses_address_is_not_found(engine: Engine) {
    let p = start(engine).await;
    let (rahima, karim) = (register(&p, "rahima@example.com").await.caller, register(&p, "karim@example.com").await.caller);
    let address = add(&p, &rahima, home()).await;
    let path = format!("/{}", id(&address));
    send(&p, "GET", &path, &karim, None).await.expect(404);
    send(&p, "PUT", &path, &karim, Some(with(json!({"city": "Khulna"})))).await.expect(404);
    send(&p, "DELETE", &path, &karim, None).await.expect(404);
    send(&p, "GET", &path, &testing::user(), None).await.expect(404);
    assert_eq!(book(&p, &karim).await, []);
    assert_eq!(send(&p, "GET", &path, &rahima, None).await.expect(200).body, address);
}

async fn a_stale_address_is_not_overwritten(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let path = format!("/api/v1/users/addresses/{}", id(&add(&p, &caller, home()).await));
    let tag = p.send("GET", &path, &caller, None, &[]).await.expect(200).header("etag").to_owned();
    let old = [("if-match", tag.as_str())];
    p.send("PUT", &path, &caller, Some(with(json!({"city": "Khulna"}))), &old).await.expect(200);
    p.send("PUT", &path, &caller, Some(with(json!({"city": "Sylhet"}))), &old).await.expect(412);
    p.send("DELETE", &path, &caller, None, &old).await.expect(412);
    let seen = p.send("GET", &path, &caller, None, &[]).await.expect(200);
    assert_eq!(seen.body["city"], "Khulna");
    p.send("DELETE", &path, &caller, None, &[("if-match", seen.header("etag"))]).await.expect(204);
}

async fn an_address_is_added_once_per_key(engine: Engine) {
    let p = start(engine).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let path = "/api/v1/users/addresses";
    let key = [("idempotency-key", "k")];
    let one = || p.send("POST", path, &caller, Some(home()), &key);
    let answers = tokio::join!(biased; one(), one(), one(), one());
    for r in [&answers.0, &answers.1, &answers.2, &answers.3] {
        assert_eq!((r.status, &r.bytes), (201, &answers.0.bytes));
    }
    assert_eq!(book(&p, &caller).await.len(), 1);
    let other = p.send("POST", path, &caller, Some(with(json!({"city": "Khulna"}))), &key).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    let karim = register(&p, "karim@example.com").await.caller;
    p.send("POST", path, &karim, Some(home()), &key).await.expect(201);
}

async fn a_book_has_a_last_page(engine: Engine) {
    let p = start_with(engine, json!({"addresses_per_user_max": 2})).await;
    let caller = register(&p, "rahima@example.com").await.caller;
    let first = add(&p, &caller, home()).await;
    add(&p, &caller, home()).await;
    assert_eq!(send(&p, "POST", "", &caller, Some(home())).await.expect(409).code(), "too_many_addresses");
    send(&p, "DELETE", &format!("/{}", id(&first)), &caller, None).await.expect(204);
    add(&p, &caller, home()).await;
    assert_eq!(send(&p, "POST", "", &testing::user(), Some(home())).await.expect(404).code(), "not_found");
}
