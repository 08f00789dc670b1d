//! Templates in the language of the reader, built in and written anew.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response};

use crate::market::{Market, text};

testing::both_engines!(
    people_are_told_in_their_language,
    a_written_template_takes_the_place_of_the_built_in_one,
    a_template_that_cannot_be_filled_in_is_refused,
    a_preview_stores_nothing,
    only_administrators_write_templates,
);

const CONFIRMED: &str = "/api/v1/notifications/templates/order.confirmed";

fn admin() -> Caller {
    testing::user_with(&[Role::Admin])
}

async fn put(m: &Market, body: Json) -> Response {
    m.p.send("PUT", CONFIRMED, &admin(), Some(body), &[]).await
}

async fn people_are_told_in_their_language(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "আয়েশা").await;
    m.p.send("PUT", "/api/v1/users/profile", &her, Some(json!({"locale": "bn-BD"})), &[]).await.expect(200);
    let order = m.sale(&her, "k1").await;
    let number = text(&order["number"]);
    let newest = &m.list(&her, "").await[0];
    assert_eq!(newest["title"], format!("অর্ডার {number} নিশ্চিত হয়েছে"));
    let mail = &m.mails("ayesha@example.test").await[1];
    let body = text(&mail["text"]);
    assert!(body.starts_with("প্রিয় আয়েশা,") && body.contains("- ২ × Gamcha <red>: ৳২,৫৯৮.০০"), "{body}");
    assert!(text(&mail["html"]).contains("<html lang=\"bn\">"));
    assert!(m.subjects("seller@looms.test").await[0].starts_with("New order"), "the seller reads English");
}

async fn a_written_template_takes_the_place_of_the_built_in_one(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person("ayesha@example.test", "Ayesha").await;
    let path = format!("{CONFIRMED}?channel=email");
    let before = m.p.send("GET", &path, &admin(), None, &[]).await.expect(200).body;
    assert_eq!((&before["custom"], &before["locale"], &before["updatedAt"]), (&json!(false), &json!("en"), &json!(null)));
    assert_eq!(before["title"], "Order {{orderNumber}} is confirmed");
    assert_eq!(before["fields"], json!(["name", "shopUrl", "orderNumber", "orderUrl", "total", "items"]));

    let body = json!({"channel": "email", "title": "Yes! {{orderNumber}}", "body": "{{#each items}}{{title}}{{/each}}", "html": "<b>{{items.[0].title}}</b>"});
    assert_eq!(put(&m, body).await.status, 422, "items are gone through with each");
    let body =
        json!({"channel": "email", "title": "Yes! {{orderNumber}}", "body": "Text", "html": "<b>{{#each items}}{{title}}{{/each}}</b>"});
    let written = put(&m, body).await.expect(200).body;
    assert_eq!((&written["custom"], &written["title"]), (&json!(true), &json!("Yes! {{orderNumber}}")));
    let order = m.sale(&her, "k1").await;
    let mail = &m.mails("ayesha@example.test").await[1];
    assert_eq!(mail["subject"], format!("Yes! {}", text(&order["number"])));
    assert_eq!((&mail["text"], &mail["html"]), (&json!("Text"), &json!("<b>Gamcha &lt;red&gt;</b>")));
    assert!(text(&m.list(&her, "").await[0]["title"]).ends_with("is confirmed"), "the list has a template of its own");

    m.p.send("DELETE", &path, &admin(), None, &[]).await.expect(204);
    let after = m.p.send("GET", &path, &admin(), None, &[]).await.expect(200).body;
    assert_eq!(after, before);
}

