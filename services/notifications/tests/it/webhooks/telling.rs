//! What is sent to whom, how often, and under which signature.

use contracts::Envelope;
use http::HeaderValue;
use kit::DbError;
use serde_json::{Value as Json, json};
use testing::Engine;

use super::{DAY, admin, deliveries, get, later, open, path, register};
use crate::market::text;
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
);

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
