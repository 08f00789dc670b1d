//! Links by mail: forgotten passwords and unproved addresses.

use contracts::events::identity::{SessionEnded, UserLinkRequested, UserVerified};
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{IssueLinkRequest, IssueLinkResponse};
use kit::{Caller, Service, ServiceDef};
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};
use tonic::{Code, Status};
use utoipa::openapi::OpenApiBuilder;

use crate::people::{PASSWORD, admin, client, login, published, refresh, register};

/// Writes the mails.
const NOTIFICATIONS: ServiceDef = ServiceDef {
    name: "notifications",
    migrations: &[],
    calls: &["identity"],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build: |_| Ok(Service::default()),
};

const NEW_PASSWORD: &str = "battery staple horse";

testing::both_engines!(
    a_forgotten_password_is_replaced_by_a_link,
    asking_for_a_link_does_not_tell_who_has_an_account,
    links_are_limited_by_account_and_by_network,
    a_link_works_once_and_for_its_time,
    of_many_callers_with_one_link_one_sets_the_password,
    an_address_is_proved_by_a_link,
    links_are_issued_to_the_writer_of_mails_only,
    a_closed_account_gets_no_link,
);

/// Identity beside the writer of mails.
pub async fn start(engine: Engine) -> TestPlatform {
    start_with(engine, json!({})).await
}

async fn start_with(engine: Engine, attempts: Value) -> TestPlatform {
    let config = json!({"identity": {"password": {"memory_kib": 8, "passes": 1}, "attempts": attempts}});
    TestPlatform::start_with(engine, &[identity::SERVICE, NOTIFICATIONS], config).await
}

async fn post(p: &TestPlatform, path: &str, body: serde_json::Value) -> Response {
    p.send("POST", path, &Caller::default(), Some(body), &[]).await
}

pub async fn forgot(p: &TestPlatform, email: &str) {
    let answer = post(p, "/api/v1/auth/forgot-password", json!({"email": email})).await.expect(202);
    assert_eq!(answer.bytes.as_slice(), b"", "nothing that could tell one address from another");
    p.settle().await;
}

async fn reset(p: &TestPlatform, token: &str) -> Response {
    post(p, "/api/v1/auth/reset-password", json!({"token": token, "password": NEW_PASSWORD})).await
}

/// What the writer of mails gets for a link.
pub async fn issue(p: &TestPlatform, link: &UserLinkRequested) -> Result<IssueLinkResponse, Status> {
    let channel = p.platform().env("notifications").unwrap().channel("identity").unwrap();
    let request = IssueLinkRequest { link_id: link.link_id.to_string() };
    IdentityClient::new(channel).issue_link(request).await.map(tonic::Response::into_inner)
}

/// The links that were asked for, for one purpose.
pub async fn links(p: &TestPlatform, purpose: &str) -> Vec<UserLinkRequested> {
    published::<UserLinkRequested>(p).await.into_iter().filter(|l| l.purpose == purpose).collect()
}

async fn a_forgotten_password_is_replaced_by_a_link(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    forgot(&p, "RAHIMA@example.com").await;
    let issued = issue(&p, &links(&p, "reset_password").await[0]).await.unwrap();
    assert_eq!((issued.purpose.as_str(), issued.user.unwrap().email.as_str()), ("reset_password", "rahima@example.com"));
    let short = post(&p, "/api/v1/auth/reset-password", json!({"token": issued.token, "password": "short"})).await.expect(422);
    assert_eq!(short.body["errors"][0]["pointer"], "/password");
    reset(&p, &issued.token).await.expect(204);
    login(&p, "rahima@example.com", PASSWORD).await.expect(401);
    let signed_in = login(&p, "rahima@example.com", NEW_PASSWORD).await.expect(200);
    assert_eq!(signed_in.body["user"]["emailVerified"], true, "who gets mail there has proved it");
    refresh(&p, &person.refresh_token).await.expect(401);
    let ended = published::<SessionEnded>(&p).await;
    assert_eq!(ended.iter().map(|e| (e.session_id, e.reason.as_str())).collect::<Vec<_>>(), [(person.session(), "password_reset")]);
}

async fn asking_for_a_link_does_not_tell_who_has_an_account(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let known = post(&p, "/api/v1/auth/forgot-password", json!({"email": "rahima@example.com"})).await;
    let unknown = post(&p, "/api/v1/auth/forgot-password", json!({"email": "nobody@example.com"})).await;
    assert_eq!((known.status, &known.bytes), (202, &unknown.bytes));
    assert_eq!(unknown.status, 202);
    p.settle().await;
    assert_eq!(links(&p, "reset_password").await.len(), 1);
    post(&p, "/api/v1/auth/forgot-password", json!({"email": "nobody"})).await.expect(422);
}

