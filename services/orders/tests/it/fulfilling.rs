//! Parts of an order moved by the order's id.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines};

use crate::shop::{Shop, address, order_cart, text};

both_engines!(
    each_store_moves_its_own_parts_and_an_administrator_all,
    a_repeat_of_a_key_gets_the_first_answer,
    an_order_changes_until_it_is_packed,
    an_order_goes_elsewhere_for_the_same_price_only,
);

async fn send(shop: &Shop, who: &Caller, route: (&str, &str), order: &Json, body: Option<Json>, headers: &[(&str, &str)]) -> Response {
    let (method, end) = route;
    shop.p.send(method, &format!("/api/v1/orders/{}{end}", text(&order["id"])), who, body, headers).await
}

const STATUS: (&str, &str) = ("PUT", "/status");
const SHIP: (&str, &str) = ("POST", "/ship");
const DELIVER: (&str, &str) = ("POST", "/deliver");

async fn each_store_moves_its_own_parts_and_an_administrator_all(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let (shopper, admin) = (testing::user(), testing::user_with(&[Role::Admin]));
    let (sari, tea) = (shop.good(129_900, 10).await, shop.good_of(&other_seller, "physical", 45_050, 5).await);
    shop.put_into_cart(&shopper, &sari, 1).await;
    shop.put_into_cart(&shopper, &tea, 2).await;
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    let (mine, theirs) = (&order["vendorOrders"][0]["id"], &order["vendorOrders"][1]["id"]);

    let seen = send(&shop, &shop.seller, STATUS, &order, Some(json!({"status": "processing"})), &[]).await.expect(200);
    assert_eq!((&seen.body["status"], seen.body["vendorOrders"].as_array().unwrap().len()), (&json!("confirmed"), 1));
    assert_eq!((&seen.body["vendorOrders"][0]["id"], &seen.body["vendorOrders"][0]["status"]), (mine, &json!("processing")));
    let stale = send(&shop, &shop.seller, STATUS, &order, Some(json!({"status": "shipped"})), &[("if-match", "\"1\"")]).await;
    assert_eq!((stale.status, seen.header("etag") == "\"1\""), (412, false));
    let not_theirs = send(&shop, &shop.seller, STATUS, &order, Some(json!({"status": "processing", "vendorOrderId": theirs})), &[]).await;
    assert_eq!(not_theirs.status, 404);
    let third = testing::user_with(&[Role::Vendor]);
    assert_eq!(send(&shop, &third, SHIP, &order, None, &[]).await.status, 404);

    let skipped = send(&shop, &admin, SHIP, &order, None, &[]).await.expect(409);
    assert_eq!((skipped.code(), &skipped.body["allowed"]), ("illegal_transition", &json!(["processing"])), "one of two is not packed");
    assert_eq!(shop.get(&shopper, &order).await["vendorOrders"][0]["status"], "processing", "and neither has moved");
    send(&shop, &admin, STATUS, &order, Some(json!({"status": "processing"})), &[]).await.expect(200);
    let tracking = json!({"carrier": "Pathao", "number": "P1"});
    let shipped = send(&shop, &admin, SHIP, &order, Some(json!({ "tracking": tracking })), &[]).await.expect(200).body;
    assert_eq!(shipped["status"], "shipped");
    assert!(shipped["vendorOrders"].as_array().unwrap().iter().all(|p| p["tracking"] == tracking), "{shipped}");
    shop.p.settle().await;
    assert_eq!(shop.levels(&sari).await, json!([{"onHand": 9, "reserved": 0}]), "what has shipped has left the stock");
    let named = send(&shop, &admin, DELIVER, &order, Some(json!({ "vendorOrderId": theirs })), &[]).await.expect(200).body;
    assert_eq!((&named["status"], &named["vendorOrders"][0]["id"]), (&json!("partially_delivered"), theirs));
    assert_eq!(send(&shop, &shop.seller, DELIVER, &order, None, &[]).await.expect(200).body["status"], "delivered");
    let again = send(&shop, &shop.seller, DELIVER, &order, None, &[]).await.expect(409);
    assert_eq!(again.body["allowed"], json!([]));
    let cash = send(&shop, &admin, DELIVER, &order, Some(json!({"collected": {"amount": 1, "currency": "BDT"}})), &[]).await;
    assert_eq!((cash.status, &cash.body["errors"][0]["pointer"]), (422, &json!("/collected")));
    let once = shop.history(&shopper, &order).await.into_iter().filter(|t| t == "order.shipped" || t == "order.delivered");
    assert_eq!(once.count(), 2);
}

