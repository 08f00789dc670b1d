//! Webhooks: what is sent to whom, and that it comes.

use std::time::Duration;

use contracts::Envelope;
use futures::future::join_all;
use http::HeaderValue;
use kit::{Caller, DbError, Role, params};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};
use tokio::time::Instant;

use crate::market::{Market, SERVICES, text};
use crate::receiver::{Receiver, answer};

testing::both_engines!(
    a_sale_is_told_to_its_store_signed,
    others_hear_nothing_and_the_marketplace_everything,
    what_fails_is_tried_again_on_the_schedule,
    who_is_gone_is_told_nothing_any_more,
    who_fails_for_days_is_disabled,
    a_new_secret_and_the_one_before_sign_for_a_day,
    deliveries_are_sent_anew_by_id_and_by_time,
    an_event_is_delivered_once_however_often_it_comes,
    private_addresses_are_refused_when_registered,
    private_addresses_are_refused_when_something_is_sent,
    an_endpoint_over_tls_shows_a_certificate_that_is_trusted,
    redirects_are_not_followed_and_answers_are_cut,
    an_owner_has_so_many_endpoints_however_many_ask_at_once,
    somebody_elses_is_not_there,
    bodies_that_are_wrong_are_refused,
    a_test_is_sent_once_even_where_nothing_else_is,
    changes_take_effect_and_secrets_are_sealed,
    old_deliveries_are_forgotten,
    endpoints_that_hang_hold_up_nobody,
    who_does_not_answer_is_left_alone_for_a_while,
);

const DAY: i64 = 24 * 3_600;

async fn open(engine: Engine) -> Market {
    Market::open_with(engine, json!({"webhooks": {"private_addresses": true}})).await
}

fn admin() -> Caller {
    testing::user_with(&[Role::Admin])
}

/// Registers an endpoint.
async fn register(m: &Market, who: &Caller, url: &str, types: &[&str]) -> Json {
    let body = json!({"url": url, "eventTypes": types});
    m.p.send("POST", "/api/v1/webhooks", who, Some(body), &[]).await.expect(201).body
}

fn path(webhook: &Json, rest: &str) -> String {
    format!("/api/v1/webhooks/{}{rest}", text(&webhook["id"]))
}

async fn get(m: &Market, who: &Caller, webhook: &Json) -> Json {
    m.p.send("GET", &path(webhook, ""), who, None, &[]).await.expect(200).body
}

/// What was sent there, oldest first.
async fn deliveries(m: &Market, who: &Caller, webhook: &Json, filter: &str) -> Vec<Json> {
    let page = m.p.send("GET", &path(webhook, &format!("/deliveries?limit=100{filter}")), who, None, &[]).await.expect(200).body;
    page["data"].as_array().unwrap().iter().rev().cloned().collect()
}

async fn later(m: &Market, seconds: i64) {
    m.p.advance_seconds(seconds);
    m.p.settle().await;
}

async fn a_sale_is_told_to_its_store_signed(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(200).await);
    let made = register(&m, &m.seller, &format!("{}?a=1", receiver.url()), &["order.created", "order.confirmed"]).await;
    let secret = text(&made["secret"]);
    assert!(secret.starts_with("whsec_") && made["vendorId"].is_string(), "{made}");
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.sale(&her, "k").await;
    assert_eq!(receiver.kinds(), ["order.confirmed", "order.created"]);
    for received in receiver.received() {
        assert!(received.is_signed_with(&secret) && !received.is_signed_with("whsec_AAAA"));
        assert_eq!((received.path.as_str(), received.header("content-type")), ("/hooks?a=1", "application/json"));
        assert_eq!(received.header("host"), format!("127.0.0.1:{}", receiver.port));
        let body = received.json();
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["type", "timestamp", "data"]);
        assert_eq!((&body["data"]["orderId"], &body["data"]["number"]), (&order["id"], &order["number"]));
        assert_eq!(body["data"]["vendorId"], made["vendorId"]);
        let said = body.to_string();
        let shopper = her.user.as_ref().unwrap().id.to_string();
        assert!(!said.contains(&shopper) && !said.contains("Ayesha") && !said.contains("+880"), "{said}");
    }
    let sent = deliveries(&m, &m.seller, &made, "&status=sent").await;
    assert_eq!(sent.len(), 2);
    let ids: Vec<_> = receiver.received().iter().map(|r| r.header("webhook-id").to_owned()).collect();
    for delivery in &sent {
        assert!(ids.contains(&text(&delivery["messageId"])), "{delivery}");
        assert_eq!((&delivery["attempts"][0]["status"], &delivery["nextAttemptAt"]), (&json!(200), &json!(null)));
        assert!(delivery["attempts"][0]["durationMs"].as_i64().is_some_and(|ms| ms >= 0), "{delivery}");
        assert_eq!(delivery["payload"]["type"], delivery["eventType"]);
    }
}

