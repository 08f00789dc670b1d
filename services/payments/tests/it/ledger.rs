use serde_json::{Value as Json, json};
use testing::Engine;

use crate::shop::{Shop, id};

testing::both_engines!(the_books_tell_a_sale_and_its_refund, entries_are_listed_by_pages, an_unbalanced_entry_cannot_be_stored);

fn lines(entries: &Json) -> Vec<(String, i64, i64)> {
    let line = |e: &Json| (e["account"].as_str().unwrap().to_owned(), e["debit"].as_i64().unwrap(), e["credit"].as_i64().unwrap());
    entries["data"].as_array().unwrap().iter().map(line).collect()
}

async fn the_books_tell_a_sale_and_its_refund(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (sale, other) = (shop.paid(1_000).await, shop.paid(50).await);
    shop.refund(&shop.sellers[1], &sale, 300, "k").await.expect(201);
    shop.p.settle().await;
    let [a, b] = shop.stores;
    let found = shop.get(&format!("/api/v1/ledger/entries?orderId={}&limit=100", sale.order), &shop.admin).await.expect(200).body;
    let mut posted = lines(&found);
    posted.reverse();
    let line = |account: &str, debit, credit| (account.to_owned(), debit, credit);
    let expected = [
        line("provider_clearing:sandbox", 1_000, 0),
        line(&format!("vendor_payable:{a}"), 0, 600),
        line("commission", 0, 105),
        line(&format!("shipping_payable:{a}"), 0, 40),
        line(&format!("vendor_payable:{b}"), 0, 255),
        line(&format!("vendor_payable:{b}"), 255, 0),
        line("commission", 45, 0),
        line("refunds_payable", 0, 300),
        line("refunds_payable", 300, 0),
        line("provider_clearing:sandbox", 0, 300),
    ];
    assert_eq!(posted, expected);
    let balance = shop.get("/api/v1/ledger/trial-balance", &shop.admin).await.expect(200).body;
    assert_eq!(balance["difference"], json!([{"amount": 0, "currency": "BDT"}]));
    let clearing = balance["data"].as_array().unwrap().iter().find(|a| a["account"] == "provider_clearing:sandbox").unwrap();
    assert_eq!(clearing, &json!({"account": "provider_clearing:sandbox", "currency": "BDT", "debit": 1_050, "credit": 300}));
    assert_eq!(shop.journals(&other).await, ["capture"]);
}

async fn entries_are_listed_by_pages(engine: Engine) {
    let shop = Shop::open(engine).await;
    let sale = shop.paid(1_000).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/ledger/entries?orderId={}&limit=2{cursor}", sale.order);
        let page = shop.get(&path, &shop.admin).await.expect(200).body;
        seen.extend(lines(&page));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let whole = shop.get(&format!("/api/v1/ledger/entries?orderId={}", sale.order), &shop.admin).await.expect(200).body;
    assert_eq!(seen, lines(&whole));
    let commission = shop.get("/api/v1/ledger/entries?account=commission", &shop.admin).await.expect(200).body;
    assert_eq!(lines(&commission), [("commission".to_owned(), 0, 105)]);
    let foreign = shop.get(&format!("/api/v1/ledger/entries?account=commission{cursor}"), &shop.admin).await.expect(400);
    assert_eq!(foreign.code(), "invalid_cursor");
    shop.get("/api/v1/ledger/entries?orderId=x", &shop.admin).await.expect(400);
    assert_eq!(shop.get(&format!("/api/v1/ledger/entries?orderId={}", id()), &shop.admin).await.expect(200).body["data"], json!([]));
}

async fn an_unbalanced_entry_cannot_be_stored(engine: Engine) {
    let shop = Shop::open(engine).await;
    shop.paid(1_000).await;
    for (debit, credit) in [(5_i64, 5_i64), (0, 0), (-5, 0), (0, -5)] {
        let stored = shop.p.db("payments").write(move |tx| {
            let (entry, now) = (tx.id(), tx.now());
            tx.execute(
                "INSERT INTO payments.entries (id, journal_id, order_id, account, debit, credit, currency, created_at)
                 SELECT $1, id, order_id, 'commission', $2, $3, currency, $4 FROM payments.journals ORDER BY id LIMIT 1",
                kit::params![entry, debit, credit, now],
            )
        });
        assert!(matches!(stored.await, Err(kit::DbError::Check(_) | kit::DbError::Internal(_))), "{debit} {credit}");
    }
    shop.assert_balanced().await;
}
