//! The lists of orders, built anew from the log beside those in use.

use futures::future::join_all;
use kit::db::Row;
use kit::events::{Replay, ReplayStatus};
use kit::{Caller, DbError};
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines, eventually};
use uuid::Uuid;

use crate::imports;
use crate::shop::{Good, Shop, address, text};

both_engines!(
    damaged_lists_are_built_anew_while_orders_come,
    a_replay_that_cannot_go_on_leaves_the_lists_as_they_are,
    an_empty_log_makes_empty_lists,
);

const TABLES: [&str; 4] = ["orders", "vendor_orders", "returns", "parcels"];

/// The rows of each list, and then those beside it.
async fn rows(shop: &Shop) -> (Vec<Vec<Row>>, Vec<Vec<Row>>) {
    let all = |suffix: &'static str| {
        shop.p.db("orders").read(move |q| {
            let table = |name: &str| q.rows(&format!("SELECT * FROM orders.{name}{suffix} ORDER BY id"), &[]);
            TABLES.into_iter().map(table).collect::<Result<Vec<_>, DbError>>()
        })
    };
    (all("").await.unwrap(), all("_next").await.unwrap())
}

async fn change(shop: &Shop, statements: &'static [&'static str]) {
    let changed = shop.p.db("orders").write(move |tx| statements.iter().try_for_each(|sql| tx.execute(sql, &[]).map(drop)));
    changed.await.unwrap_or_else(|e: DbError| panic!("{e}"));
}

async fn start(shop: &Shop) -> Uuid {
    let replays = shop.p.platform().replays().iter().find(|r| r.models().any(|m| m == "orders")).expect("orders has a model");
    replays.start("orders").await.unwrap().expect("it is called so")
}

async fn get(shop: &Shop, id: Uuid) -> Replay {
    for replays in shop.p.platform().replays() {
        if let Some(found) = replays.get(id).await.unwrap().filter(|r| r.model == "orders") {
            return found;
        }
    }
    panic!("the replay is gone")
}

/// An order in each state that the lists can show.
async fn history(shop: &Shop, shopper: &Caller) -> Good {
    let good = shop.good(1_000, 900).await;
    shop.sale(shopper, &good, 1).await;
    let declined = shop.order(shopper, &good, 2).await;
    shop.pay(&declined, "decline").await.expect(200);
    let cancelled = shop.sale(shopper, &good, 3).await;
    shop.cancel(shopper, &cancelled).await.expect(200);
    let delivered = shop.sale(shopper, &good, 4).await;
    shop.deliver(&shop.seller, &delivered).await;
    for (quantity, words) in [(5, &["approve", "receive"][..]), (6, &["reject"]), (7, &[])] {
        let order = shop.sale(shopper, &good, quantity).await;
        shop.deliver(&shop.seller, &order).await;
        let back = shop.ask_back(shopper, &order, 1).await.expect(201).body;
        for word in words {
            shop.say(&shop.seller, &back, word).await.expect(200);
        }
    }
    let body = json!({"items": [{"variantId": good.variant, "quantity": 1}], "shippingAddress": address(), "paymentMethod": "cod"});
    let cash = shop.post(shopper, "cash", body).await.expect(201).body;
    shop.p.settle().await;
    for status in ["processing", "shipped", "refused"] {
        let body = json!({"status": status, "tracking": {"carrier": "Doel Parcel", "number": "DP-1"}});
        shop.advance_with(&shop.seller, &cash["vendorOrders"][0], body).await.expect(200);
    }
    let mut moved = imports::order("900");
    imports::bring(shop, &[moved.clone(), imports::order("901")]).await.expect(200);
    moved["parts"][0]["status"] = json!("returned");
    imports::bring(shop, &[moved]).await.expect(200);
    shop.order(&testing::user(), &good, 8).await;
    shop.p.settle().await;
    good
}

async fn list(shop: &Shop, who: &Caller) -> Vec<String> {
    let page = shop.p.send("GET", "/api/v1/orders?limit=100", who, None, &[]).await.expect(200).body;
    page["data"].as_array().into_iter().flatten().map(|o: &Json| text(&o["id"])).collect()
}

/// Wrong states, lost and strange rows, rows of the wrong order, and a unique value at another's place.
const DAMAGE: &[&str] = &[
    "UPDATE orders.vendor_orders SET status = 'processing' WHERE status = 'cancelled'",
    "DELETE FROM orders.vendor_orders WHERE status = 'failed'",
    "DELETE FROM orders.orders WHERE number = (SELECT MIN(number) FROM orders.orders)",
    "UPDATE orders.returns SET status = 'requested'",
    "UPDATE orders.orders SET number = 'x' || number WHERE number = (SELECT MAX(number) FROM orders.orders)",
    "UPDATE orders.orders SET number = (SELECT SUBSTR(MAX(number), 2) FROM orders.orders) WHERE number = (SELECT MIN(number) FROM orders.orders)",
    "UPDATE orders.vendor_orders SET order_id = vendor_id WHERE status = 'returned'",
    "UPDATE orders.parcels SET carrier = number",
];