async fn others_hear_nothing_and_the_marketplace_everything(engine: Engine) {
    let m = open(engine).await;
    let (mine, theirs, all) = (Receiver::answering(200).await, Receiver::answering(200).await, Receiver::answering(200).await);
    let other = m.another_seller("teas@looms.test", "teas").await;
    register(&m, &m.seller, &mine.url(), &["*"]).await;
    register(&m, &other, &theirs.url(), &["*"]).await;
    register(&m, &admin(), &all.url(), &["order.*", "payment.*"]).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.sale(&her, "k").await;
    m.advance(&order, "processing").await;
    m.advance(&order, "shipped").await;
    // Those that found too many others on their way have waited.
    later(&m, 6).await;
    let to_store = ["order.confirmed", "order.created", "order.paid", "order.shipped", "order.status_changed", "order.status_changed"];
    assert_eq!(mine.kinds(), to_store);
    assert_eq!(theirs.received().len(), 0);
    let kinds = all.kinds();
    for kind in ["order.confirmed", "order.payment_requested", "order.shipped", "payment.completed", "payment.initiated"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind} is not in {kinds:?}");
    }
    assert!(kinds.iter().all(|k| k.starts_with("order.") || k.starts_with("payment.")), "{kinds:?}");
    let guest = m.order(&testing::guest(), "g").await;
    later(&m, 6).await;
    let told = all.received();
    let created: Vec<Json> = told.iter().filter(|r| r.kind() == "order.created").map(|r| r.json()["data"].clone()).collect();
    assert!(created.iter().any(|data| data["orderId"] == guest["id"]) && created.iter().all(|data| data.get("guest").is_none()));
}

async fn what_fails_is_tried_again_on_the_schedule(engine: Engine) {
    let m = open(engine).await;
    let receiver = Receiver::start(|_, number| match number {
        1 => answer(500, "out of order"),
        2 => {
            let mut busy = answer(503, "");
            busy.headers_mut().insert("retry-after", HeaderValue::from_static("1000"));
            busy
        }
        _ => answer(204, ""),
    })
    .await;
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k").await;
    let failed = &deliveries(&m, &m.seller, &made, "").await[0];
    assert_eq!((&failed["status"], &failed["attempts"][0]["answer"]), (&json!("failed"), &json!("out of order")));
    assert!(failed["nextAttemptAt"].is_string() && get(&m, &m.seller, &made).await["failingSince"].is_string());
    later(&m, 6).await;
    assert_eq!(receiver.received().len(), 2);
    later(&m, 400).await;
    assert_eq!(receiver.received().len(), 2, "it asked for more time than the schedule gives");
    later(&m, 800).await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    let ids: Vec<_> = received.iter().map(|r| r.header("webhook-id")).collect();
    let times: Vec<i64> = received.iter().map(|r| r.header("webhook-timestamp").parse().unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]) && times[1] >= times[0] + 5 && times[2] >= times[1] + 1_000, "{ids:?} {times:?}");
    let sent = &deliveries(&m, &m.seller, &made, "").await[0];
    let statuses: Vec<_> = sent["attempts"].as_array().unwrap().iter().map(|a| a["status"].clone()).collect();
    assert_eq!((&sent["status"], statuses), (&json!("sent"), vec![json!(500), json!(503), json!(204)]));
    assert_eq!(get(&m, &m.seller, &made).await["failingSince"], json!(null));
}

