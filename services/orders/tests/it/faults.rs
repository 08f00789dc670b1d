//! Calls of orders that get lost, before their effect or after it.

use std::sync::{Arc, Mutex};

use kit::channel::{CallInfo, Fault};
use serde_json::json;
use testing::{Engine, both_engines};

use crate::shop::{Shop, address, order_cart, order_of, text};

both_engines!(
    a_request_that_got_lost_can_be_repeated_with_its_key,
    a_repeat_of_a_cart_holds_the_last_piece_once,
    a_sale_survives_lost_calls,
    a_failed_order_gives_everything_back_though_calls_get_lost,
    a_cancelled_order_gives_everything_back_though_calls_get_lost,
    a_payment_that_cannot_begin_in_time_is_answered_early_and_goes_on,
    a_payment_that_cannot_begin_at_all_fails_the_order,
    a_key_is_in_use_until_it_is_answered,
    what_has_shipped_leaves_the_stock_though_calls_get_lost,
    a_return_gives_everything_back_once_though_calls_get_lost,
    a_return_survives_a_crash_at_any_rest,
    what_is_refused_at_the_door_is_back_once_though_calls_get_lost,
);

/// What happens to calls of one method; `times` of them.
#[derive(Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<Planned>>>);

/// Which method, what befalls it, how often.
type Planned = (&'static str, Fault, usize);

impl Trouble {
    pub fn make_for(shop: &Shop) -> Trouble {
        let trouble = Trouble::default();
        let plan = trouble.0.clone();
        shop.p.platform().directory.set_faults(Arc::new(move |call: &CallInfo| {
            let mut plan = plan.lock().unwrap();
            match plan.as_mut() {
                Some((method, fault, times)) if call.caller == "orders" && call.method.ends_with(*method) && *times > 0 => {
                    *times -= 1;
                    *fault
                }
                _ => Fault::None,
            }
        }));
        trouble
    }

    fn next(&self, method: &'static str, fault: Fault) {
        self.for_times(method, fault, 1);
    }

    pub fn for_times(&self, method: &'static str, fault: Fault, times: usize) {
        *self.0.lock().unwrap() = Some((method, fault, times));
    }

    fn over(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// How many calls are still to fail.
    pub fn left(&self) -> usize {
        self.0.lock().unwrap().as_ref().map_or(0, |(_, _, left)| *left)
    }

    /// Whether all of it has happened.
    pub fn happened(&self) -> bool {
        self.0.lock().unwrap().as_ref().is_some_and(|(_, _, left)| *left == 0)
    }
}

const BOTH: [Fault; 2] = [Fault::LoseRequest, Fault::LoseAnswer];

async fn a_request_that_got_lost_can_be_repeated_with_its_key(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    let trouble = Trouble::make_for(&shop);
    let mut left = 100;
    for method in ["/GetCart", "/GetVariants", "/SaleTerms", "/Reserve"] {
        for fault in BOTH {
            let key = format!("{method} {fault:?}");
            shop.put_into_cart(&shopper, &good, 1).await;
            trouble.next(method, fault);
            let lost = shop.post(&shopper, &key, order_cart()).await;
            assert_eq!((lost.status, lost.code()), (503, "unavailable"), "{key}");
            assert!(trouble.happened(), "{key}");
            shop.post(&shopper, &key, order_cart()).await.expect(201);
            left -= 1;
            assert_eq!(shop.available(&good).await, left, "{key}: held once");
        }
    }
}

async fn a_repeat_of_a_cart_holds_the_last_piece_once(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (guest, good) = (testing::guest(), shop.good(10_000, 1).await);
    shop.put_into_cart(&guest, &good, 1).await;
    let cart = shop.p.send("GET", "/api/v1/cart", &guest, None, &[]).await.expect(200).body;
    let trouble = Trouble::make_for(&shop);
    trouble.next("/Reserve", Fault::LoseAnswer);
    let wanted = || json!({"shippingAddress": address(), "paymentMethod": "sandbox", "email": "guest@example.test"});
    shop.post(&guest, "k", wanted()).await.expect(503);
    assert_eq!(shop.available(&good).await, 0, "the piece is held, though nobody knows");
    let order = shop.post(&guest, "k", wanted()).await.expect(201).body;
    let moment = |id: &serde_json::Value| kit::clock::made_at(text(id).parse().unwrap()).unwrap();
    assert_eq!(moment(&order["id"]), moment(&cart["items"][0]["id"]), "it begins with the moment of its cart's last item");
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.get(&guest, &order).await["status"], "confirmed");
}

async fn a_sale_survives_lost_calls(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    let trouble = Trouble::make_for(&shop);
    let mut left = 100;
    for method in ["/Initiate", "/CheckOut", "/Commit"] {
        for fault in BOTH {
            let key = format!("{method} {fault:?}");
            shop.put_into_cart(&shopper, &good, 1).await;
            trouble.next(method, fault);
            let order = shop.post(&shopper, &key, order_cart()).await.expect(201).body;
            assert_eq!(order["status"], "awaiting_payment", "{key}");
            let cart = shop.p.send("GET", "/api/v1/cart", &shopper, None, &[]).await.expect(200).body;
            assert_eq!(cart["items"], json!([]), "{key}");
            shop.pay(&order, "approve").await.expect(200);
            shop.p.settle().await;
            assert!(trouble.happened(), "{key}");
            left -= 1;
            assert_eq!(shop.get(&shopper, &order).await["status"], "confirmed", "{key}");
            assert_eq!(shop.payment(&shopper, &order).await["status"], "completed", "{key}");
            assert_eq!(shop.available(&good).await, left, "{key}");
        }
    }
}

async fn a_failed_order_gives_everything_back_though_calls_get_lost(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    for method in ["/Void", "/Release"] {
        for fault in BOTH {
            let key = format!("{method} {fault:?}");
            let order = shop.post(&shopper, &key, order_of(&good, 2)).await.expect(201).body;
            trouble.next(method, fault);
            shop.pay(&order, "decline").await.expect(200);
            shop.p.settle().await;
            assert!(trouble.happened(), "{key}");
            assert_eq!(shop.get(&shopper, &order).await["status"], "failed", "{key}");
            assert_eq!(shop.available(&good).await, 3, "{key}");
        }
    }
}

async fn a_cancelled_order_gives_everything_back_though_calls_get_lost(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    for method in ["/Void", "/Release"] {
        for fault in BOTH {
            let key = format!("{method} {fault:?}");
            let order = shop.post(&shopper, &key, order_of(&good, 2)).await.expect(201).body;
            shop.pay(&order, "approve").await.expect(200);
            shop.p.settle().await;
            trouble.next(method, fault);
            shop.cancel(&shopper, &order).await.expect(200);
            shop.p.settle().await;
            assert!(trouble.happened(), "{key}");
            let payment = shop.payment(&shopper, &order).await;
            assert_eq!(
                (&payment["status"], &payment["refunded"]["amount"]),
                (&json!("refunded"), &order["totals"]["total"]["amount"]),
                "{key}"
            );
            assert_eq!(shop.available(&good).await, 3, "{key}");
        }
    }
}

async fn a_payment_that_cannot_begin_in_time_is_answered_early_and_goes_on(engine: Engine) {
    let shop = Shop::open_with(engine, json!({"orders": {"checkout_wait_seconds": 0}})).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    trouble.for_times("/Initiate", Fault::LoseAnswer, usize::MAX);
    let early = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    assert_eq!((&early.body["status"], &early.body["payment"]), (&json!("created"), &json!(null)));
    trouble.over();
    shop.p.settle().await;
    let order = shop.get(&shopper, &early.body).await;
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("awaiting_payment"), &json!("requires_action")));
    shop.pay(&order, "approve").await.expect(200);
    shop.p.settle().await;
    assert_eq!(shop.get(&shopper, &order).await["status"], "confirmed");
    assert_eq!(shop.post(&shopper, "k", order_of(&good, 1)).await.bytes, early.bytes, "the first answer stands");
}

