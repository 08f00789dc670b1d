//! The development mailbox.

use serde_json::json;
use testing::Engine;

use crate::market::{Market, text};

testing::both_engines!(the_mailbox_shows_what_would_have_left);

async fn the_mailbox_shows_what_would_have_left(engine: Engine) {
    let m = Market::open(engine).await;
    m.person("first@example.test", "First").await;
    m.person("ayesha@example.test", "<i>Ayesha</i>").await;
    let all = m.p.send("GET", "/dev/mailbox/messages", &testing::guest(), None, &[]).await.expect(200).body;
    assert_eq!(all, m.p.send("GET", "/api/v1/dev/mailbox/messages", &testing::guest(), None, &[]).await.expect(200).body);
    assert_eq!(all["nextCursor"], json!(null));
    let names: Vec<&String> = all["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "channel", "to", "subject", "text", "html", "createdAt"]);
    assert_eq!((&all["data"][0]["to"], &all["data"][1]["to"]), (&json!("ayesha@example.test"), &json!("first@example.test")));

    let first = m.p.send("GET", "/dev/mailbox/messages?limit=1", &testing::guest(), None, &[]).await.expect(200).body;
    let next = format!("/dev/mailbox/messages?limit=1&cursor={}", text(&first["nextCursor"]));
    let second = m.p.send("GET", &next, &testing::guest(), None, &[]).await.expect(200).body;
    assert_eq!((&second["data"][0], &second["nextCursor"]), (&all["data"][1], &json!(null)));

    let page = m.p.send("GET", "/dev/mailbox", &testing::guest(), None, &[]).await.expect(200);
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-type").starts_with("text/html") && page.header("content-security-policy").contains("default-src 'none'"));
    assert!(html.contains("Hello &lt;i&gt;Ayesha&lt;/i&gt;,") && !html.contains("<i>"), "{html}");
}
