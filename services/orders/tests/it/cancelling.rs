use kit::DbError;
use serde_json::json;
use testing::{Engine, both_engines, eventually};

use crate::shop::{Shop, text};

both_engines!(
    a_cancelled_order_that_nobody_paid_gives_its_stock_back,
    a_cancelled_order_that_was_paid_gives_stock_and_money_back,
    money_that_comes_after_a_cancellation_goes_back,
    an_order_cannot_be_cancelled_once_a_part_has_shipped,
    cancelling_twice_is_cancelling_once,
    a_stale_reader_does_not_cancel,
    nothing_need_be_said_to_cancel,
);

async fn a_cancelled_order_that_nobody_paid_gives_its_stock_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 2).await;
    let cancelled = shop.cancel(&shopper, &order).await.expect(200).body;
    assert_eq!((&cancelled["status"], &cancelled["reason"]), (&json!("cancelled"), &json!("changed my mind")));
    shop.p.settle().await;
    assert_eq!(shop.available(&good).await, 3);
    assert_eq!(shop.payment(&shopper, &order).await["status"], "cancelled");
    assert_eq!(shop.pay(&order, "approve").await.status, 409);
    assert_eq!(shop.history(&shopper, &order).await, ["order.created", "order.payment_requested", "order.cancelled"]);
}

async fn a_cancelled_order_that_was_paid_gives_stock_and_money_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.sale(&shopper, &good, 2).await;
    assert_eq!(shop.cancel(&shopper, &order).await.expect(200).body["status"], "cancelled");
    shop.p.settle().await;
    assert_eq!(shop.available(&good).await, 3);
    let payment = shop.payment(&shopper, &order).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("refunded"), &order["totals"]["total"]["amount"]));
    let order = shop.get(&shopper, &order).await;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("cancelled"), &json!("refunded")));
}

async fn money_that_comes_after_a_cancellation_goes_back(engine: Engine) {
    let shop = Shop::open_with(engine, json!({"sandbox": {"late_webhook": 30.0}})).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 2).await;
    shop.pay(&order, "timeout").await.expect(200);
    shop.cancel(&shopper, &order).await.expect(200);
    shop.p.settle().await;
    shop.p.advance_seconds(31);
    shop.p.settle().await;
    let after = shop.get(&shopper, &order).await;
    assert_eq!((&after["status"], &after["payment"]["status"]), (&json!("cancelled"), &json!("refunded")));
    assert_eq!(shop.payment(&shopper, &order).await["status"], "refunded");
    assert_eq!(shop.available(&good).await, 3);
}

async fn an_order_cannot_be_cancelled_once_a_part_has_shipped(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.sale(&shopper, &good, 1).await;
    for status in ["processing", "shipped"] {
        shop.advance(&shop.seller, &order["vendorOrders"][0], status).await.expect(200);
    }
    let refused = shop.cancel(&shopper, &order).await.expect(409);
    assert_eq!((refused.code(), &refused.body["allowed"]), ("illegal_transition", &json!([])));
    shop.p.settle().await;
    assert_eq!(shop.payment(&shopper, &order).await["status"], "completed");
}

async fn cancelling_twice_is_cancelling_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.sale(&shopper, &good, 1).await;
    let (first, second) = tokio::join!(shop.cancel(&shopper, &order), shop.cancel(&shopper, &order));
    assert_eq!((first.status, second.status), (200, 200));
    shop.p.settle().await;
    let cancelled = shop.history(&shopper, &order).await.into_iter().filter(|t| t == "order.cancelled").count();
    assert_eq!(cancelled, 1);
    assert_eq!(shop.payment(&shopper, &order).await["refunded"]["amount"], order["totals"]["total"]["amount"]);
}

async fn a_stale_reader_does_not_cancel(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    let tag = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).header("etag").to_owned();
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    let cancel = format!("{path}/cancel");
    let body = json!({"reason": "too slow"});
    shop.p.send("PUT", &cancel, &shopper, Some(body.clone()), &[("if-match", &tag)]).await.expect(412);
    let tag = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).header("etag").to_owned();
    shop.p.send("PUT", &cancel, &shopper, Some(body), &[("if-match", &tag)]).await.expect(200);
}

/// What PostgreSQL says when others were faster is no answer: the money goes back once they are done.
#[test]
fn a_cancellation_outlives_a_database_that_is_busy_with_others() {
    testing::run(async {
        let shop = Shop::open(Engine::Postgres).await;
        let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
        let order = shop.sale(&shopper, &good, 2).await;
        let payments = shop.p.db("payments");
        let busy = payments.write(|tx| {
            let function = "CREATE FUNCTION own.outrun() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''outrun'' USING ERRCODE = ''40001''; END'";
            tx.execute(function, &[])?;
            tx.execute("CREATE TRIGGER outrun BEFORE INSERT ON own.refunds FOR EACH ROW EXECUTE FUNCTION own.outrun()", &[])
        });
        busy.await.unwrap_or_else(|e: DbError| panic!("{e}"));
        shop.cancel(&shopper, &order).await.expect(200);
        let tried = || async {
            let sql = "SELECT COUNT(*) FROM own.saga_steps WHERE name = 'refund' AND (attempts > 1 OR status = 'failed')";
            let count = shop.p.db("orders").read(move |q| q.row(sql, &[])?.map_or(Ok(0_i64), |r| r.get(0))).await;
            count.unwrap_or_else(|e: DbError| panic!("{e}")) > 0
        };
        eventually("the refund is tried more than once", tried).await;
        let over = payments.write(|tx| tx.execute("DROP TRIGGER outrun ON own.refunds", &[])).await;
        over.unwrap_or_else(|e: DbError| panic!("{e}"));
        shop.p.settle().await;
        assert_eq!(shop.payment(&shopper, &order).await["status"], "refunded");
        assert_eq!(shop.available(&good).await, 3);
    });
}

async fn nothing_need_be_said_to_cancel(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let path = format!("/api/v1/orders/{}/cancel", text(&order["id"]));
    assert_eq!(shop.p.send_bytes("PUT", &path, &shopper, b"not JSON".to_vec(), &[]).await.status, 415);
    let cancelled = shop.p.send("PUT", &path, &shopper, None, &[]).await.expect(200).body;
    assert_eq!((&cancelled["status"], &cancelled["reason"]), (&json!("cancelled"), &json!("no reason given")));
}
