//! `haat import` and `haat export` as one calls them, on a stopped data directory.

use std::path::Path;
use std::process::Output;

use rusqlite::Connection;

use crate::binary::{Server, folder, haat};

/// Runs a command in `folder`: whether it ended well, and what it said.
pub fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = haat(folder, arguments).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("panicked"), "{said}");
    (status.success(), said)
}

#[track_caller]
pub fn runs(folder: &Path, arguments: &[&str]) -> String {
    let (is_well, said) = run(folder, arguments);
    assert!(is_well, "{arguments:?}: {said}");
    said
}

pub fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

pub fn count(folder: &Path, sql: &str) -> i64 {
    let database = Connection::open(folder.join("haat-data/haat.db")).unwrap();
    database.query_row(sql, [], |r| r.get(0)).unwrap()
}

/// Lines of JSON under foreign names; the third has no price, the last is the first again.
const FOREIGN: &str = r#"{"id": 1, "name": "Lamp", "cents": 1250, "maker": {"name": "Alo"}, "spec_watts": 40, "noise": 1}
{"id": 2, "name": "Pen", "cents": 199, "spec_ink": "blue"}
{"id": 3, "name": "Free"}
{"id": 1, "name": "Lamp again", "cents": 1}
"#;
const MAPS: [&str; 10] =
    ["--map", "handle=id", "--map", "title=name", "--map", "priceMinor=cents", "--map", "brand=maker.name", "--map", "attr.*=spec_*"];

#[test]
fn a_foreign_file_comes_in_once_and_its_bad_rows_are_named() {
    let folder = folder();
    write(folder.path(), "items.jsonl", FOREIGN);
    let import =
        |more: &[&str]| run(folder.path(), &[&["import", "products", "items.jsonl", "--vendor", "shop"], &MAPS[..], more].concat());
    let (is_well, said) = import(&["--dry-run"]);
    assert!(!is_well && said.contains("checked (nothing was written): 2 products") && said.contains("2 new"), "{said}");
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_products"), 0);
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM vendors_stores"), 0);

    let (is_well, said) = import(&["--report", "bad.csv", "--currency", "EUR"]);
    assert!(!is_well && said.contains("2 new, 0 changed, 0 as they were") && said.contains("2 rows could not be taken"), "{said}");
    let report = std::fs::read_to_string(folder.path().join("bad.csv")).unwrap();
    let expected = "line,column,reason\n3,price,a variant has a price\n4,handle,\"\"\"1\"\" stands in the file before\"\n";
    assert_eq!(report, expected);
    let lamp = "SELECT COUNT(*) FROM catalog_products p JOIN catalog_variants v ON v.product_id = p.id WHERE p.handle = '1' AND p.title = 'Lamp' \
                AND p.brand = 'Alo' AND json_extract(p.attributes, '$.watts') = 40 AND v.price = 1250 AND v.currency = 'EUR'";
    assert_eq!(count(folder.path(), lamp), 1);
    let events = count(folder.path(), "SELECT COUNT(*) FROM catalog_events");
    let (_, said) = import(&["--currency", "EUR"]);
    assert!(said.contains("0 new, 0 changed, 2 as they were"), "{said}");
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_events"), events);
}

