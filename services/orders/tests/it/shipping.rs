//! What shipping costs, before the order and on it.

use serde_json::{Value as Json, json};
use testing::{Engine, both_engines, redact};

use crate::shop::{Good, Shop, address, order_of, text};

both_engines!(
    a_quote_of_shipping_is_what_the_checkout_takes,
    each_store_is_paid_for_its_way_and_the_price_stays,
    what_is_not_shipped_is_named,
    what_is_wrong_with_a_quote_is_named,
);

fn bdt(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

/// By weight in Dhaka, or at once; dearer in Sylhet; nowhere else.
fn methods() -> Json {
    let zone = |city: &str| json!({"countries": ["BD"], "cities": [city]});
    json!({"methods": [
        {"code": "standard", "name": "By courier", "rates": [
            {"price": bdt(5_000), "zone": zone("Dhaka"), "perKilogram": bdt(1_000), "includedGrams": 500, "freeFrom": bdt(500_000)},
            {"price": bdt(11_000), "zone": zone("Sylhet")},
        ]},
        {"code": "same-day", "name": "Today", "rates": [{"price": bdt(25_000), "zone": zone("Dhaka")}]},
    ]})
}

async fn set_methods(shop: &Shop, body: Json) {
    shop.p.send("PUT", "/api/v1/vendors/store/shipping", &shop.seller, Some(body), &[]).await.expect(200);
}

fn items(goods: &[(&Good, i64)]) -> Json {
    goods.iter().map(|(good, quantity)| json!({"variantId": good.variant, "quantity": quantity})).collect()
}

fn to(city: &str) -> Json {
    let mut address = address();
    address["city"] = json!(city);
    address
}

async fn quote(shop: &Shop, items: Json, address: Json) -> testing::Response {
    let body = json!({"items": items, "shippingAddress": address});
    shop.p.send("POST", "/api/v1/shipping/quotes", &testing::guest(), Some(body), &[]).await
}

async fn a_quote_of_shipping_is_what_the_checkout_takes(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (tea_seller, _) = shop.another_store().await;
    set_methods(&shop, methods()).await;
    let sari = shop.weighing(&shop.seller, 100_000, 600).await;
    let (tea, course) = (shop.weighing(&tea_seller, 10_000, 90_000).await, shop.good_of(&shop.seller, "course", 1_000, 0).await);
    let all = items(&[(&sari, 2), (&tea, 1), (&course, 9)]);
    let found = quote(&shop, all.clone(), to("Dhaka")).await.expect(200).body;
    insta::assert_compact_json_snapshot!("shipping_quotes", redact(&found));
    let digital = quote(&shop, items(&[(&course, 9)]), json!({"country": "BD"})).await.expect(200).body;
    assert_eq!(digital["data"], json!([{"vendorId": shop.store, "weightGrams": null, "methods": []}]));

    // (what is chosen, goods, city, shipping of the part with the sari)
    let cases = [
        (json!({}), all.clone(), "Dhaka", 5_000 + 1_000),
        (json!({"shippingMethods": {&shop.store: "same-day"}}), all.clone(), "dhaka ", 25_000),
        (json!({"shippingMethod": "standard"}), items(&[(&sari, 4), (&tea, 1)]), "Dhaka", 5_000 + 2_000),
        (json!({"shippingMethod": "standard"}), items(&[(&sari, 5), (&tea, 1)]), "Dhaka", 0),
        (json!({}), all, "Sylhet", 11_000),
    ];
    for (n, (mut body, items, city, shipping)) in cases.into_iter().enumerate() {
        (body["items"], body["shippingAddress"]) = (items, to(city));
        let order = shop.post(&testing::user(), &format!("case {n}"), body.clone()).await.expect(201).body;
        let parts = [0, 1].map(|n| order["vendorOrders"][n]["totals"]["shipping"]["amount"].as_i64().unwrap());
        assert_eq!(parts, [shipping, 6_000], "{body}");
        assert_eq!(order["totals"]["shipping"], bdt(shipping + 6_000));
    }
}

async fn each_store_is_paid_for_its_way_and_the_price_stays(engine: Engine) {
    let shop = Shop::open(engine).await;
    set_methods(&shop, methods()).await;
    let (shopper, sari) = (testing::user(), shop.weighing(&shop.seller, 100_000, 100).await);
    let mut body = order_of(&sari, 1);
    body["shippingMethods"] = json!({&shop.store: "same-day"});
    let placed = shop.post(&shopper, "k", body).await.expect(201).body;
    set_methods(&shop, json!({"methods": []})).await;
    shop.pay(&placed, "approve").await.expect(200);
    shop.p.settle().await;
    let order = shop.get(&shopper, &placed).await;
    let part = &order["vendorOrders"][0];
    assert_eq!((&part["shippingMethod"], &part["totals"]), (&json!("same-day"), &placed["vendorOrders"][0]["totals"]));
    assert_eq!(order["totals"]["total"], bdt(125_000));
    let admin = testing::user_with(&[kit::Role::Admin]);
    let path = format!("/api/v1/ledger/entries?orderId={}", text(&order["id"]));
    let entries = shop.p.send("GET", &path, &admin, None, &[]).await.expect(200).body;
    let owed = entries["data"].as_array().unwrap().iter().find(|e| e["account"] == format!("shipping_payable:{}", shop.store));
    assert_eq!(owed.unwrap()["credit"], 25_000 - 3_261, "shipping without the tax that is in it");
}

async fn what_is_not_shipped_is_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    set_methods(&shop, methods()).await;
    let good = shop.weighing(&shop.seller, 1_000, 1).await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let own = format!("/shippingMethods/{}", shop.store);
    let cases = [
        (json!({}), "Khulna", "/shippingAddress", "not_shipped"),
        (json!({"shippingMethod": "same-day"}), "Sylhet", "/shippingMethod", "unknown_method"),
        (json!({"shippingMethods": {&shop.store: "rocket"}}), "Dhaka", own.as_str(), "unknown_method"),
        (json!({"shippingMethods": {nobody: "standard"}}), "Dhaka", &format!("/shippingMethods/{nobody}"), "unknown_store"),
    ];
    for (n, (mut body, city, pointer, code)) in cases.into_iter().enumerate() {
        (body["items"], body["shippingAddress"]) = (items(&[(&good, 1)]), to(city));
        let refused = shop.post(&testing::user(), &format!("case {n}"), body).await.expect(422).body;
        assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{refused}");
    }
    assert_eq!((shop.count("orders", "orders").await, shop.available(&good).await), (0, 100));
    let nowhere = quote(&shop, items(&[(&good, 1)]), to("Khulna")).await.expect(200).body;
    assert_eq!(nowhere["data"][0]["methods"], json!([]));
}

