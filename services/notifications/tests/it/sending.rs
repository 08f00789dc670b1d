//! Messages that administrators send: to one, to a list, to everybody.

use kit::{Caller, DbError, Ids, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response};

use crate::market::{Market, id_of, text};

testing::both_engines!(
    a_message_is_sent_by_template_and_variables,
    a_list_is_told_and_who_cannot_be_is_reported,
    everybody_is_told_once_in_steps,
    a_role_is_told,
    a_step_that_runs_again_tells_nobody_twice,
    a_job_whose_last_step_was_made_ends,
    what_cannot_be_sent_is_named,
    only_those_who_run_it_send,
);

fn admin() -> Caller {
    testing::user_with(&[Role::Admin])
}

async fn post(m: &Market, who: &Caller, path: &str, body: &Json, key: Option<&str>) -> Response {
    let headers: Vec<(&str, &str)> = key.map(|k| ("idempotency-key", k)).into_iter().collect();
    m.p.send("POST", &format!("/api/v1/notifications/{path}"), who, Some(body.clone()), &headers).await
}

fn news(more: Json) -> Json {
    let mut body =
        json!({"template": "announcement", "variables": {"subject": "Open again", "text": "Come & see", "url": "http://haat.test/x"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn job(m: &Market, made: &Json) -> Json {
    m.p.settle().await;
    let path = format!("/api/v1/notifications/bulk/{}", text(&made["id"]));
    m.p.send("GET", &path, &admin(), None, &[]).await.expect(200).body
}

fn counts(job: &Json) -> [i64; 5] {
    ["total", "done", "queued", "skipped", "failed"].map(|member| job[member].as_i64().unwrap_or(-1))
}

async fn told(m: &Market, who: &Caller) -> usize {
    m.list(who, "?limit=100").await.iter().filter(|n| n["kind"] == "announcement").count()
}

async fn unsubscribe_news(m: &Market, who: &Caller, channels: &[&str]) {
    let off: Vec<Json> = channels.iter().map(|c| json!({"kind": "announcement", "channel": c, "enabled": false})).collect();
    m.p.send("PUT", "/api/v1/notifications/preferences", who, Some(json!({"preferences": off})), &[]).await.expect(200);
}

async fn a_message_is_sent_by_template_and_variables(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let (boss, body) = (admin(), news(json!({"userId": id_of(&her)})));
    let first = post(&m, &boss, "send", &body, Some("n1")).await.expect(201);
    let sent = first.body["messages"].as_array().unwrap();
    assert!(sent.len() == 2 && sent.iter().all(|s| s["id"].is_string() && s["skipped"].is_null()), "{}", first.body);
    let again = post(&m, &boss, "send", &body, Some("n1")).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), ("true", &first.bytes));
    let other = post(&m, &boss, "send", &news(json!({"userId": id_of(&m.seller)})), Some("n1")).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    m.p.settle().await;
    assert_eq!(told(&m, &her).await, 1);
    let mail = &m.mails("ayesha@example.test").await[1];
    assert_eq!(mail["subject"], "Open again");
    assert!(text(&mail["text"]).starts_with("Hello Ayesha,\n\nCome & see\n\nhttp://haat.test/x\n\n-- \n"), "{mail}");

    unsubscribe_news(&m, &her, &["email"]).await;
    let in_app = post(&m, &boss, "send", &body, None).await.expect(201).body;
    assert_eq!((&in_app["messages"][0]["skipped"], &in_app["messages"][1]["skipped"]), (&json!(null), &json!("turned_off")));
    let chosen = post(&m, &boss, "send", &news(json!({"userId": id_of(&her), "channels": ["in_app"]})), None).await.expect(201).body;
    assert_eq!(chosen["messages"].as_array().unwrap().len(), 1);
    assert_eq!((told(&m, &her).await, m.mails("ayesha@example.test").await.len()), (3, 2), "without a key each is a message of its own");
}

async fn a_list_is_told_and_who_cannot_be_is_reported(engine: Engine) {
    let m = Market::open(engine).await;
    let (her, other) = (m.person("ayesha@example.test", "Ayesha").await, m.person("other@example.test", "Other").await);
    unsubscribe_news(&m, &other, &["email", "in_app"]).await;
    let nobody = Ids::random().uuid(contracts::Time(0)).to_string();
    let recipients = json!([
        {"userId": id_of(&her)},
        {"userId": nobody},
        {"userId": id_of(&other)},
        {"userId": id_of(&her), "variables": {"subject": "For you, {{name}}"}},
        {"userId": id_of(&her), "variables": {"extra": "x"}},
    ]);
    let made = post(&m, &admin(), "bulk", &news(json!({"recipients": recipients})), Some("b1")).await.expect(201);
    assert_eq!(made.header("location"), format!("/api/v1/notifications/bulk/{}", text(&made.body["id"])));
    assert_eq!((&made.body["status"], counts(&made.body)), (&json!("running"), [5, 0, 0, 0, 0]));
    let done = job(&m, &made.body).await;
    assert_eq!((&done["status"], counts(&done)), (&json!("completed"), [5, 5, 2, 1, 2]), "{done}");
    assert_eq!((told(&m, &her).await, told(&m, &other).await), (2, 0));
    let subjects = m.subjects("ayesha@example.test").await;
    assert!(subjects.contains(&"For you, {{name}}".to_owned()), "what people write is not a template: {subjects:?}");

    let path = format!("/bulk/{}/failures", text(&done["id"]));
    let failures = m.list(&admin(), &path).await;
    let mut found: Vec<_> = failures.iter().map(|f| (f["number"].as_i64().unwrap(), text(&f["code"]))).collect();
    found.sort();
    assert_eq!(found, [(2, "unknown_user".to_owned()), (5, "invalid_variables".to_owned())]);
    let page = m.p.send("GET", &format!("/api/v1/notifications{path}?limit=1"), &admin(), None, &[]).await.expect(200).body;
    let next = format!("{path}?limit=1&cursor={}", text(&page["nextCursor"]));
    assert_eq!([&page["data"][0], &m.list(&admin(), &next).await[0]], [&failures[0], &failures[1]]);
}

async fn everybody_is_told_once_in_steps(engine: Engine) {
    let m = Market::open(engine).await;
    let mut people = vec![m.seller.clone()];
    for n in 0..30 {
        people.push(m.person(&format!("p{n}@example.test"), "P").await);
    }
    let made = post(&m, &admin(), "broadcast", &news(json!({})), None).await.expect(201).body;
    assert_eq!((&made["audience"], counts(&made)), (&json!("everybody"), [-1, 0, 0, 0, 0]));
    let late = m.person("late@example.test", "Late").await;
    let done = job(&m, &made).await;
    assert_eq!((&done["status"], counts(&done)), (&json!("completed"), [31, 31, 31, 0, 0]), "{done}");
    for who in &people {
        assert_eq!(told(&m, who).await, 1);
    }
    assert_eq!(told(&m, &late).await, 0, "who came later is not told");
}

async fn a_role_is_told(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let made = post(&m, &admin(), "broadcast", &news(json!({"role": "vendor", "channels": ["email"]})), None).await.expect(201).body;
    let done = job(&m, &made).await;
    assert_eq!((&done["role"], counts(&done)), (&json!("vendor"), [1, 1, 1, 0, 0]), "{done}");
    assert_eq!((told(&m, &m.seller).await, m.subjects("seller@looms.test").await.len(), told(&m, &her).await), (0, 1, 0));
    let none = post(&m, &admin(), "broadcast", &news(json!({"role": "instructor"})), None).await.expect(201).body;
    assert_eq!(counts(&job(&m, &none).await), [0, 0, 0, 0, 0]);
}

/// What a crash between a step and the end of its job leaves behind: the job is there, its step was made.
async fn a_step_that_runs_again_tells_nobody_twice(engine: Engine) {
    let mut m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let made = post(&m, &admin(), "bulk", &news(json!({"recipients": [{"userId": id_of(&her)}]})), None).await.expect(201).body;
    assert_eq!(counts(&job(&m, &made).await), [1, 1, 1, 0, 0]);
    let key = text(&made["id"]);
    let again = m.p.db("notifications").write(move |tx| {
        let now = tx.now();
        tx.execute("UPDATE notifications.bulk_jobs SET status = 'running', done = 0, queued = 0", &[])?;
        kit::jobs::queue(tx, "bulk", &key, Json::Null, now)
    });
    again.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    m.p.restart().await;
    assert_eq!(counts(&job(&m, &made).await), [1, 1, 0, 1, 0], "she has it");
    assert_eq!((told(&m, &her).await, m.mails("ayesha@example.test").await.len()), (1, 2));
}

/// What a crash after the last step and before the end of its job leaves behind.
async fn a_job_whose_last_step_was_made_ends(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let made = post(&m, &admin(), "bulk", &news(json!({"recipients": [{"userId": id_of(&her)}]})), None).await.expect(201).body;
    assert_eq!(counts(&job(&m, &made).await), [1, 1, 1, 0, 0]);
    let key = text(&made["id"]);
    let again = m.p.db("notifications").write(move |tx| {
        let now = tx.now();
        kit::jobs::queue(tx, "bulk", &key, Json::Null, now)
    });
    again.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let done = job(&m, &made).await;
    assert_eq!((&done["status"], counts(&done)), (&json!("completed"), [1, 1, 1, 0, 0]));
}

async fn what_cannot_be_sent_is_named(engine: Engine) {
    let m = Market::open(engine).await;
    let (boss, me) = (admin(), id_of(&m.seller));
    let nobody = Ids::random().uuid(contracts::Time(0)).to_string();
    let many: Vec<Json> = (0..1_001).map(|_| json!({"userId": me})).collect();
    let cases = [
        ("send", news(json!({"userId": nobody})), 422, "/userId"),
        ("send", news(json!({"userId": me, "template": "gone"})), 422, "/template"),
        ("send", news(json!({"userId": me, "template": "user.reset_password"})), 422, "/template"),
        ("send", news(json!({"userId": me, "channels": []})), 422, "/channels"),
        ("send", news(json!({"userId": me, "channels": ["email"], "template": "order.created"})), 422, "/channels"),
        ("send", news(json!({"userId": me, "channels": ["pigeon"]})), 400, ""),
        ("send", news(json!({"userId": me, "variables": {"text": "x"}})), 422, "/variables/subject"),
        ("send", news(json!({"userId": me, "variables": {"subject": "x", "text": "x", "a/b": "x"}})), 422, "/variables/a~1b"),
        ("send", news(json!({"userId": "x"})), 400, ""),
        ("send", news(json!({"userId": me, "to": "a@b.test"})), 400, ""),
        ("bulk", news(json!({"recipients": []})), 422, "/recipients"),
        ("bulk", news(json!({"recipients": many})), 422, "/recipients"),
        ("bulk", news(json!({"recipients": [{"userId": "x"}]})), 400, ""),
        ("broadcast", news(json!({"role": "king"})), 422, "/role"),
        ("broadcast", news(json!({"variables": {}})), 422, "/variables/subject"),
    ];
    for (path, body, status, pointer) in cases {
        let r = post(&m, &boss, path, &body, None).await;
        assert_eq!((r.status, r.body["errors"][0]["pointer"].as_str().unwrap_or("")), (status, pointer), "{path} {}", r.body);
    }
    let sql = "SELECT COUNT(*) FROM notifications.bulk_jobs";
    let row = m.p.db("notifications").read(move |q| q.row(sql, &[])).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    assert_eq!(row.unwrap().get::<i64>(0), Ok(0));
    for path in [format!("bulk/{nobody}"), format!("bulk/{nobody}/failures"), "bulk/x".to_owned()] {
        m.p.send("GET", &format!("/api/v1/notifications/{path}"), &boss, None, &[]).await.expect(404);
    }
}

async fn only_those_who_run_it_send(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let send = news(json!({"userId": id_of(&her)}));
    let bulk = news(json!({"recipients": [{"userId": id_of(&her)}]}));
    for (path, body) in [("send", &send), ("bulk", &bulk), ("broadcast", &news(json!({})))] {
        for role in [Role::Customer, Role::Vendor, Role::Support] {
            assert_eq!(post(&m, &testing::user_with(&[role]), path, body, None).await.code(), "forbidden", "{path} {role:?}");
        }
        assert_eq!(post(&m, &Caller::default(), path, body, None).await.code(), "unauthenticated", "{path}");
    }
    post(&m, &testing::user_with(&[Role::Service]), "send", &send, None).await.expect(201);
    let made = post(&m, &admin(), "bulk", &bulk, None).await.expect(201).body;
    let path = format!("/api/v1/notifications/bulk/{}", text(&made["id"]));
    m.p.send("GET", &path, &her, None, &[]).await.expect(403);
}