#[test]
fn formats_are_guessed_and_each_row_that_is_wrong_is_named_where_it_stands() {
    let folder = folder();
    write(
        folder.path(),
        "plain.csv",
        "handle,title,category,sku,option1_name,option1_value,price,stock,attr.fabric\n\
         tee,Tee,Clothes > Shirts,T-S,size,S,12.50,3,cotton\ntee,,,T-M,,M,13,2,\n\
         cap,Cap,,C,,,5,-1,\nhat,Hat,,H,,,7.001,1,\n",
    );
    let (is_well, said) = run(folder.path(), &["import", "products", "plain.csv", "--vendor", "shop", "--open-categories"]);
    assert!(
        !is_well && said.contains("imported: 1 products") && said.contains("line 4, stock: ") && said.contains("line 5, price: "),
        "{said}"
    );
    assert_eq!(count(folder.path(), "SELECT SUM(on_hand) FROM catalog_stock"), 5);
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_categories"), 2);
    write(
        folder.path(),
        "shopify.csv",
        "Handle,Title,Vendor,Variant SKU,Variant Price\nmug,Mug,Clay & Co,M1,3\nbowl,Bowl,Clay & Co,B1,4\npot,Pot,Iron,P1,9\n",
    );
    let said = runs(folder.path(), &["import", "products", "shopify.csv", "--vendor-from-file"]);
    assert!(said.contains("imported: 3 products"), "{said}");
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM vendors_stores WHERE slug IN ('clay-co', 'iron')"), 2);
    write(folder.path(), "foreign.csv", "Ref,Bezeichnung,Preis,Rest\nx1,Stuhl,\"1,5\",z\nx2,Tisch,20,z\n");
    let maps = ["--map", "handle=Ref", "--map", "title=Bezeichnung", "--map", "price=Preis"];
    let (_, said) = run(folder.path(), &[&["import", "products", "foreign.csv", "--vendor", "shop"], &maps[..]].concat());
    assert!(said.contains("imported: 1 products") && said.contains("line 2, price: "), "{said}");
    let (is_well, said) = run(folder.path(), &["import", "products", "plain.csv"]);
    assert!(!is_well && said.contains("--vendor"), "{said}");
    write(folder.path(), "strange.txt", "a,b\n");
    let (is_well, said) = run(folder.path(), &["import", "products", "strange.txt", "--vendor", "shop"]);
    assert!(!is_well && said.contains("--format"), "{said}");
}

#[test]
fn each_vendor_of_a_file_has_a_store_of_its_own() {
    let folder = folder();
    let names = ["A&B", "A B", "রহিম স্টোর", "করিম স্টোর"];
    for (n, name) in names.iter().enumerate() {
        let table = format!("Handle,Title,Vendor,Variant SKU,Variant Price\nmug,Mug {n},{name},M1,{n}\n");
        write(folder.path(), &format!("{n}.csv"), &table);
    }
    for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        for n in order {
            let said = runs(folder.path(), &["import", "products", &format!("{n}.csv"), "--vendor-from-file"]);
            assert_eq!(said.contains("stores opened: "), order[0] == 0, "{said}");
        }
    }
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM vendors_stores"), 4);
    assert_eq!(count(folder.path(), "SELECT COUNT(DISTINCT vendor_id) FROM catalog_products WHERE handle = 'mug'"), 4);
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM vendors_stores WHERE slug = 'a-b' AND name = 'A&B'"), 1);

    // What goes out says the slug, and comes back to its store.
    runs(folder.path(), &["export", "products", "all.jsonl"]);
    let said = runs(folder.path(), &["import", "products", "all.jsonl", "--vendor-from-file"]);
    assert!(said.contains("0 new, 0 changed, 4 as they were"), "{said}");
    write(
        folder.path(),
        "lines.jsonl",
        "{\"handle\": \"x\", \"title\": \"X\", \"price\": 1, \"vendor\": \"C+D\"}\n{\"handle\": \"x\", \"title\": \"X\", \"price\": 2, \"vendor\": \"C-D\"}\n",
    );
    let said = runs(folder.path(), &["import", "products", "lines.jsonl", "--vendor-from-file"]);
    assert!(said.contains("2 new") && said.contains("c-d (C+D)") && said.contains("(C-D)"), "{said}");
}

#[test]
fn large_products_and_orders_come_in_and_go_out_and_one_too_large_is_named() {
    let (one, other) = (folder(), folder());
    let words = "ক".repeat(19_900);
    let product =
        |n: usize, words: &str| format!("{{\"handle\": \"p{n}\", \"title\": \"P\", \"price\": 1, \"description\": \"{words}\"}}\n");
    let lines: String = (0..120).map(|n| product(n, &words)).chain([product(999, &"x".repeat(3 << 20))]).collect();
    write(one.path(), "lines.jsonl", &lines);
    let (is_well, said) = run(one.path(), &["import", "products", "lines.jsonl", "--vendor", "shop"]);
    assert!(!is_well && said.contains("120 new") && said.contains("line 121, the row: a product has at most 2.5 MB"), "{said}");
    runs(one.path(), &["export", "products", "all.jsonl"]);
    std::fs::copy(one.path().join("all.jsonl"), other.path().join("all.jsonl")).unwrap();
    let said = runs(other.path(), &["import", "products", "all.jsonl", "--vendor-from-file"]);
    assert!(said.contains("120 new"), "{said}");

    let title = "শাড়ি".repeat(90);
    let row = |order: usize, n: usize| format!("{order},2025-01-02,shop,S{n},{title},1,1\n");
    let rows: String = (0..12).flat_map(|order| (0..400).map(move |n| (order, n))).map(|(order, n)| row(order, n)).collect();
    write(one.path(), "orders.csv", &format!("number,placed_at,vendor,sku,title,quantity,unit_price\n{rows}"));
    let said = runs(one.path(), &["import", "orders", "orders.csv", "--source", "till"]);
    assert!(said.contains("12 new"), "{said}");
    runs(one.path(), &["export", "orders", "out.csv"]);
    assert_eq!(std::fs::read_to_string(one.path().join("out.csv")).unwrap().lines().count(), 1 + 12 * 400);
}