async fn what_is_wrong_with_a_quote_is_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    let good = shop.good(1_000, 1).await;
    let one = || items(&[(&good, 1)]);
    let cases = [
        (json!([]), json!({"country": "BD"}), 422, "/items"),
        (json!([{"variantId": good.variant, "quantity": 1_000}]), json!({"country": "BD"}), 422, "/items/0/quantity"),
        (
            json!([{"variantId": "01890000-0000-7000-8000-000000000000", "quantity": 1}]),
            json!({"country": "BD"}),
            422,
            "/items/0/variantId",
        ),
        (one(), json!({}), 400, ""),
        (one(), json!({"country": "BD", "planet": "Mars"}), 400, ""),
        (one(), json!({"country": "Bangladesh"}), 422, "/shippingAddress/country"),
        (one(), json!({"country": "BD", "city": "\u{1}"}), 422, "/shippingAddress/city"),
        (one(), json!({"country": "BD", "postalCode": "1".repeat(21)}), 422, "/shippingAddress/postalCode"),
    ];
    for (items, address, status, pointer) in cases {
        let answer = quote(&shop, items.clone(), address.clone()).await;
        let found = (answer.status, answer.body["errors"][0]["pointer"].as_str().unwrap_or(""));
        assert_eq!(found, (status, pointer), "{items} to {address} → {}", answer.body);
    }
}
