//! What stores sell and earn, told by the events of orders and payments.

use contracts::event::Event;
use contracts::events::orders::{
    CancelledPart, ImportedPart, Line, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderImported, OrderPartsCancelled,
    OrderReturnRejected, OrderReturnRequested, OrderReturned, OrderStatusChanged, ReturnedLine, Totals, VendorPart,
};
use contracts::events::payments::{PaymentCashCollected, PaymentCompleted, PaymentRefundFailed, PaymentRefundRequested, Share};
use contracts::{Currency, Money, OrderId, PaymentId, RefundId, ReturnId, Time, VendorId, VendorOrderId};
use kit::{Caller, Clock, Ids, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};
use uuid::Uuid;

testing::both_engines!(
    a_sale_a_refund_and_a_return_are_figures,
    events_that_come_twice_and_out_of_order_change_nothing,
    what_was_not_sold_is_forgotten,
    a_part_that_is_called_off_counts_as_cancelled,
    cash_counts_when_it_is_taken,
    a_refund_that_failed_is_taken_back,
    figures_are_told_by_day_and_period,
    figures_are_the_stores_own,
    what_was_sold_elsewhere_counts_as_sold_but_brought_no_money_here,
);

/// 2026-01-10, noon.
const NOON: Time = Time(1_768_046_400_000_000);
const PERIOD: &str = "from=2026-01-01&to=2026-01-31";

struct Market {
    p: TestPlatform,
    store: VendorId,
    other: VendorId,
    seller: Caller,
    admin: Caller,
}

fn id() -> Uuid {
    Ids::random().uuid(Clock::system().now())
}

fn bdt(amount: i64) -> Money {
    Money::new(amount, Currency::BDT)
}

impl Market {
    async fn open(engine: Engine) -> Market {
        let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
        let seller = testing::user_with(&[Role::Vendor]);
        let owner = seller.user.as_ref().unwrap().id.to_string();
        let store = super::ensure(&p, "looms", owner).await.vendor_id.parse().unwrap();
        let other = super::ensure(&p, "teas", String::new()).await.vendor_id.parse().unwrap();
        Market { p, store, other, seller, admin: testing::user_with(&[Role::Admin]) }
    }

    /// Publishes an event in the name of its service, and waits until it is taken in.
    async fn say<E: Event + Clone>(&self, event: &E) {
        let said = event.clone();
        self.p.db(E::SOURCE).write(move |tx| tx.publish(said.clone())).await.unwrap();
        self.p.settle().await;
    }

    async fn get(&self, path: &str, caller: &Caller) -> Response {
        self.p.send("GET", &format!("/api/v1/vendors/{path}"), caller, None, &[]).await
    }

    async fn metrics(&self) -> Json {
        self.get(&format!("{}/metrics?{PERIOD}", self.store), &self.seller).await.expect(200).body
    }

    async fn earnings(&self, period: &str) -> Json {
        self.get(&format!("{}/earnings?{period}", self.store), &self.seller).await.expect(200).body
    }