#[test]
fn an_import_that_died_goes_on_where_it_was() {
    let folder = folder();
    let lines: String =
        (0..1_500).map(|n| format!("{{\"handle\": \"p{n}\", \"title\": \"P{n}\", \"price\": {n}, \"stock\": {n}}}\n")).collect();
    write(folder.path(), "many.jsonl", &lines);
    runs(folder.path(), &["migrate"]);
    let arguments = ["import", "products", "many.jsonl", "--vendor", "shop"];
    let died = haat(folder.path(), &arguments).env("HAAT_CRASH_AT", "catalog.after_chunk:2").output().unwrap();
    assert!(!died.status.success(), "it was to die");
    let there = count(folder.path(), "SELECT COUNT(*) FROM catalog_products");
    assert!((1..1_500).contains(&there), "{there} of 1500 when it died");
    let said = runs(folder.path(), &arguments);
    assert!(said.contains(&format!("{} new, 0 changed, {there} as they were", 1_500 - there)), "{said}");
    let halves = "SELECT COUNT(*) FROM catalog_products p WHERE NOT EXISTS (SELECT 1 FROM catalog_variants v JOIN catalog_stock s ON s.variant_id = v.id WHERE v.product_id = p.id)";
    assert_eq!((count(folder.path(), "SELECT COUNT(*) FROM catalog_products"), count(folder.path(), halves)), (1_500, 0));
}

#[test]
fn what_is_exported_comes_in_elsewhere_as_it_was() {
    let (one, other) = (folder(), folder());
    let rich = r#"{"handle": "sari", "title": "Sari", "description": "Hand <b>woven</b>, \"fine\"", "brand": "Looms", "kind": "physical", "status": "draft",
        "category": "Clothes > Saris|sale", "attributes": {"length": 5.5, "blouse": true, "fabric": "cotton"}, "media": ["http://a.test/1.jpg", {"url": "http://a.test/2.jpg", "alt": "Side"}],
        "variants": [{"sku": "S-R", "title": "Red one", "options": {"colour": "red"}, "price": {"amount": 129900, "currency": "BDT"}, "compareAtPrice": "1500", "weightGrams": 400, "lowStockAt": 2, "stock": 7},
            {"sku": "S-B", "options": {"colour": "blue"}, "price": "1300", "stock": 0}]}"#;
    let song = r#"{"handle": "song", "title": "Song", "kind": "digital", "sku": "SONG", "price": "0.50"}"#;
    write(one.path(), "rich.jsonl", &format!("{}\n{song}\n", rich.replace('\n', " ")));
    let from_file = |name| ["import", "products", name, "--vendor-from-file", "--open-categories"];
    runs(one.path(), &["import", "products", "rich.jsonl", "--vendor", "looms", "--open-categories"]);
    let said = runs(one.path(), &["export", "products", "all.jsonl"]);
    assert!(said.contains("exported: 2 products"), "{said}");
    let all = std::fs::read_to_string(one.path().join("all.jsonl")).unwrap();

    // Where it came from it changes nothing; elsewhere it becomes the same, and is written in the same way.
    let said = runs(one.path(), &from_file("all.jsonl"));
    assert!(said.contains("0 new, 0 changed, 2 as they were"), "{said}");
    write(other.path(), "all.jsonl", &all);
    runs(other.path(), &from_file("all.jsonl"));
    runs(other.path(), &["export", "products", "again.jsonl", "--vendor", "looms"]);
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&std::fs::read_to_string(other.path().join("again.jsonl")).unwrap()), sorted(&all));
    let (is_well, said) = run(other.path(), &["export", "products", "--vendor", "nobody"]);
    assert!(!is_well && said.contains("there is no store \"nobody\""), "{said}");
}

