//! What people do not want to be told, and when.

use kit::{Caller, DbError, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response};

use crate::market::{Market, id_of, text};
use crate::server::{Reply, Server};

testing::both_engines!(
    everything_is_on_until_it_is_turned_off,
    what_is_turned_off_is_not_told,
    what_must_be_told_cannot_be_turned_off,
    mails_wait_for_the_end_of_quiet_hours,
    an_attempt_that_falls_into_quiet_hours_waits_too,
    a_link_in_a_mail_turns_off_mails_like_it,
    what_was_turned_off_meanwhile_does_not_leave,
    preferences_are_their_owners,
    bad_preferences_are_named,
);

const PREFERENCES: &str = "/api/v1/notifications/preferences";
const HER: &str = "ayesha@example.test";

async fn put(m: &Market, who: &Caller, body: Json) -> Response {
    m.p.send("PUT", PREFERENCES, who, Some(body), &[]).await
}

fn off(kind: &str, channel: &str) -> Json {
    json!({"preferences": [{"kind": kind, "channel": channel, "enabled": false}]})
}

/// Quiet hours around this moment, which end in two hours at the latest and in one at the earliest.
async fn quiet_now(m: &Market) -> Json {
    let clock = m.p.platform().env("notifications").unwrap().clock.now();
    let hour = clock.unix_seconds() / 3_600 % 24;
    json!({"quietHours": {"start": format!("{hour:02}:00"), "end": format!("{:02}:00", (hour + 2) % 24), "timeZone": "UTC"}})
}

async fn rows(m: &Market, sql: &'static str) -> i64 {
    let row = m.p.db("notifications").read(move |q| q.row(sql, &[])).await.unwrap_or_else(|e: DbError| panic!("{e}"));
    row.unwrap().get(0).unwrap()
}

async fn everything_is_on_until_it_is_turned_off(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person(HER, "Ayesha").await;
    let before = m.p.send("GET", PREFERENCES, &her, None, &[]).await.expect(200).body;
    let all = before["preferences"].as_array().unwrap();
    assert!(all.iter().all(|p| p["enabled"] == true) && before["quietHours"].is_null(), "{before}");
    let of = |kind: &'static str| {
        all.iter().filter(move |p| p["kind"] == kind).map(|p| (p["channel"].clone(), p["required"].clone(), p["urgent"].clone()))
    };
    let expected = |required: bool, urgent: bool| ["in_app", "email"].map(|c| (json!(c), json!(required), json!(urgent)));
    assert_eq!(of("order.shipped").collect::<Vec<_>>(), expected(false, false));
    assert_eq!(of("order.confirmed").collect::<Vec<_>>(), expected(true, true));

    let hours = json!({"start": "22:00", "end": "07:00", "timeZone": "Asia/Dhaka"});
    put(&m, &her, off("order.shipped", "email")).await.expect(200);
    let after = put(&m, &her, json!({"quietHours": hours})).await.expect(200).body;
    assert_eq!(after["quietHours"], hours);
    let off: Vec<_> = after["preferences"].as_array().unwrap().iter().filter(|p| p["enabled"] == false).collect();
    assert_eq!(off.len(), 1, "what is left out stays as it is: {after}");
    assert_eq!((&off[0]["kind"], &off[0]["channel"]), (&json!("order.shipped"), &json!("email")));
    assert_eq!(after, m.p.send("GET", PREFERENCES, &her, None, &[]).await.expect(200).body);

    let on = json!({"preferences": [{"kind": "order.shipped", "channel": "email", "enabled": true}], "quietHours": null});
    for _ in 0..2 {
        assert_eq!(put(&m, &her, on.clone()).await.expect(200).body, before);
    }
    assert_eq!(rows(&m, "SELECT COUNT(*) FROM notifications.opt_outs").await, 0);
    assert_eq!(rows(&m, "SELECT COUNT(*) FROM notifications.quiet_hours").await, 0);
}

async fn what_is_turned_off_is_not_told(engine: Engine) {
    let m = Market::open(engine).await;
    let (her, other) = (m.person(HER, "Ayesha").await, m.person("other@example.test", "Other").await);
    put(&m, &her, off("order.shipped", "email")).await.expect(200);
    put(&m, &her, off("order.delivered", "in_app")).await.expect(200);
    for (who, key) in [(&her, "k1"), (&other, "k2")] {
        let order = m.sale(who, key).await;
        for status in ["processing", "shipped", "delivered"] {
            m.advance(&order, status).await;
        }
    }
    let told = |address: &'static str| async { m.subjects(address).await.len() };
    assert_eq!((told(HER).await, told("other@example.test").await), (3, 4), "no mail that it is on its way");
    assert_eq!(m.kinds(&her).await, ["user.registered", "order.created", "order.confirmed", "order.shipped"]);
    assert_eq!(m.kinds(&other).await.len(), 5);
}

