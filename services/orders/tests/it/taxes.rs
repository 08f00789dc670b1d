//! Tax within prices and on them, by country and category, from the order to the refund.

use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::shop::{Good, Shop, order_of, text};

both_engines!(tax_is_frozen_at_the_rates_of_the_sale);

fn bdt(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

/// A book, which is filed in the category.
async fn book(shop: &Shop, category: &str) -> Good {
    let variant = json!({"sku": "S1", "price": bdt(10_500), "stock": [{"onHand": 9}]});
    let body = json!({"title": "A book", "categoryIds": [category], "variants": [variant]});
    let made = shop.p.send("POST", "/api/v1/products", &shop.seller, Some(body), &[]).await.expect(201).body;
    Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]) }
}

async fn tax_is_frozen_at_the_rates_of_the_sale(engine: Engine) {
    // (included, tax of the book, of the cup, of shipping, total)
    for (included, book_tax, cup_tax, shipping_tax, total) in [(true, 500, 1_304, 783, 26_500), (false, 525, 1_500, 900, 29_425)] {
        let shop = Shop::open(engine).await;
        let admin = testing::user_with(&[Role::Admin]);
        let category = shop.p.send("POST", "/api/v1/categories", &admin, Some(json!({"name": "Books"})), &[]).await.expect(201).body;
        let (book, cup) = (book(&shop, &text(&category["id"])).await, shop.good(10_000, 9).await);
        let rates = json!([{"category_id": category["id"], "basis_points": 500}, {"country": "BD", "basis_points": 1_500}]);
        let config = json!({"orders": {"tax": {"included": included, "basis_points": 9_999, "rates": rates}}});
        let shop = shop.reopened_with(config).await;

        let shopper = testing::user();
        let mut body = order_of(&book, 1);
        body["items"] = json!([{"variantId": book.variant, "quantity": 1}, {"variantId": cup.variant, "quantity": 1}]);
        let order = shop.post(&shopper, "k", body).await.expect(201).body;
        let (items, totals) = (&order["vendorOrders"][0]["items"], &order["totals"]);
        let found = [0, 1].map(|n| (items[n]["taxBasisPoints"].as_i64(), items[n]["tax"]["amount"].as_i64()));
        assert_eq!(found, [(Some(500), Some(book_tax)), (Some(1_500), Some(cup_tax))], "included: {included}");
        assert_eq!((&totals["tax"], &totals["total"]), (&bdt(book_tax + cup_tax + shipping_tax), &bdt(total)));
        assert_eq!((&totals["taxIncluded"], &order["payment"]["amount"]), (&json!(included), &bdt(total)));

        shop.pay(&order, "approve").await.expect(200);
        shop.p.settle().await;
        let path = format!("/api/v1/ledger/entries?orderId={}", text(&order["id"]));
        let entries = shop.p.send("GET", &path, &admin, None, &[]).await.expect(200).body;
        let owed = entries["data"].as_array().unwrap().iter().find(|e| e["account"] == "tax_payable").map(|e| e["credit"].clone());
        assert_eq!(owed, Some(json!(book_tax + cup_tax + shipping_tax)));
        shop.deliver(&shop.seller, &order).await;
        let back = shop.ask_back(&shopper, &order, 1).await.expect(201).body;
        shop.say(&shop.seller, &back, "approve").await.expect(200);
        shop.say(&shop.seller, &back, "receive").await.expect(200);
        shop.p.settle().await;
        let paid_for_the_book = if included { 10_500 } else { 10_500 + book_tax };
        assert_eq!(shop.payment(&shopper, &order).await["refunded"], bdt(paid_for_the_book));
        assert_eq!(shop.journals(&order).await.len(), 3, "captured, set aside, given back");
    }
}

#[test]
fn taxes_that_cannot_be_are_refused_at_start() {
    let refusal = |tax: Json| (orders::SERVICE.check_config)(&json!({"tax": tax})).unwrap_err();
    assert!(refusal(json!({"basis_points": 10_001})).contains("10001"));
    assert!(refusal(json!({"rates": [{"country": "Mars", "basis_points": 1}]})).contains("Mars"));
    assert!(refusal(json!({"rates": [{"colour": "red"}]})).contains("colour"));
    assert_eq!((orders::SERVICE.check_config)(&json!({"tax": {"included": false}})), Ok(()));
}
