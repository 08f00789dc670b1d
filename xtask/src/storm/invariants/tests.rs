use serde_json::json;

use super::super::record::{Acknowledged, Order};
use super::*;

fn money(amount: i64) -> Json {
    json!({"amount": amount, "currency": "BDT"})
}

/// One order of two units for 500, approved and confirmed.
fn record() -> Record {
    let mut record = Record::default();
    let order = Order { id: "o".into(), total: 500, lines: BTreeMap::from([("v".into(), 2)]) };
    record.fold(Acknowledged::Ordered { key: "k".into(), order });
    record.fold(Acknowledged::Decided { order: "o".into(), decision: Decision::Approve });
    record
}

fn shown() -> Shown {
    let order = json!({"id": "o", "status": "confirmed", "totals": {"total": money(500)},
        "vendorOrders": [{"items": [{"variantId": "v", "quantity": 2}]}],
        "payment": {"id": "p", "status": "completed", "amount": money(500), "refunded": money(0)}});
    Shown {
        payments: BTreeMap::new(),
        orders: BTreeMap::from([("o".into(), order)]),
        charges: vec![json!({"id": "c", "paymentId": "p", "amount": money(500), "refunded": money(0), "status": "captured"})],
        balance: json!({"data": [{"account": "provider_clearing:sandbox", "currency": "BDT", "debit": 500, "credit": 0},
            {"account": "vendor_payable:x", "currency": "BDT", "debit": 0, "credit": 500}], "difference": [money(0)]}),
        stock: BTreeMap::from([("v".into(), Stock { on_hand: 10, reserved: 2 })]),
        sagas: Vec::new(),
        dead_letters: Vec::new(),
    }
}

fn order(shown: &mut Shown) -> &mut Json {
    shown.orders.get_mut("o").expect("the order is shown")
}

fn stock(shown: &mut Shown) -> &mut Stock {
    shown.stock.get_mut("v").expect("the variant is shown")
}

fn before() -> BTreeMap<String, Stock> {
    BTreeMap::from([("v".into(), Stock { on_hand: 10, reserved: 0 })])
}

#[test]
fn a_sale_that_went_well_breaks_nothing() {
    assert_eq!(violations(&record(), &before(), &shown()), Vec::<String>::new());
}

#[test]
fn each_kind_of_damage_is_seen() {
    type Damage = fn(&mut Shown);
    let cases: &[(&str, Damage)] = &[
        ("acknowledged and is gone", |s| s.orders.clear()),
        ("is not what was acknowledged", |s| order(s)["totals"]["total"]["amount"] = json!(499)),
        ("is awaiting_payment", |s| order(s)["status"] = json!("awaiting_payment")),
        ("is failed with a payment that is completed", |s| order(s)["status"] = json!("failed")),
        ("was charged 2 times", |s| s.charges.push(s.charges[0].clone())),
        ("was charged 0, should be 500", |s| s.charges.clear()),
        ("gave back 501 of 500", |s| s.charges[0]["refunded"] = money(501)),
        ("the payment says 0", |s| s.charges[0]["refunded"] = money(100)),
        ("says that its payment is processing, payments says completed", |s| {
            s.payments.insert("o".into(), json!({"status": "processing"}));
        }),
        ("nobody was told of", |s| s.charges[0]["paymentId"] = json!("other")),
        ("trial balance is off by -1", |s| s.balance["data"][1]["credit"] = json!(501)),
        ("trial balance itself says", |s| s.balance["difference"][0] = money(1)),
        ("the ledger has 500 BDT at the sandbox, the sandbox has 400", |s| s.charges[0]["amount"] = money(400)),
        ("reserved: 2 }", |s| s.stock.clear()),
        ("on_hand: 10", |s| stock(s).on_hand = 8),
        ("saga order_fulfilment of o is still running", |s| {
            s.sagas.push(json!({"type": "order_fulfilment", "subject": "o", "status": "running"}))
        }),
        ("still waiting", |s| s.sagas.push(json!({"type": "order_fulfilment", "subject": "o", "status": "waiting"}))),
        ("a dead letter", |s| s.dead_letters.push(json!({"id": "d"}))),
    ];
    for (expected, damage) in cases {
        let mut shown = shown();
        damage(&mut shown);
        let found = violations(&record(), &before(), &shown);
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn a_declined_order_holds_neither_money_nor_stock() {
    let mut record = record();
    record.fold(Acknowledged::Decided { order: "o".into(), decision: Decision::Decline });
    let mut shown = shown();
    order(&mut shown)["status"] = json!("failed");
    order(&mut shown)["payment"]["status"] = json!("failed");
    shown.charges.clear();
    shown.balance = json!({"data": [], "difference": []});
    shown.stock = before();
    assert_eq!(violations(&record, &before(), &shown), Vec::<String>::new());
    stock(&mut shown).reserved = 2;
    assert_eq!(violations(&record, &before(), &shown).len(), 1, "stock was not given back");
}

#[test]
fn a_cancelled_order_has_its_money_back() {
    let mut record = record();
    record.fold(Acknowledged::Cancelled { order: "o".into() });
    let mut shown = shown();
    shown.stock = before();
    order(&mut shown)["status"] = json!("cancelled");
    let found = violations(&record, &before(), &shown);
    assert_eq!(found, ["order o (Some(Approve), then cancelled) is cancelled with a payment that is completed"]);
    order(&mut shown)["payment"]["status"] = json!("refunded");
    order(&mut shown)["payment"]["refunded"] = money(500);
    shown.charges[0]["refunded"] = money(500);
    shown.balance["data"][0]["credit"] = json!(500);
    shown.balance["data"][1]["debit"] = json!(500);
    assert_eq!(violations(&record, &before(), &shown), Vec::<String>::new());
}

#[test]
fn acknowledged_refunds_came_back() {
    let mut record = record();
    record.fold(Acknowledged::Refunded { order: "o".into(), refund: "r".into(), amount: 100 });
    let found = violations(&record, &before(), &shown());
    assert!(found.iter().any(|text| text.contains("refunds of 100 were acknowledged, 0 came back")), "{found:?}");
}

#[test]
fn an_order_that_waits_for_its_payer_may_wait() {
    let mut record = Record::default();
    let acknowledged = Order { id: "o".into(), total: 500, lines: BTreeMap::from([("v".into(), 2)]) };
    record.fold(Acknowledged::Ordered { key: "k".into(), order: acknowledged });
    let mut shown = shown();
    order(&mut shown)["status"] = json!("awaiting_payment");
    order(&mut shown)["payment"]["status"] = json!("requires_action");
    shown.charges.clear();
    shown.balance = json!({"data": [], "difference": []});
    shown.sagas.push(json!({"type": "order_fulfilment", "subject": "o", "status": "waiting"}));
    assert_eq!(violations(&record, &before(), &shown), Vec::<String>::new());
}