async fn what_must_be_told_cannot_be_turned_off(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person(HER, "Ayesha").await;
    for kind in ["user.reset_password", "user.verify_email", "order.confirmed", "payment.refunded"] {
        let refused = put(&m, &her, off(kind, "email")).await.expect(422).body;
        let error = &refused["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/preferences/0/enabled"), &json!("required")), "{refused}");
        assert_eq!(error["detail"], format!("{kind} cannot be turned off"));
    }
    m.sale(&her, "k1").await;
    for mail in m.mails(HER).await {
        assert!(!text(&mail["text"]).contains("/unsubscribe/"), "{mail}");
    }
}

async fn mails_wait_for_the_end_of_quiet_hours(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person(HER, "Ayesha").await;
    let order = m.sale(&her, "k1").await;
    m.advance(&order, "processing").await;
    put(&m, &her, quiet_now(&m).await).await.expect(200);
    m.advance(&order, "shipped").await;
    m.sale(&her, "k2").await;
    let subjects = m.subjects(HER).await;
    assert_eq!(subjects.len(), 3, "an order that she places now is confirmed now: {subjects:?}");
    assert_eq!(m.list(&her, "?limit=100").await.iter().filter(|n| n["kind"] == "order.shipped").count(), 1, "the list disturbs nobody");
    let held = &m.list(&testing::user_with(&[Role::Admin]), "/deliveries?status=pending").await[0];
    assert!(held["nextAttemptAt"].is_string() && held["attempts"] == 0, "{held}");
    m.p.advance_seconds(2 * 3_600);
    m.p.settle().await;
    let subjects = m.subjects(HER).await;
    assert!(subjects.len() == 4 && subjects[3].ends_with("has shipped"), "{subjects:?}");
    m.p.settle().await;
    assert_eq!(m.subjects(HER).await.len(), 4, "once");
}

async fn an_attempt_that_falls_into_quiet_hours_waits_too(engine: Engine) {
    let server = Server::start(|to, number| if to == HER && number == 3 { Reply::Busy } else { Reply::Take }).await;
    let m = Market::open_with(engine, json!({"smtp": server.config()})).await;
    let her = m.person(HER, "Ayesha").await;
    let order = m.sale(&her, "k1").await;
    m.advance(&order, "processing").await;
    m.advance(&order, "shipped").await;
    assert_eq!(server.tried(HER), 3, "the server was too busy for the third");
    put(&m, &her, quiet_now(&m).await).await.expect(200);
    m.p.advance_seconds(60);
    m.p.settle().await;
    assert_eq!(server.tried(HER), 3);
    m.p.advance_seconds(2 * 3_600);
    m.p.settle().await;
    assert_eq!((server.tried(HER), server.taken_for(HER).len()), (4, 3));
}