async fn a_payment_that_cannot_begin_at_all_fails_the_order(engine: Engine) {
    let shop = Shop::open_with(engine, json!({"orders": {"checkout_wait_seconds": 0}})).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    trouble.for_times("/Initiate", Fault::LoseAnswer, usize::MAX);
    let early = shop.post(&shopper, "k", order_of(&good, 1)).await.expect(201);
    // The answer does not wait for the payment service; what is not asked before the minute is over never begins.
    testing::eventually("a payment is begun, unheard", || async { shop.count("payments", "payments").await == 1 }).await;
    shop.p.advance_seconds(61);
    shop.p.settle().await;
    let order = shop.get(&shopper, &early.body).await;
    assert_eq!((&order["status"], &order["reason"], &order["payment"]), (&json!("failed"), &json!("unavailable"), &json!(null)));
    assert_eq!(shop.available(&good).await, 3);
    let path = format!("/api/v1/payments/order/{}", text(&order["id"]));
    let payments = shop.p.send("GET", &path, &shopper, None, &[]).await.expect(200).body;
    assert_eq!(payments["data"][0]["status"], "cancelled", "what was begun without an answer is given up: {payments}");
}

async fn a_key_is_in_use_until_it_is_answered(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    trouble.for_times("/Initiate", Fault::LoseRequest, usize::MAX);
    let body = json!({"items": [{"variantId": good.variant, "quantity": 1}], "shippingAddress": address()});
    let first = shop.post(&shopper, "k", body.clone());
    let meanwhile = async {
        while shop.count("orders", "orders").await == 0 {
            tokio::task::yield_now().await;
        }
        let second = shop.post(&shopper, "k", body.clone()).await.expect(409);
        assert_eq!(second.code(), "idempotency_key_in_use");
        trouble.over();
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(first.expect(201).body["status"], "awaiting_payment");
}

async fn what_has_shipped_leaves_the_stock_though_calls_get_lost(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 10).await);
    let trouble = Trouble::make_for(&shop);
    let mut left = 10;
    for fault in BOTH {
        let order = shop.post(&shopper, &format!("{fault:?}"), order_of(&good, 2)).await.expect(201).body;
        shop.pay(&order, "approve").await.expect(200);
        shop.p.settle().await;
        let part = &order["vendorOrders"][0];
        shop.advance(&shop.seller, part, "processing").await.expect(200);
        trouble.next("/Ship", fault);
        shop.advance(&shop.seller, part, "shipped").await.expect(200);
        left -= 2;
        let left = json!([{"onHand": left, "reserved": 0}]);
        testing::eventually("what has shipped is gone", || async { shop.levels(&good).await == left }).await;
        assert!(trouble.happened(), "{fault:?}");
    }
}

