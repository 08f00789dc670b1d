use contracts::events::orders::{OrderStatusChanged, ReturnedLine};
use contracts::proto::payments as api;
use contracts::{Currency, Money, OrderLineId, Time, VendorOrderId};
use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, Response};
use tokio::task::JoinSet;

use crate::shop::{Begun, Shop, id};

testing::both_engines!(
    cash_is_collected_store_by_store_and_then_the_payment_is_complete,
    what_is_short_stays_open_until_it_is_collected_or_written_off,
    what_is_refused_at_the_door_is_never_paid,
    what_was_paid_before_and_is_refused_goes_back,
    what_the_store_delivered_otherwise_stays_paid_when_the_rest_is_refused,
    a_delivery_before_its_payment_waits_for_it,
    a_void_of_a_promise_leaves_nothing_due,
    remittances_move_cash_and_never_more_than_was_collected,
    a_remittance_covers_the_oldest_payments_or_those_that_are_named,
    a_remittance_whose_key_was_forgotten_is_answered_as_it_is_recorded,
    of_two_remittances_of_the_same_cash_one_succeeds,
    cash_is_given_back_by_hand,
    who_may_do_what_with_cash,
);

/// 700 from the first store, 300 from the second, for every 1,000.
async fn promised(shop: &Shop, amount: i64) -> Begun {
    let begun = shop.initiate(api::InitiateRequest { method: "cod".into(), ..shop.wanted(amount) }).await.unwrap();
    assert_eq!((begun.status.as_str(), begun.action_url.as_str()), ("processing", ""));
    Begun { id: begun.payment_id.parse().unwrap(), order: begun.order_id.parse().unwrap(), url: String::new() }
}

/// A store's part reached the door; `None`: it was refused there.
fn at_door(shop: &Shop, begun: &Begun, store: usize, collected: Option<i64>) -> OrderStatusChanged {
    OrderStatusChanged {
        order_id: begun.order,
        vendor_order_id: VendorOrderId(id()),
        vendor_id: shop.stores[store],
        status: if collected.is_some() { "delivered" } else { "refused" }.into(),
        carrier: None,
        tracking_number: None,
        payment_id: Some(begun.id),
        collected: collected.map(|amount| Money::new(amount, Currency::BDT)),
        lines: vec![],
        at: Time(1),
    }
}

/// Tells payments, twice.
async fn tell(shop: &Shop, event: OrderStatusChanged) {
    for _ in 0..2 {
        let event = event.clone();
        shop.p.db("orders").write(move |tx| tx.publish(event.clone())).await.unwrap();
    }
    shop.p.settle().await;
}

/// Status of the payment, and what each store's part has collected of what is due.
async fn standing(shop: &Shop, begun: &Begun) -> (String, Vec<(String, i64, i64)>) {
    shop.assert_balanced().await;
    let payment = shop.payment(begun).await;
    let part = |c: &Json| {
        (c["status"].as_str().unwrap().to_owned(), c["collected"]["amount"].as_i64().unwrap(), c["due"]["amount"].as_i64().unwrap())
    };
    let mut parts: Vec<&Json> = payment["cash"].as_array().unwrap().iter().collect();
    parts.sort_by_key(|c| shop.stores.iter().position(|s| c["vendorId"] == json!(s)));
    (payment["status"].as_str().unwrap().to_owned(), parts.into_iter().map(part).collect())
}

fn stands(status: &str, parts: [(&str, i64, i64); 2]) -> (String, Vec<(String, i64, i64)>) {
    (status.to_owned(), parts.map(|(status, collected, due)| (status.to_owned(), collected, due)).to_vec())
}

async fn post(shop: &Shop, path: &str, caller: &Caller, key: &str, body: Json) -> Response {
    shop.p.send("POST", &format!("/api/v1/payments/{path}"), caller, Some(body), &[("idempotency-key", key)]).await
}

async fn remit(shop: &Shop, store: usize, amount: i64, key: &str) -> Response {
    let body = json!({"vendorId": shop.stores[store], "amount": {"amount": amount, "currency": "BDT"}, "reference": "slip 7"});
    post(shop, "cash/remittances", &shop.admin, key, body).await
}

/// Debits less credits of an account.
async fn balance(shop: &Shop, account: &str) -> i64 {
    let accounts = shop.get("/api/v1/ledger/accounts", &shop.admin).await.expect(200).body;
    let found = accounts["data"].as_array().unwrap().iter().find(|a| a["account"] == account).cloned();
    found.map_or(0, |a| a["balance"]["amount"].as_i64().unwrap())
}