async fn who_is_gone_is_told_nothing_any_more(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(410).await);
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k1").await;
    m.sale(&testing::user(), "k2").await;
    assert_eq!(receiver.received().len(), 1);
    let now = get(&m, &m.seller, &made).await;
    assert_eq!((&now["enabled"], &now["disabledReason"]), (&json!(false), &json!("gone")));
    let told = m.list(&m.seller, "").await;
    let told: Vec<_> = told.iter().filter(|n| n["kind"] == "webhook.disabled").collect();
    assert_eq!(told.len(), 1);
    assert!(text(&told[0]["body"]).contains(&receiver.url()) && text(&told[0]["body"]).contains("410"), "{}", told[0]);

    let body = json!({"enabled": true});
    let enabled = m.p.send("PUT", &path(&made, ""), &m.seller, Some(body), &[]).await.expect(200).body;
    assert_eq!((&enabled["enabled"], &enabled["disabledReason"], &enabled["url"]), (&json!(true), &json!(null), &made["url"]));
    m.sale(&testing::user(), "k3").await;
    assert_eq!(receiver.received().len(), 2);
    let told = m.list(&m.seller, "").await;
    assert_eq!(told.iter().filter(|n| n["kind"] == "webhook.disabled").count(), 2, "each time it is said anew");
}

async fn who_fails_for_days_is_disabled(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(500).await);
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k1").await;
    later(&m, 2 * DAY).await;
    assert_eq!(get(&m, &m.seller, &made).await["enabled"], true);
    later(&m, 3 * DAY + 60).await;
    let now = get(&m, &m.seller, &made).await;
    assert_eq!((&now["enabled"], &now["disabledReason"]), (&json!(false), &json!("failing")));
    let tried = receiver.received().len();
    later(&m, DAY).await;
    m.sale(&testing::user(), "k2").await;
    assert_eq!(receiver.received().len(), tried);
    assert_eq!(deliveries(&m, &m.seller, &made, "&status=dead").await.len(), 1, "what was on its way is given up");
    assert!(m.kinds(&m.seller).await.contains(&"webhook.disabled".to_owned()));
}

async fn a_new_secret_and_the_one_before_sign_for_a_day(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(200).await);
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    let rotated = m.p.send("POST", &path(&made, "/rotate-secret"), &m.seller, None, &[]).await.expect(200).body;
    let (old, new) = (text(&made["secret"]), text(&rotated["secret"]));
    assert!(old != new && rotated["oldSecretUntil"].is_string());
    m.sale(&testing::user(), "k1").await;
    later(&m, DAY + 1).await;
    m.sale(&testing::user(), "k2").await;
    let signed: Vec<_> = receiver.received().iter().map(|r| (r.is_signed_with(&old), r.is_signed_with(&new))).collect();
    assert_eq!(signed, [(true, true), (false, true)]);
    assert_eq!(receiver.received()[0].header("webhook-signature").split(' ').count(), 2);
    assert_eq!(receiver.received()[1].header("webhook-signature").split(' ').count(), 1);
    assert!(get(&m, &m.seller, &made).await.get("secret").is_none());
}