#[test]
fn a_sheet_that_was_exported_comes_in_again() {
    let (one, other) = (folder(), folder());
    let lines = r#"{"handle": "tee", "title": "Tee, \"soft\"", "attr.fabric": "cotton", "media": ["http://a.test/1.jpg", "http://a.test/2.jpg", "http://a.test/3.jpg"], "variants": [{"sku": "S", "options": {"size": "S"}, "price": "12.50", "stock": 3}, {"sku": "M", "options": {"size": "M"}, "price": "13", "stock": 2}]}
{"handle": "cap", "title": "Cap", "price": 5, "attr.colour": "red"}
"#;
    write(one.path(), "lines.jsonl", lines);
    runs(one.path(), &["import", "products", "lines.jsonl", "--vendor", "shop", "--currency", "EUR"]);
    runs(one.path(), &["export", "products", "sheet.csv"]);
    let sheet = std::fs::read_to_string(one.path().join("sheet.csv")).unwrap();
    write(other.path(), "sheet.csv", &sheet);
    runs(other.path(), &["import", "products", "sheet.csv", "--vendor", "shop"]);
    runs(other.path(), &["export", "products", "again.csv"]);
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&std::fs::read_to_string(other.path().join("again.csv")).unwrap()), sorted(&sheet));
    assert_eq!(sheet.lines().count(), 1 + 3 + 1, "{sheet}");
}

#[test]
fn a_file_that_is_there_is_not_lost_to_an_export_or_a_report_that_fails() {
    let folder = folder();
    write(folder.path(), "mine.jsonl", "{\"handle\": \"a\", \"title\": \"A\", \"price\": 1}\n");
    let before = std::fs::read_to_string(folder.path().join("mine.jsonl")).unwrap();
    let mut refused = vec![run(folder.path(), &["export", "products", "mine.jsonl", "--vendor", "nobody"])];
    std::fs::hard_link(folder.path().join("mine.jsonl"), folder.path().join("again.jsonl")).unwrap();
    for report in ["mine.jsonl", "./mine.jsonl", "again.jsonl"] {
        refused.push(run(folder.path(), &["import", "products", "mine.jsonl", "--vendor", "shop", "--report", report]));
    }
    for (is_well, said) in refused {
        assert!(!is_well, "{said}");
        assert_eq!(std::fs::read_to_string(folder.path().join("mine.jsonl")).unwrap(), before, "{said}");
    }
    assert!(!std::fs::read_dir(folder.path()).unwrap().any(|file| file.unwrap().file_name().to_string_lossy().contains("export")));
}

#[test]
fn what_was_done_before_an_error_is_said() {
    let folder = folder();
    let good: String = (0..120).map(|n| format!("{{\"handle\": \"p{n}\", \"title\": \"P\", \"price\": 1}}\n")).collect();
    let last = "{\"handle\": \"x\", \"title\": \"X\"}\n{\"handle\": \"y\", \"title\": \"Y\", \"price\": 1}\n";
    write(folder.path(), "lines.jsonl", &format!("{good}{last}"));
    runs(folder.path(), &["migrate"]);
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON catalog_products WHEN NEW.handle = 'y' BEGIN SELECT RAISE(ABORT, 'broken'); END";
    Connection::open(folder.path().join("haat-data/haat.db")).unwrap().execute_batch(broken).unwrap();
    let (is_well, said) = run(folder.path(), &["import", "products", "lines.jsonl", "--vendor", "shop"]);
    assert!(
        !is_well && said.contains("120 new") && said.contains("line 121, price: ") && said.contains("stopped before the end"),
        "{said}"
    );
}

