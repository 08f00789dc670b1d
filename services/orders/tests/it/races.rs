use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;
use testing::{Engine, both_engines};

use crate::shop::{Shop, order_of, text};

both_engines!(
    eight_callers_with_one_key_make_one_order,
    two_hundred_callers_get_ten_pieces,
    a_cancellation_against_an_approval_ends_one_way,
    a_deadline_against_an_approval_ends_one_way,
    a_cancellation_against_a_shipment_ends_one_way,
);

async fn eight_callers_with_one_key_make_one_order(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    let answers = join_all((0..8).map(|_| shop.post(&shopper, "one", order_of(&good, 1)))).await;
    shop.p.settle().await;
    let placed: Vec<_> = answers.iter().filter(|a| a.status == 201).collect();
    assert!(!placed.is_empty());
    assert!(placed.iter().all(|a| a.bytes == placed[0].bytes), "every answer is the first one");
    for other in answers.iter().filter(|a| a.status != 201) {
        assert_eq!((other.status, other.code()), (409, "idempotency_key_in_use"));
    }
    assert_eq!(placed.iter().filter(|a| a.header("idempotent-replayed") != "true").count(), 1, "one of them is the first");
    assert_eq!(shop.available(&good).await, 99);
    let rows = [("orders", "orders"), ("orders", "sagas"), ("catalog", "reservations"), ("payments", "payments")];
    for (service, table) in rows {
        assert_eq!(shop.count(service, table).await, 1, "{service}.{table}");
    }
}

async fn two_hundred_callers_get_ten_pieces(engine: Engine) {
    let shop = Shop::open(engine).await;
    let good = shop.good(10_000, 10).await;
    let callers: Vec<_> = (0..200).map(|_| testing::user()).collect();
    // Where two hundred at once are more than the machine can do, some are asked to come again, and do.
    let ask = async |caller| loop {
        let answer = shop.post(caller, "mine", order_of(&good, 1)).await;
        if answer.status != 503 || answer.code() != "overloaded" {
            return answer;
        }
        tokio::task::yield_now().await;
    };
    let answers = join_all(callers.iter().map(ask)).await;
    let mut by_answer: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for a in &answers {
        let what = if a.status == 201 { text(&a.body["status"]) } else { a.code().to_owned() };
        *by_answer.entry((a.status, what)).or_default() += 1;
    }
    let expected = BTreeMap::from([((201, "awaiting_payment".to_owned()), 10), ((409, "out_of_stock".to_owned()), 190)]);
    assert_eq!(by_answer, expected);
    assert_eq!((shop.available(&good).await, shop.count("orders", "orders").await), (0, 10));
    shop.p.settle().await;
}

async fn a_cancellation_against_an_approval_ends_one_way(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    for round in 0..10 {
        let order = shop.post(&shopper, &format!("round {round}"), order_of(&good, 1)).await.expect(201).body;
        let (paid, cancelled) = tokio::join!(shop.pay(&order, "approve"), shop.cancel(&shopper, &order));
        assert_eq!(cancelled.status, 200, "nothing has shipped: {}", cancelled.body);
        shop.p.settle().await;
        let (after, payment) = (shop.get(&shopper, &order).await, shop.payment(&shopper, &order).await);
        assert_eq!(after["status"], "cancelled");
        let expected = if paid.status == 200 { "refunded" } else { "cancelled" };
        assert_eq!(payment["status"], expected, "approval answered {}", paid.status);
        assert_eq!(shop.available(&good).await, 100);
    }
}

async fn a_deadline_against_an_approval_ends_one_way(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    let mut sold = 0;
    for round in 0..10 {
        let order = shop.post(&shopper, &format!("round {round}"), order_of(&good, 1)).await.expect(201).body;
        shop.p.advance_seconds(15 * 60 + 1);
        let paid = shop.pay(&order, "approve").await;
        shop.p.settle().await;
        let (after, payment) = (shop.get(&shopper, &order).await, shop.payment(&shopper, &order).await);
        let end = (text(&after["status"]), text(&payment["status"]));
        let expected = [("confirmed", "completed"), ("failed", "refunded"), ("failed", "cancelled")];
        assert!(expected.iter().any(|(o, p)| (*o, *p) == (&end.0, &end.1)), "{end:?}, approval answered {}", paid.status);
        assert_eq!(end.1 == "cancelled", paid.status != 200, "what was charged is kept or given back: {end:?}");
        sold += i64::from(end.0 == "confirmed");
        assert_eq!(shop.available(&good).await, 100 - sold, "{}", json!(end));
    }
}

async fn a_cancellation_against_a_shipment_ends_one_way(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    for round in 0..10 {
        let order = shop.post(&shopper, &format!("round {round}"), order_of(&good, 1)).await.expect(201).body;
        shop.pay(&order, "approve").await.expect(200);
        shop.p.settle().await;
        let part = &order["vendorOrders"][0];
        shop.advance(&shop.seller, part, "processing").await.expect(200);
        let (shipped, cancelled) = tokio::join!(shop.advance(&shop.seller, part, "shipped"), shop.cancel(&shopper, &order));
        shop.p.settle().await;
        let after = shop.get(&shopper, &order).await;
        let end = (shipped.status, cancelled.status, text(&after["status"]), text(&after["payment"]["status"]));
        let ends = [(200, 409, "shipped", "completed"), (409, 200, "cancelled", "refunded")];
        assert!(ends.iter().any(|e| (e.0, e.1, e.2, e.3) == (end.0, end.1, end.2.as_str(), end.3.as_str())), "{end:?}");
    }
}