async fn deliveries_are_sent_anew_by_id_and_by_time(engine: Engine) {
    let m = open(engine).await;
    let receiver = Receiver::start(|received, number| answer(if number <= 2 || received.path == "/gone" { 410 } else { 200 }, "")).await;
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k1").await;
    let dead = deliveries(&m, &m.seller, &made, "").await[0].clone();
    let one = json!({"deliveryId": dead["id"]});
    let again = |body: Json| {
        let (m, path) = (&m, path(&made, "/redeliver"));
        async move { m.p.send("POST", &path, &m.seller, Some(body), &[]).await }
    };
    assert_eq!(again(one.clone()).await.code(), "webhook_disabled");
    let enable = || async {
        let enabled = json!({"enabled": true});
        m.p.send("PUT", &path(&made, ""), &m.seller, Some(enabled), &[]).await.expect(200)
    };
    enable().await;
    assert_eq!(again(one.clone()).await.expect(202).body, json!({"queued": 1}));
    m.p.settle().await;
    assert_eq!(receiver.received().len(), 2);
    enable().await;
    let all = |since: &str, until: &str| json!({"since": since, "until": until});
    assert_eq!(again(all("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).await.expect(202).body, json!({"queued": 0}));
    assert_eq!(again(all("2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z")).await.expect(202).body, json!({"queued": 1}));
    m.p.settle().await;
    assert_eq!(again(all("2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z")).await.expect(202).body, json!({"queued": 0}), "it has come");
    assert_eq!(again(one).await.expect(202).body, json!({"queued": 1}), "one that has come can be sent again");
    m.p.settle().await;
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|r| r.header("webhook-id") == text(&dead["messageId"])));
    let sent = &deliveries(&m, &m.seller, &made, "").await[0];
    let numbers: Vec<_> = sent["attempts"].as_array().unwrap().iter().map(|a| (a["number"].clone(), a["status"].clone())).collect();
    assert_eq!(numbers, [(1, 410), (2, 410), (3, 200), (4, 200)].map(|(n, s)| (json!(n), json!(s))));

    let nothing = json!({"deliveryId": made["id"]});
    assert_eq!(again(nothing).await.status, 404);
    for wrong in [json!({}), json!({"since": "2020-01-01T00:00:00Z"}), all("2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z")] {
        assert_eq!(again(wrong).await.status, 422);
    }
    assert_eq!(again(json!({"since": "yesterday", "until": "2020-01-01T00:00:00Z"})).await.status, 400);
}

/// An endpoint that takes connections and says nothing.
async fn silent() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

/// Says so many times anew, each as another event, that an order was confirmed.
async fn confirm_anew(m: &Market, times: usize) {
    let log: Vec<Envelope> = m.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let confirmed = log.into_iter().find(|e| e.kind == "order.confirmed").unwrap();
    let said = m.p.db("notifications").write(move |tx| {
        (0..times).try_for_each(|_| {
            let (now, event) = (tx.now(), Envelope { id: tx.id(), ..confirmed.clone() });
            kit::jobs::queue(tx, "webhook.route", &event.id.to_string(), event.to_cloud_event(), now)
        })
    });
    said.await.unwrap_or_else(|e: DbError| panic!("{e}"));
}

async fn endpoints_that_hang_hold_up_nobody(engine: Engine) {
    let (m, healthy) = (open(engine).await, Receiver::answering(200).await);
    m.sale(&testing::user(), "k").await;
    let mut hanging = Vec::new();
    for _ in 0..5 {
        let (listener, url) = silent().await;
        register(&m, &m.seller, &url, &["order.confirmed"]).await;
        hanging.push(listener);
    }
    register(&m, &m.seller, &healthy.url(), &["order.confirmed"]).await;
    let began = Instant::now();
    confirm_anew(&m, 40).await;
    testing::eventually("the healthy one was told everything", || async { healthy.received().len() == 40 }).await;
    assert!(began.elapsed() < Duration::from_secs(10), "the others have not even used up their time: {:?}", began.elapsed());
    let jobs = "SELECT COUNT(*) FROM own.jobs WHERE kind = 'webhook.deliver'";
    let jobs = m.p.db("notifications").read(move |q| q.row(jobs, params![])?.map_or(Ok(0), |r| r.get::<i64>(0)));
    assert!(jobs.await.unwrap_or_else(|e: DbError| panic!("{e}")) <= 6, "one for each endpoint");
    let stops = Instant::now();
    m.p.platform().tasks.drain().await;
    assert!(stops.elapsed() < Duration::from_secs(9), "a stop does not wait for those that hang: {:?}", stops.elapsed());
}

async fn who_does_not_answer_is_left_alone_for_a_while(engine: Engine) {
    let m = open(engine).await;
    m.sale(&testing::user(), "k").await;
    let (listener, url) = silent().await;
    let made = register(&m, &m.seller, &url, &["order.confirmed"]).await;
    let id = text(&made["id"]);
    confirm_anew(&m, 20).await;
    m.p.settle().await;
    let tried = |all: &[Json]| all.iter().map(|d| d["attempts"].as_array().unwrap().len()).sum::<usize>();
    let all = deliveries(&m, &m.seller, &made, "").await;
    assert!(all.iter().any(|d| d["attempts"][0]["answer"] == "no answer within 15 s"), "{all:?}");
    assert_eq!((all.len(), tried(&all)), (20, 8), "no further one is begun for {id}");
    let receiver = Receiver::answering(200).await;
    // While it rests, what comes waits with the rest.
    confirm_anew(&m, 1).await;
    m.p.settle().await;
    assert_eq!(tried(&deliveries(&m, &m.seller, &made, "").await), 8);
    drop(listener);
    m.p.send("PUT", &path(&made, ""), &m.seller, Some(json!({"url": receiver.url()})), &[]).await.expect(200);
    m.p.settle().await;
    assert!(receiver.received().len() >= 13, "who is elsewhere now is told at once: {}", receiver.received().len());
    later(&m, 6).await;
    assert_eq!(deliveries(&m, &m.seller, &made, "&status=sent").await.len(), 21);
}

async fn an_event_is_delivered_once_however_often_it_comes(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(200).await);
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k").await;
    let log: Vec<Envelope> = m.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    let confirmed = log.into_iter().find(|e| e.kind == "order.confirmed").unwrap();
    for copy in 0..2 {
        let event = confirmed.to_cloud_event();
        let said = m.p.db("notifications").write(move |tx| {
            let now = tx.now();
            kit::jobs::queue(tx, "webhook.route", &format!("copy {copy}"), event.clone(), now)
        });
        said.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    }
    m.p.settle().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(deliveries(&m, &m.seller, &made, "").await.len(), 1);
}

