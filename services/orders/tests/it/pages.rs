//! The pages behind the links in mails about orders.

use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines, redact};

use crate::shop::{Shop, order_of, text};

both_engines!(
    a_link_shows_an_order_to_whom_it_belongs_only,
    the_pages_say_how_to_see_an_order,
    an_order_stands_in_both_languages,
    a_link_that_leads_to_nothing_is_a_page,
);

const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

/// What stands on the page.
fn main(answer: &Response) -> String {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    let html = String::from_utf8(answer.bytes.clone()).unwrap();
    html.split_once("<main>").and_then(|(_, rest)| rest.split_once("</main>")).unwrap().0.to_owned()
}

async fn a_link_shows_an_order_to_whom_it_belongs_only(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, guest) = (testing::user(), testing::guest());
    let good = shop.good(10_000, 9).await;
    for owner in [&shopper, &guest] {
        let mut body = order_of(&good, 2);
        if owner.user.is_none() {
            body["email"] = json!("guest@elsewhere.test");
        }
        let order = shop.post(owner, "k", body).await.expect(201).body;
        let path = format!("/orders/{}", text(&order["id"]));
        let page = main(&shop.p.send("GET", &path, owner, None, &[]).await.expect(200));
        let title = &text(&order["vendorOrders"][0]["items"][0]["title"]);
        for part in [&text(&order["number"]), title, "BDT 200.00", "Awaiting payment", "<td>Total</td>"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        for stranger in [testing::user(), testing::guest()] {
            shop.p.send("GET", &path, &stranger, None, &[]).await.expect(404);
        }
        let nobody = kit::Caller::default();
        let unknown = main(&shop.p.send("GET", &format!("/orders/{NOTHING}"), &nobody, None, &[]).await.expect(401));
        let known = main(&shop.p.send("GET", &path, &nobody, None, &[]).await.expect(401));
        assert_eq!(known.replace(&text(&order["id"]), NOTHING), unknown, "nobody learns which orders there are");
    }
}

async fn the_pages_say_how_to_see_an_order(engine: Engine) {
    let shop = Shop::open(engine).await;
    let mut seen: Vec<Json> = Vec::new();
    for (path, language) in [("/orders", "en"), ("/orders", "bn-BD"), ("/vendor/orders", "en-GB,bn;q=0.1")] {
        let nobody = kit::Caller::default();
        let page = shop.p.send("GET", &format!("{path}/{NOTHING}"), &nobody, None, &[("accept-language", language)]).await;
        seen.push(json!({"page": format!("{path} in {language}"), "main": main(&page.expect(401))}));
    }
    insta::assert_json_snapshot!("pages", redact(&json!(seen)));
}

async fn an_order_stands_in_both_languages(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, good) = (testing::user(), shop.good(10_000, 9).await);
    let mut seen: Vec<Json> = Vec::new();
    let mut look = async |what: &str, order: &Json| {
        for language in ["en", "bn-BD"] {
            let path = format!("/orders/{}", text(&order["id"]));
            let page = shop.p.send("GET", &path, &shopper, None, &[("accept-language", language)]).await.expect(200);
            assert!(String::from_utf8_lossy(&page.bytes).contains(&format!("<html lang=\"{}\">", &language[..2])));
            seen.push(json!({"page": format!("{what} in {language}"), "main": main(&page)}));
        }
    };
    let order = shop.order(&shopper, &good, 2).await;
    look("one that is not paid", &order).await;
    shop.pay(&order, "decline").await.expect(200);
    shop.p.settle().await;
    look("one that was declined", &order).await;
    let order = shop.sale(&shopper, &good, 1).await;
    let part = &order["vendorOrders"][0];
    shop.advance(&shop.seller, part, "processing").await.expect(200);
    let body = json!({"status": "shipped", "tracking": {"carrier": "Shapla <Express>", "number": "SE-1"}});
    shop.advance_with(&shop.seller, part, body).await.expect(200);
    look("one that has shipped", &order).await;
    let order = shop.sale(&shopper, &good, 3).await;
    shop.cancel(&shopper, &order).await.expect(200);
    look("one that was cancelled", &order).await;
    insta::assert_json_snapshot!("pages_of_orders", redact(&json!(seen)));
}

async fn a_link_that_leads_to_nothing_is_a_page(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (shopper, nobody) = (testing::user(), kit::Caller::default());
    let order = shop.order(&shopper, &shop.good(10_000, 9).await, 1).await;
    let another = format!("/orders/{}", text(&order["id"]));
    let mut seen: Vec<Json> = Vec::new();
    for (path, who, status) in [
        (another.as_str(), &testing::user(), 404),
        ("/orders/half-an-id", &shopper, 404),
        ("/orders/half-an-id", &nobody, 404),
        ("/orders/%00", &shopper, 404),
        ("/vendor/orders/half-an-id", &nobody, 404),
    ] {
        for language in ["en", "bn-BD"] {
            let page = shop.p.send("GET", path, who, None, &[("accept-language", language)]).await.expect(status);
            seen.push(json!({"page": format!("{path} in {language}"), "main": main(&page)}));
        }
    }
    let unknown = main(&shop.p.send("GET", &format!("/orders/{NOTHING}"), &shopper, None, &[]).await.expect(404));
    assert_eq!(seen[0]["main"], unknown, "another's is as little there as none");
    insta::assert_json_snapshot!("pages_of_nothing", redact(&json!(seen)));
}
