//! Who is told what, and that it is told once.

use contracts::events::identity::UserRegistered;
use contracts::events::orders::{OrderCancelled, OrderConfirmed, OrderFailed, OrderStatusChanged};
use contracts::events::payments::PaymentRefunded;
use contracts::{Currency, Money, PaymentId, RefundId, Time, UserId};
use kit::Ids;
use serde_json::json;
use testing::Engine;

use crate::market::{Market, id_of, order_id, part_id, text};

testing::both_engines!(
    a_sale_is_told_to_shopper_and_seller,
    a_guest_is_told_by_mail,
    a_declined_payment_is_told,
    a_cancelled_sale_and_its_refund_are_told,
    each_event_is_told_once_however_often_and_in_which_order_it_comes,
    an_account_that_is_gone_is_told_nothing,
);

async fn a_sale_is_told_to_shopper_and_seller(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.sale(&shopper, "k1").await;
    let number = text(&order["number"]);
    assert_eq!(m.kinds(&shopper).await, ["user.registered", "order.created", "order.confirmed"]);
    let newest = &m.list(&shopper, "?limit=1").await[0];
    assert_eq!(newest["title"], format!("Order {number} is confirmed"));
    assert_eq!((&newest["orderId"], &newest["readAt"], &newest["channel"]), (&order["id"], &json!(null), &json!("in_app")));

    let mail = &m.mails("ayesha@example.test").await[1];
    assert_eq!(mail["subject"], format!("Order {number} is confirmed"));
    let body = text(&mail["text"]);
    let total = order["totals"]["total"]["amount"].as_i64().unwrap();
    for part in [
        "Hello Ayesha,",
        "2 × Gamcha <red>: BDT 2,598.00",
        &format!("Total with shipping: BDT {},{:03}.00", total / 100_000, total / 100 % 1_000),
    ] {
        assert!(body.contains(part), "{part:?} is not in {body}");
    }
    assert!(body.contains(&format!("http://haat.test/orders/{}", text(&order["id"]))), "{body}");
    assert!(text(&mail["html"]).contains("<li>2 × Gamcha &lt;red&gt;: BDT 2,598.00</li>"));

    assert_eq!(m.kinds(&m.seller).await, ["user.registered", "vendor_order.confirmed"]);
    assert_eq!(m.subjects("seller@looms.test").await[0], format!("New order {number} for Dhaka Looms"));

    m.advance(&order, "processing").await;
    m.advance(&order, "shipped").await;
    m.advance(&order, "delivered").await;
    assert_eq!(m.kinds(&shopper).await[3..], ["order.shipped", "order.delivered"]);
    let shipped = &m.list(&shopper, "").await[1];
    assert_eq!(shipped["body"], "Dhaka Looms has handed over your goods to Pathao, tracking number P-17.");
    assert_eq!(m.mails("ayesha@example.test").await.len(), 4, "proof of the address, confirmed, shipped, delivered");
}

async fn a_guest_is_told_by_mail(engine: Engine) {
    let m = Market::open(engine).await;
    let order = m.sale(&testing::guest(), "k1").await;
    let number = text(&order["number"]);
    assert_eq!(m.subjects("guest@elsewhere.test").await, [format!("Order {number} is confirmed")]);
    assert!(text(&m.mails("guest@elsewhere.test").await[0]["text"]).starts_with("Hello,\n"));
}

async fn a_declined_payment_is_told(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.order(&shopper, "k1").await;
    m.pay(&order, "decline").await;
    let newest = &m.list(&shopper, "").await[0];
    assert_eq!(newest["kind"], "order.failed");
    assert_eq!(newest["body"], "The payment was declined. You have not been charged.");
    assert_eq!(m.kinds(&m.seller).await, ["user.registered"], "a store hears of sales only");
}

