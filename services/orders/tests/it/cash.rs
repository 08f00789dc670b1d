use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::shop::{Shop, address, order_of, text};

both_engines!(
    cash_is_paid_when_every_part_is_delivered_and_collected,
    cash_that_is_short_is_shown_and_not_taken_for_paid,
    what_is_refused_at_the_door_costs_nothing_and_is_back_in_stock,
    when_one_store_is_refused_the_other_is_paid,
    a_promise_can_be_called_off_before_it_ships,
    what_was_paid_before_and_is_refused_is_refunded,
    cash_that_cannot_be_is_refused,
);

/// A cash order of one good of each of two stores, 10,000 and 5,000, with shipping of 6,000 each.
struct Sale {
    shop: Shop,
    shopper: Caller,
    sellers: [Caller; 2],
    goods: [crate::shop::Good; 2],
    order: Json,
}

impl Sale {
    async fn of_two_stores(engine: Engine) -> Sale {
        let shop = Shop::open(engine).await;
        let (other, _) = shop.another_store().await;
        let shopper = testing::user();
        let goods = [shop.good(10_000, 3).await, shop.good_of(&other, "physical", 5_000, 3).await];
        let items: Vec<_> = goods.iter().map(|g| json!({"variantId": g.variant, "quantity": 1})).collect();
        let body = json!({"items": items, "shippingAddress": address(), "paymentMethod": "cod"});
        let order = shop.post(&shopper, "k", body).await.expect(201).body;
        shop.p.settle().await;
        let sellers = [shop.seller.clone(), other];
        Sale { shop, shopper, sellers, goods, order }
    }

    async fn ship(&self, store: usize) {
        for status in ["processing", "shipped"] {
            self.advance(store, json!({ "status": status })).await;
        }
    }

    async fn advance(&self, store: usize, body: Json) -> Json {
        let part = &self.order["vendorOrders"][store];
        let after = self.shop.advance_with(&self.sellers[store], part, body).await.expect(200).body;
        self.shop.p.settle().await;
        after
    }

    /// Status of the order, of its payment here, and of its payment with payments.
    async fn standing(&self) -> (String, String, String) {
        let (order, payment) = (self.shop.get(&self.shopper, &self.order).await, self.shop.payment(&self.shopper, &self.order).await);
        (text(&order["status"]), text(&order["payment"]["status"]), text(&payment["status"]))
    }
}

fn stands(order: &str, payment: &str) -> (String, String, String) {
    (order.into(), payment.into(), payment.into())
}

async fn cash_is_paid_when_every_part_is_delivered_and_collected(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    assert_eq!(sale.standing().await, stands("confirmed", "processing"));
    sale.ship(0).await;
    sale.ship(1).await;
    let part = sale.advance(0, json!({"status": "delivered"})).await;
    assert_eq!((&part["toCollect"], &part["collected"]["amount"]), (&Json::Null, &json!(16_000)));
    assert_eq!(sale.standing().await, stands("partially_delivered", "processing"));
    sale.advance(1, json!({"status": "delivered", "collected": {"amount": 11_000, "currency": "BDT"}})).await;
    assert_eq!(sale.standing().await, stands("delivered", "completed"));
    assert_eq!(sale.shop.history(&sale.shopper, &sale.order).await.last().map(String::as_str), Some("order.paid"));
    assert_eq!(sale.shop.journals(&sale.order).await, ["cash_collected", "cash_collected"]);
}

async fn cash_that_is_short_is_shown_and_not_taken_for_paid(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    sale.ship(0).await;
    sale.ship(1).await;
    sale.advance(1, json!({"status": "delivered"})).await;
    sale.advance(0, json!({"status": "delivered", "collected": {"amount": 15_000, "currency": "BDT"}})).await;
    assert_eq!(sale.standing().await, stands("delivered", "processing"));
    let payment = sale.shop.payment(&sale.shopper, &sale.order).await;
    let short: Vec<_> = payment["cash"].as_array().unwrap().iter().filter(|c| c["status"] == "short").collect();
    assert_eq!((short.len(), &short[0]["missing"]["amount"]), (1, &json!(1_000)));
    assert!(!sale.shop.history(&sale.shopper, &sale.order).await.contains(&"order.paid".to_owned()));
    let late = json!({"vendorId": sale.shop.store, "amount": {"amount": 1_000, "currency": "BDT"}});
    let path = format!("/api/v1/payments/{}/collect", text(&payment["id"]));
    sale.shop.p.send("POST", &path, &sale.sellers[0], Some(late), &[("idempotency-key", "k")]).await.expect(201);
    sale.shop.p.settle().await;
    assert_eq!(sale.standing().await, stands("delivered", "completed"));
}

