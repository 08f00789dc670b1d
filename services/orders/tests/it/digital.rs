//! Digital goods and courses: no stock, no carrier, delivered with the confirmation.

use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::shop::{Good, Shop, address, text};

both_engines!(
    nothing_is_held_or_shipped_for_what_never_runs_out,
    a_mixed_order_is_delivered_in_two_ways,
    what_is_not_shipped_yet_can_still_be_called_off,
    calling_off_twice_at_once_gives_the_money_back_once,
    cash_at_the_door_needs_a_door,
    what_was_never_shipped_does_not_come_back,
    what_is_refused_at_the_door_leaves_what_was_delivered_paid,
);

fn order_body(goods: &[(&Good, i64)]) -> Json {
    let items: Vec<_> = goods.iter().map(|(good, n)| json!({"variantId": good.variant, "quantity": n})).collect();
    json!({"items": items, "shippingAddress": address(), "paymentMethod": "sandbox"})
}

/// An order of these, paid, with all that follows by itself done.
async fn bought(shop: &Shop, shopper: &Caller, goods: &[(&Good, i64)]) -> Json {
    let placed = shop.post(shopper, "k", order_body(goods)).await.expect(201).body;
    shop.pay(&placed, "approve").await.expect(200);
    shop.p.settle().await;
    shop.get(shopper, &placed).await
}

/// Kind of the first line, status and total of each part.
fn parts(order: &Json) -> Vec<(String, String, i64)> {
    let part = |p: &Json| (text(&p["items"][0]["kind"]), text(&p["status"]), p["totals"]["total"]["amount"].as_i64().unwrap());
    order["vendorOrders"].as_array().unwrap().iter().map(part).collect()
}

fn part(kind: &str, status: &str, total: i64) -> (String, String, i64) {
    (kind.into(), status.into(), total)
}

async fn nothing_is_held_or_shipped_for_what_never_runs_out(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let (course, font) = (shop.good_of(&shop.seller, "course", 50_000, 0).await, shop.good_of(&shop.seller, "digital", 9_900, 0).await);
    shop.put_into_cart(&shopper, &course, 999).await;
    let cart = shop.p.send("GET", "/api/v1/cart", &shopper, None, &[]).await.expect(200).body;
    assert_eq!(cart["warnings"], json!([]));
    let product = shop.p.send("GET", &format!("/api/v1/products/{}", course.product), &shopper, None, &[]).await.expect(200).body;
    assert_eq!(product["variants"][0]["available"], Json::Null);

    let order = bought(&shop, &shopper, &[(&course, 999), (&font, 1)]).await;
    assert_eq!(order["status"], "delivered");
    assert_eq!(parts(&order), [part("course", "delivered", 999 * 50_000 + 9_900)]);
    assert_eq!((&order["totals"]["shipping"]["amount"], &order["payment"]["status"]), (&json!(0), &json!("completed")));
    for table in ["stock", "stock_movements"] {
        assert_eq!(shop.count("catalog", table).await, 0, "{table}");
    }
    let told = shop.p.db("catalog").read(|q| kit::events::after(q, 0, 100)).await.unwrap();
    assert!(!told.iter().any(|e| e.kind.starts_with("inventory.")), "{told:?}");
    let history = shop.history(&shopper, &order).await;
    assert_eq!(history[2..], ["order.confirmed", "order.paid", "order.status_changed", "order.delivered"]);
}

async fn a_mixed_order_is_delivered_in_two_ways(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other, _) = shop.another_store().await;
    let shopper = testing::user();
    let (sari, font) = (shop.good(10_000, 3).await, shop.good_of(&shop.seller, "digital", 5_000, 0).await);
    let tea = shop.good_of(&other, "physical", 2_000, 5).await;
    let order = bought(&shop, &shopper, &[(&sari, 2), (&font, 1), (&tea, 1)]).await;
    assert_eq!(order["status"], "partially_delivered");
    assert_eq!(
        parts(&order),
        [part("physical", "confirmed", 26_000), part("digital", "delivered", 5_000), part("physical", "confirmed", 8_000)]
    );
    assert_eq!(order["totals"]["total"]["amount"], 26_000 + 5_000 + 8_000);
    let mine = shop.p.send("GET", "/api/v1/vendor/orders?status=delivered", &shop.seller, None, &[]).await.expect(200).body;
    assert_eq!(
        (mine["data"].as_array().unwrap().len(), &mine["data"][0]["items"][0]["variantId"], &mine["data"][0]["shippingAddress"]),
        (1, &json!(font.variant), &Json::Null)
    );
    let refused = shop.advance(&shop.seller, &order["vendorOrders"][1], "processing").await.expect(409);
    assert_eq!((refused.code(), &refused.body["allowed"]), ("illegal_transition", &json!([])));
    for (seller, n) in [(&shop.seller, 0), (&other, 2)] {
        for status in ["processing", "shipped", "delivered"] {
            shop.advance(seller, &order["vendorOrders"][n], status).await.expect(200);
        }
    }
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "delivered");
    let delivered = shop.history(&shopper, &order).await.into_iter().filter(|t| t == "order.delivered").count();
    assert_eq!((delivered, shop.levels(&sari).await), (1, json!([{"onHand": 1, "reserved": 0}])));
}