#[test]
fn a_category_that_cannot_be_made_keeps_out_its_own_products_only() {
    let folder = folder();
    let deep = (1..=12).map(|n| format!("L{n}")).collect::<Vec<_>>().join(" > ");
    let line = |handle: &str, category: &str| {
        format!("{{\"handle\": \"{handle}\", \"title\": \"T\", \"price\": 1, \"category\": \"{category}\"}}\n")
    };
    let lines = [("a", "A > B > C > D"), ("b", &deep), ("c", "A > B"), ("d", &deep), ("e", "A > > B"), ("f", "A | E")];
    write(folder.path(), "lines.jsonl", &lines.map(|(handle, category)| line(handle, category)).concat());
    let import = ["import", "products", "lines.jsonl", "--vendor", "shop", "--open-categories", "--dry-run"];
    for (arguments, made) in [(&import[..], 0), (&import[..6], 5)] {
        let (is_well, said) = run(folder.path(), arguments);
        assert!(!is_well && said.contains("3 new, 0 changed") && said.contains("3 rows could not be taken"), "{said}");
        for line in ["line 2, category: ", "line 4, category: ", "line 5, category: "] {
            assert!(said.contains(line), "{said}");
        }
        assert!(said.contains("the tree is at most 10 deep"), "{said}");
        assert!(!said.contains("stopped before the end"), "{said}");
        assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_categories"), made, "of those that cannot be made nothing is made");
    }
}

#[test]
fn events_are_exported_oldest_first() {
    let folder = folder();
    write(
        folder.path(),
        "two.jsonl",
        "{\"handle\": \"a\", \"title\": \"A\", \"price\": 1}\n{\"handle\": \"b\", \"title\": \"B\", \"price\": 1}\n",
    );
    runs(folder.path(), &["import", "products", "two.jsonl", "--vendor", "shop"]);
    runs(folder.path(), &["export", "events", "events.jsonl", "--service", "catalog"]);
    let text = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = events.iter().map(|e| (e["type"].as_str().unwrap(), e["data"]["title"].as_str().unwrap())).collect();
    assert_eq!(told, [("product.created", "A"), ("product.published", "A"), ("product.created", "B"), ("product.published", "B")]);
    assert!(events.iter().all(|e| e["specversion"] == "1.0" && e["source"] == "/catalog"), "{text}");
    let (is_well, said) = run(folder.path(), &["export", "events", "--service", "ordrs"]);
    assert!(!is_well && said.contains("orders"), "{said}");
}

/// Two orders of two stores, one of them called off, and rows that cannot be taken.
const ORDERS: &str = "Invoice,Date,Mail,Seller,Code,What,Qty,Price,Freight,State
100,2025-01-02 03:04:05,a@b.test,looms,S1,Sari,2,10.50,1.00,done
100,,,teas,T1,Tea,1,4.00,0.50,done
100,,,looms,S2,Cap,1,2.00,0.25,done
C101,2025-01-03,,looms,S1,Sari,-1,10.50,,
102,2025-01-04,,looms,S1,Sari,1,ten,,
103,2025-01-05,,looms,S1,Sari,1,1,,lost
";
const ORDER_MAPS: [&str; 20] = [
    "--map",
    "number=Invoice",
    "--map",
    "placed_at=Date",
    "--map",
    "email=Mail",
    "--map",
    "vendor=Seller",
    "--map",
    "sku=Code",
    "--map",
    "title=What",
    "--map",
    "quantity=Qty",
    "--map",
    "unit_price=Price",
    "--map",
    "shipping=Freight",
    "--map",
    "status=State",
];