async fn a_repeat_of_a_key_gets_the_first_answer(engine: Engine) {
    let shop = Shop::open(engine).await;
    let order = shop.sale(&testing::user(), &shop.good(10_000, 3).await, 1).await;
    send(&shop, &shop.seller, STATUS, &order, Some(json!({"status": "processing"})), &[]).await.expect(200);
    let key = [("idempotency-key", "k1")];
    let ship = || send(&shop, &shop.seller, SHIP, &order, Some(json!({})), &key);
    let (first, second) = tokio::join!(ship(), ship());
    assert_eq!((first.status, second.status, &first.body), (200, 200, &second.body));
    send(&shop, &shop.seller, DELIVER, &order, None, &[]).await.expect(200);
    let later = ship().await.expect(200);
    assert_eq!((later.header("idempotent-replayed"), &later.body["status"]), ("true", &json!("shipped")));
    let other = send(&shop, &shop.seller, SHIP, &order, Some(json!({"tracking": {"carrier": "X"}})), &key).await;
    assert_eq!(other.status, 422, "another body is another request");
}

async fn an_order_changes_until_it_is_packed(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let order = shop.sale(&shopper, &shop.good(10_000, 3).await, 1).await;
    let put = ("PUT", "");
    let mut elsewhere = address();
    elsewhere["city"] = json!("Sylhet");
    let changed =
        send(&shop, &shopper, put, &order, Some(json!({"shippingAddress": elsewhere, "note": "ring twice"})), &[]).await.expect(200);
    assert_eq!((&changed.body["shippingAddress"]["city"], &changed.body["note"]), (&json!("Sylhet"), &json!("ring twice")));
    assert_eq!(changed.body["totals"], order["totals"]);
    assert_eq!(
        send(&shop, &shopper, put, &order, Some(json!({"note": "ring twice"})), &[]).await.header("etag"),
        changed.header("etag"),
        "nothing is another"
    );
    assert_eq!(shop.history(&shopper, &order).await.last().map(String::as_str), Some("order.updated"));
    let path = format!("/api/v1/vendor/orders/{}", text(&order["vendorOrders"][0]["id"]));
    assert_eq!(shop.p.send("GET", &path, &shop.seller, None, &[]).await.body["shippingAddress"]["city"], "Sylhet");
    elsewhere["country"] = json!("IN");
    let abroad = send(&shop, &shopper, put, &order, Some(json!({ "shippingAddress": elsewhere })), &[]).await.expect(422);
    assert_eq!(abroad.body["errors"][0]["pointer"], "/shippingAddress/country");
    for (who, status) in [(testing::user(), 404), (testing::user_with(&[Role::Support]), 404), (testing::guest(), 404)] {
        assert_eq!(send(&shop, &who, put, &order, Some(json!({"note": "mine"})), &[]).await.status, status);
    }
    assert_eq!(send(&shop, &shopper, put, &order, Some(json!({"total": 1})), &[]).await.status, 400);
    shop.advance(&shop.seller, &order["vendorOrders"][0], "processing").await.expect(200);
    assert_eq!(send(&shop, &shopper, put, &order, Some(json!({"note": "too late"})), &[]).await.expect(409).code(), "order_packed");
}

async fn an_order_goes_elsewhere_for_the_same_price_only(engine: Engine) {
    let shop = Shop::open(engine).await;
    let rate = |city: &str, amount: i64| json!({"price": {"amount": amount, "currency": "BDT"}, "zone": {"countries": ["BD"], "cities": [city]}, "perKilogram": {"amount": 100, "currency": "BDT"}});
    let methods = json!({"methods": [{"code": "standard", "name": "By courier",
        "rates": [rate("Dhaka", 5_000), rate("Gazipur", 5_000), rate("Sylhet", 9_000)]}]});
    shop.p.send("PUT", "/api/v1/vendors/store/shipping", &shop.seller, Some(methods), &[]).await.expect(200);
    let shopper = testing::user();
    let order = shop.sale(&shopper, &shop.weighing(&shop.seller, 10_000, 2_500).await, 1).await;
    for (city, status, code) in [("Gazipur", 200, ""), ("Sylhet", 422, "shipping_differs"), ("Khulna", 422, "shipping_differs")] {
        let mut elsewhere = address();
        elsewhere["city"] = json!(city);
        let answer = send(&shop, &shopper, ("PUT", ""), &order, Some(json!({ "shippingAddress": elsewhere })), &[]).await;
        assert_eq!((answer.status, answer.body["errors"][0]["code"].as_str().unwrap_or_default()), (status, code), "{city}");
    }
    let after = shop.get(&shopper, &order).await;
    assert_eq!((&after["shippingAddress"]["city"], &after["totals"]), (&json!("Gazipur"), &order["totals"]));
}