async fn what_is_refused_at_the_door_costs_nothing_and_is_back_in_stock(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    for store in [0, 1] {
        sale.ship(store).await;
        assert_eq!(sale.shop.available(&sale.goods[store]).await, 2);
        sale.advance(store, json!({"status": "refused"})).await;
        assert_eq!(sale.shop.available(&sale.goods[store]).await, 3, "what was refused can be sold again");
    }
    assert_eq!(sale.standing().await, stands("returned", "cancelled"));
    assert_eq!(sale.shop.journals(&sale.order).await, [""; 0], "no money ever");
    sale.shop.p.advance_seconds(8 * 24 * 3_600);
    sale.shop.p.settle().await;
    assert_eq!(sale.standing().await, stands("returned", "cancelled"));
    let log = sale.shop.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap();
    let back: Vec<_> = log.iter().filter(|e| e.kind == "order.returned").map(|e| e.json()).collect();
    let line = &back[0]["lines"][0];
    assert_eq!(
        (back.len(), &back[0]["reason"], &line["variantId"], &line["quantity"]),
        (2, &json!("refused"), &json!(sale.goods[0].variant), &json!(1))
    );
}

async fn when_one_store_is_refused_the_other_is_paid(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    sale.ship(0).await;
    sale.ship(1).await;
    sale.advance(1, json!({"status": "delivered"})).await;
    sale.advance(0, json!({"status": "refused"})).await;
    assert_eq!(sale.standing().await, stands("delivered", "completed"));
    let paid = sale.shop.p.db("orders").read(|q| kit::events::after(q, 0, 100)).await.unwrap();
    let paid = paid.iter().find(|e| e.kind == "order.paid").expect("what is kept is paid");
    assert_eq!(paid.json()["amount"]["amount"], 11_000);
    sale.shop.p.advance_seconds(7 * 24 * 3_600 + 1);
    sale.shop.p.settle().await;
    assert_eq!(sale.standing().await.0, "completed");
}

async fn a_promise_can_be_called_off_before_it_ships(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    sale.advance(0, json!({"status": "processing"})).await;
    assert_eq!(sale.shop.cancel(&sale.shopper, &sale.order).await.expect(200).body["status"], "cancelled");
    sale.shop.p.settle().await;
    assert_eq!(sale.standing().await, stands("cancelled", "cancelled"));
    assert_eq!((sale.shop.available(&sale.goods[0]).await, sale.shop.available(&sale.goods[1]).await), (3, 3));
    assert_eq!(sale.shop.journals(&sale.order).await, [""; 0]);
}

async fn what_was_paid_before_and_is_refused_is_refunded(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.sale(&shopper, &good, 2).await;
    for status in ["processing", "shipped", "refused"] {
        shop.advance(&shop.seller, &order["vendorOrders"][0], status).await.expect(200);
    }
    shop.p.settle().await;
    let (after, payment) = (shop.get(&shopper, &order).await, shop.payment(&shopper, &order).await);
    assert_eq!(
        (&after["status"], &after["payment"]["status"], &payment["status"]),
        (&json!("returned"), &json!("refunded"), &json!("refunded"))
    );
    // What is taken back before it is known to have left is taken back a little later.
    testing::eventually("what was refused is back", || async { shop.available(&good).await == 3 }).await;
    assert_eq!(shop.journals(&order).await, ["capture", "refund_requested", "refund_completed"]);
}

async fn cash_that_cannot_be_is_refused(engine: Engine) {
    let sale = Sale::of_two_stores(engine).await;
    sale.ship(0).await;
    let part = &sale.order["vendorOrders"][0];
    let with = |status: &str, amount: i64, currency: &str| json!({"status": status, "collected": {"amount": amount, "currency": currency}});
    for body in [with("delivered", 16_001, "BDT"), with("delivered", -1, "BDT"), with("delivered", 1, "USD"), with("refused", 0, "BDT")] {
        let refused = sale.shop.advance_with(&sale.sellers[0], part, body.clone()).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], "/collected", "{body}");
    }
    let paid = sale.shop.sale(&sale.shopper, &sale.goods[0], 1).await;
    let part = &paid["vendorOrders"][0];
    for status in ["processing", "shipped"] {
        sale.shop.advance(&sale.sellers[0], part, status).await.expect(200);
    }
    assert_eq!(
        sale.shop.advance_with(&sale.sellers[0], part, with("delivered", 1, "BDT")).await.expect(422).body["errors"][0]["code"],
        "no_cash"
    );
    let digital = sale.shop.good_of(&sale.sellers[0], "digital", 100, 0).await;
    let mut body = order_of(&digital, 1);
    body["paymentMethod"] = json!("cod");
    assert_eq!(sale.shop.post(&sale.shopper, "d", body).await.expect(422).body["errors"][0]["code"], "method_unavailable");
}