    /// Rows of the tables of figures: sales, returns, earnings.
    async fn rows(&self) -> Vec<i64> {
        let count = |table: &'static str| {
            self.p.db("vendors").read(move |q| q.row(&format!("SELECT COUNT(*) FROM vendors.{table}"), &[])?.map_or(Ok(0), |r| r.get(0)))
        };
        let mut all = Vec::new();
        for table in ["sales", "returns", "earnings"] {
            all.push(count(table).await.unwrap_or_else(|e: kit::DbError| panic!("{e}")));
        }
        all
    }

    /// An order of three pieces for 1,150 of the store, and one piece for 500 of the other.
    fn created(&self, order_id: OrderId) -> OrderCreated {
        let line = |quantity, total| Line {
            line_id: id().into(),
            variant_id: id().into(),
            product_id: id().into(),
            sku: None,
            title: "Gamcha".into(),
            kind: "physical".into(),
            quantity,
            unit_price: bdt(total / quantity),
            line_total: bdt(total),
            tax: bdt(0),
            tax_basis_points: None,
            commission_basis_points: 1_000,
            commission: bdt(total / 10),
        };
        let totals =
            |total| Totals { subtotal: bdt(total), discount: bdt(0), shipping: bdt(0), tax: bdt(0), tax_included: true, total: bdt(total) };
        let part = |vendor_id, quantity, total| VendorPart {
            vendor_order_id: part_of(order_id, vendor_id),
            vendor_id,
            lines: vec![line(quantity, total)],
            shipping_method: "standard".into(),
            shipping_tax: bdt(0),
            totals: totals(total),
        };
        OrderCreated {
            order_id,
            number: "HT-2026-000001".into(),
            user_id: None,
            guest: None,
            parts: vec![part(self.store, 3, 1_150), part(self.other, 1, 500)],
            totals: totals(1_650),
            payment_method: "sandbox".into(),
            payment_deadline: NOON,
            payment_id: id().into(),
            saga_id: id().into(),
            at: NOON,
        }
    }

    fn confirmed(&self, order_id: OrderId, at: Time) -> OrderConfirmed {
        let vendor_ids = vec![self.store, self.other];
        OrderConfirmed { order_id, user_id: None, number: "HT-2026-000001".into(), vendor_ids, total: bdt(1_650), at }
    }

    fn moved(&self, order_id: OrderId, status: &str, at: Time) -> OrderStatusChanged {
        OrderStatusChanged {
            order_id,
            vendor_order_id: part_of(order_id, self.store),
            vendor_id: self.store,
            status: status.into(),
            carrier: None,
            tracking_number: None,
            payment_id: None,
            collected: None,
            lines: vec![],
            at,
        }
    }

    /// 1,150 of the store (900 for goods, 60 for shipping, 90 commission, 100 tax) and 500 of the other.
    fn shares(&self, store: [i64; 4]) -> Vec<Share> {
        let share = |account: String, amount, vendor_id| Share { account, amount, vendor_id };
        let [goods, shipping, commission, tax] = store;
        vec![
            share(format!("vendor_payable:{}", self.store), goods, self.store),
            share(format!("shipping_payable:{}", self.store), shipping, self.store),
            share("commission".into(), commission, self.store),
            share("tax_payable".into(), tax, self.store),
            share(format!("vendor_payable:{}", self.other), 500, self.other),
        ]
    }

    fn paid(&self, order_id: OrderId) -> PaymentCompleted {
        let shares = self.shares([900, 60, 90, 100]);
        let provider_reference = "ch_1".into();
        PaymentCompleted { payment_id: id().into(), order_id, method: "sandbox".into(), amount: bdt(1_650), provider_reference, shares }
    }

    fn refunded(&self, refund_id: RefundId) -> PaymentRefundRequested {
        let shares = self.shares([300, 0, 30, 20]).into_iter().filter(|s| s.vendor_id == self.store && s.amount > 0).collect();
        PaymentRefundRequested {
            payment_id: id().into(),
            refund_id,
            amount: bdt(350),
            reason: "broken".into(),
            shares,
            items: vec![],
            shipping_of: Default::default(),
        }
    }

    fn asked_back(&self, order_id: OrderId, return_id: ReturnId) -> OrderReturnRequested {
        OrderReturnRequested {
            order_id,
            user_id: None,
            number: "HT-2026-000001".into(),
            return_id,
            vendor_order_id: part_of(order_id, self.store),
            vendor_id: self.store,
            lines: lines(1),
            reason: "does not fit".into(),
            at: NOON,
        }
    }

    fn came_back(&self, order_id: OrderId, return_id: Option<ReturnId>) -> OrderReturned {
        OrderReturned {
            order_id,
            user_id: None,
            number: "HT-2026-000001".into(),
            vendor_order_id: part_of(order_id, self.store),
            vendor_id: self.store,
            return_id,
            lines: lines(1),
            reason: "returned".into(),
            part_status: "partially_returned".into(),
            at: NOON,
        }
    }

    fn kept(&self, order_id: OrderId, return_id: ReturnId) -> OrderReturnRejected {
        OrderReturnRejected {
            order_id,
            user_id: None,
            number: "HT-2026-000001".into(),
            return_id,
            vendor_order_id: part_of(order_id, self.store),
            vendor_id: self.store,
            reason: "worn".into(),
            part_status: "delivered".into(),
            at: NOON,
        }
    }
}

