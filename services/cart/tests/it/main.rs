//! Carts on real databases, with the real catalog.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use contracts::events::identity::UserSignedIn;
use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::{Caller, DbError, ServiceDef};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

testing::both_engines!(
    adding_twice_is_one_line,
    somebody_elses_item_is_not_there,
    a_guests_cart_is_taken_over_at_sign_in,
    bad_input_is_named,
);

const SERVICES: &[ServiceDef] = &[cart::SERVICE, catalog::SERVICE, vendors::SERVICE];

/// Two variants, with 5 and 50 in stock.
async fn shop(p: &TestPlatform) -> Vec<String> {
    let request = EnsureStoreRequest { slug: "looms".into(), name: "Looms".into(), owner_id: String::new() };
    let store = VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner();
    let product = json!({"title": "Shirt", "variants": [
        {"sku": "A", "price": {"amount": 100, "currency": "BDT"}, "stock": [{"onHand": 5}]},
        {"sku": "B", "price": {"amount": 70, "currency": "BDT"}, "stock": [{"onHand": 50}]}]});
    let request = ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products: vec![product.to_string()] };
    CatalogClient::new(p.channel("catalog")).import_products(request).await.unwrap();
    let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
    let variants = list["data"][0]["variants"].as_array().unwrap();
    variants.iter().map(|v| v["id"].as_str().unwrap().to_owned()).collect()
}

async fn add(p: &TestPlatform, who: &Caller, variant: &str, quantity: i64) -> Json {
    let body = json!({"variantId": variant, "quantity": quantity});
    p.send("POST", "/api/v1/cart/items", who, Some(body), &[]).await.expect(201).body
}

async fn adding_twice_is_one_line(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, me) = (shop(&p).await, testing::user());
    add(&p, &me, &v[0], 2).await;
    add(&p, &me, &v[1], 1).await;
    let cart = add(&p, &me, &v[0], 4).await;
    assert_eq!(cart["items"].as_array().unwrap().len(), 2);
    assert_eq!(cart["totals"]["subtotal"], json!({"amount": 6 * 100 + 70, "currency": "BDT"}));
    assert_eq!(cart["warnings"][0]["code"], "insufficient_stock");
    let path = format!("/api/v1/cart/items/{}", cart["items"][0]["id"].as_str().unwrap());
    let less = p.send("PUT", &path, &me, Some(json!({"quantity": 1})), &[]).await.expect(200).body;
    assert_eq!((&less["items"][0]["quantity"], &less["warnings"]), (&json!(1), &json!([])));
    let gone = p.send("DELETE", &path, &me, None, &[]).await.expect(200).body;
    assert_eq!(gone["items"].as_array().unwrap().len(), 1);
    p.send("DELETE", "/api/v1/cart", &me, None, &[]).await.expect(204);
    let empty = p.send("GET", "/api/v1/cart", &me, None, &[]).await.expect(200).body;
    assert_eq!(empty["items"], json!([]));
}

async fn somebody_elses_item_is_not_there(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, me, other) = (shop(&p).await, testing::user(), testing::user());
    let cart = add(&p, &me, &v[0], 2).await;
    let path = format!("/api/v1/cart/items/{}", cart["items"][0]["id"].as_str().unwrap());
    p.send("PUT", &path, &other, Some(json!({"quantity": 9})), &[]).await.expect(404);
    p.send("DELETE", &path, &testing::guest(), None, &[]).await.expect(404);
    assert_eq!(p.send("GET", "/api/v1/cart", &me, None, &[]).await.expect(200).body["items"][0]["quantity"], 2);
}

async fn a_guests_cart_is_taken_over_at_sign_in(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, me, guest) = (shop(&p).await, testing::user(), testing::guest());
    add(&p, &me, &v[0], 998).await;
    add(&p, &guest, &v[0], 5).await;
    add(&p, &guest, &v[1], 1).await;
    let user = me.user.clone().unwrap();
    let event = UserSignedIn { user_id: user.id, session_id: user.session, guest: guest.guest_hash() };
    for _ in 0..2 {
        let event = event.clone();
        p.db("identity").write(move |tx| tx.publish(event.clone())).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    }
    p.settle().await;
    let cart = p.send("GET", "/api/v1/cart", &me, None, &[]).await.expect(200).body;
    let quantities: Vec<_> = cart["items"].as_array().unwrap().iter().map(|i| i["quantity"].as_i64().unwrap()).collect();
    assert_eq!(quantities, [999, 1], "summed, and capped");
    let left = p.send("GET", "/api/v1/cart", &guest, None, &[]).await.expect(200).body;
    assert_eq!(left["items"], json!([]));
}

async fn bad_input_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (v, me) = (shop(&p).await, testing::user());
    let unknown = kit::Ids::random().uuid(contracts::Time(0)).to_string();
    let cases = [
        (json!({"variantId": v[0], "quantity": 0}), 422, "invalid"),
        (json!({"variantId": v[0], "quantity": 1000}), 422, "invalid"),
        (json!({"variantId": v[0], "quantity": 1.5}), 400, "invalid_body"),
        (json!({"variantId": v[0], "quantity": 1, "price": 0}), 400, "invalid_body"),
        (json!({"variantId": unknown, "quantity": 1}), 422, "invalid"),
    ];
    for (body, status, code) in cases {
        let r = p.send("POST", "/api/v1/cart/items", &me, Some(body.clone()), &[]).await;
        assert_eq!((r.status, r.code()), (status, code), "{body}");
    }
    let guessed = Caller { cart_token: Some("guess".into()), ..Caller::default() };
    let refused = p.send("GET", "/api/v1/cart", &guessed, None, &[]).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_cart_token"));
}