#[test]
fn orders_come_in_as_records_and_go_out_again() {
    let (one, other) = (folder(), folder());
    write(one.path(), "invoices.csv", ORDERS);
    let import = |more: &[&str]| {
        let arguments = ["import", "orders", "invoices.csv", "--source", "till", "--currency", "GBP", "--status", "done=delivered"];
        run(one.path(), &[&arguments, &ORDER_MAPS[..], more].concat())
    };
    let (is_well, said) = import(&[]);
    assert!(!is_well && said.contains("0 new") && said.contains("line 2, vendor: there is no store \"looms\""), "{said}");
    write(one.path(), "strange.csv", "number,placed_at,vendor,sku,quantity,unit_price,shiping\n1,2025-01-02,looms,S1,1,1,5\n");
    let (is_well, said) = run(one.path(), &["import", "orders", "strange.csv", "--source", "till", "--open-stores"]);
    assert!(!is_well && said.contains("line 1, column \"shiping\""), "{said}");
    let (is_well, said) = import(&["--open-stores", "--dry-run"]);
    assert!(!is_well && said.contains("2 new") && said.contains("stores that would be opened: looms, teas\n"), "{said}");
    assert_eq!(count(one.path(), "SELECT (SELECT COUNT(*) FROM vendors_stores) + (SELECT COUNT(*) FROM orders_orders)"), 0);
    let (is_well, said) = import(&["--open-stores", "--report", "bad.csv"]);
    assert!(!is_well && said.contains("imported: 2 orders") && said.contains("2 new, 0 changed, 0 as they were"), "{said}");
    let report = std::fs::read_to_string(one.path().join("bad.csv")).unwrap();
    let places: Vec<_> = report.lines().map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(places, ["line,column", "6,unit_price", "7,status"]);
    let (_, said) = import(&["--open-stores"]);
    assert!(said.contains("0 new, 0 changed, 2 as they were"), "{said}");

    // Who reads the events: the stores' figures, and nobody else.
    runs(one.path(), &["export", "events", "events.jsonl"]);
    let events = std::fs::read_to_string(one.path().join("events.jsonl")).unwrap();
    let of_orders = events.lines().filter(|line| line.contains("\"/orders\"")).count();
    assert_eq!((of_orders, events.matches("order.imported").count() >= 2), (2, true), "{events}");
    assert_eq!(
        count(one.path(), "SELECT COUNT(*) FROM notifications_jobs WHERE key <> 'regular'")
            + count(one.path(), "SELECT COUNT(*) FROM orders_sagas"),
        0
    );

    runs(one.path(), &["export", "orders", "orders.csv"]);
    let exported = std::fs::read_to_string(one.path().join("orders.csv")).unwrap();
    write(other.path(), "orders.csv", &exported);
    let said = runs(other.path(), &["import", "orders", "orders.csv", "--open-stores"]);
    assert!(said.contains("2 new"), "{said}");
    runs(other.path(), &["export", "orders", "again.csv"]);
    assert_eq!(std::fs::read_to_string(other.path().join("again.csv")).unwrap(), exported);
    let row = "100,till,2025-01-02T03:04:05.000000Z,delivered,a@b.test,looms,S1,Sari,physical,2,10.50,GBP,1.25,0.00,0.00,false,,";
    assert!(exported.lines().any(|line| line == row), "{exported}");
    assert!(exported.lines().any(|line| line.starts_with("C101,till,2025-01-03T00:00:00.000000Z,cancelled,")), "{exported}");
}

