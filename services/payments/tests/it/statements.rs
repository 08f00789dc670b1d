//! Statements say what the ledger says.

use std::collections::BTreeMap;

use contracts::events::orders::OrderStatusChanged;
use contracts::proto::payments as api;
use contracts::{Currency, Money, Time, VendorId, VendorOrderId};
use kit::{Clock, Role};
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::shop::{Begun, Shop, id};

testing::both_engines!(statements_close_where_the_trial_balance_stands, a_statement_is_for_its_store_and_for_administrators);

const DAY_SECONDS: i64 = 24 * 3_600;

/// The day so many days after `begun`.
fn day(begun: Time, days: i64) -> String {
    begun.plus_seconds(days * DAY_SECONDS).to_string().chars().take(10).collect()
}

/// Sales, refunds by amount and by the piece, cash in full and short, collected later, refused, handed over, paid out.
/// On several days; gives how many at most.
async fn a_few_days_of_trade(shop: &Shop) -> i64 {
    let line = |n: u128, vendor: VendorId, total, commission| api::PaidLine {
        line_id: uuid::Uuid::from_u128(n).to_string(),
        vendor_id: vendor.to_string(),
        quantity: 3,
        total,
        tax: 0,
        commission,
    };
    let lines = vec![line(1, shop.stores[0], 660, 60), line(2, shop.stores[1], 300, 45)];
    let (sale, pieces) = (shop.paid(1_000).await, shop.paid_for(api::InitiateRequest { lines, ..shop.wanted(1_000) }).await);
    next_day(shop).await;
    shop.refund(&shop.sellers[1], &sale, 120, "a").await.expect(201);
    let body = json!({"items": [{"lineId": uuid::Uuid::from_u128(1), "quantity": 2}], "reason": "returned"});
    let path = format!("/api/v1/payments/{}/refund", pieces.id);
    shop.p.send("POST", &path, &shop.admin, Some(body), &[("idempotency-key", "b")]).await.expect(201);
    next_day(shop).await;
    let (whole, short, refused) = (promised(shop).await, promised(shop).await, promised(shop).await);
    for (cash, taken) in [(&whole, Some(700)), (&short, Some(401)), (&refused, None)] {
        at_door(shop, cash, taken).await;
    }
    next_day(shop).await;
    let money = |amount: i64| json!({"amount": amount, "currency": "BDT"});
    let vendor = shop.stores[0];
    let post = async |path: String, key: &str, body: Json| {
        let headers = [("idempotency-key", key)];
        shop.p.send("POST", &format!("/api/v1/payments/{path}"), &shop.admin, Some(body), &headers).await.expect(201).body
    };
    post(format!("{}/collect", short.id), "c", json!({"vendorId": vendor, "amount": money(99)})).await;
    post("cash/remittances".into(), "d", json!({"vendorId": vendor, "amount": money(900), "reference": "slip 7"})).await;
    let back = shop.refund(&shop.admin, &whole, 70, "e").await.expect(201).body;
    next_day(shop).await;
    let settled = format!("/api/v1/payments/{}/refunds/{}/settle", whole.id, back["id"].as_str().unwrap());
    shop.p.send("POST", &settled, &shop.admin, None, &[]).await.expect(200);
    // One more, should midnight pass while this runs.
    5
}

async fn next_day(shop: &Shop) {
    shop.p.settle().await;
    shop.p.advance_seconds(DAY_SECONDS);
}

async fn promised(shop: &Shop) -> Begun {
    let begun = shop.initiate(api::InitiateRequest { method: "cod".into(), ..shop.wanted(1_000) }).await.unwrap();
    Begun { id: begun.payment_id.parse().unwrap(), order: begun.order_id.parse().unwrap(), url: String::new() }
}

/// The first store's part reached the door; `None`: it was refused there.
async fn at_door(shop: &Shop, begun: &Begun, taken: Option<i64>) {
    let event = OrderStatusChanged {
        order_id: begun.order,
        vendor_order_id: VendorOrderId(id()),
        vendor_id: shop.stores[0],
        status: if taken.is_some() { "delivered" } else { "refused" }.into(),
        carrier: None,
        tracking_number: None,
        payment_id: Some(begun.id),
        collected: taken.map(|amount| Money::new(amount, Currency::BDT)),
        lines: vec![],
        at: Time(1),
    };
    shop.p.db("orders").write(move |tx| tx.publish(event.clone())).await.unwrap();
    shop.p.settle().await;
}

fn balances(of: &Json) -> BTreeMap<String, i64> {
    let one = |b: &Json| (b["account"].as_str().unwrap().to_owned(), b["balance"]["amount"].as_i64().unwrap());
    of.as_array().unwrap().iter().map(one).collect()
}

async fn statement(shop: &Shop, vendor: VendorId, query: &str) -> Json {
    shop.get(&format!("/api/v1/ledger/statements/{vendor}?{query}"), &shop.admin).await.expect(200).body
}

