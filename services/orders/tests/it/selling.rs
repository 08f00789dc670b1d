use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines, redact};

use crate::shop::{Shop, order_cart, text};

both_engines!(
    a_store_ships_its_part_and_the_order_follows,
    a_store_cannot_skip_a_state,
    a_store_sees_its_own_parts_only,
    an_unpaid_part_cannot_be_moved,
    a_seller_with_two_stores_sees_both_parts_of_one_order,
);

async fn a_store_ships_its_part_and_the_order_follows(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let shopper = testing::user();
    shop.put_into_cart(&shopper, &shop.good(129_900, 10).await, 1).await;
    shop.put_into_cart(&shopper, &shop.good_of(&other_seller, "physical", 45_050, 5).await, 1).await;
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;

    let (mine, theirs) = (&order["vendorOrders"][0], &order["vendorOrders"][1]);
    // (seller, part, status, the order's status then)
    let steps = [
        (&shop.seller, mine, "processing", "confirmed"),
        (&shop.seller, mine, "shipped", "partially_shipped"),
        (&other_seller, theirs, "processing", "partially_shipped"),
        (&other_seller, theirs, "shipped", "shipped"),
        (&shop.seller, mine, "delivered", "partially_delivered"),
        (&other_seller, theirs, "delivered", "delivered"),
    ];
    for (seller, part, status, expected) in steps {
        let path = format!("/api/v1/vendor/orders/{}/status", text(&part["id"]));
        let body = if status == "shipped" {
            json!({"status": status, "tracking": {"carrier": "Pathao", "number": "P1"}})
        } else {
            json!({ "status": status })
        };
        assert_eq!(shop.p.send("PUT", &path, seller, Some(body), &[]).await.expect(200).body["status"], status);
        assert_eq!(shop.get(&shopper, &order).await["status"], expected, "{status}");
    }
    let path = format!("/api/v1/orders/{}/tracking", text(&order["id"]));
    let tracking = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).body;
    insta::assert_json_snapshot!("tracking", redact(&tracking));
    let history = shop.history(&shopper, &order).await;
    assert_eq!(history.iter().filter(|t| *t == "order.shipped" || *t == "order.delivered").count(), 2);
    shop.p.advance_seconds(7 * 24 * 3_600 + 1);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "completed");
}

async fn a_store_cannot_skip_a_state(engine: Engine) {
    let shop = Shop::open(engine).await;
    let order = shop.sale(&testing::user(), &shop.good(10_000, 3).await, 1).await;
    let part = &order["vendorOrders"][0];
    let refused = shop.advance(&shop.seller, part, "delivered").await.expect(409);
    assert_eq!((refused.code(), &refused.body["allowed"]), ("illegal_transition", &json!(["processing"])));
    let unknown = shop.advance(&shop.seller, part, "lost").await.expect(422);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/status");
}

async fn a_store_sees_its_own_parts_only(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let good = shop.good(10_000, 9).await;
    let (waiting, order) = (shop.order(&testing::user(), &good, 1).await, shop.sale(&testing::user(), &good, 2).await);
    let list = |seller, query: &'static str| {
        let path = format!("/api/v1/vendor/orders{query}");
        let p = &shop.p;
        async move { p.send("GET", &path, seller, None, &[]).await.expect(200).body["data"].clone() }
    };
    let confirmed = list(&shop.seller, "?status=confirmed").await;
    insta::assert_json_snapshot!("vendor_order", redact(&confirmed));
    let ids = |parts: &Json| parts.as_array().unwrap().iter().map(|p| text(&p["id"])).collect::<Vec<_>>();
    assert_eq!(ids(&confirmed), [text(&order["vendorOrders"][0]["id"])]);
    let all = list(&shop.seller, "").await;
    assert_eq!(ids(&all), [text(&order["vendorOrders"][0]["id"]), text(&waiting["vendorOrders"][0]["id"])], "newest first");
    assert_eq!(all[1]["shippingAddress"], Json::Null, "what is not sold has no address yet");
    assert_eq!(list(&other_seller, "").await, json!([]));

    let path = format!("/api/v1/vendor/orders/{}", text(&order["vendorOrders"][0]["id"]));
    assert_eq!(shop.p.send("GET", &path, &other_seller, None, &[]).await.status, 404);
    assert_eq!(shop.p.send("GET", &path, &shop.seller, None, &[]).await.expect(200).body["id"], order["vendorOrders"][0]["id"]);
    shop.p.send("GET", &path, &testing::user_with(&[Role::Admin]), None, &[]).await.expect(200);
    assert_eq!(shop.advance(&other_seller, &order["vendorOrders"][0], "processing").await.status, 404);
    let odd = shop.p.send("GET", "/api/v1/vendor/orders?status=lost", &shop.seller, None, &[]).await;
    assert_eq!((odd.status, odd.code()), (400, "invalid_query"));
}

async fn an_unpaid_part_cannot_be_moved(engine: Engine) {
    let shop = Shop::open(engine).await;
    let order = shop.order(&testing::user(), &shop.good(10_000, 3).await, 1).await;
    let refused = shop.advance(&shop.seller, &order["vendorOrders"][0], "processing").await.expect(409);
    assert_eq!(refused.body["allowed"], json!([]));
}

async fn a_seller_with_two_stores_sees_both_parts_of_one_order(engine: Engine) {
    let shop = Shop::open(engine).await;
    let second = shop.another_store_of(&shop.seller).await;
    let shopper = testing::user();
    shop.put_into_cart(&shopper, &shop.good_in(&shop.store, &shop.seller, "physical", 1_000, 3).await, 1).await;
    shop.put_into_cart(&shopper, &shop.good_in(&second, &shop.seller, "physical", 2_000, 3).await, 1).await;
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    let list = shop.p.send("GET", "/api/v1/vendor/orders", &shop.seller, None, &[]).await.expect(200).body;
    let mut seen: Vec<_> = list["data"].as_array().unwrap().iter().map(|p| text(&p["id"])).collect();
    let mut parts: Vec<_> = order["vendorOrders"].as_array().unwrap().iter().map(|p| text(&p["id"])).collect();
    seen.sort();
    parts.sort();
    assert_eq!((seen.len(), seen), (2, parts));
}