async fn a_return_gives_everything_back_once_though_calls_get_lost(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 100).await);
    let trouble = Trouble::make_for(&shop);
    let mut left = 100;
    for method in ["/Refund", "/Restock"] {
        for fault in BOTH {
            let key = format!("{method} {fault:?}");
            let order = shop.post(&shopper, &key, order_of(&good, 3)).await.expect(201).body;
            shop.pay(&order, "approve").await.expect(200);
            shop.p.settle().await;
            shop.deliver(&shop.seller, &order).await;
            let back = shop.ask_back(&shopper, &order, 2).await.expect(201).body;
            shop.say(&shop.seller, &back, "approve").await.expect(200);
            trouble.next(method, fault);
            shop.say(&shop.seller, &back, "receive").await.expect(200);
            shop.p.settle().await;
            assert!(trouble.happened(), "{key}");
            left -= 1;
            assert_eq!(shop.payment(&shopper, &order).await["refunded"]["amount"], 20_000, "{key}");
            assert_eq!(shop.available(&good).await, left, "{key}");
            assert_eq!(shop.journals(&order).await, ["capture", "refund_requested", "refund_completed"], "{key}");
        }
    }
}

async fn a_return_survives_a_crash_at_any_rest(engine: Engine) {
    let mut shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let order = shop.sale(&shopper, &good, 2).await;
    shop.deliver(&shop.seller, &order).await;
    let back = shop.ask_back(&shopper, &order, 2).await.expect(201).body;
    for word in ["approve", "receive"] {
        shop.p.restart().await;
        shop.say(&shop.seller, &back, word).await.expect(200);
    }
    shop.p.restart().await;
    shop.p.advance_seconds(60);
    shop.p.settle().await;
    assert_eq!(shop.payment(&shopper, &order).await["refunded"]["amount"], 20_000);
    assert_eq!((shop.available(&good).await, shop.get(&shopper, &order).await["status"].clone()), (3, json!("returned")));
}

async fn what_is_refused_at_the_door_is_back_once_though_calls_get_lost(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 3).await);
    let trouble = Trouble::make_for(&shop);
    for (method, fault) in [("/Ship", Fault::LoseRequest), ("/Restock", Fault::LoseRequest), ("/Restock", Fault::LoseAnswer)] {
        let key = format!("{method} {fault:?}");
        let order = shop.post(&shopper, &key, order_of(&good, 2)).await.expect(201).body;
        shop.pay(&order, "approve").await.expect(200);
        shop.p.settle().await;
        let part = &order["vendorOrders"][0];
        shop.advance(&shop.seller, part, "processing").await.expect(200);
        trouble.next(method, fault);
        shop.advance(&shop.seller, part, "shipped").await.expect(200);
        shop.advance(&shop.seller, part, "refused").await.expect(200);
        let back = json!([{"onHand": 3, "reserved": 0}]);
        testing::eventually("what was refused is back", || async { shop.levels(&good).await == back }).await;
        // The money goes its own way, which may be longer.
        testing::eventually("the money is back", || async { shop.payment(&shopper, &order).await["status"] == "refunded" }).await;
        assert!(trouble.happened(), "{key}");
    }
}
