//! Which parcels are meant by what carriers tell.

use contracts::Time;
use kit::{Caller, Clock, Ids, params};
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};
use uuid::Uuid;

use crate::carriers::{Courier, carried, inbox, replay, ship, steps, told, tracking, with_cash};
use crate::shop::{Shop, order_of};

both_engines!(
    what_is_delivered_before_it_is_shipped_waits,
    what_is_older_than_an_order_is_not_about_it,
    cash_under_a_number_of_two_orders_is_for_the_one_that_it_fits,
    many_parts_under_a_number_hide_none_that_is_under_way,
    what_is_too_long_to_be_found_is_not_kept,
    a_message_that_is_corrected_is_kept_as_it_came_last,
);

async fn what_is_delivered_before_it_is_shipped_waits(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shop.sale(&shopper, &shop.good(10_000, 9).await, 1).await;
    let part = &order["vendorOrders"][0];
    shop.advance_with(&shop.seller, part, carried("processing", "SE-1")).await.expect(200);
    shop.p.settle().await;
    courier.tell("m1", &told("SE-1", "delivered", 1)).await.expect(200);
    let failed = inbox(&shop, "&verdict=failed").await;
    assert!(failed.len() == 1 && failed[0]["detail"].as_str().unwrap().contains("not shipped"), "{failed:?}");
    shop.advance(&shop.seller, part, "shipped").await.expect(200);
    shop.p.settle().await;
    let part = &tracking(&shop, &shopper, &order).await[0];
    assert_eq!((&part["status"], steps(part)), (&json!("delivered"), vec!["delivered"]));
    assert_eq!(inbox(&shop, "&verdict=applied").await.len(), 1);
}

async fn what_is_older_than_an_order_is_not_about_it(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    courier.tell("m1", &told("SE-1", "delivered", 70)).await.expect(200);
    let order = shop.sale(&shopper, &shop.good(10_000, 9).await, 1).await;
    ship(&shop, &shop.seller, &order["vendorOrders"][0], "SE-1").await;
    shop.p.settle().await;
    courier.tell("m2", &told("SE-1", "delivered", 65)).await.expect(200);
    let part = &tracking(&shop, &shopper, &order).await[0];
    assert_eq!((&part["status"], steps(part)), (&json!("shipped"), vec![]));
    let failed = inbox(&shop, "&verdict=failed").await;
    assert!(failed.len() == 2 && failed.iter().all(|m| m["detail"].as_str().unwrap().contains("placed after")), "{failed:?}");
}

/// An order that is paid at the door and shipped, for so much and 6,000 of shipping.
async fn cash_order(shop: &Shop, shopper: &Caller, seller: &Caller, price: i64) -> Json {
    let mut body = order_of(&shop.good_of(seller, "physical", price, 3).await, 1);
    body["paymentMethod"] = json!("cod");
    let order = shop.post(shopper, &format!("cash {price}"), body).await.expect(201).body;
    shop.p.settle().await;
    ship(shop, seller, &order["vendorOrders"][0], "SE-1").await;
    order
}

async fn cash_under_a_number_of_two_orders_is_for_the_one_that_it_fits(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper, stranger) = (Courier::of(&shop).await, testing::user(), testing::user());
    let (other, _) = shop.another_store().await;
    let own = cash_order(&shop, &shopper, &shop.seller, 10_000).await;
    let foreign = cash_order(&shop, &stranger, &other, 20_000).await;
    courier.tell("m0", &with_cash("SE-1", 15_999, "BDT")).await.expect(200);
    courier.tell("m1", &with_cash("SE-1", 16_000, "BDT")).await.expect(200);
    shop.p.settle().await;
    for row in inbox(&shop, "&verdict=failed").await {
        assert!(row["detail"].as_str().unwrap().contains("2 orders"), "{row}");
        assert_eq!(replay(&shop, &row).await.expect(200).body["verdict"], "failed", "what it did it does not do to the other");
    }
    let (own, foreign) = (&tracking(&shop, &shopper, &own).await[0], &tracking(&shop, &stranger, &foreign).await[0]);
    assert_eq!((&own["status"], &foreign["status"]), (&json!("delivered"), &json!("shipped")));
    assert_eq!(inbox(&shop, "").await.len(), 2);
}

async fn many_parts_under_a_number_hide_none_that_is_under_way(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shop.sale(&shopper, &shop.good(10_000, 9).await, 1).await;
    ship(&shop, &shop.seller, &order["vendorOrders"][0], "SE-1").await;
    for status in ["delivered", "shipped"] {
        add_parcels(&shop, status).await;
    }
    courier.tell("m1", &told("SE-1", "delivered", 1)).await.expect(200);
    assert_eq!(tracking(&shop, &shopper, &order).await[0]["status"], "delivered");
}

/// Newer parts under the number.
async fn add_parcels(shop: &Shop, status: &'static str) {
    let now: Time = Clock::system().now().plus_seconds(60);
    let ids: Vec<Uuid> = (0..60).map(|_| Ids::random().uuid(now)).collect();
    let added = shop.p.db("orders").write(move |tx| {
        for id in &ids {
            let sql = "INSERT INTO orders.parcels (id, order_id, carrier, number) VALUES ($1, $1, 'shapla-express', 'se-1')";
            tx.execute(sql, params![*id])?;
            let sql = "INSERT INTO orders.vendor_orders (id, order_id, vendor_id, status, created_at) VALUES ($1, $1, $1, $2, $3)";
            tx.execute(sql, params![*id, status, now])?;
        }
        Ok::<_, kit::DbError>(())
    });
    added.await.unwrap();
}

async fn what_is_too_long_to_be_found_is_not_kept(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (courier, shopper) = (Courier::of(&shop).await, testing::user());
    let order = shop.sale(&shopper, &shop.good(10_000, 9).await, 1).await;
    // Without repeats, so that nothing makes it shorter.
    let long = |from: u32| (from..from + 500).filter_map(char::from_u32).collect::<String>();
    let body = json!({"status": "processing", "tracking": {"carrier": long(0x4e00), "number": long(0x6e00)}});
    shop.advance_with(&shop.seller, &order["vendorOrders"][0], body).await.expect(200);
    assert_eq!(shop.count("orders", "parcels").await, 0);
    courier.tell("m1", &told(&"x".repeat(200), "picked_up", 1)).await.expect(200);
    courier.tell("m2", &told(&"x".repeat(201), "picked_up", 1)).await.expect(400);
}

async fn a_message_that_is_corrected_is_kept_as_it_came_last(engine: Engine) {
    let shop = Shop::open(engine).await;
    let courier = Courier::of(&shop).await;
    for (body, expected) in [(told("SE-1", "lost", 1), 400), (told("SE-2", "delivered", 1), 200), (told("SE-3", "in_transit", 1), 200)] {
        courier.tell("m1", &body).await.expect(expected);
        let kept = inbox(&shop, "").await;
        assert_eq!((kept.len(), kept[0]["body"].as_str()), (1, Some(body.to_string().as_str())));
    }
}
