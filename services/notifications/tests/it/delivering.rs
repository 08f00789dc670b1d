//! Mails on their way to a server that takes, refuses, is busy, or goes away.

use kit::{Caller, Ids, Role};
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, text};
use crate::server::{Reply, Server};

testing::both_engines!(
    a_mail_leaves_by_smtp,
    a_mail_leaves_over_tls_with_a_password,
    what_is_refused_for_good_is_not_tried_again,
    a_busy_server_is_asked_again,
    a_lost_connection_is_tried_again_until_it_is_given_up,
    nobody_answers,
    only_administrators_see_deliveries,
);

const HER: &str = "ayesha@example.test";

async fn open(engine: Engine, server: &Server) -> Market {
    Market::open_with(engine, json!({"smtp": server.config(), "attempts_max": 3})).await
}

fn admin() -> Caller {
    testing::user_with(&[Role::Admin])
}

/// Deliveries to her, oldest first.
async fn hers(m: &Market, filter: &str) -> Vec<Json> {
    let all = m.list(&admin(), &format!("/deliveries?limit=100{filter}")).await;
    all.into_iter().rev().filter(|d| d["to"] == HER).collect()
}

async fn a_mail_leaves_by_smtp(engine: Engine) {
    let server = Server::start(|_, _| Reply::Take).await;
    let m = open(engine, &server).await;
    let her = m.person(HER, "আয়েশা").await;
    m.sale(&her, "k1").await;
    let taken = server.taken_for(HER);
    assert_eq!(taken.len(), 2);
    let (mail, delivery) = (&taken[1], &hers(&m, "").await[1]);
    assert_eq!((mail.from.as_str(), mail.tls), ("orders@haat.test", false));
    let headers: Vec<&str> = mail.data.lines().take_while(|l| !l.is_empty()).collect();
    for header in ["From: haat <orders@haat.test>", "To: ayesha@example.test", "MIME-Version: 1.0"] {
        assert!(headers.contains(&header), "{header} is not in {headers:#?}");
    }
    assert!(headers.contains(&format!("Message-ID: <{}@haat.test>", text(&delivery["id"])).as_str()), "{headers:#?}");
    assert!(headers.iter().any(|h| h.starts_with("Date: ")) && headers.iter().any(|h| h.starts_with("Subject: Order HT-")), "{headers:#?}");
    assert!(mail.data.contains("Content-Type: text/plain; charset=utf-8") && mail.data.contains("Content-Type: text/html; charset=utf-8"));
    assert_eq!((&delivery["status"], &delivery["attempts"], &delivery["nextAttemptAt"]), (&json!("sent"), &json!(1), &json!(null)));
    assert_eq!(delivery["answer"], "250 2.0.0 taken as 17");
    assert_eq!(delivery["tries"][0]["outcome"], "sent");
    assert_eq!(m.mails(HER).await.len(), 2, "in development it is in the mailbox too");
    let history = m.list(&her, "/history").await;
    let states: Vec<_> = history.iter().map(|n| (text(&n["channel"]), n["status"].clone())).collect();
    assert!(states.iter().all(|(channel, status)| *status == if channel == "email" { json!("sent") } else { json!(null) }), "{states:?}");
}

async fn a_mail_leaves_over_tls_with_a_password(engine: Engine) {
    let server = Server::start(|_, _| Reply::Take).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, &server.certificate).unwrap();
    let smtp = json!({"host": "localhost", "port": server.port, "security": "starttls", "from": "orders@haat.test",
        "username": "haat", "password": "hush", "ca_file": ca_file});
    let m = Market::open_with(engine, json!({"smtp": smtp})).await;
    m.person(HER, "Ayesha").await;
    let taken = &server.taken_for(HER)[0];
    assert!(taken.tls);
    assert_eq!(taken.user.as_deref(), Some("PLAIN AGhhYXQAaHVzaA=="), "base64 of haat and its password");
}

async fn what_is_refused_for_good_is_not_tried_again(engine: Engine) {
    let server = Server::start(|to, number| if to == HER && number == 1 { Reply::Refuse } else { Reply::Take }).await;
    let m = open(engine, &server).await;
    m.person(HER, "Ayesha").await;
    let dead = &hers(&m, "&status=dead").await[0];
    assert_eq!((&dead["attempts"], &dead["nextAttemptAt"]), (&json!(1), &json!(null)));
    assert!(text(&dead["answer"]).contains("no such mailbox"), "{dead}");
    m.p.advance_seconds(24 * 3_600);
    m.p.settle().await;
    assert_eq!(server.tried(HER), 1);
    assert_eq!(m.mails(HER).await.len(), 0, "what has not left is not in the mailbox");

    let path = format!("/api/v1/notifications/deliveries/{}/retry", text(&dead["id"]));
    let pending = m.p.send("POST", &path, &admin(), None, &[]).await.expect(200).body;
    assert_eq!(pending["status"], "pending");
    m.p.settle().await;
    let sent = &hers(&m, "&status=sent").await[0];
    let outcomes: Vec<_> = sent["tries"].as_array().unwrap().iter().map(|t| (t["number"].clone(), t["outcome"].clone())).collect();
    assert_eq!(outcomes, [(json!(1), json!("never")), (json!(2), json!("sent"))]);
    let again = m.p.send("POST", &path, &admin(), None, &[]).await;
    assert_eq!((again.status, again.code(), &again.body["deliveryStatus"]), (409, "not_dead", &json!("sent")));
}