async fn what_is_not_shipped_yet_can_still_be_called_off(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(10_000, 3).await);
    let font = shop.good_of(&shop.seller, "digital", 5_000, 0).await;
    let order = bought(&shop, &shopper, &[(&sari, 2), (&font, 1)]).await;
    let cancelled = shop.cancel(&shopper, &order).await.expect(200).body;
    assert_eq!(cancelled["status"], "partially_cancelled");
    assert_eq!(parts(&cancelled), [part("physical", "cancelled", 26_000), part("digital", "delivered", 5_000)]);
    shop.p.settle().await;
    assert_eq!(shop.levels(&sari).await, json!([{"onHand": 3, "reserved": 0}]));
    let payment = shop.payment(&shopper, &order).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("partially_refunded"), &json!(26_000)));
    assert_eq!(shop.journals(&order).await, ["capture", "refund_requested", "refund_completed"]);
    assert_eq!(shop.cancel(&shopper, &order).await.expect(200).body["status"], "partially_cancelled");
    assert_eq!(shop.advance(&shop.seller, &order["vendorOrders"][0], "processing").await.status, 409);
    // What the store and the marketplace have left is exactly what the digital part brought.
    let left = shop.p.db("payments").read(|q| {
        let sql = "SELECT CAST(SUM(credit - debit) AS bigint) FROM payments.entries WHERE account LIKE 'vendor_payable:%' OR account LIKE 'shipping_payable:%' \
                   OR account IN ('commission', 'tax_payable')";
        q.row(sql, &[])?.expect("a sum has a row").get::<i64>(0)
    });
    assert_eq!(left.await.unwrap(), 5_000);
    shop.p.advance_seconds(7 * 24 * 3_600 + 1);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "completed");
}

async fn calling_off_twice_at_once_gives_the_money_back_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(10_000, 3).await);
    let font = shop.good_of(&shop.seller, "digital", 5_000, 0).await;
    let order = bought(&shop, &shopper, &[(&sari, 1), (&font, 1)]).await;
    let (first, second) = tokio::join!(shop.cancel(&shopper, &order), shop.cancel(&shopper, &order));
    assert_eq!((first.status, second.status), (200, 200));
    shop.p.settle().await;
    let history = shop.history(&shopper, &order).await;
    assert_eq!(history.iter().filter(|t| *t == "order.parts_cancelled").count(), 1);
    assert_eq!(history.iter().filter(|t| *t == "order.refunded").count(), 1);
    assert_eq!(shop.payment(&shopper, &order).await["refunded"]["amount"], 16_000);
}

async fn cash_at_the_door_needs_a_door(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(10_000, 3).await);
    let course = shop.good_of(&shop.seller, "course", 50_000, 0).await;
    for (key, goods) in [("digital", vec![(&course, 1)]), ("mixed", vec![(&sari, 1), (&course, 1)])] {
        let mut body = order_body(&goods);
        body["paymentMethod"] = json!("cod");
        let refused = shop.post(&shopper, key, body).await.expect(422).body;
        let error = &refused["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/paymentMethod"), &json!("method_unavailable")), "{key}");
    }
    assert_eq!((shop.available(&sari).await, shop.count("orders", "orders").await), (3, 0), "nothing is held");
}

async fn what_was_never_shipped_does_not_come_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(10_000, 3).await);
    let course = shop.good_of(&shop.seller, "course", 50_000, 0).await;
    let order = bought(&shop, &shopper, &[(&sari, 1), (&course, 1)]).await;
    let path = format!("/api/v1/orders/{}/return", text(&order["id"]));
    let wish = |good: &Good| json!({"items": [{"variantId": good.variant, "quantity": 1}], "reason": "not for me"});
    let refused = shop.p.send("POST", &path, &shopper, Some(wish(&course)), &[]).await.expect(422).body;
    assert_eq!(refused["errors"][0]["code"], "not_returnable");
    for status in ["processing", "shipped", "delivered"] {
        shop.advance(&shop.seller, &order["vendorOrders"][0], status).await.expect(200);
    }
    let back = shop.p.send("POST", &path, &shopper, Some(wish(&sari)), &[]).await.expect(201).body;
    for word in ["approve", "receive"] {
        shop.say(&shop.seller, &back, word).await.expect(200);
        shop.p.settle().await;
    }
    let now = shop.get(&shopper, &order).await;
    assert_eq!((&now["status"], &now["vendorOrders"][0]["status"]), (&json!("partially_returned"), &json!("returned")));
    assert_eq!(shop.payment(&shopper, &order).await["refunded"]["amount"], 10_000);
}

async fn what_is_refused_at_the_door_leaves_what_was_delivered_paid(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, sari) = (testing::user(), shop.good(10_000, 3).await);
    let font = shop.good_of(&shop.seller, "digital", 5_000, 0).await;
    let order = bought(&shop, &shopper, &[(&sari, 2), (&font, 1)]).await;
    for status in ["processing", "shipped", "refused"] {
        shop.advance(&shop.seller, &order["vendorOrders"][0], status).await.expect(200);
    }
    shop.rest().await;
    let now = shop.get(&shopper, &order).await;
    assert_eq!(parts(&now), [part("physical", "refused", 26_000), part("digital", "delivered", 5_000)]);
    let payment = shop.payment(&shopper, &order).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("partially_refunded"), &json!(26_000)));
    assert_eq!(shop.journals(&order).await, ["capture", "refund_requested", "refund_completed"]);
    assert_eq!(shop.levels(&sari).await, json!([{"onHand": 3, "reserved": 0}]));
}
