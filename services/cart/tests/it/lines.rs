//! What goes into a cart, and what it says of it.

use kit::Caller;
use serde_json::json;
use testing::{Engine, redact};

use crate::shop::{Shop, text};

testing::both_engines!(
    adding_twice_is_one_line,
    somebody_elses_item_is_not_there,
    too_little_stock_is_warned_of,
    a_price_that_has_changed_is_warned_of_until_the_item_is_put_in_again,
    what_is_no_longer_sold_counts_nothing_and_is_warned_of,
    what_happens_to_a_cart_is_told,
    bad_input_is_named,
);

async fn adding_twice_is_one_line(engine: Engine) {
    let shop = Shop::open(engine).await;
    let me = testing::user();
    shop.add(&me, 0, 2).await;
    let two = shop.add(&me, 1, 1).await;
    insta::assert_compact_json_snapshot!("cart", redact(&two));
    let cart = shop.add(&me, 0, 4).await;
    assert_eq!(cart["items"].as_array().unwrap().len(), 2);
    assert_eq!(cart["totals"]["subtotal"], json!({"amount": 6 * 100 + 70, "currency": "BDT"}));
    let path = format!("/api/v1/cart/items/{}", text(&cart["items"][0]["id"]));
    let less = shop.p.send("PUT", &path, &me, Some(json!({"quantity": 1})), &[]).await.expect(200).body;
    assert_eq!((&less["items"][0]["quantity"], &less["warnings"]), (&json!(1), &json!([])));
    let gone = shop.p.send("DELETE", &path, &me, None, &[]).await.expect(200).body;
    assert_eq!(gone["items"].as_array().unwrap().len(), 1);
    shop.p.send("DELETE", "/api/v1/cart", &me, None, &[]).await.expect(204);
    assert_eq!(shop.cart(&me).await["items"], json!([]));
}

async fn somebody_elses_item_is_not_there(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (me, other) = (testing::user(), testing::user());
    let cart = shop.add(&me, 0, 2).await;
    let path = format!("/api/v1/cart/items/{}", text(&cart["items"][0]["id"]));
    shop.p.send("PUT", &path, &other, Some(json!({"quantity": 9})), &[]).await.expect(404);
    shop.p.send("DELETE", &path, &testing::guest(), None, &[]).await.expect(404);
    assert_eq!(shop.quantities(&me).await, [(0, 2)]);
}

async fn too_little_stock_is_warned_of(engine: Engine) {
    let shop = Shop::open(engine).await;
    let me = testing::user();
    assert_eq!(shop.add(&me, 0, 5).await["warnings"], json!([]));
    let more = shop.add(&me, 0, 1).await;
    let item = &more["items"][0]["id"];
    assert_eq!(more["warnings"], json!([{"code": "insufficient_stock", "itemId": item, "available": 5}]));
    assert_eq!(more["totals"]["total"]["amount"], 600, "what is wanted is shown with its price");
}

async fn a_price_that_has_changed_is_warned_of_until_the_item_is_put_in_again(engine: Engine) {
    let shop = Shop::open(engine).await;
    let me = testing::user();
    shop.add(&me, 0, 1).await;
    shop.change_price(0, 130).await;
    let cart = shop.cart(&me).await;
    assert_eq!((&cart["items"][0]["unitPrice"]["amount"], &cart["totals"]["total"]["amount"]), (&json!(130), &json!(130)));
    let warning = json!([{"code": "price_changed", "itemId": cart["items"][0]["id"], "available": 5}]);
    assert_eq!(cart["warnings"], warning);
    assert_eq!(shop.cart(&me).await["warnings"], warning, "it stays");
    assert_eq!(shop.add(&me, 0, 1).await["warnings"], json!([]), "somebody who adds has seen the price");
}

async fn what_is_no_longer_sold_counts_nothing_and_is_warned_of(engine: Engine) {
    let shop = Shop::open(engine).await;
    let me = testing::user();
    shop.add(&me, 0, 1).await;
    shop.add(&me, 1, 1).await;
    shop.archive().await;
    let cart = shop.cart(&me).await;
    let warning = |n: usize| json!({"code": "unavailable", "itemId": cart["items"][n]["id"], "available": 0});
    assert_eq!(cart["warnings"], json!([warning(0), warning(1)]));
    assert_eq!(cart["totals"]["total"]["amount"], 0);
    let body = json!({"variantId": shop.variants[0], "quantity": 1});
    let refused = shop.p.send("POST", "/api/v1/cart/items", &me, Some(body), &[]).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "unknown_variant");
}

async fn what_happens_to_a_cart_is_told(engine: Engine) {
    let shop = Shop::open(engine).await;
    let me = testing::user();
    let cart = shop.add(&me, 0, 2).await;
    shop.add(&me, 1, 1).await;
    let path = format!("/api/v1/cart/items/{}", text(&cart["items"][0]["id"]));
    shop.p.send("PUT", &path, &me, Some(json!({"quantity": 3})), &[]).await.expect(200);
    shop.p.send("PUT", &path, &me, Some(json!({"quantity": 0})), &[]).await.expect(200);
    shop.p.send("DELETE", "/api/v1/cart", &me, None, &[]).await.expect(204);
    let told: Vec<_> = shop.events().await.into_iter().map(|(kind, data)| (kind, data["quantity"].as_i64())).collect();
    let expected = [
        ("cart.item_added", Some(2)),
        ("cart.item_added", Some(1)),
        ("cart.item_added", Some(3)),
        ("cart.item_removed", None),
        ("cart.item_removed", None),
    ];
    assert_eq!(told, expected.map(|(kind, quantity)| (kind.to_owned(), quantity)));
}

async fn bad_input_is_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (p, v, me) = (&shop.p, &shop.variants, testing::user());
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
