//! Somebody's list.

use kit::{Caller, Ids, Role};
use serde_json::json;
use testing::Engine;

use crate::market::{Market, id_of, text};

testing::both_engines!(
    a_list_comes_in_pages_newest_first,
    what_was_read_stays_read,
    somebody_elses_messages_are_not_there,
    old_messages_are_forgotten,
    bad_input_is_named,
);

async fn a_list_comes_in_pages_newest_first(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    m.sale(&shopper, "k1").await;
    let first = m.p.send("GET", "/api/v1/notifications?limit=2", &shopper, None, &[]).await.expect(200).body;
    let cursor = text(&first["nextCursor"]);
    let second = m.p.send("GET", &format!("/api/v1/notifications?limit=2&cursor={cursor}"), &shopper, None, &[]).await.expect(200).body;
    let kinds = [&first["data"][0], &first["data"][1], &second["data"][0]].map(|n| text(&n["kind"]));
    assert_eq!(kinds, ["order.confirmed", "order.created", "user.registered"]);
    assert_eq!(second["nextCursor"], json!(null));
    let history = m.list(&shopper, "/history").await;
    assert_eq!(history.iter().filter(|n| n["channel"] == "email").count(), 2);
    assert_eq!(history.len(), 5);
    let elsewhere = m.p.send("GET", &format!("/api/v1/notifications/history?cursor={cursor}"), &shopper, None, &[]).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (400, "invalid_cursor"));
}

async fn what_was_read_stays_read(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    m.sale(&shopper, "k1").await;
    let path = format!("/api/v1/notifications/{}/read", text(&m.list(&shopper, "").await[0]["id"]));
    let read = m.p.send("PUT", &path, &shopper, None, &[]).await.expect(200).body;
    let again = m.p.send("PUT", &path, &shopper, None, &[]).await.expect(200).body;
    assert!(read["readAt"].is_string());
    assert_eq!(read, again, "the first reading counts");
    assert_eq!(m.list(&shopper, "?unread=true").await.len(), 2);
    let all = m.p.send("POST", "/api/v1/notifications/read-all", &shopper, None, &[]).await.expect(200).body;
    assert_eq!(all, json!({"marked": 2}));
    let none = m.p.send("POST", "/api/v1/notifications/read-all", &shopper, None, &[]).await.expect(200).body;
    assert_eq!(none, json!({"marked": 0}));
    assert_eq!(m.list(&shopper, "?unread=true").await.len(), 0);
    let mails = m.list(&shopper, "/history?unread=true").await;
    assert!(mails.iter().all(|n| n["channel"] == "email"), "mails are not read here");
}

async fn somebody_elses_messages_are_not_there(engine: Engine) {
    let m = Market::open(engine).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    let other = m.person("other@example.test", "Other").await;
    let id = text(&m.list(&shopper, "").await[0]["id"]);
    m.p.send("PUT", &format!("/api/v1/notifications/{id}/read"), &other, None, &[]).await.expect(404);
    assert_eq!(m.list(&shopper, "?unread=true").await.len(), 1);
    let theirs = format!("/api/v1/notifications/user/{}", id_of(&shopper));
    m.p.send("GET", &theirs, &other, None, &[]).await.expect(404);
    let support = testing::user_with(&[Role::Support]);
    for reader in [&shopper, &support] {
        let seen = m.p.send("GET", &theirs, reader, None, &[]).await.expect(200).body;
        assert_eq!(seen["data"][0]["id"], id);
    }
}

async fn old_messages_are_forgotten(engine: Engine) {
    let m = Market::open_with(engine, json!({"keep_days": 30})).await;
    let shopper = m.person("ayesha@example.test", "Ayesha").await;
    m.p.advance_seconds(20 * 24 * 3_600);
    m.p.settle().await;
    assert_eq!((m.list(&shopper, "").await.len(), m.mails("ayesha@example.test").await.len()), (1, 1));
    m.p.advance_seconds(11 * 24 * 3_600);
    m.p.settle().await;
    assert_eq!((m.list(&shopper, "").await.len(), m.mails("ayesha@example.test").await.len()), (0, 0));
}

async fn bad_input_is_named(engine: Engine) {
    let m = Market::open(engine).await;
    let (me, nobody) = (testing::user(), Caller::default());
    let unknown = Ids::random().uuid(contracts::Time(0));
    let cases = [
        ("GET", "".to_owned(), &nobody, 401, "unauthenticated"),
        ("GET", "?limit=0".into(), &me, 400, "invalid_limit"),
        ("GET", "?limit=101".into(), &me, 400, "invalid_limit"),
        ("GET", "?limit=x".into(), &me, 400, "invalid_query"),
        ("GET", "?unread=maybe".into(), &me, 400, "invalid_query"),
        ("GET", "?page=2".into(), &me, 400, "invalid_query"),
        ("GET", "?cursor=zzz".into(), &me, 400, "invalid_cursor"),
        ("GET", "/user/x".into(), &me, 404, "not_found"),
        ("PUT", "/x/read".into(), &me, 404, "not_found"),
        ("PUT", format!("/{unknown}/read"), &me, 404, "not_found"),
        ("PUT", format!("/{unknown}/read"), &nobody, 401, "unauthenticated"),
        ("POST", "/read-all".into(), &nobody, 401, "unauthenticated"),
    ];
    for (method, path, who, status, code) in cases {
        let r = m.p.send(method, &format!("/api/v1/notifications{path}"), who, None, &[]).await;
        assert_eq!((r.status, r.code()), (status, code), "{method} {path}");
    }
}