async fn a_busy_server_is_asked_again(engine: Engine) {
    let server = Server::start(|to, number| if to == HER && number < 3 { Reply::Busy } else { Reply::Take }).await;
    let m = open(engine, &server).await;
    m.person(HER, "Ayesha").await;
    let failed = &hers(&m, "&status=failed").await[0];
    assert!(text(&failed["answer"]).contains("too busy") && failed["nextAttemptAt"].is_string(), "{failed}");
    let path = format!("/api/v1/notifications/deliveries/{}/retry", text(&failed["id"]));
    m.p.send("POST", &path, &admin(), None, &[]).await.expect(409);
    for seconds in [12, 36] {
        m.p.advance_seconds(seconds);
        m.p.settle().await;
    }
    let sent = &hers(&m, "").await[0];
    assert_eq!((&sent["status"], &sent["attempts"]), (&json!("sent"), &json!(3)));
    assert_eq!(server.taken_for(HER).len(), 1);
}

async fn a_lost_connection_is_tried_again_until_it_is_given_up(engine: Engine) {
    let server = Server::start(|to, number| if to == HER && number < 6 { Reply::HangUp } else { Reply::Take }).await;
    let m = open(engine, &server).await;
    m.person(HER, "Ayesha").await;
    for _ in 0..5 {
        m.p.advance_seconds(2 * 3_600);
        m.p.settle().await;
    }
    assert_eq!(server.tried(HER), 3, "attempts_max");
    let dead = &hers(&m, "&status=dead").await[0];
    assert_eq!(dead["attempts"], 3);

    let path = format!("/api/v1/notifications/deliveries/{}/retry", text(&dead["id"]));
    m.p.send("POST", &path, &admin(), None, &[]).await.expect(200);
    for _ in 0..3 {
        m.p.settle().await;
        m.p.advance_seconds(2 * 3_600);
    }
    assert_eq!(hers(&m, "").await[0]["status"], "sent", "a new series has as many attempts as the first");
    let ids: Vec<_> = server.taken_for(HER)[0].data.lines().filter(|l| l.starts_with("Message-ID:")).map(str::to_owned).collect();
    assert_eq!(ids, [format!("Message-ID: <{}@haat.test>", text(&dead["id"]))], "the same id in each attempt");
}

async fn nobody_answers(engine: Engine) {
    // Whoever comes is let go without an answer.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    tokio::spawn(async move { while closed.accept().await.is_ok() {} });
    let smtp = json!({"host": "127.0.0.1", "port": port, "security": "none", "from": "orders@haat.test"});
    let m = Market::open_with(engine, json!({"smtp": smtp})).await;
    m.person(HER, "Ayesha").await;
    let failed = &hers(&m, "").await[0];
    assert_eq!(failed["status"], "failed", "{failed}");
}

async fn only_administrators_see_deliveries(engine: Engine) {
    let server = Server::start(|_, _| Reply::Take).await;
    let m = open(engine, &server).await;
    let unknown = Ids::random().uuid(contracts::Time(0));
    let retry = format!("/{unknown}/retry");
    let (me, support, boss, nobody) = (testing::user(), testing::user_with(&[Role::Support]), admin(), Caller::default());
    let cases = [
        ("GET", "", &nobody, 401, "unauthenticated"),
        ("GET", "", &me, 403, "forbidden"),
        ("GET", "", &support, 403, "forbidden"),
        ("POST", retry.as_str(), &me, 403, "forbidden"),
        ("POST", retry.as_str(), &boss, 404, "not_found"),
        ("POST", "/x/retry", &boss, 404, "not_found"),
        ("GET", "?status=gone", &boss, 400, "invalid_query"),
        ("GET", "?limit=0", &boss, 400, "invalid_limit"),
    ];
    for (method, path, who, status, code) in cases {
        let r = m.p.send(method, &format!("/api/v1/notifications/deliveries{path}"), who, None, &[]).await;
        assert_eq!((r.status, r.code()), (status, code), "{method} {path}");
    }
    m.person("first@example.test", "First").await;
    m.person(HER, "Ayesha").await;
    let first = m.p.send("GET", "/api/v1/notifications/deliveries?limit=1", &boss, None, &[]).await.expect(200).body;
    let next = format!("/api/v1/notifications/deliveries?limit=1&cursor={}", text(&first["nextCursor"]));
    let second = m.p.send("GET", &next, &boss, None, &[]).await.expect(200).body;
    assert_eq!((&first["data"][0]["to"], &second["data"][0]["to"]), (&json!(HER), &json!("first@example.test")));
}