async fn cash_is_collected_store_by_store_and_then_the_payment_is_complete(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("promised", 0, 700), ("promised", 0, 300)]));
    assert_eq!(shop.journals(&begun).await, [""; 0], "a promise is not money");
    tell(&shop, at_door(&shop, &begun, 1, Some(300))).await;
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("promised", 0, 700), ("collected", 300, 300)]));
    tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
    assert_eq!(standing(&shop, &begun).await, stands("completed", [("collected", 700, 700), ("collected", 300, 300)]));
    assert_eq!(shop.journals(&begun).await, ["cash_collected", "cash_collected"]);
    let [a, b] = shop.stores;
    assert_eq!(balance(&shop, &format!("cash_in_transit:{a}")).await, 700);
    assert_eq!(balance(&shop, &format!("vendor_payable:{b}")).await, -255);
    assert_eq!(balance(&shop, "provider_clearing:cod").await, 0);
    assert_eq!(shop.charge(&begun).await, None, "no provider took part");
}

async fn what_is_short_stays_open_until_it_is_collected_or_written_off(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    tell(&shop, at_door(&shop, &begun, 0, Some(500))).await;
    tell(&shop, at_door(&shop, &begun, 1, Some(0))).await;
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("short", 500, 700), ("short", 0, 300)]));
    let late = |store: usize, amount: i64| json!({"vendorId": shop.stores[store], "amount": {"amount": amount, "currency": "BDT"}});
    let path = format!("{}/collect", begun.id);
    let too_much = post(&shop, &path, &shop.sellers[0], "a", late(0, 201)).await.expect(409);
    assert_eq!((too_much.code(), &too_much.body["missing"]["amount"]), ("collection_exceeds_due", &json!(200)));
    let first = post(&shop, &path, &shop.sellers[0], "a", late(0, 150)).await.expect(201);
    let again = post(&shop, &path, &shop.sellers[0], "a", late(0, 150)).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), ("true", &first.bytes));
    assert_eq!((&first.body["status"], &first.body["missing"]["amount"]), (&json!("short"), &json!(50)));
    post(&shop, &path, &shop.sellers[0], "b", late(0, 50)).await.expect(201);
    assert_eq!(post(&shop, &path, &shop.sellers[0], "c", late(0, 1)).await.expect(409).code(), "not_short");
    let off = |store: usize| json!({"vendorId": shop.stores[store], "reason": "the shopper had no more on him"});
    let path = format!("{}/write-off", begun.id);
    let written = post(&shop, &path, &shop.admin, "", off(1)).await.expect(200).body;
    assert_eq!((&written["status"], &written["due"]["amount"]), (&json!("released"), &json!(0)));
    assert_eq!(post(&shop, &path, &shop.admin, "", off(1)).await.expect(409).code(), "not_short");
    assert_eq!(standing(&shop, &begun).await, stands("completed", [("collected", 700, 700), ("released", 0, 0)]));
    assert_eq!(shop.journals(&begun).await, ["cash_collected"; 3]);
}

async fn what_is_refused_at_the_door_is_never_paid(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    tell(&shop, at_door(&shop, &begun, 0, None)).await;
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("released", 0, 0), ("promised", 0, 300)]));
    tell(&shop, at_door(&shop, &begun, 1, None)).await;
    assert_eq!(standing(&shop, &begun).await, stands("cancelled", [("released", 0, 0), ("released", 0, 0)]));
    assert_eq!(shop.journals(&begun).await, [""; 0], "no money ever");
    let other = promised(&shop, 1_000).await;
    tell(&shop, at_door(&shop, &other, 0, Some(700))).await;
    tell(&shop, at_door(&shop, &other, 1, None)).await;
    assert_eq!(standing(&shop, &other).await, stands("completed", [("collected", 700, 700), ("released", 0, 0)]));
}

async fn what_was_paid_before_and_is_refused_goes_back(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.paid(1_000).await;
    tell(&shop, at_door(&shop, &begun, 1, None)).await;
    let payment = shop.payment(&begun).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("partially_refunded"), &json!(300)));
    assert_eq!(payment["cash"], Json::Null);
    assert_eq!(balance(&shop, &format!("vendor_payable:{}", shop.stores[1])).await, 0);
    assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_completed"]);
}

