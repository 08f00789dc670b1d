//! Every call of every saga of orders × how it fails: before its effect or after it, once or again and again, with the process
//! living on or dying meanwhile. Each story ends as if nothing had failed, and undoing it once more changes nothing.

use contracts::proto::catalog::ReleaseRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::payments::VoidRequest;
use contracts::proto::payments::payments_client::PaymentsClient;
use kit::Caller;
use kit::channel::Fault;
use serde_json::{Value as Json, json};
use testing::{Engine, both_engines};

use crate::faults::Trouble;
use crate::shop::{Good, Shop, order_cart, text};

both_engines!(sold, declined, called_off, sent_back);

/// How a call fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Lost(Fault, usize),
    /// Nothing comes through until the process has died.
    Died(Fault),
}

const FAILURES: [Failure; 8] = [
    Failure::Lost(Fault::LoseRequest, 1),
    Failure::Lost(Fault::LoseAnswer, 1),
    Failure::Lost(Fault::LoseRequest, 2),
    Failure::Lost(Fault::LoseAnswer, 2),
    Failure::Lost(Fault::Outrun, 1),
    Failure::Lost(Fault::Outrun, 2),
    Failure::Died(Fault::LoseRequest),
    Failure::Died(Fault::LoseAnswer),
];

const ON_HAND: i64 = 100;

/// A shop whose calls can be made to fail.
struct Stage {
    shop: Shop,
    trouble: Trouble,
}

