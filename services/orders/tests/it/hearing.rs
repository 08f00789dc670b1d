//! What payments say, twice and out of order.

use contracts::events::payments::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use contracts::{Currency, Money, OrderId, PaymentId, RefundId};
use kit::{Clock, Ids};
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};
use uuid::Uuid;

use crate::shop::{Shop, text};

both_engines!(
    what_comes_twice_and_out_of_order_changes_nothing,
    a_payment_that_failed_late_or_twice_changes_nothing,
    what_is_said_of_other_orders_and_payments_changes_nothing,
);

fn id() -> Uuid {
    Ids::random().uuid(Clock::system().now())
}

/// The three things that payments say of a payment that orders listen to.
struct Words {
    completed: PaymentCompleted,
    failed: PaymentFailed,
    refunded: PaymentRefunded,
}

impl Words {
    fn of(order_id: OrderId, payment_id: PaymentId, amount: i64) -> Words {
        let (method, amount) = ("sandbox".to_owned(), Money::new(amount, Currency::BDT));
        let provider_reference = "ch_1".to_owned();
        Words {
            completed: PaymentCompleted { payment_id, order_id, method, amount, provider_reference, shares: vec![] },
            failed: PaymentFailed { payment_id, order_id, reason: "declined".into() },
            refunded: PaymentRefunded { payment_id, order_id, refund_id: RefundId(id()), amount: Money::new(700, Currency::BDT) },
        }
    }

    fn about(order: &Json) -> Words {
        let amount = order["totals"]["total"]["amount"].as_i64().unwrap();
        Words::of(OrderId(text(&order["id"]).parse().unwrap()), PaymentId(text(&order["payment"]["id"]).parse().unwrap()), amount)
    }
}

/// Says something in the name of payments, and waits for all that follows.
async fn say<E: contracts::Event + Clone + Send + Sync + 'static>(shop: &Shop, event: &E) {
    let event = event.clone();
    shop.p.db("payments").write(move |tx| tx.publish(event.clone())).await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    shop.p.settle().await;
}

/// How many rows each table has that a payment's words could change.
async fn rows(shop: &Shop) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in ["orders", "vendor_orders", "events", "sagas", "saga_steps", "signals", "inbox"] {
        rows.push(shop.count("orders", table).await);
    }
    rows
}

async fn what_comes_twice_and_out_of_order_changes_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let words = Words::about(&order);
    for _ in 0..2 {
        say(&shop, &words.refunded).await;
    }
    let now = shop.get(&shopper, &order).await;
    assert_eq!((&now["status"], shop.history(&shopper, &order).await.len()), (&json!("awaiting_payment"), 3), "a refund moves nothing");
    say(&shop, &words.completed).await;
    let first = rows(&shop).await;
    let history = ["order.created", "order.payment_requested", "order.refunded", "order.confirmed", "order.paid"];
    for _ in 0..2 {
        say(&shop, &words.failed).await;
        say(&shop, &words.completed).await;
        say(&shop, &words.refunded).await;
        assert_eq!(shop.history(&shopper, &order).await, history);
        assert_eq!(rows(&shop).await, first);
    }
    assert_eq!((first[0], first[1], shop.available(&good).await), (1, 1, 2));
    assert_eq!(shop.get(&shopper, &order).await["status"], "confirmed");
}

async fn a_payment_that_failed_late_or_twice_changes_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let words = Words::about(&order);
    say(&shop, &words.failed).await;
    let (first, history) = (rows(&shop).await, shop.history(&shopper, &order).await);
    assert_eq!(history, ["order.created", "order.payment_requested", "order.failed"]);
    for _ in 0..2 {
        say(&shop, &words.completed).await;
        say(&shop, &words.failed).await;
        assert_eq!((rows(&shop).await, shop.history(&shopper, &order).await), (first.clone(), history.clone()));
    }
    assert_eq!(shop.available(&good).await, 3);
}

async fn what_is_said_of_other_orders_and_payments_changes_nothing(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.order(&shopper, &good, 1).await;
    let own = Words::about(&order);
    let first = rows(&shop).await;
    for words in [Words::of(OrderId(id()), PaymentId(id()), 1), Words::of(own.completed.order_id, PaymentId(id()), 1)] {
        for _ in 0..2 {
            say(&shop, &words.failed).await;
            say(&shop, &words.completed).await;
            say(&shop, &words.refunded).await;
        }
        assert_eq!(rows(&shop).await, first);
    }
    assert_eq!(shop.get(&shopper, &order).await["status"], "awaiting_payment");
}
