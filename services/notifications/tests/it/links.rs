//! Mails with a link that proves something: its token is in the mail and nowhere else.

use kit::db::DbError;
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, PASSWORD, text};
use crate::server::{Reply, Server};

testing::both_engines!(
    an_address_is_proved_by_the_link_in_its_mail,
    a_forgotten_password_is_replaced_by_the_link_in_its_mail,
    each_attempt_has_a_token_of_its_own,
    a_link_that_has_expired_is_not_mailed,
);

const HER: &str = "ayesha@example.test";

fn token_in(mail: &str, page: &str) -> String {
    let start = format!("http://haat.test/{page}?token=");
    let found = mail.lines().find_map(|l| l.strip_prefix(&start)).unwrap_or_else(|| panic!("no link to {page} in {mail}"));
    found.to_owned()
}

async fn post(m: &Market, path: &str, body: Json) -> u16 {
    m.p.send("POST", &format!("/api/v1/auth/{path}"), &testing::guest(), Some(body), &[]).await.status
}

async fn an_address_is_proved_by_the_link_in_its_mail(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person(HER, "Ayesha").await;
    let mail = &m.mails(HER).await[0];
    assert_eq!(mail["subject"], "Please confirm your e-mail address");
    let token = token_in(&text(&mail["text"]), "verify-email");
    assert!(text(&mail["html"]).contains(&token));

    let sql = "SELECT COUNT(*) FROM notifications.messages WHERE body LIKE '%?token=•••%' AND html LIKE '%token&#x3D;•••%'";
    let hidden = m.p.db("notifications").read(move |q| q.row(sql, &[])).await.unwrap_or_else(|e: DbError| panic!("{e}")).unwrap();
    assert_eq!(hidden.get::<i64>(0), Ok(1), "what is stored does not hold the token");
    let history = serde_json::to_string(&m.list(&her, "/history").await).unwrap();
    assert!(!history.contains(&token));

    assert_eq!(post(&m, "verify-email", json!({"token": token})).await, 204);
    assert_eq!(post(&m, "verify-email", json!({"token": token})).await, 422, "once");
}

async fn a_forgotten_password_is_replaced_by_the_link_in_its_mail(engine: Engine) {
    let m = Market::open(engine).await;
    m.person(HER, "Ayesha").await;
    for address in [HER, "nobody@example.test"] {
        assert_eq!(post(&m, "forgot-password", json!({"email": address})).await, 202);
    }
    m.p.settle().await;
    assert_eq!(m.mails("nobody@example.test").await.len(), 0);
    let token = token_in(&text(&m.mails(HER).await[1]["text"]), "reset-password");
    assert_eq!(post(&m, "reset-password", json!({"token": token, "password": "another horse battery"})).await, 204);
    assert_eq!(post(&m, "login", json!({"email": HER, "password": PASSWORD})).await, 401);
    assert_eq!(post(&m, "login", json!({"email": HER, "password": "another horse battery"})).await, 200);
}

async fn each_attempt_has_a_token_of_its_own(engine: Engine) {
    let server = Server::start(|_, number| if number == 1 { Reply::HangUp } else { Reply::Take }).await;
    let m = Market::open_with(engine, json!({"smtp": server.config()})).await;
    m.person(HER, "Ayesha").await;
    assert_eq!(m.mails(HER).await.len(), 0);
    m.p.advance_seconds(15);
    m.p.settle().await;
    let token = token_in(&text(&m.mails(HER).await[0]["text"]), "verify-email");
    // Long lines are broken on their way (quoted-printable).
    let data = server.taken_for(HER)[0].data.replace("=\n", "");
    assert!(data.contains(&token), "what the mailbox shows is what has left: {data}");
    assert_eq!(post(&m, "verify-email", json!({"token": token})).await, 204);
}

async fn a_link_that_has_expired_is_not_mailed(engine: Engine) {
    let server = Server::start(|_, _| Reply::Busy).await;
    let m = Market::open_with(engine, json!({"smtp": server.config()})).await;
    m.person(HER, "Ayesha").await;
    m.p.advance_seconds(8 * 24 * 3_600);
    m.p.settle().await;
    let admin = testing::user_with(&[kit::Role::Admin]);
    let dead = &m.list(&admin, "/deliveries?status=dead").await[0];
    assert_eq!((&dead["answer"], &dead["attempts"]), (&json!("the link was used or has expired"), &json!(2)));
    assert_eq!(server.tried(HER), 1);
}