/// One order, and what becomes of it while one method fails in one way.
struct Story {
    shop: Shop,
    trouble: Trouble,
    shopper: Caller,
    good: Good,
    order: Json,
    failing: (&'static str, Failure),
}

impl Story {
    /// An order of two pieces out of the cart; `/Initiate` and `/CheckOut` are called for it.
    async fn begin(Stage { shop, trouble }: Stage, good: Good, failing: (&'static str, Failure)) -> Story {
        let mut story = Story { shop, trouble, shopper: testing::user(), good, order: Json::Null, failing };
        story.shop.put_into_cart(&story.shopper, &story.good, 2).await;
        let key = format!("{failing:?}");
        let troubled = story.make_trouble(&["/Initiate", "/CheckOut"]);
        story.order = story.shop.post(&story.shopper, &key, order_cart()).await.expect(201).body;
        story.over(troubled).await;
        story.look().await;
        assert_eq!(story.order["status"], "awaiting_payment", "{key}");
        story
    }

    async fn look(&mut self) {
        self.order = self.shop.get(&self.shopper, &self.order).await;
    }

    /// Makes the trouble of this story where it concerns one of these methods; whether it does.
    fn make_trouble(&self, methods: &[&str]) -> bool {
        let (method, failure) = self.failing;
        let concerns = methods.contains(&method);
        if concerns {
            match failure {
                Failure::Lost(fault, times) => self.trouble.for_times(method, fault, times),
                Failure::Died(fault) => self.trouble.for_times(method, fault, usize::MAX),
            }
        }
        concerns
    }

    /// Until all is done that can be done, with a new process where the old one was to die.
    async fn over(&mut self, troubled: bool) {
        match self.failing.1 {
            Failure::Lost(..) => {
                self.shop.rest().await;
                assert!(!troubled || self.trouble.happened(), "{:?}", self.failing);
            }
            Failure::Died(_) if troubled => {
                testing::eventually("the call fails", || async { self.trouble.left() < usize::MAX }).await;
                self.shop.p.restart().await;
                self.trouble = Trouble::make_for(&self.shop);
                // Past the lease of whoever died.
                self.shop.p.advance_seconds(60);
                self.shop.rest().await;
            }
            Failure::Died(_) => self.shop.rest().await,
        }
    }

    fn end_stage(self) -> Stage {
        Stage { shop: self.shop, trouble: self.trouble }
    }

    async fn pay(&mut self, answer: &str, calls: &[&str]) {
        let troubled = self.make_trouble(calls);
        self.shop.pay(&self.order, answer).await.expect(200);
        self.over(troubled).await;
        self.look().await;
    }

    /// How the order, its payment and the stock ended.
    async fn end(&self) -> (Json, Json, Json, i64) {
        self.shop.journals(&self.order).await;
        let payment = self.shop.payment(&self.shopper, &self.order).await;
        let left = self.shop.available(&self.good).await;
        (self.order["status"].clone(), payment["status"].clone(), payment["refunded"]["amount"].clone(), left)
    }

    /// Both compensations come once more.
    async fn undo_again(&self) {
        let order_id = text(&self.order["id"]);
        let void = VoidRequest { payment_id: text(&self.order["payment"]["id"]), order_id: order_id.clone(), reason: "again".into() };
        PaymentsClient::new(self.shop.p.channel("payments")).void(void).await.expect("it is void already");
        let release = ReleaseRequest { reservation_id: order_id, variant_ids: Vec::new() };
        CatalogClient::new(self.shop.p.channel("catalog")).release(release).await.expect("it is released already");
        self.shop.p.settle().await;
    }
}

/// Tells a story for each of these methods and each way to fail, one after the other in one shop.
async fn tell<F: Future<Output = Stage>>(
    engine: Engine,
    methods: &[&'static str],
    story: impl Fn(Stage, Good, (&'static str, Failure)) -> F,
) {
    // Who places an order is answered at once: the payment may not begin before the process has died.
    let shop = Shop::open_with(engine, json!({"orders": {"checkout_wait_seconds": 0}})).await;
    let trouble = Trouble::make_for(&shop);
    let mut stage = Stage { shop, trouble };
    let mut price = 10_000;
    for method in methods {
        for failure in FAILURES {
            // Goods are told apart by their price.
            price += 100;
            let good = stage.shop.good(price, ON_HAND).await;
            stage = story(stage, good, (*method, failure)).await;
        }
    }
}

async fn sold(engine: Engine) {
    tell(engine, &["/Initiate", "/CheckOut", "/Commit"], |stage, good, failing| async move {
        let mut story = Story::begin(stage, good, failing).await;
        story.pay("approve", &["/Commit"]).await;
        assert_eq!(story.end().await, (json!("confirmed"), json!("completed"), json!(0), ON_HAND - 2), "{failing:?}");
        let cart = story.shop.p.send("GET", "/api/v1/cart", &story.shopper, None, &[]).await.expect(200).body;
        assert_eq!(cart["items"], json!([]), "{failing:?}");
        story.end_stage()
    })
    .await;
}

async fn declined(engine: Engine) {
    tell(engine, &["/Void", "/Release"], |stage, good, failing| async move {
        let mut story = Story::begin(stage, good, failing).await;
        story.pay("decline", &["/Void", "/Release"]).await;
        for _ in 0..2 {
            assert_eq!(story.end().await, (json!("failed"), json!("failed"), json!(0), ON_HAND), "{failing:?}");
            story.undo_again().await;
        }
        story.end_stage()
    })
    .await;
}

async fn called_off(engine: Engine) {
    tell(engine, &["/Void", "/Release"], |stage, good, failing| async move {
        let mut story = Story::begin(stage, good, failing).await;
        story.pay("approve", &[]).await;
        let troubled = story.make_trouble(&["/Void", "/Release"]);
        story.shop.cancel(&story.shopper, &story.order).await.expect(200);
        story.over(troubled).await;
        story.look().await;
        let paid = story.order["totals"]["total"]["amount"].clone();
        for _ in 0..2 {
            assert_eq!(story.end().await, (json!("cancelled"), json!("refunded"), paid.clone(), ON_HAND), "{failing:?}");
            story.undo_again().await;
        }
        story.end_stage()
    })
    .await;
}

async fn sent_back(engine: Engine) {
    tell(engine, &["/Refund", "/Restock"], |stage, good, failing| async move {
        let mut story = Story::begin(stage, good, failing).await;
        story.pay("approve", &[]).await;
        story.shop.deliver(&story.shop.seller, &story.order).await;
        let back = story.shop.ask_back(&story.shopper, &story.order, 1).await.expect(201).body;
        story.shop.say(&story.shop.seller, &back, "approve").await.expect(200);
        let troubled = story.make_trouble(&["/Refund", "/Restock"]);
        story.shop.say(&story.shop.seller, &back, "receive").await.expect(200);
        story.over(troubled).await;
        story.look().await;
        let price = story.order["vendorOrders"][0]["items"][0]["unitPrice"]["amount"].clone();
        assert_eq!(story.end().await, (json!("partially_returned"), json!("partially_refunded"), price, ON_HAND - 1), "{failing:?}");
        story.end_stage()
    })
    .await;
}
