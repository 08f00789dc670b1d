//! The inbox of what providers tell us.

use contracts::events::payments::PaymentCompleted;
use kit::webhook::Secret;
use kit::{Caller, Clock, DbError, Role};
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::shop::{Begun, Shop, id, message};

testing::both_engines!(
    what_arrived_is_kept_as_it_came_with_its_verdict,
    a_message_is_handled_again_without_a_second_effect,
    a_message_that_came_too_early_is_handled_again,
    what_nobody_vouched_for_is_not_handled_again,
    what_nobody_vouched_for_is_kept_within_bounds,
    old_messages_are_forgotten,
    only_administrators_see_the_inbox,
);

const INBOX: &str = "/api/v1/payments/webhooks";

async fn inbox(shop: &Shop, filter: &str) -> Vec<Json> {
    let page = shop.p.send("GET", &format!("{INBOX}?limit=100{filter}"), &shop.admin, None, &[]).await.expect(200).body;
    page["data"].as_array().unwrap().clone()
}

async fn replay(shop: &Shop, row: &Json) -> Json {
    let path = format!("{INBOX}/{}/replay", row["id"].as_str().unwrap());
    shop.p.send("POST", &path, &shop.admin, None, &[]).await.expect(200).body
}

async fn count(shop: &Shop, sql: &'static str) -> i64 {
    let row = shop.p.db("payments").read(move |q| q.row(sql, &[])).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    row.unwrap().get(0).unwrap()
}

async fn completed(shop: &Shop) -> i64 {
    let kind = <PaymentCompleted as contracts::Event>::TYPE;
    let row = shop.p.db("payments").read(move |q| q.row("SELECT COUNT(*) FROM own.events WHERE type = $1", &[kind.into()])).await;
    row.unwrap_or_else(|e: DbError| panic!("{e}")).unwrap().get(0).unwrap()
}

async fn what_arrived_is_kept_as_it_came_with_its_verdict(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let right = message("charge.succeeded", &begun, 500);
    shop.signed_webhook(&Secret::from_text("guessed"), "msg_1", Clock::system().now(), &right).await.expect(401);
    shop.webhook("msg_2", &json!({"type": 7})).await.expect(400);
    shop.webhook("msg_3", &message("charge.succeeded", &begun, 499)).await.expect(422);
    shop.webhook("msg_4", &message("charge.pending", &begun, 500)).await.expect(200);
    for _ in 0..3 {
        shop.webhook("msg_5", &right).await.expect(200);
    }
    shop.webhook("msg_2", &json!({"type": 7})).await.expect(400);
    let all = inbox(&shop, "").await;
    let seen: Vec<_> = all.iter().rev().map(|w| (w["messageId"].clone(), w["verdict"].as_str().unwrap(), w["kind"].clone())).collect();
    let expected = [
        (json!(null), "refused", json!(null)),
        (json!("msg_2"), "malformed", json!(null)),
        (json!("msg_3"), "failed", json!("charge.succeeded")),
        (json!("msg_4"), "ignored", json!("charge.pending")),
        (json!("msg_5"), "applied", json!("charge.succeeded")),
    ];
    assert_eq!(seen, expected);
    assert_eq!(all[0]["body"], right.to_string());
    assert!(all[0]["headers"]["webhook-signature"].as_str().unwrap().starts_with("v1,") && all[0]["detail"].is_null());
    assert!(all[2]["detail"].as_str().unwrap().contains("499"), "{}", all[2]);
    let one = inbox(&shop, "&verdict=ignored").await;
    assert_eq!((one.len(), &one[0]), (1, &all[1]));
    assert_eq!(inbox(&shop, &format!("&paymentId={}", begun.id)).await.len(), 3);
    let page = shop.p.send("GET", &format!("{INBOX}?limit=2"), &shop.admin, None, &[]).await.expect(200).body;
    let next = format!("&cursor={}", page["nextCursor"].as_str().unwrap());
    let rest = shop.p.send("GET", &format!("{INBOX}?limit=2{next}"), &shop.admin, None, &[]).await.expect(200).body;
    assert_eq!([&page["data"][1], &rest["data"][0]], [&all[1], &all[2]]);
}