async fn a_link_in_a_mail_turns_off_mails_like_it(engine: Engine) {
    let server = Server::start(|_, _| Reply::Take).await;
    let m = Market::open_with(engine, json!({"smtp": server.config()})).await;
    let her = m.person(HER, "Ayesha").await;
    let order = m.sale(&her, "k1").await;
    m.advance(&order, "processing").await;
    m.advance(&order, "shipped").await;
    let mail = &m.mails(HER).await[2];
    let url = text(&mail["text"]).lines().last().unwrap().to_owned();
    let path = url.strip_prefix("http://haat.test").unwrap().to_owned();
    assert!(path.starts_with("/api/v1/notifications/unsubscribe/") && path.ends_with("/order.shipped"), "{path}");
    assert!(text(&mail["html"]).contains(&format!("href=\"{url}\"")), "{}", mail["html"]);
    let sent = server.taken_for(HER);
    assert!(sent[2].data.contains(&format!("List-Unsubscribe: <{url}>\n")), "{}", sent[2].data);
    assert!(sent[2].data.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"));
    assert!(!sent[1].data.contains("List-Unsubscribe"), "the confirmation is required");

    let nobody = Caller::default();
    let page = m.p.send("GET", &path, &nobody, None, &[("accept-language", "bn-BD,en;q=0.8")]).await.expect(200);
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(html.contains("<form method=\"post\">") && html.contains("lang=\"bn\""), "{html}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(rows(&m, "SELECT COUNT(*) FROM notifications.opt_outs").await, 0, "looking changes nothing");

    let click = || {
        m.p.send_bytes(
            "POST",
            &path,
            &nobody,
            b"List-Unsubscribe=One-Click".to_vec(),
            &[("content-type", "application/x-www-form-urlencoded")],
        )
    };
    for _ in 0..2 {
        click().await.expect(200);
        assert_eq!(rows(&m, "SELECT COUNT(*) FROM notifications.opt_outs WHERE kind = 'order.shipped'").await, 1);
    }
    assert_eq!(rows(&m, "SELECT COUNT(*) FROM notifications.opt_outs").await, 1);
    let all = m.p.send_bytes("POST", &path, &nobody, b"what=all".to_vec(), &[]).await.expect(200);
    assert!(String::from_utf8(all.bytes).unwrap().contains("Turned off"));
    m.advance(&order, "delivered").await;
    assert_eq!(m.mails(HER).await.len(), 3);
    assert_eq!(m.kinds(&her).await.last().map(String::as_str), Some("order.delivered"), "only mails are turned off");

    let (front, rest) = path.rsplit_once('/').unwrap();
    let forged = front.replace("unsubscribe/", "unsubscribe/A");
    for wrong in [format!("{front}/order.confirmed"), format!("{front}/user.registered"), format!("{front}/x"), format!("{forged}/{rest}")]
    {
        for method in ["GET", "POST"] {
            assert_eq!(m.p.send(method, &wrong, &nobody, None, &[]).await.status, 404, "{method} {wrong}");
        }
        for (language, title) in [("en", "<h1>This link turns nothing off</h1>"), ("bn-BD", "<h1>এই লিংকে কিছু বন্ধ হয় না</h1>")]
        {
            let page = m.p.send("GET", &wrong, &nobody, None, &[("accept-language", language)]).await.expect(404);
            assert!(String::from_utf8(page.bytes).unwrap().contains(title), "{wrong} in {language}");
        }
    }
}

async fn what_was_turned_off_meanwhile_does_not_leave(engine: Engine) {
    let m = Market::open(engine).await;
    let her = m.person(HER, "Ayesha").await;
    let order = m.sale(&her, "k1").await;
    m.advance(&order, "processing").await;
    put(&m, &her, quiet_now(&m).await).await.expect(200);
    m.advance(&order, "shipped").await;
    put(&m, &her, off("order.shipped", "email")).await.expect(200);
    m.p.advance_seconds(2 * 3_600);
    m.p.settle().await;
    assert_eq!(m.subjects(HER).await.len(), 2);
    let dead = &m.list(&testing::user_with(&[Role::Admin]), "/deliveries?status=dead").await[0];
    assert_eq!(dead["answer"], "such messages were turned off meanwhile");
}

async fn preferences_are_their_owners(engine: Engine) {
    let m = Market::open(engine).await;
    let (her, other) = (m.person(HER, "Ayesha").await, m.person("other@example.test", "Other").await);
    let (support, admin) = (testing::user_with(&[Role::Support]), testing::user_with(&[Role::Admin]));
    let path = format!("/api/v1/notifications/user/{}/preferences", id_of(&her));
    let body = off("order.shipped", "email");
    let cases = [(&her, 200, 200), (&other, 404, 404), (&support, 200, 404), (&admin, 200, 200), (&Caller::default(), 401, 401)];
    for (who, reading, changing) in cases {
        let found =
            [m.p.send("GET", &path, who, None, &[]).await.status, m.p.send("PUT", &path, who, Some(body.clone()), &[]).await.status];
        assert_eq!(found, [reading, changing], "{who:?}");
    }
    let theirs = m.p.send("GET", PREFERENCES, &other, None, &[]).await.expect(200).body;
    assert!(theirs["preferences"].as_array().unwrap().iter().all(|p| p["enabled"] == true));
    assert_eq!(m.p.send("GET", PREFERENCES, &Caller::default(), None, &[]).await.status, 401);
}

async fn bad_preferences_are_named(engine: Engine) {
    let m = Market::open(engine).await;
    let me = testing::user();
    let hours = |start: &str, end: &str, zone: &str| json!({"quietHours": {"start": start, "end": end, "timeZone": zone}});
    let cases = [
        (off("order.gone", "email"), 422, "/preferences/0/kind"),
        (off("order.created", "email"), 422, "/preferences/0/channel"),
        (off("order.shipped", "pigeon"), 400, ""),
        (json!({"preferences": [{"kind": "order.shipped", "channel": "email"}]}), 400, ""),
        (json!({"preferences": null}), 400, ""),
        (json!({"quiet": null}), 400, ""),
        (hours("22", "07:00", "UTC"), 422, "/quietHours/start"),
        (hours("22:00", "22:00", "UTC"), 422, "/quietHours/end"),
        (hours("22:00", "07:00", "Atlantis"), 422, "/quietHours/timeZone"),
        (json!({"quietHours": {"start": "22:00"}}), 400, ""),
    ];
    for (body, status, pointer) in cases {
        let r = put(&m, &me, body.clone()).await;
        assert_eq!((r.status, r.body["errors"][0]["pointer"].as_str().unwrap_or("")), (status, pointer), "{body} {}", r.body);
    }
    let twice = json!({"preferences": [off("x", "email")["preferences"][0], off("order.confirmed", "in_app")["preferences"][0]], "quietHours": hours("", "", "")["quietHours"]});
    assert_eq!(put(&m, &me, twice).await.expect(422).body["errors"].as_array().unwrap().len(), 3, "all of them at once");
}