async fn a_cancelled_sale_and_its_refund_are_told(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.sale(&shopper, "k1").await;
    let path = format!("/api/v1/orders/{}/cancel", text(&order["id"]));
    m.p.send("PUT", &path, &shopper, Some(json!({"reason": "too late {{name}}"})), &[]).await.expect(200);
    m.p.settle().await;
    let mut kinds = m.kinds(&shopper).await.split_off(3);
    kinds.sort();
    assert_eq!(kinds, ["order.cancelled", "payment.refunded"], "they come from two services, in any order");
    let mails = m.mails("ayesha@example.test").await;
    let cancelled = mails.iter().find(|m| text(&m["subject"]).ends_with("is cancelled")).unwrap();
    assert!(text(&cancelled["text"]).contains("Reason given: too late {{name}}"), "what people write is not a template");
    let refunded = mails.iter().find(|m| text(&m["subject"]).contains("refunded")).unwrap();
    assert!(text(&refunded["subject"]).starts_with("BDT 2,"), "{refunded}");

    assert_eq!(m.kinds(&m.seller).await, ["user.registered", "vendor_order.confirmed", "vendor_order.cancelled"]);
    let to_store = &m.mails("seller@looms.test").await[1];
    assert_eq!(to_store["subject"], format!("Order {} for Dhaka Looms is cancelled", text(&order["number"])));
    assert!(text(&to_store["text"]).contains("2 × Gamcha <red>"), "{to_store}");
    let unpaid = m.order(&shopper, "k2").await;
    m.p.send("PUT", &format!("/api/v1/orders/{}/cancel", text(&unpaid["id"])), &shopper, Some(json!({})), &[]).await.expect(200);
    m.p.settle().await;
    assert_eq!(m.kinds(&m.seller).await.len(), 3, "a store hears nothing of what it never had to pack");
}

async fn each_event_is_told_once_however_often_and_in_which_order_it_comes(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let user = id_of(&shopper).parse::<UserId>().unwrap();
    let user_id = Some(user);
    let order = m.order(&shopper, "k1").await;
    let (order_id, part, number) = (order_id(&order), part_id(&order), text(&order["number"]));
    let vendor_id = text(&order["vendorOrders"][0]["vendorId"]).parse().unwrap();
    let (total, at) = (Money::new(100, Currency::BDT), Time(0));
    let moved = |status: &str| OrderStatusChanged {
        order_id,
        vendor_order_id: part,
        vendor_id,
        status: status.into(),
        carrier: None,
        tracking_number: None,
        payment_id: None,
        collected: None,
        at,
    };
    let refund_id = RefundId(Ids::random().uuid(at));
    for _ in 0..2 {
        m.say(&PaymentRefunded { payment_id: PaymentId::default(), order_id, refund_id, amount: total }).await;
        m.say(&moved("delivered")).await;
        m.say(&OrderCancelled { order_id, user_id, number: number.clone(), vendor_ids: vec![vendor_id], reason: "x".into(), at }).await;
        m.say(&moved("shipped")).await;
        m.say(&moved("processing")).await;
        m.say(&OrderFailed { order_id, user_id, number: number.clone(), reason: "x".into(), at }).await;
        m.say(&OrderConfirmed { order_id, user_id, number: number.clone(), vendor_ids: vec![vendor_id], total, at }).await;
        m.say(&UserRegistered { user_id: user }).await;
    }
    let expected = [
        "user.registered",
        "order.created",
        "payment.refunded",
        "order.delivered",
        "order.cancelled",
        "order.shipped",
        "order.failed",
        "order.confirmed",
    ];
    assert_eq!(m.kinds(&shopper).await, expected);
    assert_eq!(m.mails("ayesha@example.test").await.len(), 7, "the proof of the address, and everything but that the order is placed");
    assert_eq!(m.kinds(&m.seller).await, ["user.registered", "vendor_order.cancelled", "vendor_order.confirmed"]);
}

async fn an_account_that_is_gone_is_told_nothing(engine: Engine) {
    let m = Market::open(engine).await;
    m.say(&UserRegistered { user_id: UserId(Ids::random().uuid(Time(0))) }).await;
    let sql = "SELECT COUNT(*) FROM notifications.messages";
    let row = m.p.db("notifications").read(move |q| q.row(sql, &[])).await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    assert_eq!(row.unwrap().get::<i64>(0), Ok(1), "the seller's welcome and nothing else");
}
