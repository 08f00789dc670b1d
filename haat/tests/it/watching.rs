//! What operators see of a running process.

use std::collections::BTreeMap;

use serde_json::json;
use testing::Engine;

use crate::binary::{Server, folder, haat};
use crate::market::{Market, order_cart};
use crate::nodes::Layout;
use crate::outside::{Outside, Visitor};

#[test]
fn every_metric_is_explained_and_top_shows_them() {
    let folder = folder();
    let server = Server::start(&mut haat(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    testing::run(async {
        let outside = Outside::of(&server.url);
        outside.send(&Visitor::default(), "GET", "/products", None, &[]).await.expect(200);
        let metrics = || async {
            let answer = outside.send_to(&Visitor::default(), "GET", &format!("{}/metrics", server.url), None, &[]).await.expect(200);
            String::from_utf8_lossy(&answer.bytes).into_owned()
        };
        // The gauges of stock come with the first look at what is unfinished.
        testing::eventually("stock is watched", || async { metrics().await.contains("haat_stock_units{") }).await;
        let text = metrics().await;
        let kinds: BTreeMap<&str, &str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split_once(' ')).collect();
        assert!(kinds.len() > 10, "{text}");
        for (name, kind) in kinds {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} is not explained");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        }
        for series in ["haat_http_requests_total{service=\"catalog\"", "process_resident_memory_bytes ", "haat_build_info{version="] {
            assert!(text.lines().any(|line| line.starts_with(series)), "no {series}:\n{text}");
        }
    });
    let top = haat(folder.path(), &["top", "--server", &server.url]).output().unwrap();
    let page = String::from_utf8_lossy(&top.stdout);
    assert!(top.status.success() && page.starts_with("haat "), "{page}{}", String::from_utf8_lossy(&top.stderr));
    for title in ["Requests per second", "Orders, payments, stock", "Database per second", "Readers", "Sagas", "Jobs"] {
        assert!(page.contains(title), "{page}");
    }
}

#[test]
fn that_no_mail_leaves_is_said_where_it_is_served_and_not_by_every_command() {
    const NOTICE: &str = "no mail leaves: services.notifications.smtp is not configured";
    let folder = folder();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    let commands: [&[&str]; 3] =
        [&["migrate"], &["admin", "create", "--email", "boss@haat.test", "--password-file", "password"], &["export", "products"]];
    for command in commands {
        let output = haat(folder.path(), command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains(NOTICE), "{command:?}: {said}");
    }
    for (profile, times) in [("production", 1), ("development", 0)] {
        let log = std::fs::File::create(folder.path().join(profile)).unwrap();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", profile];
        let server = Server::start(haat(folder.path(), &arguments).stderr(log));
        assert_eq!(server.stop(), Some(0));
        let said = std::fs::read_to_string(folder.path().join(profile)).unwrap();
        assert_eq!(said.matches(NOTICE).count(), times, "{profile}: {said}");
    }
}

#[test]
fn top_says_what_is_wrong_with_an_address() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    for (server, said) in [(&*nobody, "does not answer"), ("haat.test", "--server"), ("ftp://haat.test", "http://127.0.0.1:8080")] {
        let top = haat(folder.path(), &["top", "--once", "--server", server]).output().unwrap();
        let error = String::from_utf8_lossy(&top.stderr);
        assert!(top.status.code() == Some(1) && error.contains(said), "{server}: {error}");
    }
}

#[test]
fn services_have_figures_of_their_own_on_postgres_too() {
    testing::run(async {
        let market = Market::open(Layout::Together(Engine::Postgres)).await;
        let cloth = market.good(&market.sellers[0], 100, 3).await;
        market.put_into_cart(&market.sellers[1], &cloth, 1).await;
        let headers = [("idempotency-key", "watched")];
        market.outside.send(&market.sellers[1], "POST", "/orders", Some(order_cart()), &headers).await.expect(201);
        let mut figures = kit::platform::Figures::default();
        figures.set(market.platform()).await.unwrap();
        let found = |name: &str, state: &str| figures.value(name, &[("service", "catalog"), ("state", state)]);
        assert_eq!((found("haat_stock_units", "on_hand"), found("haat_stock_units", "reserved")), (Some(3.0), Some(1.0)));
        assert_eq!((found("haat_stock_variants", "out"), found("haat_stock_variants", "low")), (Some(0.0), Some(1.0)));
        assert_eq!(json!(figures.value("haat_jobs_due", &[("service", "catalog")])), json!(0.0));
        market.close().await;
    });
}

#[test]
fn a_dead_job_is_seen_tried_again_and_given_up_by_an_administrator() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        testing::run(async {
            let market = Market::open(Layout::Together(engine)).await;
            let queued = market.platform().env("notifications").unwrap().db.write(|tx| {
                let now = tx.now();
                kit::jobs::queue(tx, "webhook.deliver", "no id", json!(null), now)
            });
            queued.await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
            let dead = || async { market.get(&market.admin, "/dead-jobs").await["data"].clone() };
            testing::eventually("the job is dead", || async { dead().await != json!([]) }).await;
            let job = dead().await[0].clone();
            assert_eq!((&job["service"], &job["kind"], &job["key"]), (&json!("notifications"), &json!("webhook.deliver"), &json!("no id")));
            assert_eq!((&job["error"], &job["attempts"]), (&json!("not an endpoint: \"no id\""), &json!(1)));
            let retry = |id: &str| format!("/dead-jobs/{id}/retry");
            let nothing = retry("01900000-0000-7000-8000-00000000dead");
            market.outside.send(&market.admin, "POST", &nothing, None, &[]).await.expect(404);
            market.outside.send(&market.sellers[0], "GET", "/dead-jobs", None, &[]).await.expect(403);
            market.outside.send(&market.admin, "POST", &retry(job["id"].as_str().unwrap()), None, &[]).await.expect(204);
            let has_failed_anew = |now: &serde_json::Value| now["failedAt"].is_string() && now["failedAt"] != job["failedAt"];
            testing::eventually("it was tried again", || async { has_failed_anew(&dead().await[0]) }).await;
            let discard = format!("/dead-jobs/{}/discard", job["id"].as_str().unwrap());
            market.outside.send(&market.sellers[0], "POST", &discard, None, &[]).await.expect(403);
            market.outside.send(&market.admin, "POST", &discard, None, &[]).await.expect(204);
            assert_eq!(dead().await, json!([]));
            market.outside.send(&market.admin, "POST", &discard, None, &[]).await.expect(404);
            market.close().await;
        });
    }
}
