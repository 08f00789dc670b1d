use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines, redact};

use crate::shop::{Shop, order_cart, order_of, text};

both_engines!(
    a_cart_of_two_stores_is_ordered_paid_and_confirmed,
    a_repeated_key_gets_the_first_answer_byte_for_byte,
    a_key_with_another_body_is_refused,
    a_key_can_be_used_anew_once_it_is_forgotten,
    a_guest_orders_with_an_email_and_reads_with_the_cart_token,
    a_declined_order_fails_and_its_stock_is_back,
    an_unpaid_order_fails_at_its_deadline,
    digital_goods_are_delivered_when_they_are_paid,
    cash_on_delivery_is_confirmed_without_a_payer,
    nothing_to_pay_is_confirmed_without_a_payer,
    an_order_survives_a_crash_at_any_rest,
);

async fn a_cart_of_two_stores_is_ordered_paid_and_confirmed(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, other_store) = shop.another_store().await;
    let shopper = testing::user();
    let sari = shop.good(129_900, 10).await;
    let tea = shop.good_of(&other_seller, "physical", 45_050, 5).await;
    shop.put_into_cart(&shopper, &sari, 2).await;
    shop.put_into_cart(&shopper, &tea, 1).await;

    let answer = shop.post(&shopper, "first", order_cart()).await.expect(201);
    assert_eq!(answer.header("location"), format!("/api/v1/orders/{}", text(&answer.body["id"])));
    insta::assert_json_snapshot!("placed", redact(&answer.body));
    let cart = shop.p.send("GET", "/api/v1/cart", &shopper, None, &[]).await.expect(200).body;
    assert_eq!(cart["items"], json!([]), "the cart is empty with the answer");
    assert_eq!((shop.available(&sari).await, shop.available(&tea).await), (8, 4), "stock is held");

    shop.pay(&answer.body, "approve").await.expect(200);
    shop.p.settle().await;
    let order = shop.get(&shopper, &answer.body).await;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("confirmed"), &json!("completed")));
    let stores: Vec<_> = order["vendorOrders"].as_array().unwrap().iter().map(|v| (text(&v["vendorId"]), text(&v["status"]))).collect();
    assert_eq!(stores, [(shop.store.clone(), "confirmed".to_owned()), (other_store, "confirmed".to_owned())]);
    assert_eq!((shop.available(&sari).await, shop.available(&tea).await), (8, 4), "and stays the order's");
    assert_eq!(shop.history(&shopper, &order).await, ["order.created", "order.payment_requested", "order.confirmed", "order.paid"]);
    sums_agree(&order);
}

/// What parts and lines say sums to what the order says, field by field.
fn sums_agree(order: &Json) {
    for field in ["subtotal", "discount", "shipping", "tax", "total"] {
        let parts = order["vendorOrders"].as_array().unwrap().iter();
        let sum: i64 = parts.map(|p| p["totals"][field]["amount"].as_i64().unwrap()).sum();
        assert_eq!(Some(sum), order["totals"][field]["amount"].as_i64(), "{field}");
    }
}

async fn a_repeated_key_gets_the_first_answer_byte_for_byte(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let first = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    shop.pay(&first.body, "approve").await.expect(200);
    shop.p.settle().await;
    let again = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.bytes, first.bytes, "though the order has moved on");
    assert_eq!(shop.available(&good).await, 2);
    let others = shop.post(&testing::user(), "k", order_of(&good, 1)).await.expect(201);
    assert_ne!(others.body["id"], first.body["id"], "a key is its caller's own");
}

async fn a_key_with_another_body_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    let other = shop.post(&shopper, "k", order_of(&good, 2)).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(shop.available(&good).await, 2);
}