async fn a_message_is_handled_again_without_a_second_effect(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 500)).await.expect(200);
    shop.p.settle().await;
    let before = inbox(&shop, "").await;
    for _ in 0..2 {
        let again = replay(&shop, &before[0]).await;
        assert_eq!((&again["verdict"], &again["messageId"]), (&json!("applied"), &json!("msg_1")));
    }
    shop.p.settle().await;
    assert_eq!((shop.journals(&begun).await, completed(&shop).await), (vec!["capture".to_owned()], 1));
    assert_eq!(inbox(&shop, "").await, before, "one that was applied stays as it is");
    assert_eq!(shop.payment(&begun).await["status"], "completed");
}

async fn a_message_that_came_too_early_is_handled_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let request = shop.wanted(500);
    let begun = Begun { id: request.payment_id.parse().unwrap(), order: id().into(), url: String::new() };
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 500)).await.expect(404);
    let failed = inbox(&shop, "&verdict=failed").await.remove(0);
    assert_eq!(replay(&shop, &failed).await["verdict"], "failed", "it is still not here");
    shop.initiate(request).await.unwrap();
    let applied = replay(&shop, &failed).await;
    assert_eq!((&applied["verdict"], &applied["id"], &applied["detail"]), (&json!("applied"), &failed["id"], &json!(null)));
    assert_eq!(shop.payment(&begun).await["status"], "completed");
    shop.webhook("msg_1", &message("charge.succeeded", &begun, 500)).await.expect(200);
    assert_eq!((inbox(&shop, "").await.len(), completed(&shop).await), (1, 1), "the provider's own repeat comes to nothing");
}

async fn what_nobody_vouched_for_is_not_handled_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let body = message("charge.succeeded", &begun, 500);
    shop.signed_webhook(&Secret::from_text("guessed"), "msg_1", Clock::system().now(), &body).await.expect(401);
    let path = format!("{INBOX}/{}/replay", inbox(&shop, "").await[0]["id"].as_str().unwrap());
    let refused = shop.p.send("POST", &path, &shop.admin, None, &[]).await;
    assert_eq!((refused.status, refused.code()), (409, "not_verified"));
    assert_eq!(shop.payment(&begun).await["status"], "requires_action");
    shop.p.send("POST", &format!("{INBOX}/{}/replay", id()), &shop.admin, None, &[]).await.expect(404);
}

async fn what_nobody_vouched_for_is_kept_within_bounds(engine: Engine) {
    let shop = Shop::open(engine).await;
    let fill = shop.p.db("payments").write(|tx| {
        let now = tx.now();
        for _ in 0..1_003 {
            let id = tx.id();
            tx.execute(
                "INSERT INTO payments.webhook_inbox (id, provider, verdict, headers, body, received_at, updated_at) \
                 VALUES ($1, 'sandbox', 'refused', $2, $3, $4, $4)",
                kit::params![id, json!({}), vec![1_u8], now.plus_seconds(-60)],
            )?;
        }
        Ok::<_, DbError>(())
    });
    fill.await.unwrap();
    let long = vec![b'x'; 5_000];
    shop.p.send_bytes("POST", &format!("{INBOX}/sandbox"), &Caller::default(), long, &[("webhook-id", "m")]).await.expect(401);
    assert_eq!(count(&shop, "SELECT COUNT(*) FROM payments.webhook_inbox").await, 1_000);
    let newest = &inbox(&shop, "").await[0];
    assert_eq!((newest["body"].as_str().unwrap().len(), &newest["headers"]), (2_048, &json!({"webhook-id": "m"})));
}

async fn old_messages_are_forgotten(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    shop.webhook("msg_1", &message("charge.pending", &begun, 500)).await.expect(200);
    shop.p.advance_seconds(29 * 24 * 3_600);
    shop.p.settle().await;
    assert_eq!(inbox(&shop, "").await.len(), 1);
    shop.p.advance_seconds(2 * 24 * 3_600);
    shop.p.settle().await;
    assert_eq!(inbox(&shop, "").await.len(), 0);
}

async fn only_administrators_see_the_inbox(engine: Engine) {
    let shop = Shop::open(engine).await;
    let replay = format!("{INBOX}/{}/replay", id());
    for (who, status) in [(Caller::default(), 403), (testing::user_with(&[Role::Vendor, Role::Support]), 403)] {
        for (method, path) in [("GET", INBOX), ("POST", replay.as_str())] {
            assert_eq!(shop.p.send(method, path, &who, None, &[]).await.status, status, "{method} {path}");
        }
    }
    for filter in ["&verdict=gone", "&paymentId=x", "&limit=0", "&cursor=x", "&nothing=1"] {
        shop.p.send("GET", &format!("{INBOX}?{}", &filter[1..]), &shop.admin, None, &[]).await.expect(400);
    }
}
