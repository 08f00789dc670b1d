//! The pages behind the links in mails.

use contracts::events::identity::UserVerified;
use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

use crate::links::{forgot, issue, links, start};
use crate::people::{PASSWORD, login, published, refresh, register};

const NEW_PASSWORD: &str = "battery staple & horse";
const HER: &str = "rahima@example.com";

testing::both_engines!(
    a_new_password_is_set_on_its_page,
    an_address_is_confirmed_by_the_button_and_not_by_looking,
    a_link_that_is_not_good_says_so,
    the_pages_say_what_they_are_for,
    what_no_form_sends_is_refused,
);

async fn look(p: &TestPlatform, path: &str, language: &str) -> Response {
    let answer = p.send("GET", path, &Caller::default(), None, &[("accept-language", language)]).await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'") && policy.contains("form-action 'self'"), "{policy}");
    answer
}

async fn send(p: &TestPlatform, path: &str, form: &[(&str, &str)]) -> Response {
    let escaped = |text: &str| text.replace('&', "%26").replace(' ', "+");
    let body = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    p.send_bytes("POST", path, &Caller::default(), body.into_bytes(), &kind).await
}

/// What stands on the page.
fn main(answer: &Response) -> String {
    let html = String::from_utf8(answer.bytes.clone()).unwrap();
    assert!(!html.contains("<script"), "{html}");
    let (_, rest) = html.split_once("<main>").unwrap();
    rest.split_once("</main>").unwrap().0.to_owned()
}

async fn reset_token(p: &TestPlatform) -> String {
    forgot(p, HER).await;
    issue(p, links(p, "reset_password").await.last().unwrap()).await.unwrap().token
}

async fn a_new_password_is_set_on_its_page(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, HER).await;
    let token = reset_token(&p).await;
    for _ in 0..2 {
        let page = look(&p, &format!("/reset-password?token={token}&utm_source=mail"), "en").await.expect(200);
        assert!(main(&page).contains(&format!("value=\"{token}\"")));
    }
    let set = async |password: &str, repeated: &str| {
        send(&p, "/reset-password", &[("token", &token), ("password", password), ("repeated", repeated)]).await
    };
    let differ = main(&set(NEW_PASSWORD, PASSWORD).await.expect(422));
    assert!(differ.contains("The two passwords are not the same.") && differ.contains(&token), "{differ}");
    assert!(main(&set("short", "short").await.expect(422)).contains("A password has 10 to 200 characters."));
    login(&p, HER, PASSWORD).await.expect(200);
    assert!(main(&set(NEW_PASSWORD, NEW_PASSWORD).await.expect(200)).contains("Your new password is set"));
    assert!(main(&set(NEW_PASSWORD, NEW_PASSWORD).await.expect(422)).contains("This link is not good any more"));
    login(&p, HER, PASSWORD).await.expect(401);
    login(&p, HER, NEW_PASSWORD).await.expect(200);
    refresh(&p, &person.refresh_token).await.expect(401);
}

async fn an_address_is_confirmed_by_the_button_and_not_by_looking(engine: Engine) {
    let p = start(engine).await;
    register(&p, HER).await;
    let token = issue(&p, &links(&p, "verify_email").await[0]).await.unwrap().token;
    for _ in 0..2 {
        look(&p, &format!("/verify-email?token={token}"), "en").await.expect(200);
    }
    assert_eq!(published::<UserVerified>(&p).await, [], "a scanner that follows every link of a mail proves nothing");
    assert!(main(&send(&p, "/verify-email", &[("token", &token)]).await.expect(200)).contains("is confirmed"));
    assert_eq!(published::<UserVerified>(&p).await.len(), 1);
    assert!(main(&send(&p, "/verify-email", &[("token", &token)]).await.expect(422)).contains("not good any more"));
}

async fn a_link_that_is_not_good_says_so(engine: Engine) {
    let p = start(engine).await;
    register(&p, HER).await;
    let token = reset_token(&p).await;
    for path in ["/reset-password", "/verify-email"] {
        for query in ["", "?token=", "?token=x", "?token=%22%3E%3Cscript%3E"] {
            assert!(main(&look(&p, &format!("{path}{query}"), "en").await.expect(422)).contains("not good any more"), "{path}{query}");
        }
    }
    look(&p, &format!("/verify-email?token={token}"), "en").await.expect(422);
    assert!(main(&look(&p, "/reset-password", "bn-BD,en;q=0.5").await.expect(422)).contains("এই লিংক আর কাজ করে না"));
    p.advance_seconds(3_601);
    look(&p, &format!("/reset-password?token={token}"), "en").await.expect(422);
    let late = [("token", token.as_str()), ("password", NEW_PASSWORD), ("repeated", NEW_PASSWORD)];
    send(&p, "/reset-password", &late).await.expect(422);
    // Even a token that is markup is none on the page on which it stands again.
    let forged = send(&p, "/reset-password", &[("token", "\"><script>"), ("password", "x"), ("repeated", "y")]).await.expect(422);
    assert!(main(&forged).contains("value=\"&quot;&gt;&lt;script&gt;\""));
}

async fn the_pages_say_what_they_are_for(engine: Engine) {
    let p = start(engine).await;
    register(&p, HER).await;
    let reset = reset_token(&p).await;
    let verify = issue(&p, &links(&p, "verify_email").await[0]).await.unwrap().token;
    let mut seen: Vec<Json> = Vec::new();
    for language in ["en", "bn"] {
        for (path, token) in [("/reset-password", &reset), ("/verify-email", &verify)] {
            let page = main(&look(&p, &format!("{path}?token={token}"), language).await.expect(200));
            seen.push(json!({"page": format!("{path} in {language}"), "main": page.replace(token.as_str(), "[token]")}));
        }
    }
    insta::assert_json_snapshot!("pages", seen);
}

async fn what_no_form_sends_is_refused(engine: Engine) {
    let p = start(engine).await;
    let json = p.send("POST", "/verify-email", &Caller::default(), Some(json!({"token": "x"})), &[]).await.expect(415);
    assert_eq!(json.code(), "unsupported_media_type");
    for form in [&[("token", "x"), ("more", "y")][..], &[], &[("token", "x%00")], &[("token", "x"), ("token", "y")]] {
        assert_eq!(send(&p, "/verify-email", form).await.expect(400).code(), "invalid_body", "{form:?}");
    }
}