async fn links_are_limited_by_account_and_by_network(engine: Engine) {
    let p = start_with(engine, json!({"per_account": 2, "per_address": 3})).await;
    let person = register(&p, "rahima@example.com").await;
    let from = |address: &str, caller: &Caller| Caller { address: Some(address.parse().unwrap()), ..caller.clone() };
    let ask = async |address: &str, email: &str| {
        let caller = from(address, &Caller::default());
        let mut answer = p.send("POST", "/api/v1/auth/forgot-password", &caller, Some(json!({"email": email})), &[]).await;
        answer.body["requestId"] = Value::Null;
        // The seconds to wait go by while this asks.
        answer.body["detail"] = json!(answer.body["detail"].as_str().unwrap_or("").replace(|c: char| c.is_ascii_digit(), ""));
        (answer.status, answer.body)
    };
    for email in ["rahima@example.com", "nobody@example.com"] {
        assert_eq!((ask("203.0.113.1", email).await.0, ask("203.0.113.2", email).await.0), (202, 202));
        assert_eq!(ask("203.0.113.3", email).await.0, 429, "the same person's mail, from wherever");
    }
    for (address, email) in [("2001:db8::1", "a@example.com"), ("2001:db8::2", "b@example.com"), ("2001:db8::3", "c@example.com")] {
        assert_eq!(ask(address, email).await.0, 202);
    }
    register(&p, "karim@example.com").await;
    let (known, unknown) = (ask("2001:db8::4", "karim@example.com").await, ask("2001:db8::5", "d@example.com").await);
    assert_eq!((known.0, &known.1["code"]), (429, &json!("too_many_attempts")), "all of them from one network");
    assert_eq!(known, unknown);
    let verify = async |address: &str| {
        p.send("POST", "/api/v1/auth/verify-email", &from(address, &person.caller), Some(json!({})), &[]).await.status
    };
    assert_eq!(verify("2001:db8::6").await, 429);
    p.advance_seconds(901);
    assert_eq!((verify("2001:db8::6").await, ask("2001:db8::7", "karim@example.com").await.0), (202, 202));
    p.settle().await;
}

async fn a_link_works_once_and_for_its_time(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    forgot(&p, "rahima@example.com").await;
    forgot(&p, "rahima@example.com").await;
    let asked = links(&p, "reset_password").await;
    let early = issue(&p, &asked[0]).await.unwrap().token;
    let late = issue(&p, &asked[0]).await.unwrap().token;
    let other = issue(&p, &asked[1]).await.unwrap().token;
    assert_eq!(reset(&p, &early).await.expect(422).code(), "invalid_token", "a later mail of the link replaced it");
    reset(&p, &late).await.expect(204);
    for used in [&late, &other, "x", ""] {
        assert_eq!(reset(&p, used).await.expect(422).code(), "invalid_token");
    }
    assert_eq!(issue(&p, &asked[0]).await.unwrap_err().code(), Code::NotFound, "a used link gets no further token");
    forgot(&p, "rahima@example.com").await;
    let asked = links(&p, "reset_password").await;
    let token = issue(&p, &asked[2]).await.unwrap().token;
    assert_eq!(
        post(&p, "/api/v1/auth/verify-email", json!({"token": token})).await.expect(422).code(),
        "invalid_token",
        "it is for something else"
    );
    p.advance_seconds(3_601);
    assert_eq!(reset(&p, &token).await.expect(422).code(), "invalid_token");
}

async fn of_many_callers_with_one_link_one_sets_the_password(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    forgot(&p, "rahima@example.com").await;
    let token = issue(&p, &links(&p, "reset_password").await[0]).await.unwrap().token;
    let answers = futures::future::join_all((0..8).map(|_| reset(&p, &token))).await;
    let mut statuses: Vec<_> = answers.iter().map(|r| r.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422, 422, 422, 422, 422, 422, 422]);
}

async fn an_address_is_proved_by_a_link(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let profile = p.send("GET", "/api/v1/users/profile", &person.caller, None, &[]).await.expect(200);
    assert_eq!(profile.body["emailVerified"], false);
    p.send("POST", "/api/v1/auth/verify-email", &person.caller, Some(json!({})), &[]).await.expect(202);
    p.send("POST", "/api/v1/auth/verify-email", &Caller::default(), Some(json!({})), &[]).await.expect(401);
    let asked = links(&p, "verify_email").await;
    assert_eq!(asked.len(), 2, "one at registration, one because it was asked for");
    let token = issue(&p, &asked[0]).await.unwrap().token;
    post(&p, "/api/v1/auth/verify-email", json!({"token": token})).await.expect(204);
    post(&p, "/api/v1/auth/verify-email", json!({"token": token})).await.expect(422);
    let other = issue(&p, &asked[1]).await.unwrap().token;
    post(&p, "/api/v1/auth/verify-email", json!({"token": other})).await.expect(204);
    assert_eq!(published::<UserVerified>(&p).await.len(), 1, "it is proved once");
    let profile = p.send("GET", "/api/v1/users/profile", &person.caller, None, &[]).await.expect(200);
    assert_eq!(profile.body["emailVerified"], true);
    p.send("POST", "/api/v1/auth/verify-email", &person.caller, Some(json!({})), &[]).await.expect(202);
    assert_eq!(links(&p, "verify_email").await.len(), 2, "nothing is left to prove");
}

async fn links_are_issued_to_the_writer_of_mails_only(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let link = &links(&p, "verify_email").await[0];
    let refused = client(&p).issue_link(IssueLinkRequest { link_id: link.link_id.to_string() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

async fn a_closed_account_gets_no_link(engine: Engine) {
    let p = start(engine).await;
    let (person, admin) = (register(&p, "rahima@example.com").await, admin(&p).await);
    forgot(&p, "rahima@example.com").await;
    let token = issue(&p, &links(&p, "reset_password").await[0]).await.unwrap().token;
    p.send("POST", &format!("/api/v1/users/{}/deactivate", person.id()), &admin.caller, None, &[]).await.expect(200);
    forgot(&p, "rahima@example.com").await;
    assert_eq!(links(&p, "reset_password").await.len(), 1);
    assert_eq!(reset(&p, &token).await.expect(422).code(), "invalid_token", "nor does an earlier one open it");
}
