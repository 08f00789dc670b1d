//! The demo marketplace: there once, whole whatever happens while it is loaded, and done by the rules.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::binary::{Server, folder, haat};
use crate::outside::{Outside, Visitor};

const PASSWORD: &str = "demo-haat-1234";

/// Loads, or goes on loading, two days of the demo.
fn demo(folder: &Path, crash_at: Option<&str>) -> std::process::Command {
    let mut command = haat(folder, &["demo", "--days", "2", "--listen", "127.0.0.1:0"]);
    crash_at.map(|point| command.env("HAAT_CRASH_AT", point));
    command
}

/// How many rows of each kind there are, said by the database itself.
fn counts(folder: &Path) -> BTreeMap<String, i64> {
    let database = Connection::open(folder.join("haat-data/haat.db")).unwrap();
    let tables = [
        "catalog_products",
        "identity_users",
        "orders_orders",
        "orders_vendor_orders",
        "payments_payments",
        "payments_journals",
        "sandbox_charges",
        "catalog_reservations",
        "notifications_messages",
        "notifications_mailbox",
        "console_demo_orders",
    ];
    let count = |table: &&str| database.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |r| r.get(0)).unwrap();
    tables.iter().map(|table| ((*table).to_owned(), count(table))).collect()
}

async fn signed_in(outside: &Outside, email: &str) -> Visitor {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = outside.send(&Visitor::default(), "POST", "/auth/login", Some(body), &[]).await.expect(200);
    Visitor { access: answer.body["accessToken"].as_str().map(str::to_owned), cart: None }
}

/// Every page of a list.
async fn all(outside: &Outside, who: &Visitor, path: &str) -> Vec<Json> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = outside.send(who, "GET", &format!("{path}?limit=100{cursor}"), None, &[]).await.expect(200).body;
        found.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["nextCursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn the_demo_is_whole_and_loading_it_twice_changes_nothing() {
    let folder = folder();
    let server = Server::start(&mut demo(folder.path(), None));
    testing::run(async {
        let outside = Outside::of(&server.url);
        let (admin, shopper) = (signed_in(&outside, "admin@demo.haat.test").await, signed_in(&outside, "shopper@demo.haat.test").await);
        let balance = outside.send(&admin, "GET", "/ledger/trial-balance", None, &[]).await.expect(200).body;
        assert!(balance["difference"].as_array().unwrap().iter().all(|d| d["amount"] == 0), "{balance}");
        for path in ["/dead-letters", "/sagas?status=stuck"] {
            assert_eq!(outside.send(&admin, "GET", path, None, &[]).await.expect(200).body["data"], json!([]), "{path}");
        }
        let mails = outside.send(&shopper, "GET", "/dev/mailbox/messages", None, &[]).await.expect(200).body;
        assert_eq!(mails["data"], json!([]), "nobody is written to about the past");
        let addresses = outside.send(&shopper, "GET", "/users/addresses", None, &[]).await.expect(200).body;
        assert_eq!(addresses["data"].as_array().unwrap().len(), 1);
        let newest = outside.send(&shopper, "GET", "/products?limit=20", None, &[]).await.expect(200).body;
        let kinds: Vec<&str> = newest["data"].as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap()).collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        assert!(count("course") > 0 && count("digital") > 0 && count("physical") > 10, "the newest are of every kind: {kinds:?}");
        the_provider_agrees(&outside, &server.url, &admin).await;
        pictures_are_pictures(&outside, &server.url).await;
    });
    drop(server);
    let before = counts(folder.path());
    assert!(before["orders_orders"] >= 10 && before["catalog_products"] >= 300, "{before:?}");
    drop(Server::start(&mut demo(folder.path(), None)));
    assert_eq!(counts(folder.path()), before);
    it_ends_yesterday_and_its_stock_is_proved(folder.path());
}