async fn private_addresses_are_refused_when_registered(engine: Engine) {
    let m = Market::open(engine).await;
    for url in [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://[::1]:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://0x7f000001/",
        "https://192.168.0.1/",
        "https://user:secret@example.com/",
        "ftp://example.com/",
        "example.com",
        "",
    ] {
        let refused = m.p.send("POST", "/api/v1/webhooks", &m.seller, Some(json!({"url": url})), &[]).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("/url")), "{url}: {}", refused.body);
    }
    let made = register(&m, &m.seller, "https://8.8.8.8/hooks", &["*"]).await;
    let moved = m.p.send("PUT", &path(&made, ""), &m.seller, Some(json!({"url": "https://127.0.0.1/"})), &[]).await;
    assert_eq!((moved.status, get(&m, &m.seller, &made).await["url"].clone()), (422, json!("https://8.8.8.8/hooks")));
}

async fn private_addresses_are_refused_when_something_is_sent(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(200).await);
    let by_name = format!("http://localhost:{}/hooks", receiver.port);
    let made = [register(&m, &m.seller, &receiver.url(), &["*"]).await, register(&m, &m.seller, &by_name, &["*"]).await];
    let (data, seller) = (m.p.data(), m.seller.clone());
    drop(m);
    let p = TestPlatform::start_on(data, SERVICES, json!({})).await;
    for webhook in &made {
        for (body, status) in [
            (json!({"description": "old"}), 200),
            (json!({"enabled": false}), 200),
            (json!({"description": "off"}), 200),
            (json!({"enabled": true}), 422),
            (json!({"url": "https://127.0.0.1/"}), 422),
        ] {
            let answer = p.send("PUT", &path(webhook, ""), &seller, Some(body.clone()), &[]).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
        }
        p.send("POST", &path(webhook, "/test"), &seller, None, &[]).await.expect(202);
        p.settle().await;
        let page = p.send("GET", &path(webhook, "/deliveries"), &seller, None, &[]).await.expect(200).body;
        let delivery = &page["data"][0];
        assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("dead"), &json!(null)));
        let why = text(&delivery["attempts"][0]["answer"]);
        assert!(why.contains("not on the open internet") && !why.contains("127.0.0.1"), "{why}");
    }
    assert_eq!(receiver.received().len(), 0);
}

async fn an_endpoint_over_tls_shows_a_certificate_that_is_trusted(engine: Engine) {
    let (receiver, authority) = Receiver::over_tls().await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority).unwrap();
    let config = json!({"webhooks": {"private_addresses": true, "ca_file": ca_file}});
    let m = Market::open_with(engine, config).await;
    let right = register(&m, &m.seller, &format!("https://localhost:{}/hooks", receiver.port), &["*"]).await;
    let wrong = register(&m, &m.seller, &format!("https://127.0.0.1:{}/hooks", receiver.port), &["*"]).await;
    for webhook in [&right, &wrong] {
        m.p.send("POST", &path(webhook, "/test"), &m.seller, None, &[]).await.expect(202);
    }
    m.p.settle().await;
    assert_eq!(deliveries(&m, &m.seller, &right, "").await[0]["status"], "sent");
    let refused = &deliveries(&m, &m.seller, &wrong, "").await[0];
    assert!(text(&refused["attempts"][0]["answer"]).starts_with("TLS: "), "its certificate is for another name: {refused}");
    assert_eq!(receiver.received().len(), 1);
}

