//! Who is told what, and that it is told once.

use contracts::events::identity::UserRegistered;
use contracts::events::orders::{OrderCancelled, OrderConfirmed, OrderFailed, OrderStatusChanged};
use contracts::events::payments::PaymentRefunded;
use contracts::events::vendors::VendorStaffInvited;
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
    a_store_hears_of_the_part_that_it_need_not_pack,
    each_event_is_told_once_however_often_and_in_which_order_it_comes,
    an_account_that_is_gone_is_told_nothing,
    a_return_is_told_to_the_store_and_its_answer_to_the_shopper,
    stock_is_told_to_who_waits_and_to_the_store,
    an_invitation_is_told_once_to_who_is_asked,
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

async fn a_store_hears_of_the_part_that_it_need_not_pack(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let price = json!({"amount": 5_000, "currency": "BDT"});
    let song = json!({"title": "A song", "handle": "song", "kind": "digital", "variants": [{"sku": "S", "price": price}]});
    let song = m.p.send("POST", "/api/v1/products", &m.seller, Some(song), &[]).await.expect(201).body;
    let order = m.order_also(&shopper, "k1", &text(&song["variants"][0]["id"])).await;
    m.pay(&order, "approve").await;
    let before = m.kinds(&m.seller).await;
    let path = format!("/api/v1/orders/{}/cancel", text(&order["id"]));
    let cancelled = m.p.send("PUT", &path, &shopper, Some(json!({"reason": "too late"})), &[]).await.expect(200).body;
    assert_eq!(cancelled["status"], "partially_cancelled", "what was delivered at once stays sold");
    m.p.settle().await;
    assert_eq!(m.kinds(&m.seller).await[before.len()..], ["vendor_order.cancelled"], "once, for the one part");
    let mail = m.mails("seller@looms.test").await.pop().unwrap();
    assert_eq!(mail["subject"], format!("Order {} for Dhaka Looms is cancelled", text(&order["number"])));
    let words = text(&mail["text"]);
    assert!(words.contains("Gamcha <red>") && words.contains("too late") && !words.contains("A song"), "{words}");
    assert!(!m.kinds(&shopper).await.contains(&"vendor_order.cancelled".to_owned()), "it is the store's to know");
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
        lines: vec![],
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

async fn a_return_is_told_to_the_store_and_its_answer_to_the_shopper(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let order = m.sale(&shopper, "k1").await;
    for status in ["processing", "shipped", "delivered"] {
        m.advance(&order, status).await;
    }
    let (told, to_store) = (m.kinds(&shopper).await.len(), m.kinds(&m.seller).await.len());
    let path = format!("/api/v1/orders/{}/return", text(&order["id"]));
    let back = async |key: &'static str, answer: &str, body: serde_json::Value| {
        let items = json!([{"lineId": order["vendorOrders"][0]["items"][0]["id"], "quantity": 1}]);
        let asked = json!({"items": items, "reason": "too small"});
        let made = m.p.send("POST", &path, &shopper, Some(asked), &[("idempotency-key", key)]).await.expect(201).body;
        m.p.settle().await;
        m.p.send("POST", &format!("/api/v1/returns/{}/{answer}", text(&made["id"])), &m.seller, Some(body), &[]).await.expect(200);
        m.p.settle().await;
    };
    back("r1", "approve", json!({})).await;
    back("r2", "reject", json!({"reason": "worn"})).await;
    assert_eq!(m.kinds(&m.seller).await[to_store..], ["vendor_order.return_requested", "vendor_order.return_requested"]);
    let mails = m.mails("seller@looms.test").await;
    let asked = mails.iter().rfind(|m| text(&m["subject"]).starts_with("A return for order")).unwrap();
    let body = text(&asked["text"]);
    for part in ["- 1 × Gamcha <red>\n", "Reason given: too small", "/vendor/orders/"] {
        assert!(body.contains(part), "{part:?} is not in {body}");
    }
    assert_eq!(m.kinds(&shopper).await[told..], ["order.return_approved", "order.return_rejected"]);
    let newest = &m.list(&shopper, "?limit=1").await[0];
    assert_eq!(newest["body"], "Dhaka Looms does not accept your return. Reason given: worn");
}