async fn a_template_that_cannot_be_filled_in_is_refused(engine: Engine) {
    let m = Market::open(engine).await;
    let cases = [
        (json!({"channel": "email", "title": "{{orderNumber}}", "body": "{{#if name}}{{orderNumbr}}{{/if}}"}), 422, "/body"),
        (json!({"channel": "email", "title": "{{trackingNumber}}", "body": "x"}), 422, "/title"),
        (json!({"channel": "email", "title": "x", "body": "x", "html": "{{#if}}"}), 422, "/html"),
        (json!({"channel": "email", "title": "", "body": "x"}), 422, "/title"),
        (json!({"channel": "sms", "title": "x", "body": "x"}), 400, ""),
        (json!({"channel": "email", "locale": "fr", "title": "x", "body": "x"}), 400, ""),
        (json!({"channel": "email", "title": "x", "body": "x", "extra": 1}), 400, ""),
        (json!({"channel": "email", "title": "x"}), 400, ""),
    ];
    for (body, status, pointer) in cases {
        let r = put(&m, body.clone()).await;
        assert_eq!((r.status, r.body["errors"][0]["pointer"].as_str().unwrap_or("")), (status, pointer), "{body} {}", r.body);
    }
    let named = put(&m, json!({"channel": "email", "title": "{{x}}", "body": "y"})).await;
    let detail = text(&named.body["errors"][0]["detail"]);
    assert_eq!(detail, "unknown field x; known here: name, shopUrl, orderNumber, orderUrl, total, items");
    let body = json!({"channel": "email", "title": "x", "body": "x"});
    let elsewhere = m.p.send("PUT", "/api/v1/notifications/templates/order.created", &admin(), Some(body), &[]).await;
    assert_eq!((elsewhere.status, &elsewhere.body["errors"][0]["pointer"]), (422, &json!("/channel")));
    m.p.send("GET", "/api/v1/notifications/templates/order.gone?channel=email", &admin(), None, &[]).await.expect(404);
    m.p.send("GET", CONFIRMED, &admin(), None, &[]).await.expect(400);
}

async fn a_preview_stores_nothing(engine: Engine) {
    let m = Market::open(engine).await;
    let preview = |body: Json| {
        let path = format!("{CONFIRMED}/preview");
        let m = &m;
        async move { m.p.send("POST", &path, &admin(), Some(body), &[]).await }
    };
    let as_it_is = preview(json!({"channel": "email", "locale": "bn"})).await.expect(200).body;
    assert!(text(&as_it_is["body"]).contains("৳২,৭১৮.০০") && text(&as_it_is["html"]).contains("&lt;গামছা&gt;"), "{as_it_is}");
    let changed = preview(json!({"channel": "in_app", "title": "Hi {{name}}"})).await.expect(200).body;
    assert_eq!((&changed["title"], &changed["html"]), (&json!("Hi Ayesha"), &json!(null)));
    assert_eq!(preview(json!({"channel": "in_app", "title": "Hi {{nam}}"})).await.status, 422);
    let all = m.list(&admin(), "/templates").await;
    assert_eq!(all.len(), 2 * (3 + 2 + 2 * 15), "three of one channel each in the list, two by mail, fifteen on both, in two languages");
    assert!(all.iter().all(|t| t["custom"] == false));
}

async fn only_administrators_write_templates(engine: Engine) {
    let m = Market::open(engine).await;
    let (me, nobody) = (testing::user_with(&[Role::Support]), Caller::default());
    let body = json!({"channel": "email", "title": "x", "body": "x"});
    for (method, path, body) in [
        ("GET", "/api/v1/notifications/templates".to_owned(), None),
        ("GET", format!("{CONFIRMED}?channel=email"), None),
        ("DELETE", format!("{CONFIRMED}?channel=email"), None),
        ("PUT", CONFIRMED.to_owned(), Some(body.clone())),
        ("POST", format!("{CONFIRMED}/preview"), Some(json!({"channel": "email"}))),
    ] {
        assert_eq!(m.p.send(method, &path, &me, body.clone(), &[]).await.code(), "forbidden", "{method} {path}");
        assert_eq!(m.p.send(method, &path, &nobody, body, &[]).await.code(), "unauthenticated", "{method} {path}");
    }
}