async fn a_guest_orders_with_an_email_and_reads_with_the_cart_token(engine: Engine) {
    let shop = Shop::open(engine).await;
    let good = shop.good(10_000, 3).await;
    let item = json!({"variantId": good.variant, "quantity": 1});
    let cart = shop.p.send("POST", "/api/v1/cart/items", &Caller::default(), Some(item), &[]).await.expect(201);
    let guest = Caller { cart_token: Some(cart.header("x-cart-token").to_owned()), ..Caller::default() };
    let nameless = shop.post(&guest, "k", order_cart()).await.expect(422);
    assert_eq!(nameless.body["errors"][0]["pointer"], "/email");
    let mut body = order_cart();
    body["email"] = json!("guest@example.com");
    let order = shop.post(&guest, "k", body).await.expect(201).body;
    assert_eq!(order["userId"], Json::Null);
    assert_eq!(shop.get(&guest, &order).await["id"], order["id"]);
    let path = format!("/api/v1/orders/{}", text(&order["id"]));
    assert_eq!(shop.p.send("GET", &path, &testing::guest(), None, &[]).await.status, 404);
    assert_eq!(shop.p.send("GET", &path, &Caller::default(), None, &[]).await.status, 401);
    let list = shop.p.send("GET", "/api/v1/orders", &guest, None, &[]).await.expect(200).body;
    assert_eq!(list["data"][0]["id"], order["id"]);
    let log = shop.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap();
    let written = format!("{:?}", log.iter().map(|e| &e.data).collect::<Vec<_>>());
    assert!(!written.contains("guest@example.com") && !written.contains("+88017"), "contacts are not in events: {written}");
}

async fn a_declined_order_fails_and_its_stock_is_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 2).await;
    shop.pay(&order, "decline").await.expect(200);
    shop.p.settle().await;
    let order = shop.get(&shopper, &order).await;
    assert_eq!(
        (&order["status"], &order["reason"], &order["payment"]["status"]),
        (&json!("failed"), &json!("payment_declined"), &json!("failed"))
    );
    assert_eq!(shop.available(&good).await, 3);
    assert_eq!(shop.history(&shopper, &order).await, ["order.created", "order.payment_requested", "order.failed"]);
}

async fn an_unpaid_order_fails_at_its_deadline(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 2).await;
    shop.p.advance_seconds(15 * 60 + 1);
    shop.p.settle().await;
    let order = shop.get(&shopper, &order).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("failed"), &json!("payment_timeout")));
    assert_eq!(shop.available(&good).await, 3);
    assert_eq!(shop.payment(&shopper, &order).await["status"], "cancelled");
}

async fn digital_goods_are_delivered_when_they_are_paid(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let course = shop.good_of(&shop.seller, "course", 50_000, 0).await;
    let body = json!({"items": [{"productId": course.product, "quantity": 1}], "paymentMethod": "sandbox"});
    let order = shop.post(&shopper, "k", body).await.expect(201).body;
    assert_eq!(order["totals"]["shipping"]["amount"], 0);
    assert_eq!(order["shippingAddress"], Json::Null);
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    let order = shop.get(&shopper, &order).await;
    assert_eq!(order["status"], "delivered");
    shop.p.advance_seconds(7 * 24 * 3_600 + 1);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "completed");
}

async fn cash_on_delivery_is_confirmed_without_a_payer(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let mut body = order_of(&good, 1);
    body["paymentMethod"] = json!("cod");
    let order = shop.post(&shopper, "k", body).await.expect(201).body;
    assert_eq!((&order["payment"]["status"], &order["payment"]["action"]), (&json!("processing"), &Json::Null));
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "confirmed");
    assert_eq!(shop.history(&shopper, &order).await, ["order.created", "order.payment_requested", "order.confirmed"]);
}

async fn nothing_to_pay_is_confirmed_without_a_payer(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let sample = shop.good_of(&shop.seller, "digital", 0, 0).await;
    let body = json!({"items": [{"variantId": sample.variant, "quantity": 1}]});
    let order = shop.post(&shopper, "k", body).await.expect(201).body;
    shop.p.settle().await;
    let order = shop.get(&shopper, &order).await;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("delivered"), &json!("completed")));
}

async fn an_order_survives_a_crash_at_any_rest(engine: Engine) {
    let mut shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let first = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    shop.p.restart().await;
    let again = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    assert_eq!(again.bytes, first.bytes);
    shop.pay(&first.body, "approve").await.expect(200);
    shop.p.restart().await;
    // Where another process may be alive its leases are waited for.
    shop.p.advance_seconds(60);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &first.body).await["status"], "confirmed");
    assert_eq!(shop.available(&good).await, 2);
}

async fn a_key_can_be_used_anew_once_it_is_forgotten(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let first = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201).body;
    shop.p.advance_seconds(26 * 3_600);
    shop.p.settle().await;
    let second = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    assert_eq!(second.header("idempotent-replayed"), "");
    assert_ne!(second.body["id"], first["id"]);
    assert_eq!(shop.available(&good).await, 2, "the first order has failed unpaid, the second holds its piece");
}