async fn stock_is_told_to_who_waits_and_to_the_store(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let tea = json!({"title": "Tea", "handle": "tea", "variants": [{"sku": "T", "price": {"amount": 100, "currency": "BDT"}}]});
    let tea = m.p.send("POST", "/api/v1/products", &m.seller, Some(tea), &[]).await.expect(201).body;
    let (id, variant) = (text(&tea["id"]), text(&tea["variants"][0]["id"]));
    let wait = async || {
        let path = format!("/api/v1/products/{id}/back-in-stock");
        m.p.send("POST", &path, &shopper, Some(json!({})), &[]).await.expect(201);
    };
    let adjust = async |by: i64| {
        let main = "01900000-0000-7000-8000-000000000001";
        let body = json!({"variantId": variant, "warehouseId": main, "adjust": by, "reason": "counted"});
        m.p.send("PUT", &format!("/api/v1/inventory/{id}"), &m.seller, Some(body), &[]).await.expect(200);
        m.p.settle().await;
    };
    for _ in 0..2 {
        wait().await;
        adjust(10).await;
        adjust(-7).await;
        adjust(-3).await;
    }
    assert_eq!(m.kinds(&shopper).await[1..], ["product.back_in_stock", "product.back_in_stock"], "each time that was asked for");
    assert_eq!(m.kinds(&m.seller).await[1..], ["inventory.low", "inventory.low"], "once until there are more");
    let newest = &m.list(&m.seller, "?limit=1").await[0];
    assert_eq!((&newest["title"], &newest["body"]), (&json!("Dhaka Looms: Tea runs out"), &json!("Only 3 can still be bought.")));
    let mail = m.mails("ayesha@example.test").await.pop().unwrap();
    assert_eq!(mail["subject"], "Back in stock: Tea");
    assert!(text(&mail["text"]).contains(&format!("http://haat.test/products/{}", text(&tea["slug"]))), "{mail}");
}

async fn an_invitation_is_told_once_to_who_is_asked(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let (seen, mailed) = (m.kinds(&her).await.len(), m.mails("ayesha@example.test").await.len());
    let invite = async || {
        let body = json!({"userId": id_of(&her)});
        m.p.send("POST", "/api/v1/vendors/store/staff", &m.seller, Some(body), &[]).await.expect(201);
        m.p.settle().await;
    };
    invite().await;
    invite().await;
    let log = m.p.db("vendors").read(|q| kit::events::after(q, 0, 1_000)).await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    let said: Vec<VendorStaffInvited> = log.iter().filter_map(|e| e.decode().ok()).collect();
    assert_eq!(said.len(), 1, "who was asked is not asked again");
    m.say(&said[0]).await;
    assert_eq!(m.kinds(&her).await[seen..], ["vendor.staff_invited"]);
    let newest = &m.list(&her, "?limit=1").await[0];
    assert_eq!(newest["title"], "Dhaka Looms asks you to work in its store");
    let mails = m.mails("ayesha@example.test").await;
    assert_eq!(mails.len(), mailed + 1);
    let link = text(&mails[mailed]["text"]).lines().find(|l| l.starts_with("http://haat.test/vendor/")).unwrap().to_owned();
    m.p.send("GET", link.strip_prefix("http://haat.test").unwrap(), &testing::guest(), None, &[]).await.expect(200);

    let store = &m.p.send("GET", "/api/v1/vendors/store", &m.seller, None, &[]).await.expect(200).body["id"];
    let declined = format!("/api/v1/vendors/staff/invitations/{}", text(store));
    m.p.send("DELETE", &declined, &her, None, &[]).await.expect(204);
    let bangla = json!({"locale": "bn"});
    m.p.send("PUT", "/api/v1/users/profile", &her, Some(bangla), &[]).await.expect(200);
    invite().await;
    let mails = m.mails("ayesha@example.test").await;
    assert_eq!(mails.len(), mailed + 2, "another invitation is another message");
    assert!(text(&mails[mailed + 1]["subject"]).contains("দোকানে কাজ করতে আমন্ত্রণ"), "{mails:?}");
}