async fn redirects_are_not_followed_and_answers_are_cut(engine: Engine) {
    let m = open(engine).await;
    let receiver = Receiver::start(|received, _| {
        let mut redirect = answer(302, "x".repeat(1 << 20));
        let location = format!("http://{}/elsewhere", received.header("host"));
        redirect.headers_mut().insert("location", HeaderValue::from_str(&location).unwrap());
        redirect
    })
    .await;
    let made = register(&m, &m.seller, &receiver.url(), &["*"]).await;
    m.p.send("POST", &path(&made, "/test"), &m.seller, None, &[]).await.expect(202);
    m.p.settle().await;
    let paths: Vec<_> = receiver.received().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/hooks"]);
    let attempt = &deliveries(&m, &m.seller, &made, "").await[0]["attempts"][0];
    assert_eq!((&attempt["status"], text(&attempt["answer"]).len()), (&json!(302), 500));
}

async fn an_owner_has_so_many_endpoints_however_many_ask_at_once(engine: Engine) {
    let m = Market::open(engine).await;
    let asked = (0..25).map(|n| {
        let body = json!({"url": format!("https://8.8.8.8/{n}")});
        let m = &m;
        async move { m.p.send("POST", "/api/v1/webhooks", &m.seller, Some(body), &[]).await }
    });
    let answers = join_all(asked).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 20);
    assert!(answers.iter().filter(|a| a.status != 201).all(|a| a.code() == "too_many_webhooks"));
    let page = m.p.send("GET", "/api/v1/webhooks?limit=15", &m.seller, None, &[]).await.expect(200).body;
    let cursor = text(&page["nextCursor"]);
    let rest = m.p.send("GET", &format!("/api/v1/webhooks?limit=15&cursor={cursor}"), &m.seller, None, &[]).await.expect(200).body;
    assert_eq!((page["data"].as_array().unwrap().len(), rest["data"].as_array().unwrap().len()), (15, 5));
    m.p.send("DELETE", &path(&page["data"][0], ""), &m.seller, None, &[]).await.expect(204);
    register(&m, &m.seller, "https://8.8.8.8/another", &["*"]).await;
    register(&m, &admin(), "https://8.8.8.8/another", &["*"]).await;
}

async fn somebody_elses_is_not_there(engine: Engine) {
    let m = Market::open(engine).await;
    let rival = m.another_seller("teas@looms.test", "teas").await;
    let made = register(&m, &m.seller, "https://8.8.8.8/", &["*"]).await;
    let boss = admin();
    let of_marketplace = register(&m, &boss, "https://8.8.8.8/", &["*"]).await;
    let since = json!({"since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"});
    let routes = [
        ("GET", "", None),
        ("PUT", "", Some(json!({"description": "mine"}))),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("GET", "/deliveries", None),
        ("POST", "/redeliver", Some(since)),
        ("POST", "/test", None),
    ];
    for (method, rest, body) in routes {
        for (webhook, who, expected) in [
            (&made, &rival, 404),
            (&made, &boss, 404),
            (&of_marketplace, &m.seller, 404),
            (&made, &testing::user(), 403),
            (&made, &Caller::default(), 401),
            (&made, &testing::user_with(&[Role::Vendor]), 404),
        ] {
            let answer = m.p.send(method, &path(webhook, rest), who, body.clone(), &[]).await;
            assert_eq!(answer.status, expected, "{method} {rest}: {}", answer.body);
        }
    }
    let listed = m.p.send("GET", "/api/v1/webhooks", &rival, None, &[]).await.expect(200).body;
    assert_eq!(listed["data"], json!([]));
    let for_other = json!({"url": "https://8.8.8.8/", "vendorId": made["vendorId"]});
    assert_eq!(m.p.send("POST", "/api/v1/webhooks", &rival, Some(for_other), &[]).await.status, 422);
    let homeless = testing::user_with(&[Role::Vendor]);
    let refused = m.p.send("POST", "/api/v1/webhooks", &homeless, Some(json!({"url": "https://8.8.8.8/"})), &[]).await;
    assert_eq!(refused.body["errors"][0]["code"], "no_store");
}