async fn what_the_store_delivered_otherwise_stays_paid_when_the_rest_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    // Of the first store 400 for two pieces that are carried, 260 for one that is not, and 40 of shipping.
    let ids: [OrderLineId; 2] = [id().into(), id().into()];
    let line = |n: usize, quantity, total, commission| api::PaidLine {
        line_id: ids[n].to_string(),
        vendor_id: shop.stores[0].to_string(),
        quantity,
        total,
        tax: 0,
        commission,
    };
    let begun = shop.paid_for(api::InitiateRequest { lines: vec![line(0, 2, 400, 40), line(1, 1, 260, 20)], ..shop.wanted(1_000) }).await;
    let refused = ReturnedLine { line_id: ids[0], variant_id: id().into(), product_id: id().into(), quantity: 2 };
    tell(&shop, OrderStatusChanged { lines: vec![refused], ..at_door(&shop, &begun, 0, None) }).await;
    let payment = shop.payment(&begun).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("partially_refunded"), &json!(440)));
    assert_eq!(balance(&shop, &format!("vendor_payable:{}", shop.stores[0])).await, -240);
    assert_eq!(balance(&shop, &format!("shipping_payable:{}", shop.stores[0])).await, 0);
    assert_eq!(shop.journals(&begun).await, ["capture", "refund_requested", "refund_completed"]);
    // What was given back by hand before does not go back again, and nothing left is no fault.
    let other = shop.paid_for(api::InitiateRequest { lines: vec![line(0, 2, 400, 40), line(1, 1, 260, 20)], ..shop.wanted(1_000) }).await;
    shop.refund(&shop.sellers[0], &other, 700, "all").await.expect(201);
    let refused = ReturnedLine { line_id: ids[0], variant_id: id().into(), product_id: id().into(), quantity: 2 };
    tell(&shop, OrderStatusChanged { lines: vec![refused], ..at_door(&shop, &other, 0, None) }).await;
    assert_eq!(shop.payment(&other).await["refunded"]["amount"], 700);
}

async fn a_delivery_before_its_payment_waits_for_it(engine: Engine) {
    let shop = Shop::open(engine).await;
    let request = api::InitiateRequest { method: "cod".into(), ..shop.wanted(1_000) };
    let begun = Begun { id: request.payment_id.parse().unwrap(), order: request.order_id.parse().unwrap(), url: String::new() };
    let early = at_door(&shop, &begun, 0, Some(700));
    shop.p.db("orders").write(move |tx| tx.publish(early.clone())).await.unwrap();
    let events = shop.p.db("orders");
    testing::eventually("payments has seen it", || async { events.read(|q| kit::events::after(q, 0, 9)).await.unwrap().len() == 1 }).await;
    shop.initiate(request).await.unwrap();
    shop.p.advance_seconds(60);
    shop.p.settle().await;
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("collected", 700, 700), ("promised", 0, 300)]));
}

async fn a_void_of_a_promise_leaves_nothing_due(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    for _ in 0..2 {
        assert_eq!(shop.void(&begun).await.unwrap().status, "cancelled");
    }
    assert_eq!(standing(&shop, &begun).await, stands("cancelled", [("released", 0, 0), ("released", 0, 0)]));
    assert_eq!(shop.journals(&begun).await, [""; 0]);
}

async fn remittances_move_cash_and_never_more_than_was_collected(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    assert_eq!(remit(&shop, 0, 1, "early").await.expect(409).code(), "remittance_exceeds_collected");
    tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
    let first = remit(&shop, 0, 300, "a").await.expect(201);
    assert_eq!(first.body["payments"], json!([{"paymentId": begun.id, "amount": {"amount": 300, "currency": "BDT"}}]));
    assert_eq!(remit(&shop, 0, 300, "a").await.expect(201).bytes, first.bytes, "once per key");
    assert_eq!(remit(&shop, 0, 301, "a").await.expect(422).code(), "idempotency_key_reused");
    let too_much = remit(&shop, 0, 401, "b").await.expect(409);
    assert_eq!(too_much.body["left"]["amount"], 400);
    remit(&shop, 0, 400, "b").await.expect(201);
    let transit = format!("cash_in_transit:{}", shop.stores[0]);
    assert_eq!((balance(&shop, "cash").await, balance(&shop, &transit).await), (700, 0));
    assert_eq!(standing(&shop, &begun).await, stands("processing", [("remitted", 700, 700), ("promised", 0, 300)]));
    assert_eq!(shop.journals(&begun).await, ["cash_collected", "cash_remitted", "cash_remitted"]);
    for bad in [0, -1] {
        assert_eq!(remit(&shop, 0, bad, &format!("{bad}")).await.status, 422);
    }
    let list = shop.get("/api/v1/payments/cash/remittances", &shop.admin).await.expect(200).body;
    let amounts: Vec<_> = list["data"].as_array().unwrap().iter().map(|r| r["amount"]["amount"].clone()).collect();
    assert_eq!(amounts, [json!(400), json!(300)]);
}

