use std::sync::Arc;

use serde_json::json;
use testing::Engine;
use tokio::task::JoinSet;

use crate::shop::{Shop, message};

testing::both_engines!(
    of_four_refunds_of_sixty_percent_one_succeeds,
    eight_callers_with_one_key_refund_once,
    webhook_and_confirmations_capture_once,
    one_message_sent_eight_times_at_once_counts_once,
    a_void_against_an_approval_ends_with_nothing_kept,
    a_void_against_its_initiate_leaves_nothing_open,
);

const ROUNDS: usize = 5;

async fn of_four_refunds_of_sixty_percent_one_succeeds(engine: Engine) {
    let shop = Arc::new(Shop::open(engine).await);
    for round in 0..ROUNDS {
        let begun = shop.paid(1_000).await;
        let mut callers = JoinSet::new();
        for n in 0..4 {
            let (shop, begun) = (shop.clone(), begun.clone());
            callers.spawn(async move { shop.refund(&shop.admin, &begun, 600, &format!("{round}-{n}")).await.status });
        }
        let mut statuses = callers.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
        shop.p.settle().await;
        assert_eq!(shop.payment(&begun).await["refunded"]["amount"], 600);
        assert_eq!(shop.charge(&begun).await.unwrap()["refunded"]["amount"], 600);
        assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_completed"]);
    }
}

async fn eight_callers_with_one_key_refund_once(engine: Engine) {
    let shop = Arc::new(Shop::open(engine).await);
    let begun = shop.paid(1_000).await;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (shop, begun) = (shop.clone(), begun.clone());
        callers.spawn(async move { shop.refund(&shop.admin, &begun, 100, "one").await.expect(201).bytes });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|a| *a == answers[0]));
    shop.p.settle().await;
    assert_eq!(shop.charge(&begun).await.unwrap()["refunded"]["amount"], 100);
}

async fn webhook_and_confirmations_capture_once(engine: Engine) {
    let shop = Arc::new(Shop::open_with(engine, json!({})).await);
    for _ in 0..ROUNDS {
        let begun = shop.begin(1_000).await;
        let mut callers = JoinSet::new();
        for n in 0..9 {
            let (shop, begun) = (shop.clone(), begun.clone());
            callers.spawn(async move {
                if n == 4 { shop.answer(&begun, "approve").await.expect(200) } else { shop.confirm(&begun).await.expect(200) }
            });
        }
        callers.join_all().await;
        shop.p.settle().await;
        assert_eq!(shop.payment(&begun).await["status"], "completed");
        assert_eq!(shop.journals(&begun).await, ["capture"]);
    }
}

async fn one_message_sent_eight_times_at_once_counts_once(engine: Engine) {
    let shop = Arc::new(Shop::open(engine).await);
    let begun = shop.begin(1_000).await;
    let mut callers = JoinSet::new();
    for n in 0..8 {
        let (shop, begun) = (shop.clone(), begun.clone());
        callers
            .spawn(async move { shop.webhook(&format!("msg_{}", n / 4), &message("charge.succeeded", &begun, 1_000)).await.expect(200) });
    }
    callers.join_all().await;
    assert_eq!(shop.journals(&begun).await, ["capture"]);
}

async fn a_void_against_an_approval_ends_with_nothing_kept(engine: Engine) {
    let shop = Arc::new(Shop::open_with(engine, json!({})).await);
    for _ in 0..ROUNDS {
        let begun = shop.begin(1_000).await;
        let payer = tokio::spawn({
            let (shop, begun) = (shop.clone(), begun.clone());
            async move { shop.answer(&begun, "approve").await.status }
        });
        shop.void(&begun).await.unwrap();
        let approved = payer.await.unwrap() == 200;
        shop.p.settle().await;
        let status = shop.payment(&begun).await["status"].clone();
        match shop.charge(&begun).await {
            None => assert_eq!((approved, status), (false, json!("cancelled"))),
            Some(charge) => {
                assert_eq!((approved, status), (true, json!("refunded")));
                assert_eq!(charge["status"], "refunded");
            }
        }
        shop.assert_balanced().await;
    }
}

async fn a_void_against_its_initiate_leaves_nothing_open(engine: Engine) {
    let shop = Arc::new(Shop::open(engine).await);
    for _ in 0..ROUNDS {
        let request = shop.wanted(1_000);
        let (id, order) = (request.payment_id.parse().unwrap(), request.order_id.parse().unwrap());
        let initiate = tokio::spawn({
            let shop = shop.clone();
            async move { shop.initiate(request).await }
        });
        let begun = crate::shop::Begun { id, order, url: String::new() };
        assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
        if let Ok(payment) = initiate.await.unwrap() {
            let begun = crate::shop::Begun { url: payment.action_url, ..begun };
            if !begun.url.is_empty() {
                shop.answer(&begun, "approve").await.expect(409);
            }
        }
    }
}