async fn bodies_that_are_wrong_are_refused(engine: Engine) {
    let m = Market::open(engine).await;
    let url = "https://8.8.8.8/";
    for (body, status, pointer) in [
        (json!({"url": url, "eventTypes": ["payment.*"]}), 422, "/eventTypes"),
        (json!({"url": url, "eventTypes": ["order.confirmd"]}), 422, "/eventTypes"),
        (json!({"url": url, "eventTypes": []}), 422, "/eventTypes"),
        (json!({"url": url, "description": "x".repeat(201)}), 422, "/description"),
        (json!({"url": url, "description": "a\0b"}), 400, "/description"),
        (json!({"eventTypes": ["*"]}), 400, ""),
        (json!({"url": url, "secret": "whsec_mine"}), 400, ""),
    ] {
        let refused = m.p.send("POST", "/api/v1/webhooks", &m.seller, Some(body.clone()), &[]).await;
        let found = refused.body["errors"][0]["pointer"].as_str().unwrap_or("").to_owned();
        assert_eq!((refused.status, found.as_str()), (status, pointer), "{body}: {}", refused.body);
    }
}

async fn a_test_is_sent_once_even_where_nothing_else_is(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(500).await);
    let body = json!({"url": receiver.url(), "enabled": false});
    let made = m.p.send("POST", "/api/v1/webhooks", &m.seller, Some(body), &[]).await.expect(201).body;
    assert_eq!(made["disabledReason"], "owner");
    let pending = m.p.send("POST", &path(&made, "/test"), &m.seller, None, &[]).await.expect(202).body;
    assert_eq!((&pending["status"], &pending["eventType"]), (&json!("pending"), &json!("webhook.test")));
    m.sale(&testing::user(), "k").await;
    later(&m, DAY).await;
    let received = receiver.received();
    assert_eq!((received.len(), received[0].json()["data"].clone()), (1, json!({"webhookId": made["id"]})));
    assert!(received[0].is_signed_with(&text(&made["secret"])));
    assert_eq!(deliveries(&m, &m.seller, &made, "").await[0]["status"], "dead");
    assert_eq!(get(&m, &m.seller, &made).await["failingSince"], json!(null), "a test is no failure of what is told");
}

async fn changes_take_effect_and_secrets_are_sealed(engine: Engine) {
    let (m, one, other) = (open(engine).await, Receiver::answering(200).await, Receiver::answering(200).await);
    let made = register(&m, &m.seller, &one.url(), &["order.confirmed"]).await;
    let body = json!({"url": other.url(), "eventTypes": ["order.created"], "description": "ours"});
    let changed = m.p.send("PUT", &path(&made, ""), &m.seller, Some(body), &[]).await.expect(200).body;
    assert_eq!((&changed["description"], &changed["eventTypes"]), (&json!("ours"), &json!(["order.created"])));
    m.sale(&testing::user(), "k").await;
    assert_eq!((one.received().len(), other.kinds()), (0, vec!["order.created".to_owned()]));

    let secret = kit::webhook::Secret::from_text(&text(&made["secret"]));
    let read = "SELECT secret FROM notifications.webhooks";
    let stored = m.p.db("notifications").read(move |q| q.row(read, params![])?.map_or(Ok(Vec::new()), |r| r.get::<Vec<u8>>(0)));
    let stored = stored.await.unwrap_or_else(|e: DbError| panic!("{e}"));
    assert!(stored.len() > secret.bytes().len() && !stored.windows(secret.bytes().len()).any(|part| part == secret.bytes()));

    m.p.send("DELETE", &path(&made, ""), &m.seller, None, &[]).await.expect(204);
    m.p.send("GET", &path(&made, "/deliveries"), &m.seller, None, &[]).await.expect(404);
    m.sale(&testing::user(), "k2").await;
    assert_eq!(other.received().len(), 1);
}

async fn old_deliveries_are_forgotten(engine: Engine) {
    let (m, receiver) = (open(engine).await, Receiver::answering(200).await);
    let made = register(&m, &m.seller, &receiver.url(), &["order.confirmed"]).await;
    m.sale(&testing::user(), "k").await;
    later(&m, 29 * DAY).await;
    assert_eq!(deliveries(&m, &m.seller, &made, "").await.len(), 1);
    later(&m, 2 * DAY).await;
    assert_eq!(deliveries(&m, &m.seller, &made, "").await.len(), 0);
    let count = "SELECT COUNT(*) FROM notifications.webhook_attempts";
    let left = m.p.db("notifications").read(move |q| q.row(count, params![])?.map_or(Ok(0), |r| r.get::<i64>(0)));
    assert_eq!(left.await.unwrap_or_else(|e: DbError| panic!("{e}")), 0);
}