async fn statements_close_where_the_trial_balance_stands(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = Clock::system().now();
    let days = a_few_days_of_trade(&shop).await;
    let trial = shop.get("/api/v1/ledger/trial-balance", &shop.admin).await.expect(200).body;
    for vendor in shop.stores {
        let whole = statement(&shop, vendor, &format!("from={}&to={}", day(begun, 0), day(begun, days))).await;
        let stands = |a: &&Json| a["account"].as_str().unwrap().ends_with(&format!(":{vendor}"));
        let owed = |a: &Json| (a["account"].as_str().unwrap().to_owned(), a["credit"].as_i64().unwrap() - a["debit"].as_i64().unwrap());
        let expected: BTreeMap<String, i64> = trial["data"].as_array().unwrap().iter().filter(stands).map(owed).collect();
        assert_eq!(balances(&whole["closing"]), expected, "as the trial balance has them");
        assert!(balances(&whole["opening"]).values().all(|amount| *amount == 0), "{}", whole["opening"]);
        let entries = whole["entries"].as_array().unwrap();
        assert!(entries.iter().all(|e| e["orderId"].is_string()));

        // Day by day: each begins where the one before ended, and all entries are told once.
        let (mut told, mut stood) = (0, BTreeMap::new());
        for n in 0..=days {
            let one = statement(&shop, vendor, &format!("from={}&to={}", day(begun, n), day(begun, n))).await;
            let (opening, closing) = (balances(&one["opening"]), balances(&one["closing"]));
            assert!(opening.iter().all(|(account, amount)| stood.get(account).copied().unwrap_or(0) == *amount), "day {n}: {one}");
            for (account, before) in &opening {
                let moved: i64 = one["entries"].as_array().unwrap().iter().filter(|e| e["account"] == account.as_str()).map(amount).sum();
                assert_eq!(before + moved, closing[account], "day {n}, {account}");
            }
            told += one["entries"].as_array().unwrap().len();
            stood = closing;
        }
        assert_eq!((told, stood), (entries.len(), expected));
    }
    assert_csv(&shop, &format!("from={}&to={}", day(begun, 0), day(begun, days))).await;
}

fn amount(entry: &Json) -> i64 {
    entry["amount"]["amount"].as_i64().unwrap()
}

/// The same as CSV.
async fn assert_csv(shop: &Shop, period: &str) {
    let vendor = shop.stores[0];
    let whole = statement(shop, vendor, period).await;
    let sheet = shop.get(&format!("/api/v1/ledger/statements/{vendor}?{period}&format=csv"), &shop.admin).await.expect(200);
    assert_eq!(sheet.header("content-type"), "text/csv; charset=utf-8");
    assert!(sheet.header("content-disposition").starts_with("attachment; filename=\"statement-"));
    let text = String::from_utf8(sheet.bytes).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time,kind,order,journal,entry,account,debit,credit,balance,currency"));
    let cells: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let (ends, entries): (Vec<_>, Vec<_>) = cells.iter().partition(|c| c[1] == "opening" || c[1] == "closing");
    assert_eq!(ends.len(), 2 * whole["closing"].as_array().unwrap().len());
    let of_json = whole["entries"].as_array().unwrap();
    assert_eq!(entries.len(), of_json.len());
    for (cells, entry) in entries.iter().zip(of_json) {
        let moved = cells[7].parse::<i64>().unwrap() - cells[6].parse::<i64>().unwrap();
        assert_eq!((moved, cells[2], cells[1]), (amount(entry), entry["orderId"].as_str().unwrap(), entry["kind"].as_str().unwrap()));
        assert_eq!(cells[8].parse::<i64>().unwrap(), entry["balance"]["amount"].as_i64().unwrap());
    }
}

async fn a_statement_is_for_its_store_and_for_administrators(engine: Engine) {
    let shop = Shop::open(engine).await;
    shop.paid(1_000).await;
    let path = |vendor: VendorId| format!("/api/v1/ledger/statements/{vendor}");
    let own = shop.get(&path(shop.stores[0]), &shop.sellers[0]).await.expect(200).body;
    let [goods, shipping] = [format!("vendor_payable:{}", shop.stores[0]), format!("shipping_payable:{}", shop.stores[0])];
    assert_eq!(balances(&own["closing"]), BTreeMap::from([(goods, 600), (shipping, 40)]));
    shop.get(&path(shop.stores[1]), &shop.sellers[0]).await.expect(404);
    shop.get(&path(shop.stores[0]), &testing::user_with(&[Role::Vendor])).await.expect(404);
    shop.get(&path(VendorId(id())), &shop.admin).await.expect(404);
    for wrong in ["from=2026-02-01&to=2026-01-01", "from=soon"] {
        let refused = shop.get(&format!("{}?{wrong}", path(shop.stores[0])), &shop.admin).await.expect(400);
        assert_eq!(refused.code(), "invalid_period", "{wrong}");
    }
    for wrong in ["format=pdf", "currency=BDT"] {
        shop.get(&format!("{}?{wrong}", path(shop.stores[0])), &shop.admin).await.expect(400);
    }
}
