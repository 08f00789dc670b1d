use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::shop::{Shop, address, order_cart, order_of, text};

both_engines!(
    what_is_wrong_with_an_order_is_named,
    out_of_stock_leaves_nothing_behind,
    an_unexpected_total_is_refused,
    nobody_in_particular_orders_nothing,
    a_key_is_free_again_after_a_refusal,
);

async fn what_is_wrong_with_an_order_is_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let good = shop.good(10_000, 3).await;
    let course = shop.good_of(&shop.seller, "course", 10_000, 0).await;
    let unknown = "01900000-0000-7000-8000-00000000dead";
    let items = |items: Json| json!({"items": items, "shippingAddress": address()});
    let with = |name: &str, value: Json| {
        let mut body = order_of(&good, 1);
        body[name] = value;
        body
    };
    let in_address = |name: &str, value: &str| {
        let mut body = order_of(&good, 1);
        body["shippingAddress"][name] = json!(value);
        body
    };
    // (body, status, code, pointer)
    let cases = [
        (order_cart(), 422, "cart_empty", ""),
        (items(json!([])), 422, "invalid", "/items"),
        (items(json!([{"variantId": good.variant, "quantity": 0}])), 422, "invalid", "/items/0/quantity"),
        (items(json!([{"variantId": good.variant, "quantity": 1_000}])), 422, "invalid", "/items/0/quantity"),
        (items(json!([{"variantId": good.variant, "quantity": -1}])), 422, "invalid", "/items/0/quantity"),
        (items(json!([{"quantity": 1}])), 422, "invalid", "/items/0"),
        (items(json!([{"variantId": good.variant, "productId": good.product, "quantity": 1}])), 422, "invalid", "/items/0"),
        (items(json!([{"variantId": unknown, "quantity": 1}])), 422, "invalid", "/items/0/variantId"),
        (items(json!([{"productId": unknown, "quantity": 1}])), 422, "invalid", "/items/0/productId"),
        (items(json!([{"variantId": good.variant, "quantity": 1.5}])), 400, "invalid_body", ""),
        (items(json!([{"variantId": "x", "quantity": 1}])), 400, "invalid_body", ""),
        (with("colour", json!("red")), 400, "invalid_body", ""),
        (with("shippingAddress", Json::Null), 422, "invalid", "/shippingAddress"),
        (with("shippingMethod", json!("rocket")), 422, "invalid", "/shippingMethod"),
        (with("paymentMethod", json!("seashells")), 422, "invalid", "/paymentMethod"),
        (with("email", json!("no address")), 422, "invalid", "/email"),
        (with("note", json!("bell\u{7}")), 422, "invalid", "/note"),
        (with("note", json!("x".repeat(501))), 422, "invalid", "/note"),
        (in_address("phone", "12"), 422, "invalid", "/shippingAddress/phone"),
        (in_address("name", " "), 422, "invalid", "/shippingAddress/name"),
        (in_address("city", "\u{1}"), 422, "invalid", "/shippingAddress/city"),
        (in_address("city", "\u{0}"), 400, "invalid_body", "/shippingAddress/city"),
        (in_address("country", "Bangladesh"), 422, "invalid", "/shippingAddress/country"),
        (json!({"items": [{"variantId": course.variant, "quantity": 1}], "paymentMethod": "cod"}), 422, "invalid", "/paymentMethod"),
        (json!([]), 400, "invalid_body", ""),
    ];
    for (i, (body, status, code, pointer)) in cases.into_iter().enumerate() {
        let answer = shop.post(&shopper, &format!("case {i}"), body.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body} → {}", answer.body);
        assert_eq!(answer.body["errors"][0]["pointer"].as_str().unwrap_or(""), pointer, "{body} → {}", answer.body);
    }
    assert_eq!(shop.count("orders", "orders").await, 0);
    assert_eq!(shop.available(&good).await, 3);
}

async fn out_of_stock_leaves_nothing_behind(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let (few, many) = (shop.good(10_000, 3).await, shop.good(20_000, 9).await);
    let items = json!([{"variantId": many.variant, "quantity": 2}, {"variantId": few.variant, "quantity": 4}]);
    let answer = shop.post(&shopper, "k", json!({"items": items, "shippingAddress": address()})).await.expect(409);
    assert_eq!(answer.code(), "out_of_stock");
    assert_eq!(answer.body["items"], json!([{"variantId": few.variant, "requested": 4, "available": 3}]));
    assert_eq!((shop.available(&few).await, shop.available(&many).await), (3, 9));
    assert_eq!(shop.count("orders", "events").await, 0);
}

async fn an_unexpected_total_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let mut body = order_of(&good, 1);
    body["expectedTotal"] = json!({"amount": 10_000, "currency": "BDT"});
    let answer = shop.post(&shopper, "k", body.clone()).await.expect(409);
    assert_eq!((answer.code(), &answer.body["total"]), ("price_changed", &json!({"amount": 16_000, "currency": "BDT"})));
    body["expectedTotal"] = answer.body["total"].clone();
    shop.post(&shopper, "k", body).await.expect(201);
}

async fn nobody_in_particular_orders_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let good = shop.good(10_000, 3).await;
    assert_eq!(shop.post(&Caller::default(), "k", order_of(&good, 1)).await.status, 401);
    let keyless = shop.p.send("POST", "/api/v1/orders", &testing::user(), Some(order_of(&good, 1)), &[]).await;
    assert_eq!((keyless.status, keyless.code()), (400, "idempotency_key_required"));
    let weak = Caller { cart_token: Some("guess me".into()), ..Caller::default() };
    assert_eq!(shop.post(&weak, "k", order_of(&good, 1)).await.code(), "invalid");
    let mut with_email = order_of(&good, 1);
    with_email["email"] = json!("guest@example.com");
    assert_eq!(shop.post(&weak, "k", with_email).await.code(), "invalid_cart_token");
    let order = shop.order(&testing::user(), &good, 1).await;
    let stranger = testing::user();
    for path in ["", "/events", "/tracking"] {
        let path = format!("/api/v1/orders/{}{path}", text(&order["id"]));
        assert_eq!(shop.p.send("GET", &path, &stranger, None, &[]).await.status, 404, "{path}");
        assert_eq!(shop.p.send("GET", &path, &Caller::default(), None, &[]).await.status, 401, "{path}");
        shop.p.send("GET", &path, &testing::user_with(&[Role::Support]), None, &[]).await.expect(200);
    }
    assert_eq!(shop.cancel(&stranger, &order).await.status, 404);
    assert_eq!(shop.cancel(&testing::user_with(&[Role::Support]), &order).await.status, 404, "support reads, it does not change");
    shop.cancel(&testing::user_with(&[Role::Admin]), &order).await.expect(200);
}

async fn a_key_is_free_again_after_a_refusal(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 1).await);
    let first = shop.order(&testing::user(), &good, 1).await;
    assert_eq!(shop.post(&shopper, "k", order_of(&good, 1)).await.status, 409);
    shop.pay(&first, "decline").await.expect(200);
    shop.p.settle().await;
    shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
}
