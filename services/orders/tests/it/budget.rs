use std::time::Duration;

use testing::{Engine, both_engines};
use tokio::time::Instant;

use crate::shop::{Shop, order_cart};

both_engines!(a_checkout_is_few_transactions_and_statements);

/// Statements that look for work of orders, and of all services, however little there is; they count where a flow takes long.
const LOOKS_A_SECOND: f64 = 12.0;
const ALL_LOOKS_A_SECOND: f64 = 60.0;

/// The flow that speed is measured by: two into the cart, order, approve, confirmed.
async fn a_checkout_is_few_transactions_and_statements(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (other_seller, _) = shop.another_store().await;
    let shopper = testing::user();
    let (sari, tea) = (shop.good(129_900, 100).await, shop.good_of(&other_seller, "physical", 45_050, 100).await);
    // What services do once, at their start or with their first work, is no part of it.
    let first = shop.order(&testing::user(), &sari, 1).await;
    shop.pay(&first, "approve").await.expect(200);
    shop.p.settle().await;

    let database = shop.p.data().database;
    let began = Instant::now();
    let (before, ignored) = (database.counts(), ignored_messages(&shop).await);
    shop.put_into_cart(&shopper, &sari, 2).await;
    shop.put_into_cart(&shopper, &tea, 1).await;
    let order = shop.post(&shopper, "k", order_cart()).await.expect(201).body;
    shop.pay(&order, "approve").await.expect(200);
    let orders = || database.counts().since(&before).services["orders"];
    let all_of_orders = async {
        while orders().transactions < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all_of_orders).await.expect("the order is confirmed");
    // Looking whether anything is left to do takes statements, but no transactions.
    let (statements, all_statements) = (orders().statements, database.counts().since(&before).total().statements);
    let took = began.elapsed().as_secs_f64();
    let looks = |a_second: f64| (a_second * took).ceil() as u64;
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "confirmed");
    assert_eq!(orders().transactions, 4, "created, payment requested, paid, confirmed");
    // 32 of its own, 2 to find the key, and some to let others read its log; and what looks for work meanwhile.
    assert!((34..=40 + looks(LOOKS_A_SECOND)).contains(&statements), "{statements} statements of orders in {took} s");
    let counts = database.counts().since(&before);
    let of_sale = counts.services.iter().filter(|(service, _)| **service != "vendors");
    let transactions: Vec<_> = of_sale.map(|(service, c)| (*service, c.transactions)).filter(|(_, n)| *n > 0).collect();
    // The sandbox repeats itself out of order on purpose, one time in three: such a message is kept, and means nothing.
    let ignored = ignored_messages(&shop).await - ignored;
    // Two lines and a cart that is emptied; held and kept; as above; begun and paid; a session, its answer, a webhook that arrived.
    assert_eq!(transactions, [("cart", 3), ("catalog", 2), ("orders", 4), ("payments", 2 + ignored), ("sandbox", 3)]);
    // Behind the sale, and fewer under load: what the stores are told of it.
    let figures = counts.services["vendors"].transactions;
    assert!(figures <= 3, "order.created, order.confirmed and payment.completed are taken in by {figures} transactions");
    assert!(all_statements <= 120 + looks(ALL_LOOKS_A_SECOND), "{all_statements} statements in {took} s, {counts:#?}");
}

/// How many of the provider's messages meant nothing.
async fn ignored_messages(shop: &Shop) -> u64 {
    let count = "SELECT COUNT(*) FROM payments.webhook_inbox WHERE verdict = 'ignored'";
    let read = shop.p.db("payments").read(move |q| q.row(count, &[])?.map_or(Ok(0), |r| r.get::<i64>(0)));
    read.await.unwrap_or_else(|e: kit::DbError| panic!("{e}")).unsigned_abs()
}
