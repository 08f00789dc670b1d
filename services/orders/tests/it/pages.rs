//! The pages behind the links in mails about orders.

use serde_json::{Value as Json, json};
use testing::{Engine, Response, both_engines, redact};

use crate::shop::{Shop, order_of, text};

both_engines!(a_link_shows_an_order_to_whom_it_belongs_only, the_pages_say_how_to_see_an_order);

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
