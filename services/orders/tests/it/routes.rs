//! How the main routes of orders answer, and those about prices, with what vendors has of them.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, redact};

use crate::shop::{Shop, address, order_cart, order_of, text};

testing::both_engines!(every_route_about_prices_answers_in_its_form, every_main_route_answers_in_its_form);

async fn every_route_about_prices_answers_in_its_form(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, seller) = (testing::user(), &shop.seller);
    let good = shop.weighing(seller, 10_000, 1_200).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, shop) = (who.clone(), format!("/api/v1{path}"), &shop);
        async move { shop.p.send(method, &path, &who, body, &[("idempotency-key", "k")]).await }
    };
    let (nobody, own) = (Caller::default(), "/vendors/store/shipping");
    let rate = json!({"price": {"amount": 5_000, "currency": "BDT"}, "perKilogram": {"amount": 1_000, "currency": "BDT"}});
    let methods = |rate: &Json| json!({"methods": [{"code": "courier", "name": "By courier", "rates": [rate]}]});
    note("GET /shipping/methods", send(&nobody, "GET", "/shipping/methods", None).await);
    note("PUT /vendors/store/shipping", send(seller, "PUT", own, Some(methods(&rate))).await);
    note(
        "PUT /vendors/store/shipping, twice the same",
        send(seller, "PUT", own, Some(json!({"methods": [{"code": "a", "name": "A", "rates": [rate, rate]}]}))).await,
    );
    note("PUT /vendors/store/shipping by another", send(&testing::user_with(&[Role::Vendor]), "PUT", own, Some(methods(&rate))).await);
    let quote = json!({"items": [{"variantId": good.variant, "quantity": 2}], "shippingAddress": {"country": "BD", "city": "Dhaka"}});
    note("POST /shipping/quotes", send(&nobody, "POST", "/shipping/quotes", Some(quote)).await);
    note(
        "POST /shipping/quotes of nothing",
        send(&nobody, "POST", "/shipping/quotes", Some(json!({"items": [], "shippingAddress": {"country": "bd"}}))).await,
    );
    note("POST /cart/quote, empty", send(&shopper, "POST", "/cart/quote", Some(json!({"shippingAddress": address()}))).await);
    shop.put_into_cart(&shopper, &good, 1).await;
    note(
        "POST /cart/quote by rocket",
        send(&shopper, "POST", "/cart/quote", Some(json!({"shippingAddress": address(), "shippingMethod": "rocket"}))).await,
    );
    let quoted = note("POST /cart/quote", send(&shopper, "POST", "/cart/quote", Some(json!({"shippingAddress": address()}))).await);
    let mut order = order_cart();
    (order["quoteId"], order["shippingMethod"]) = (quoted.body["quoteId"].clone(), json!("standard"));
    note("POST /orders, not as quoted", send(&shopper, "POST", "/orders", Some(order.clone())).await);
    shop.p.advance_seconds(15 * 60);
    note("POST /orders, too late", send(&shopper, "POST", "/orders", Some(order)).await);
    insta::assert_compact_json_snapshot!("routes_about_prices", redact(&json!(seen)));
}

async fn every_main_route_answers_in_its_form(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, seller) = (testing::user(), &shop.seller);
    let good = shop.good(10_000, 5).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, shop) = (who.clone(), format!("/api/v1{path}"), &shop);
        async move { shop.p.send(method, &path, &who, body, &[]).await }
    };
    note("POST /orders without a key", send(&shopper, "POST", "/orders", Some(order_of(&good, 1))).await);
    note("POST /orders of too many", shop.post(&shopper, "many", order_of(&good, 6)).await);
    let placed = note("POST /orders", shop.post(&shopper, "k", order_of(&good, 2)).await).body;
    let one = format!("/orders/{}", text(&placed["id"]));
    shop.pay(&placed, "approve").await.expect(200);
    shop.p.settle().await;
    note("GET /orders/{id}", send(&shopper, "GET", &one, None).await);
    note("GET /orders/{id} by somebody else", send(&testing::user(), "GET", &one, None).await);
    note("GET /orders", send(&shopper, "GET", "/orders", None).await);
    note("PUT /orders/{id}", send(&shopper, "PUT", &one, Some(json!({"note": "Ring twice"}))).await);
    let part = format!("/vendor/orders/{}", text(&placed["vendorOrders"][0]["id"]));
    note("GET /vendor/orders/{id}", send(seller, "GET", &part, None).await);
    note(
        "PUT /vendor/orders/{id}/status, skipping",
        send(seller, "PUT", &format!("{part}/status"), Some(json!({"status": "delivered"}))).await,
    );
    shop.deliver(seller, &placed).await;
    note("PUT /orders/{id}/cancel, too late", send(&shopper, "PUT", &format!("{one}/cancel"), Some(json!({"reason": "late"}))).await);
    note("GET /orders/{id}/tracking", send(&shopper, "GET", &format!("{one}/tracking"), None).await);
    let back = note("POST /orders/{id}/return", shop.ask_back(&shopper, &placed, 1).await).body;
    note("POST /returns/{id}/approve", shop.say(seller, &back, "approve").await);
    note("POST /returns/{id}/receive", shop.say(seller, &back, "receive").await);
    shop.p.settle().await;
    note("GET /orders/{id}/returns", send(&shopper, "GET", &format!("{one}/returns"), None).await);
    note("GET /vendor/returns", send(seller, "GET", "/vendor/returns", None).await);
    let second = shop.order(&shopper, &good, 1).await;
    note("PUT /orders/{id}/cancel", shop.cancel(&shopper, &second).await);
    insta::assert_compact_json_snapshot!("every_main_route", redact(&json!(seen)));
}