async fn damaged_lists_are_built_anew_while_orders_come(engine: Engine) {
    let shop = Shop::open(engine).await;
    let shopper = testing::user();
    let good = history(&shop, &shopper).await;
    let (before, beside) = rows(&shop).await;
    let counts = |rows: &[Vec<Row>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!((counts(&before), counts(&beside)), (vec![11, 11, 3, 1], vec![0, 0, 0, 0]));

    // Nothing is wrong: nothing changes.
    let id = start(&shop).await;
    shop.p.settle().await;
    eventually("what was beside is cleared away", || async { rows(&shop).await.1.iter().all(Vec::is_empty) }).await;
    assert_eq!(rows(&shop).await, (before.clone(), beside.clone()));
    let replay = get(&shop, id).await;
    assert_eq!((replay.status, replay.position, replay.error.as_deref()), (ReplayStatus::Done, replay.target, None));
    assert_eq!((replay.events, replay.seconds_left()), (shop.count("orders", "events").await, Some(0.0)));

    change(&shop, DAMAGE).await;
    assert_ne!(rows(&shop).await.0, before);
    let buyers: Vec<Caller> = (0..12).map(|_| testing::user()).collect();
    let orders = join_all(buyers.iter().map(|buyer| shop.order(buyer, &good, 1)));
    let (id, placed) = tokio::join!(start(&shop), orders);
    shop.pay(&placed[0], "approve").await.expect(200);
    let again = start(&shop).await;
    assert!(again == id || get(&shop, id).await.status == ReplayStatus::Done, "one at a time");
    shop.p.settle().await;

    eventually("what was beside is cleared away", || async { rows(&shop).await.1.iter().all(Vec::is_empty) }).await;
    let (after, beside) = rows(&shop).await;
    assert_eq!((counts(&after), counts(&beside)), (vec![11 + 12, 11 + 12, 3, 1], vec![0, 0, 0, 0]));
    for (before, after) in before.iter().zip(&after) {
        assert!(before.iter().all(|row| after.contains(row)), "what was damaged is as it was");
    }
    for (buyer, order) in buyers.iter().zip(&placed) {
        assert_eq!(list(&shop, buyer).await, [text(&order["id"])], "what was placed in the meantime is there");
    }
    start(&shop).await;
    shop.p.settle().await;
    assert_eq!(rows(&shop).await.0, after, "the new lists are what the log says");
}

async fn a_replay_that_cannot_go_on_leaves_the_lists_as_they_are(engine: Engine) {
    let mut shop = Shop::open(engine).await;
    let shopper = testing::user();
    let good = history(&shop, &shopper).await;
    let (before, _) = rows(&shop).await;
    change(&shop, DAMAGE).await;
    let (damaged, _) = rows(&shop).await;
    change(&shop, &["UPDATE orders.events SET type = 'order.strange' WHERE position = (SELECT MAX(position) FROM orders.events)"]).await;
    let id = start(&shop).await;
    eventually("it says why", || async { get(&shop, id).await.error.is_some_and(|e| e.contains("order.strange")) }).await;
    assert_eq!(rows(&shop).await.0, damaged);

    // The shop is open all the while, and a process that ends leaves everything as it is.
    shop.p.restart().await;
    assert_eq!(rows(&shop).await.0, damaged);
    let buyer = testing::user();
    let placed = shop.order(&buyer, &good, 1).await;
    assert_eq!(list(&shop, &buyer).await, [text(&placed["id"])]);
    assert_eq!(get(&shop, id).await.status, ReplayStatus::Running);

    change(&shop, &["UPDATE orders.events SET type = 'order.payment_requested' WHERE type = 'order.strange'"]).await;
    eventually("it goes on by itself", || async { get(&shop, id).await.status == ReplayStatus::Done }).await;
    shop.p.settle().await;
    eventually("what was beside is cleared away", || async { rows(&shop).await.1.iter().all(Vec::is_empty) }).await;
    let (after, beside) = rows(&shop).await;
    assert!(before.iter().zip(&after).all(|(before, after)| before.iter().all(|row| after.contains(row))));
    assert_eq!(after.iter().map(Vec::len).collect::<Vec<_>>(), [12, 12, 3, 1]);
    assert!(beside.iter().all(Vec::is_empty));
}

async fn an_empty_log_makes_empty_lists(engine: Engine) {
    let shop = Shop::open(engine).await;
    const STRAY: &[&str] = &[
        "INSERT INTO orders.orders (id, number, created_at) SELECT r.id, 'stray', r.started_at FROM orders.replays r WHERE status = 'done'",
    ];
    start(&shop).await;
    shop.p.settle().await;
    change(&shop, STRAY).await;
    assert_eq!(shop.count("orders", "orders").await, 1);
    let id = start(&shop).await;
    shop.p.settle().await;
    assert_eq!((shop.count("orders", "orders").await, get(&shop, id).await.status), (0, ReplayStatus::Done));
}
