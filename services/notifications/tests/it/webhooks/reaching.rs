//! Where requests go, and where they do not.

use std::time::Duration;

use contracts::Envelope;
use http::HeaderValue;
use kit::{DbError, params};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};
use tokio::time::Instant;

use super::{deliveries, get, later, open, path, register};
use crate::market::{Market, SERVICES, text};
use crate::receiver::{Receiver, answer};

testing::both_engines!(
    private_addresses_are_refused_when_registered,
    private_addresses_are_refused_when_something_is_sent,
    an_endpoint_over_tls_shows_a_certificate_that_is_trusted,
    redirects_are_not_followed_and_answers_are_cut,
    endpoints_that_hang_hold_up_nobody,
    who_does_not_answer_is_left_alone_for_a_while,
);

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
