//! What happened, taken out of running servers.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};
use testing::Engine;

use crate::binary::{Server, folder, haat};
use crate::market::{Market, text};
use crate::nodes::Layout;

#[test]
fn an_administrator_takes_out_all_logs_page_by_page() {
    for layout in [Layout::Together(Engine::Sqlite), Layout::Together(Engine::Postgres), Layout::Apart] {
        testing::run(async {
            let market = Market::open(layout).await;
            for price in 1..=5 {
                market.good(&market.sellers[0], price, 1).await;
            }
            let whole = pages(&market, "", 1_000).await;
            let of_catalog = whole.iter().filter(|e| e["source"] == "/catalog").count();
            assert!(of_catalog >= 5 && whole.iter().any(|e| e["source"] == "/identity"), "{layout:?}: {whole:?}");
            let mut sorted = whole.clone();
            sorted.sort_by_key(|e| (text(&e["source"]), e["position"].as_i64()));
            assert_eq!(whole, sorted, "{layout:?}: one service after the other, oldest first");
            let small = pages(&market, "&service=catalog", 2).await;
            assert_eq!(small, whole.iter().filter(|e| e["source"] == "/catalog").cloned().collect::<Vec<_>>(), "{layout:?}");

            let refused = async |query: &str| {
                let answer = market.send(&market.admin, "GET", &format!("/events/exports?{query}"), None).await.expect(400);
                answer.code().to_owned()
            };
            assert_eq!(refused("service=ordrs").await, "unknown_service");
            assert_eq!(refused("limit=1001").await, "invalid_limit");
            assert_eq!(refused("service=orders&after=catalog:1:2").await, "invalid_after");
            market.send(&market.sellers[0], "GET", "/events/exports", None).await.expect(403);
            market.close().await;
        });
    }
}

/// All events of an export; what a page says of the next one is followed.
async fn pages(market: &Market, query: &str, limit: usize) -> Vec<Json> {
    let (mut events, mut after) = (Vec::new(), String::new());
    loop {
        let mut page = market.get(&market.admin, &format!("/events/exports?limit={limit}{query}{after}")).await;
        let data: Vec<Json> = serde_json::from_value(page["data"].take()).unwrap();
        assert!(data.len() <= limit, "{} of {limit}", data.len());
        events.extend(data);
        assert_eq!(page.get("absent"), None);
        if page["next"] == json!(null) {
            return events;
        }
        after = format!("&after={}", text(&page["next"]));
    }
}

/// The lines of an export by whose they are.
fn by_service(file: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let event: Json = serde_json::from_str(line).unwrap();
        found.entry(text(&event["source"])).or_default().push(line.to_owned());
    }
    found
}

#[test]
fn a_server_gives_the_events_that_its_directory_gives() {
    let folder = folder();
    let run = |arguments: &[&str]| {
        let output = haat(folder.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // More events than a page has.
    let lines: String = (0..600).map(|n| format!("{{\"handle\": \"p{n}\", \"title\": \"P{n}\", \"price\": 1.50}}\n")).collect();
    std::fs::write(folder.path().join("many.jsonl"), lines).unwrap();
    run(&["import", "products", "many.jsonl", "--vendor", "shop"]);
    std::fs::write(folder.path().join("secret"), "correct horse battery\n").unwrap();
    let boss = ["--email", "boss@haat.test", "--password-file", "secret"];
    run(&[&["admin", "create"], &boss[..]].concat());

    let server = Server::start(&mut haat(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let at = [&["--server", &server.url], &boss[..]].concat();
    run(&[&["export", "events", "running.jsonl"], &at[..]].concat());
    run(&[&["export", "events", "catalog.jsonl", "--service", "catalog"], &at[..]].concat());
    assert_eq!(server.stop(), Some(0));
    run(&["export", "events", "stopped.jsonl"]);
    let [running, catalog, stopped] = ["running.jsonl", "catalog.jsonl", "stopped.jsonl"].map(|name| by_service(&folder.path().join(name)));
    assert_eq!((running["/catalog"].len(), &running["/catalog"]), (1_200, &stopped["/catalog"]));
    assert!(catalog.len() == 1 && catalog["/catalog"] == running["/catalog"], "one service alone");
    // What happened in between, such as a sign-in, stands behind the rest.
    assert!(running.len() > 1 && running.iter().all(|(service, lines)| stopped[service].starts_with(lines)));
}