/// What the provider took and gave back is what the ledger says of it.
async fn the_provider_agrees(outside: &Outside, url: &str, admin: &Visitor) {
    let charges = outside.send_to(&Visitor::default(), "GET", &format!("{url}/sandbox/charges"), None, &[]).await.expect(200).body;
    let net: i64 = charges["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["amount"]["amount"].as_i64().unwrap() - c["refunded"]["amount"].as_i64().unwrap())
        .sum();
    let balance = outside.send(admin, "GET", "/ledger/trial-balance", None, &[]).await.expect(200).body;
    let row = balance["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["account"] == "provider_clearing:sandbox")
        .expect("the sandbox has an account")
        .clone();
    assert!(net > 0);
    assert_eq!(row["debit"].as_i64().unwrap() - row["credit"].as_i64().unwrap(), net);
}

async fn pictures_are_pictures(outside: &Outside, url: &str) {
    let anybody = Visitor::default();
    let products = all(outside, &anybody, "/products").await;
    assert!(products.len() >= 300);
    assert!(products.iter().all(|p| p["media"].as_array().is_some_and(|m| m.len() >= 2)));
    let address = products[0]["media"][0]["url"].as_str().unwrap();
    assert!(address.starts_with(url), "{address}");
    let picture = outside.send_to(&anybody, "GET", address, None, &[]).await.expect(200);
    assert_eq!((picture.header("content-type"), picture.header("cache-control")), ("image/svg+xml", "public, max-age=31536000, immutable"));
    assert!(picture.bytes.starts_with(b"<svg "));
    let tag = picture.header("etag").to_owned();
    assert_eq!(outside.send_to(&anybody, "GET", address, None, &[("if-none-match", &tag)]).await.status, 304);
    let nothing = format!("{url}/media/demo/nothing.indigo.gold.fashion.1.svg");
    assert_eq!(outside.send_to(&anybody, "GET", &nothing, None, &[]).await.expect(404).code(), "not_found");
}

fn it_ends_yesterday_and_its_stock_is_proved(folder: &Path) {
    let database = Connection::open(folder.join("haat-data/haat.db")).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    let day_us = 86_400_000_000;
    let today = kit::Clock::system().now().0 / day_us;
    let last = one("SELECT MAX(created_at) FROM orders_orders") / day_us;
    assert!((today - 2..today).contains(&last), "orders end on day {last}, today is {today}");
    let unproved = "SELECT COUNT(*) FROM catalog_stock s WHERE s.on_hand <> (SELECT COALESCE(SUM(m.delta), 0) FROM catalog_stock_movements m \
                    WHERE m.variant_id = s.variant_id AND m.warehouse_id = s.warehouse_id)";
    assert_eq!(one(unproved), 0);
    assert!(one("SELECT COUNT(*) FROM catalog_stock WHERE reserved > 0") > 0, "some of it waits to be shipped");
}

#[test]
fn a_load_that_was_killed_is_completed_by_the_next_start() {
    let whole = folder();
    drop(Server::start(&mut demo(whole.path(), None)));
    let expected = counts(whole.path());
    for point in ["db.after_commit:40", "demo.after_slot:3", "db.after_commit:250"] {
        let folder = folder();
        let died = demo(folder.path(), Some(point)).output().unwrap();
        assert!(!died.status.success(), "{point}: it was to die");
        drop(Server::start(&mut demo(folder.path(), None)));
        let found = counts(folder.path());
        for table in
            ["catalog_products", "identity_users", "orders_orders", "orders_vendor_orders", "payments_payments", "console_demo_orders"]
        {
            assert_eq!(found[table], expected[table], "{table} after {point}");
        }
        let database = Connection::open(folder.path().join("haat-data/haat.db")).unwrap();
        let difference = "SELECT COALESCE(SUM(debit - credit), 0) FROM payments_entries";
        assert_eq!(database.query_row(difference, [], |r| r.get::<_, i64>(0)).unwrap(), 0, "{point}");
    }
}
