//! Endpoints and their owners.

use futures::future::join_all;
use kit::{Caller, DbError, Role, params};
use serde_json::json;
use testing::Engine;

use super::{DAY, admin, deliveries, get, later, open, path, register};
use crate::market::{Market, text};
use crate::receiver::Receiver;

testing::both_engines!(
    an_owner_has_so_many_endpoints_however_many_ask_at_once,
    somebody_elses_is_not_there,
    bodies_that_are_wrong_are_refused,
    a_test_is_sent_once_even_where_nothing_else_is,
    changes_take_effect_and_secrets_are_sealed,
    old_deliveries_are_forgotten,
);

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