/// A store's part of an order.
fn part_of(order: OrderId, store: VendorId) -> VendorOrderId {
    VendorOrderId(Uuid::from_u128(order.0.as_u128() ^ store.0.as_u128()))
}

fn lines(quantity: i64) -> Vec<ReturnedLine> {
    vec![ReturnedLine { line_id: id().into(), variant_id: id().into(), product_id: id().into(), quantity }]
}

fn money(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

async fn what_was_sold_elsewhere_counts_as_sold_but_brought_no_money_here(engine: Engine) {
    let m = Market::open(engine).await;
    let order_id = OrderId(id());
    let created = m.created(order_id);
    let imported = |status: &str, later: i64| OrderImported {
        order_id,
        number: "old-shop:1".into(),
        source: "old-shop".into(),
        source_number: "1".into(),
        user_id: None,
        parts: created
            .parts
            .iter()
            .map(|sold| ImportedPart {
                sold: sold.clone(),
                status: status.into(),
                shipped_at: None,
                delivered_at: (status == "delivered").then(|| NOON.plus_seconds(60)),
            })
            .collect(),
        totals: created.totals.clone(),
        placed_at: NOON,
        at: NOON.plus_seconds(later),
    };
    m.say(&imported("confirmed", 100)).await;
    let open = m.metrics().await;
    assert_eq!(
        (&open["orders"]["confirmed"], &open["orders"]["delivered"], &open["value"]),
        (&json!(1), &json!(0), &json!([money(1_150)]))
    );
    m.say(&imported("delivered", 200)).await;
    let delivered = m.metrics().await;
    assert_eq!(
        (&delivered["orders"]["confirmed"], &delivered["orders"]["delivered"], &delivered["pieces"]["sold"]),
        (&json!(1), &json!(1), &json!(3))
    );
    m.say(&imported("cancelled", 300)).await;
    let off = m.metrics().await;
    assert_eq!((&off["orders"]["cancelled"], &off["orders"]["delivered"], &off["value"]), (&json!(1), &json!(0), &json!([money(0)])));
    assert_eq!(m.rows().await, [2, 0, 0]);
}

async fn a_sale_a_refund_and_a_return_are_figures(engine: Engine) {
    let m = Market::open(engine).await;
    let (order, back, kept) = (OrderId(id()), ReturnId(id()), ReturnId(id()));
    m.say(&m.created(order)).await;
    m.say(&m.paid(order)).await;
    m.say(&m.confirmed(order, NOON)).await;
    m.say(&m.moved(order, "processing", NOON)).await;
    m.say(&m.moved(order, "shipped", NOON.plus_seconds(5_400))).await;
    m.say(&m.moved(order, "delivered", NOON.plus_seconds(9_000))).await;
    for id in [back, kept] {
        m.say(&m.asked_back(order, id)).await;
    }
    m.say(&m.came_back(order, Some(back))).await;
    m.say(&m.kept(order, kept)).await;
    m.say(&m.refunded(RefundId(id()))).await;
    let expected = json!({
        "vendorId": m.store, "from": "2026-01-01", "to": "2026-01-31",
        "orders": {"confirmed": 1, "cancelled": 0, "shipped": 1, "delivered": 1, "refused": 0},
        "pieces": {"sold": 3, "delivered": 3, "returned": 1},
        "value": [money(1_150)],
        "returns": {"requested": 2, "received": 1, "rejected": 1},
        "shipTime": {"averageSeconds": 5_400, "longestSeconds": 5_400},
        "cancellationRateBasisPoints": 0, "returnRateBasisPoints": 3_333,
    });
    assert_eq!(m.metrics().await, expected);
    let today = m.earnings("").await;
    let sums = json!({"sales": money(1_150), "refunds": money(350), "commission": money(60), "tax": money(80), "earned": money(660)});
    assert_eq!(today["totals"], json!([sums]));
    assert_eq!(today["days"].as_array().unwrap().len(), 1);
    let other = m.get(&format!("{}/earnings", m.other), &m.admin).await.expect(200).body;
    assert_eq!(other["totals"][0]["earned"], money(500));
}

async fn events_that_come_twice_and_out_of_order_change_nothing(engine: Engine) {
    let m = Market::open(engine).await;
    let (order, back, refund) = (OrderId(id()), ReturnId(id()), RefundId(id()));
    let (created, paid, refunded) = (m.created(order), m.paid(order), m.refunded(refund));
    let failed = PaymentRefundFailed { payment_id: refunded.payment_id, refund_id: refund, reason: "account closed".into() };
    for round in 0..2 {
        m.say(&refunded).await;
        m.say(&paid).await;
        m.say(&created).await;
        m.say(&m.confirmed(order, NOON.plus_seconds(round))).await;
        m.say(&m.moved(order, "shipped", NOON.plus_seconds(60 + round))).await;
        m.say(&m.moved(order, "delivered", NOON.plus_seconds(90))).await;
        m.say(&m.asked_back(order, back)).await;
        m.say(&m.came_back(order, Some(back))).await;
        m.say(&failed).await;
        assert_eq!(m.rows().await, [2, 1, 4], "a row for each part, each return, and each store whose money moved");
    }
    let metrics = m.metrics().await;
    assert_eq!((&metrics["orders"]["confirmed"], &metrics["shipTime"]["averageSeconds"]), (&json!(1), &json!(60)));
    assert_eq!((&metrics["pieces"]["returned"], &metrics["returns"]["requested"]), (&json!(1), &json!(1)));
    assert_eq!(m.earnings("").await["totals"][0]["earned"], money(960));
}

async fn what_was_not_sold_is_forgotten(engine: Engine) {
    let m = Market::open(engine).await;
    let number = || "HT-2026-000001".to_owned();
    let ended = |order_id| OrderCancelled { order_id, user_id: None, number: number(), vendor_ids: vec![], reason: "x".into(), at: NOON };
    let [failed, cancelled, sold, refused] = [(); 4].map(|()| OrderId(id()));
    for order in [failed, cancelled, sold, refused] {
        m.say(&m.created(order)).await;
    }
    m.say(&OrderFailed { order_id: failed, user_id: None, number: number(), reason: "payment_declined".into(), at: NOON }).await;
    m.say(&ended(cancelled)).await;
    assert_eq!(m.rows().await, [4, 0, 0]);
    for order in [sold, refused] {
        m.say(&m.confirmed(order, NOON)).await;
    }
    m.say(&ended(sold)).await;
    m.say(&m.moved(refused, "shipped", NOON)).await;
    m.say(&m.moved(refused, "refused", NOON)).await;
    m.say(&m.came_back(refused, None)).await;
    let metrics = m.metrics().await;
    assert_eq!(metrics["orders"], json!({"confirmed": 2, "cancelled": 1, "shipped": 1, "delivered": 0, "refused": 1}));
    assert_eq!((&metrics["value"], &metrics["cancellationRateBasisPoints"]), (&json!([money(0)]), &json!(5_000)));
    assert_eq!((&metrics["returnRateBasisPoints"], &metrics["returns"]["requested"]), (&json!(null), &json!(0)));
}

async fn a_part_that_is_called_off_counts_as_cancelled(engine: Engine) {
    let m = Market::open(engine).await;
    let order = OrderId(id());
    m.say(&m.created(order)).await;
    m.say(&m.confirmed(order, NOON)).await;
    let parts = vec![CancelledPart { vendor_order_id: part_of(order, m.store), vendor_id: m.store }];
    let called_off =
        OrderPartsCancelled { order_id: order, user_id: None, number: "HT-2026-000001".into(), parts, reason: "x".into(), at: NOON };
    for _ in 0..2 {
        m.say(&called_off).await;
    }
    assert_eq!(m.metrics().await["orders"]["cancelled"], 1);
    let other = m.get(&format!("{}/metrics?{PERIOD}", m.other), &m.admin).await.expect(200).body;
    assert_eq!((&other["orders"]["confirmed"], &other["orders"]["cancelled"]), (&json!(1), &json!(0)));
}

async fn cash_counts_when_it_is_taken(engine: Engine) {
    let m = Market::open(engine).await;
    let order = OrderId(id());
    let taken = |amount: i64, missing: i64, shares: [i64; 4]| PaymentCashCollected {
        payment_id: id().into(),
        order_id: order,
        vendor_id: m.store,
        collection_id: id().into(),
        amount: bdt(amount),
        missing: bdt(missing),
        shares: m.shares(shares).into_iter().filter(|s| s.vendor_id == m.store && s.amount > 0).collect(),
    };
    m.say(&taken(0, 1_150, [0; 4])).await;
    assert_eq!(m.earnings("").await["totals"], json!([]), "nothing was paid at the door");
    m.say(&taken(575, 575, [450, 30, 45, 50])).await;
    m.say(&PaymentCompleted { method: "cod".into(), shares: vec![], ..m.paid(order) }).await;
    let totals = &m.earnings("").await["totals"][0];
    assert_eq!((&totals["sales"], &totals["earned"]), (&money(575), &money(480)));
}

async fn a_refund_that_failed_is_taken_back(engine: Engine) {
    let m = Market::open(engine).await;
    let refund = RefundId(id());
    m.say(&m.paid(OrderId(id()))).await;
    m.say(&m.refunded(refund)).await;
    assert_eq!(m.earnings("").await["totals"][0]["refunds"], money(350));
    m.say(&PaymentRefundFailed { payment_id: PaymentId(id()), refund_id: refund, reason: "account closed".into() }).await;
    let totals = &m.earnings("").await["totals"][0];
    assert_eq!((&totals["refunds"], &totals["earned"], &totals["commission"]), (&money(0), &money(960), &money(90)));
}

async fn figures_are_told_by_day_and_period(engine: Engine) {
    let m = Market::open(engine).await;
    // The last moment of a day, and the first of the next.
    let midnight = NOON.plus_seconds(12 * 3_600);
    for at in [Time(midnight.0 - 1), midnight] {
        let order = OrderId(id());
        m.say(&m.created(order)).await;
        m.say(&m.confirmed(order, at)).await;
    }
    m.say(&m.paid(OrderId(id()))).await;
    let analytics = async |period: &str| m.get(&format!("analytics?{period}"), &m.seller).await.expect(200).body;
    let days = |report: &Json| -> Vec<(String, i64, i64)> {
        let day = |d: &Json| (d["day"].as_str().unwrap().to_owned(), d["orders"].as_i64().unwrap(), d["value"]["amount"].as_i64().unwrap());
        report["days"].as_array().unwrap().iter().map(day).collect()
    };
    let both = analytics(PERIOD).await;
    assert_eq!(days(&both), [("2026-01-10".into(), 1, 1_150), ("2026-01-11".into(), 1, 1_150)]);
    assert_eq!((&both["metrics"]["orders"]["confirmed"], &both["earnings"]), (&json!(2), &json!([])), "the money moved today");
    assert_eq!(days(&analytics("from=2026-01-11&to=2026-01-11").await), [("2026-01-11".into(), 1, 1_150)]);
    let today = analytics("").await;
    assert_eq!((today["days"][0]["orders"].as_i64(), &today["days"][0]["earnings"]["earned"]), (Some(0), &money(960)));
    for wrong in ["from=2026-02-01&to=2026-01-01", "from=2025-01-01&to=2026-06-01", "from=tomorrow", "to=2026-13-01"] {
        assert_eq!(m.get(&format!("analytics?{wrong}"), &m.seller).await.expect(400).code(), "invalid_period", "{wrong}");
    }
    m.get("analytics?day=2026-01-01", &m.seller).await.expect(400);
}

async fn figures_are_the_stores_own(engine: Engine) {
    let m = Market::open(engine).await;
    let stranger = testing::user_with(&[Role::Vendor]);
    for report in ["earnings", "metrics"] {
        m.get(&format!("{}/{report}", m.store), &m.seller).await.expect(200);
        m.get(&format!("{}/{report}", m.store), &m.admin).await.expect(200);
        m.get(&format!("{}/{report}", m.other), &m.seller).await.expect(404);
        m.get(&format!("{}/{report}", m.store), &stranger).await.expect(404);
        m.get(&format!("{}/{report}", id()), &m.admin).await.expect(404);
    }
    m.get("analytics", &stranger).await.expect(404);
}
