//! Prices of a cart that are held for a while.

use futures::future::join_all;
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines, redact};

use crate::shop::{Good, Shop, address, order_cart, order_of};

both_engines!(
    a_checkout_gets_the_prices_of_its_quote_once,
    a_quote_holds_for_a_quarter_of_an_hour,
    a_checkout_of_something_else_is_refused,
    somebody_elses_quote_is_not_there,
    one_of_many_gets_the_quote,
    what_is_wrong_with_a_quote_of_a_cart_is_named,
    what_is_not_shipped_is_quoted_without_a_word,
);

async fn quote(shop: &Shop, who: &Caller, body: Json) -> Response {
    shop.p.send("POST", "/api/v1/cart/quote", who, Some(body), &[]).await
}

fn home() -> Json {
    json!({"shippingAddress": address()})
}

/// The body that orders the cart at the prices of a quote.
fn at(quote: &Json) -> Json {
    let mut body = order_cart();
    body["quoteId"] = quote["quoteId"].clone();
    body
}

async fn change_price(shop: &Shop, good: &Good, amount: i64) {
    let path = format!("/api/v1/products/{}/variants/{}", good.product, good.variant);
    let body = json!({"sku": "S1", "price": {"amount": amount, "currency": "BDT"}});
    shop.p.send("PUT", &path, &testing::user_with(&[Role::Admin]), Some(body), &[]).await.expect(200);
}

async fn a_checkout_gets_the_prices_of_its_quote_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (tea_seller, _) = shop.another_store().await;
    let shopper = testing::user();
    let sari = shop.good(129_900, 10).await;
    let (tea, course) = (shop.good_of(&tea_seller, "physical", 45_050, 5).await, shop.good_of(&shop.seller, "course", 5_000, 0).await);
    for (good, quantity) in [(&sari, 2), (&tea, 1), (&course, 1)] {
        shop.put_into_cart(&shopper, good, quantity).await;
    }
    let quoted = quote(&shop, &shopper, home()).await.expect(201).body;
    insta::assert_compact_json_snapshot!("cart_quote", redact(&quoted));
    let events = shop.count("orders", "events").await;
    assert_eq!((events, shop.available(&sari).await), (0, 10), "a quote holds prices, and nothing else");

    change_price(&shop, &sari, 200_000).await;
    let express = json!({"methods": [{"code": "express", "name": "Express", "rates": [{"price": {"amount": 90_000, "currency": "BDT"}}]}]});
    shop.p.send("PUT", "/api/v1/vendors/store/shipping", &shop.seller, Some(express), &[]).await.expect(200);
    let order = shop.post(&shopper, "k", at(&quoted)).await.expect(201).body;
    assert_eq!(order["totals"], quoted["totals"]);
    for (part, quoted) in order["vendorOrders"].as_array().unwrap().iter().zip(quoted["vendorOrders"].as_array().unwrap()) {
        assert_eq!((&part["totals"], &part["items"]), (&quoted["totals"], &quoted["items"]));
    }
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["payment"]["status"], "completed");
    let again = shop.post(&shopper, "k", at(&quoted)).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");

    shop.put_into_cart(&shopper, &sari, 2).await;
    let used = shop.post(&shopper, "another key", at(&quoted)).await.expect(409);
    assert_eq!((used.code(), shop.available(&sari).await), ("quote_expired", 8));
}

async fn a_quote_holds_for_a_quarter_of_an_hour(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    shop.put_into_cart(&shopper, &good, 1).await;
    let early = quote(&shop, &shopper, home()).await.expect(201).body;
    shop.p.advance_seconds(15 * 60 - 5);
    let late = quote(&shop, &shopper, home()).await.expect(201).body;
    shop.p.advance_seconds(10);
    let expired = shop.post(&shopper, "k", at(&early)).await.expect(409);
    assert_eq!((expired.code(), shop.available(&good).await), ("quote_expired", 3));
    shop.post(&shopper, "k", at(&late)).await.expect(201);
    quote(&shop, &shopper, home()).await.expect(422);
    shop.p.advance_seconds(2 * 3_600);
    shop.p.settle().await;
    assert_eq!(shop.count("orders", "quotes").await, 0, "what no longer holds is forgotten");
}