#[test]
fn a_running_server_takes_and_gives_the_same() {
    let folder = folder();
    let server = Server::start(&mut haat(folder.path(), &["demo", "--days", "0", "--listen", "127.0.0.1:0", "--data", "shop"]));
    write(folder.path(), "secret", "demo-haat-1234\n");
    let at = |arguments: &[&str], who: &str| {
        run(folder.path(), &[arguments, &["--server", &server.url, "--email", who, "--password-file", "secret"]].concat())
    };
    let (is_well, said) = at(&["export", "products", "mine.jsonl"], "vendor@demo.haat.test");
    assert!(is_well, "{said}");
    let mine = std::fs::read_to_string(folder.path().join("mine.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(mine.lines().next().unwrap()).unwrap();
    let slug = first["vendor"].as_str().unwrap();
    assert!(mine.lines().all(|line| line.contains(&format!("\"vendor\":\"{slug}\""))), "a store gets its own");
    let import = |file: &str, who: &str| at(&["import", "products", file, "--vendor", slug], who);
    let (is_well, said) = import("mine.jsonl", "vendor@demo.haat.test");
    assert!(is_well && said.contains(&format!("0 new, 0 changed, {} as they were", mine.lines().count())), "{said}");
    // A category that is there need not be made.
    let at_server = |more: &[&str]| {
        at(&[&["import", "products", "mine.jsonl", "--vendor", slug, "--open-categories"], more].concat(), "vendor@demo.haat.test")
    };
    for more in [&["--dry-run"][..], &[]] {
        let (is_well, said) = at_server(more);
        assert!(is_well && mine.contains("\"category\""), "{said}");
    }
    write(folder.path(), "strange.jsonl", "{\"handle\": \"s\", \"title\": \"S\", \"price\": 1, \"category\": \"No > Such\"}\n");
    let (is_well, said) = at(&["import", "products", "strange.jsonl", "--vendor", slug, "--open-categories"], "vendor@demo.haat.test");
    assert!(!is_well && said.contains("POST /api/v1/categories"), "{said}");
    let lines = r#"{"handle": "n1", "title": "New one", "price": 1}

{"handle": "n2", "price": 1}
{"handle": "n3", "title": "New three", "price": 1, "stock": 2}
"#;
    write(folder.path(), "new.jsonl", lines);
    let (is_well, said) = at(&["import", "products", "new.jsonl", "--vendor", slug, "--dry-run"], "admin@demo.haat.test");
    assert!(!is_well && said.contains("2 new, 0 changed") && said.contains("line 3, "), "{said}");
    let (is_well, said) = import("new.jsonl", "admin@demo.haat.test");
    assert!(!is_well && said.contains("2 new, 0 changed") && said.contains("line 3, "), "{said}");
    let (is_well, said) = import("new.jsonl", "vendor2@demo.haat.test");
    assert!(!is_well && said.contains("404"), "{said}");
    let (is_well, said) = at(&["export", "products", "all.jsonl"], "admin@demo.haat.test");
    assert!(is_well && std::fs::read_to_string(folder.path().join("all.jsonl")).unwrap().lines().count() > mine.lines().count(), "{said}");

    write(
        folder.path(),
        "orders.csv",
        "number,placed_at,email,sku,quantity,unit_price\n1,2025-01-02,nobody@demo.haat.test,S1,2,10.50\n2,2025-01-02,,S1,0,1\n",
    );
    let orders = ["import", "orders", "orders.csv", "--source", "till", "--vendor", slug];
    let (is_well, said) = at(&orders, "admin@demo.haat.test");
    assert!(!is_well && said.contains("1 new, 0 changed, 0 as they were") && said.contains("line 3, quantity: "), "{said}");
    let (_, said) = at(&orders, "admin@demo.haat.test");
    assert!(said.contains("0 new, 0 changed, 1 as they were"), "{said}");
    let (is_well, said) = at(&["export", "orders", "out.csv"], "admin@demo.haat.test");
    assert!(is_well && std::fs::read_to_string(folder.path().join("out.csv")).unwrap().contains("\n1,till,2025-01-02T"), "{said}");
    for command in [&orders[..], &["export", "events"]] {
        let (is_well, said) = at(command, "vendor@demo.haat.test");
        assert!(!is_well && said.contains("403"), "{said}");
    }
    let (is_well, said) = at(&["export", "products", "--vendor", "nobody"], "admin@demo.haat.test");
    assert!(!is_well && said.contains("there is no store"), "{said}");
    let (is_well, said) = run(folder.path(), &["export", "products", "--server", &server.url, "--token", "no.such.token"]);
    assert!(!is_well && said.contains("token"), "{said}");
}

#[test]
fn a_read_model_is_built_anew_where_the_shop_is_open() {
    let folder = folder();
    let server = Server::start(&mut haat(folder.path(), &["demo", "--days", "1", "--listen", "127.0.0.1:0"]));
    write(folder.path(), "secret", "demo-haat-1234\n");
    let replay = |model: &str, who: &str| {
        run(folder.path(), &["replay", model, "--server", &server.url, "--email", who, "--password-file", "secret"])
    };
    let (is_well, said) = replay("orders", "admin@demo.haat.test");
    assert!(is_well && said.contains(" events taken in, ") && !said.contains("orders: 0 events"), "{said}");
    for (model, who, reason) in [("nothing", "admin@demo.haat.test", "404"), ("orders", "vendor@demo.haat.test", "403")] {
        let (is_well, said) = replay(model, who);
        assert!(!is_well && said.contains(reason), "{said}");
    }
    let (is_well, said) = run(folder.path(), &["replay", "orders"]);
    assert!(!is_well && said.contains("in use by another haat") && said.contains("--server URL"), "{said}");
    let (is_well, said) = run(folder.path(), &["export", "orders", "--server", &server.url]);
    assert!(!is_well && said.contains("--email"), "{said}");
    drop(server);
    assert!(runs(folder.path(), &["replay", "orders"]).contains(" events taken in, "));
}
