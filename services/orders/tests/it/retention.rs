//! What has ended is forgotten in time.

use kit::DbError;
use testing::{Engine, both_engines};

use crate::shop::Shop;

both_engines!(sagas_that_have_ended_are_forgotten_after_some_months);

const DAY: i64 = 24 * 3_600;

async fn count(shop: &Shop, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM orders.{table}");
    let read = shop.p.db("orders").read(move |q| q.row(&sql, &[])?.map_or(Ok(0), |r| r.get(0)));
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

async fn sagas_that_have_ended_are_forgotten_after_some_months(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(129_900, 100).await);
    let old = shop.order(&shopper, &sari, 1).await;
    shop.pay(&old, "approve").await.expect(200);
    shop.p.settle().await;
    let steps = count(&shop, "saga_steps").await;
    assert!(count(&shop, "sagas").await == 1 && steps > 3 && count(&shop, "signals").await >= 1);
    shop.p.advance_seconds(60 * DAY);
    shop.p.settle().await;
    let young = shop.order(&shopper, &sari, 1).await;
    shop.pay(&young, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!((count(&shop, "sagas").await, count(&shop, "saga_steps").await), (2, 2 * steps));
    shop.p.advance_seconds(31 * DAY);
    shop.p.settle().await;
    assert_eq!((count(&shop, "sagas").await, count(&shop, "saga_steps").await), (1, steps), "the young one is still there");
    for order in [&old, &young] {
        assert_eq!(shop.get(&shopper, order).await["status"], "confirmed", "an order does not end with its saga");
    }
    shop.p.advance_seconds(60 * DAY);
    shop.p.settle().await;
    assert_eq!((count(&shop, "sagas").await, count(&shop, "saga_steps").await, count(&shop, "signals").await), (0, 0, 0));
}