async fn a_checkout_of_something_else_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good, other) = (testing::user(), shop.good(10_000, 9).await, shop.good(20_000, 9).await);
    shop.put_into_cart(&shopper, &good, 2).await;
    let quoted = quote(&shop, &shopper, home()).await.expect(201).body;
    let mut elsewhere = at(&quoted);
    elsewhere["shippingAddress"]["city"] = json!("Sylhet");
    let mut faster = at(&quoted);
    faster["shippingMethod"] = json!("express");
    let mut listed = order_of(&other, 2);
    listed["quoteId"] = quoted["quoteId"].clone();
    for (n, (body, differs)) in [(elsewhere, "shippingAddress"), (faster, "shippingMethod"), (listed, "items")].into_iter().enumerate() {
        let refused = shop.post(&shopper, &format!("case {n}"), body).await.expect(409);
        assert_eq!((refused.code(), &refused.body["differs"]), ("quote_mismatch", &json!([differs])), "{}", refused.body);
    }
    let mut dearer = at(&quoted);
    dearer["expectedTotal"] = json!({"amount": 1, "currency": "BDT"});
    assert_eq!(shop.post(&shopper, "dearer", dearer).await.expect(409).code(), "price_changed");
    assert_eq!((shop.count("orders", "orders").await, shop.available(&good).await), (0, 9));
    let mut same = order_of(&good, 2);
    same["quoteId"] = quoted["quoteId"].clone();
    let order = shop.post(&shopper, "same", same).await.expect(201).body;
    assert_eq!(order["totals"], quoted["totals"], "a refusal does not use it up");
}

async fn somebody_elses_quote_is_not_there(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, guest, good) = (testing::user(), testing::guest(), shop.good(10_000, 9).await);
    shop.put_into_cart(&shopper, &good, 1).await;
    shop.put_into_cart(&guest, &good, 1).await;
    let (mine, guests) = (quote(&shop, &shopper, home()).await.expect(201).body, quote(&shop, &guest, home()).await.expect(201).body);
    let mut unknown = order_cart();
    unknown["quoteId"] = json!("01890000-0000-7000-8000-000000000000");
    let as_guest = |mut body: Json| {
        body["email"] = json!("guest@example.com");
        body
    };
    let cases = [(&shopper, at(&guests)), (&guest, as_guest(at(&mine))), (&shopper, unknown)];
    for (n, (who, body)) in cases.into_iter().enumerate() {
        assert_eq!(shop.post(who, &format!("case {n}"), body).await.expect(409).code(), "quote_expired");
    }
    shop.post(&shopper, "k", at(&mine)).await.expect(201);
    shop.post(&guest, "k", as_guest(at(&guests))).await.expect(201);
}

async fn one_of_many_gets_the_quote(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    shop.put_into_cart(&shopper, &good, 1).await;
    let quoted = quote(&shop, &shopper, home()).await.expect(201).body;
    let mut body = order_of(&good, 1);
    body["quoteId"] = quoted["quoteId"].clone();
    let orders = (0..6).map(|n| {
        let (shop, shopper, body) = (&shop, &shopper, body.clone());
        async move { shop.post(shopper, &format!("key {n}"), body).await.status }
    });
    let mut answers = join_all(orders).await;
    answers.sort();
    assert_eq!(answers, [201, 409, 409, 409, 409, 409]);
    shop.p.settle().await;
    assert_eq!(shop.available(&good).await, 99, "what the others held is back");
}

async fn what_is_wrong_with_a_quote_of_a_cart_is_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    assert_eq!(quote(&shop, &shopper, home()).await.expect(422).code(), "cart_empty");
    quote(&shop, &Caller::default(), home()).await.expect(401);
    let weak = Caller { cart_token: Some("guess me".into()), ..Caller::default() };
    assert_eq!(quote(&shop, &weak, home()).await.expect(400).code(), "invalid_cart_token");
    shop.put_into_cart(&shopper, &good, 1).await;
    let with = |name: &str, value: Json| {
        let mut body = home();
        body[name] = value;
        body
    };
    let cases = [
        (json!({}), 422, "/shippingAddress"),
        (with("shippingAddress", json!({"country": "Bangladesh"})), 422, "/shippingAddress/country"),
        (with("shippingMethod", json!("rocket")), 422, "/shippingMethod"),
        (with("shippingMethods", json!({&shop.store: "rocket"})), 422, &format!("/shippingMethods/{}", shop.store)),
        (with("shippingMethods", json!({"x": "standard"})), 400, ""),
        (with("colour", json!("red")), 400, ""),
        (with("shippingAddress", json!({})), 400, ""),
    ];
    for (body, status, pointer) in cases {
        let answer = quote(&shop, &shopper, body.clone()).await;
        let found = (answer.status, answer.body["errors"][0]["pointer"].as_str().unwrap_or(""));
        assert_eq!(found, (status, pointer), "{body} → {}", answer.body);
    }
}

async fn what_is_not_shipped_is_quoted_without_a_word(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, course) = (testing::user(), shop.good_of(&shop.seller, "course", 5_000, 0).await);
    shop.put_into_cart(&shopper, &course, 2).await;
    let quoted = shop.p.send("POST", "/api/v1/cart/quote", &shopper, None, &[]).await.expect(201).body;
    assert_eq!(quoted["totals"]["total"]["amount"], 10_000);
}