async fn a_remittance_covers_the_oldest_payments_or_those_that_are_named(engine: Engine) {
    let shop = Shop::open(engine).await;
    let mut sales = Vec::new();
    for _ in 0..3 {
        let begun = promised(&shop, 1_000).await;
        tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
        sales.push(begun);
    }
    remit(&shop, 0, 1_000, "oldest").await.expect(201);
    let remitted = || async {
        let path = format!("/api/v1/payments/cash?vendorId={}", shop.stores[0]);
        let list = shop.get(&path, &shop.sellers[0]).await.expect(200).body;
        list["data"].as_array().unwrap().iter().rev().map(|c| c["remitted"]["amount"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(remitted().await, [700, 300, 0]);
    let named = |amount: i64| json!({"vendorId": shop.stores[0], "amount": {"amount": amount, "currency": "BDT"}, "reference": "x", "payments": [sales[2].id]});
    assert_eq!(post(&shop, "cash/remittances", &shop.admin, "n", named(701)).await.expect(409).body["left"]["amount"], 700);
    post(&shop, "cash/remittances", &shop.admin, "n", named(600)).await.expect(201);
    assert_eq!(remitted().await, [700, 300, 600]);
    let of = |status: &'static str| format!("/api/v1/payments/cash?status={status}");
    assert_eq!(shop.get(&of("remitted"), &shop.admin).await.expect(200).body["data"].as_array().unwrap().len(), 1);
    assert_eq!(shop.get(&of("promised"), &shop.sellers[1]).await.expect(200).body["data"].as_array().unwrap().len(), 3);
    assert_eq!(shop.get(&of("lost"), &shop.admin).await.expect(400).code(), "invalid_query");
}

async fn a_remittance_whose_key_was_forgotten_is_answered_as_it_is_recorded(engine: Engine) {
    let shop = Shop::open(engine).await;
    for _ in 0..2 {
        let begun = promised(&shop, 1_000).await;
        tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
    }
    let first = remit(&shop, 0, 1_000, "a").await.expect(201);
    let forget = || shop.p.db("payments").write(|tx| tx.execute("DELETE FROM own.idempotency", &[]));
    assert_eq!(first.body["payments"].as_array().unwrap().len(), 2);
    remit(&shop, 0, 400, "b").await.expect(201);
    for _ in 0..2 {
        forget().await.unwrap();
        assert_eq!(remit(&shop, 0, 1_000, "a").await.expect(201).bytes, first.bytes);
    }
    forget().await.unwrap();
    assert_eq!(remit(&shop, 0, 1_001, "a").await.expect(409).code(), "remittance_mismatch");
    let amount = json!({"amount": 1_000, "currency": "BDT"});
    let named =
        json!({"vendorId": shop.stores[0], "amount": amount, "reference": "slip 7", "payments": [first.body["payments"][0]["paymentId"]]});
    assert_eq!(post(&shop, "cash/remittances", &shop.admin, "a", named).await.expect(409).code(), "remittance_mismatch");
    assert_eq!(balance(&shop, "cash").await, 1_400);
    let list = shop.get("/api/v1/payments/cash/remittances", &shop.admin).await.expect(200).body;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

async fn of_two_remittances_of_the_same_cash_one_succeeds(engine: Engine) {
    let shop = std::sync::Arc::new(Shop::open(engine).await);
    for round in 0..5 {
        let begun = promised(&shop, 1_000).await;
        tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
        let mut callers = JoinSet::new();
        for n in 0..4 {
            let shop = shop.clone();
            callers.spawn(async move { remit(&shop, 0, 700, &format!("{round}-{n}")).await.status });
        }
        let mut statuses = callers.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
        assert_eq!(shop.journals(&begun).await, ["cash_collected", "cash_remitted"]);
    }
}

async fn cash_is_given_back_by_hand(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    tell(&shop, at_door(&shop, &begun, 0, Some(700))).await;
    let refund = shop.refund(&shop.admin, &begun, 200, "k").await.expect(201).body;
    assert_eq!(refund["status"], "processing");
    shop.p.settle().await;
    let path = format!("/api/v1/payments/{}/refunds/{}/settle", begun.id, refund["id"].as_str().unwrap());
    for _ in 0..2 {
        let settled = shop.p.send("POST", &path, &shop.admin, None, &[]).await.expect(200).body;
        assert_eq!((&settled["status"], &settled["amount"]["amount"]), (&json!("completed"), &json!(200)));
    }
    assert_eq!(balance(&shop, "cash").await, -200, "paid out before it was handed over");
    remit(&shop, 0, 700, "r").await.expect(201);
    assert_eq!(balance(&shop, "cash").await, 500);
    assert_eq!(shop.journals(&begun).await, ["cash_collected", "refund_requested", "refund_completed", "cash_remitted"]);
    tell(&shop, at_door(&shop, &begun, 1, Some(300))).await;
    assert_eq!(shop.payment(&begun).await["status"], "partially_refunded");
    let paid = shop.paid(1_000).await;
    let by_provider = shop.refund(&shop.admin, &paid, 200, "p").await.expect(201).body;
    let path = format!("/api/v1/payments/{}/refunds/{}/settle", paid.id, by_provider["id"].as_str().unwrap());
    assert_eq!(shop.p.send("POST", &path, &shop.admin, None, &[]).await.expect(409).code(), "not_to_be_settled");
}

/// A sale in which the first store has no part.
fn only_of_the_second(shop: &Shop) -> api::InitiateRequest {
    let wanted = shop.wanted(1_000);
    let store = shop.stores[1].to_string();
    let shares: Vec<_> = wanted.shares.iter().filter(|s| s.vendor_id == store).cloned().collect();
    let amount = shares.iter().map(|s| s.amount).sum();
    api::InitiateRequest { amount: Some(api::Money { amount, currency: "BDT".into() }), shares, ..wanted }
}

async fn who_may_do_what_with_cash(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = promised(&shop, 1_000).await;
    tell(&shop, at_door(&shop, &begun, 0, Some(0))).await;
    let late = json!({"vendorId": shop.stores[0], "amount": {"amount": 1, "currency": "BDT"}});
    let path = format!("{}/collect", begun.id);
    assert_eq!(post(&shop, &path, &shop.sellers[1], "k", late.clone()).await.status, 404, "another store's part");
    assert_eq!(post(&shop, &path, &shop.payer, "k", late.clone()).await.status, 403);
    let unknown = format!("{}/collect", id());
    assert_eq!(post(&shop, &unknown, &shop.admin, "k", late.clone()).await.status, 404);
    let foreign = shop.paid_for(only_of_the_second(&shop)).await;
    for (case, payment) in [("of another store", foreign.id.0), ("of nobody", id())] {
        let refused = post(&shop, &format!("{payment}/collect"), &shop.sellers[0], "k", late.clone()).await.expect(404);
        assert_eq!(refused.code(), "not_found", "{case}");
    }
    let own = shop.paid(1_000).await;
    let refused = post(&shop, &format!("{}/collect", own.id), &shop.sellers[0], "k", late.clone()).await;
    assert_eq!(refused.expect(409).code(), "not_cash");
    let keyless = shop.p.send("POST", &format!("/api/v1/payments/{path}"), &shop.sellers[0], Some(late), &[]).await;
    assert_eq!(keyless.expect(400).code(), "idempotency_key_required");
    let mine = shop.get("/api/v1/payments/cash", &shop.sellers[1]).await.expect(200).body;
    assert!(mine["data"].as_array().unwrap().iter().all(|c| c["vendorId"] == json!(shop.stores[1])), "{mine}");
    let others = format!("/api/v1/payments/cash?vendorId={}", shop.stores[0]);
    assert_eq!(shop.get(&others, &shop.sellers[1]).await.expect(200).body["data"], json!([]));
    let off = json!({"vendorId": shop.stores[0], "reason": "x"});
    let handed = json!({"vendorId": shop.stores[0], "amount": {"amount": 1, "currency": "BDT"}, "reference": "x"});
    assert_eq!(post(&shop, &format!("{}/write-off", begun.id), &shop.sellers[0], "k", off).await.status, 403);
    assert_eq!(post(&shop, "cash/remittances", &shop.sellers[0], "k", handed).await.status, 403);
    shop.get("/api/v1/payments/cash/remittances", &shop.sellers[0]).await.expect(403);
    shop.get("/api/v1/payments/cash", &shop.payer).await.expect(403);
}
