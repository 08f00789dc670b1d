use contracts::events::identity::{UserRegistered, UserRoleChanged};
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{
    CheckSessionRequest, EnsureUserRequest, FindUsersRequest, GetKeysRequest, GetUserRequest, GrantRoleRequest, ListUsersRequest,
};
use kit::auth::KeySet;
use testing::Engine;
use tonic::Code;

use crate::people::{PASSWORD, admin, check, client, login, published, register, start};

testing::both_engines!(
    a_user_is_told_with_contact_details,
    keys_are_those_that_are_published,
    a_session_is_open_for_its_user_with_the_roles_of_now,
    a_role_is_granted_once,
    rights_over_others_are_not_granted,
    an_account_is_ensured_once,
    of_many_that_ensure_one_account_one_makes_it,
    malformed_requests_are_invalid_arguments,
    accounts_are_listed_for_the_writer_of_mails_only,
    accounts_are_found_by_addresses_that_are_proved,
);

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

fn ensure(email: &str, roles: &[&str]) -> EnsureUserRequest {
    EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: "Salma".into(),
        last_name: "Begum".into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
    }
}

async fn accounts_are_found_by_addresses_that_are_proved(engine: Engine) {
    let p = start(engine).await;
    let (proved, gone) = (register(&p, "Proved@example.com").await, register(&p, "gone@example.com").await);
    register(&p, "claimed@example.com").await;
    let boss = admin(&p).await;
    let prove = p.db("identity").write(|tx| {
        let sql = "UPDATE identity.users SET email_verified_at = created_at WHERE email <> 'claimed@example.com'";
        tx.execute(sql, &[]).map(drop)
    });
    prove.await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    p.send("POST", &format!("/api/v1/users/{}/deactivate", gone.id()), &boss.caller, None, &[]).await.expect(200);
    let emails =
        ["proved@EXAMPLE.com", "gone@example.com", "claimed@example.com", "nobody@example.com", "nothing"].map(str::to_owned).to_vec();
    let found = client(&p).find_users(FindUsersRequest { emails }).await.unwrap().into_inner().users;
    let found: Vec<_> = found.into_iter().map(|u| (u.asked, u.user_id)).collect();
    assert_eq!(found, [("proved@EXAMPLE.com".to_owned(), proved.id().to_string())]);
}

async fn a_user_is_told_with_contact_details(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "Rahima@example.com").await;
    let answer = client(&p).get_user(GetUserRequest { user_id: person.id().to_string() }).await.unwrap().into_inner();
    let user = answer.user.unwrap();
    assert_eq!(user.user_id, person.id().to_string());
    let found = (user.email.as_str(), user.first_name.as_str(), user.last_name.as_str(), user.locale.as_str());
    assert_eq!(found, ("Rahima@example.com", "Rahima", "Khatun", "en"));
    assert_eq!(client(&p).get_user(GetUserRequest { user_id: NOBODY.into() }).await.unwrap().into_inner().user, None);
}

async fn accounts_are_listed_for_the_writer_of_mails_only(engine: Engine) {
    let p = crate::links::start(engine).await;
    let (a, b, c) = (register(&p, "a@example.com").await, register(&p, "b@example.com").await, register(&p, "c@example.com").await);
    let boss = admin(&p).await;
    p.send("POST", &format!("/api/v1/users/{}/deactivate", b.id()), &boss.caller, None, &[]).await.expect(200);
    let mut mail_writer = IdentityClient::new(p.platform().env("notifications").unwrap().channel("identity").unwrap());
    let request = |after: String, role: &str, limit| ListUsersRequest { after, limit, role: role.into(), created_before: i64::MAX };
    let (mut found, mut after, mut totals) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = mail_writer.list_users(request(after, "customer", 2)).await.unwrap().into_inner();
        totals.push(page.total);
        let Some(last) = page.users.last() else { break };
        after = last.user_id.clone();
        found.extend(page.users.into_iter().map(|u| u.user_id));
    }
    let mut expected = [a.id(), c.id(), boss.id()].map(|id| id.to_string());
    expected.sort();
    assert_eq!((found, totals), (expected.to_vec(), vec![3, 0, 0]));
    let admins = mail_writer.list_users(request(String::new(), "admin", 100)).await.unwrap().into_inner();
    assert_eq!((admins.total, &admins.users[0].user_id), (1, &boss.id().to_string()));
    let early = ListUsersRequest { created_before: 0, ..request(String::new(), "", 100) };
    assert_eq!(mail_writer.list_users(early).await.unwrap().into_inner().total, 0);
    for wrong in
        [request("x".into(), "", 1), request(String::new(), "king", 1), request(String::new(), "", 0), request(String::new(), "", 101)]
    {
        assert_eq!(mail_writer.list_users(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(client(&p).list_users(request(String::new(), "", 1)).await.unwrap_err().code(), Code::PermissionDenied);
}

async fn keys_are_those_that_are_published(engine: Engine) {
    let p = start(engine).await;
    let answer = client(&p).get_keys(GetKeysRequest {}).await.unwrap().into_inner();
    let published = p.send("GET", "/.well-known/jwks.json", &kit::Caller::default(), None, &[]).await.expect(200);
    assert_eq!(answer.jwks.as_bytes(), published.bytes);
    KeySet::parse(&answer.jwks).unwrap();
}

async fn a_session_is_open_for_its_user_with_the_roles_of_now(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let answer = check(&p, person.session()).await;
    assert_eq!((answer.open, answer.user_id, answer.roles), (true, person.id().to_string(), vec!["customer".to_owned()]));
    let unknown = client(&p).check_session(CheckSessionRequest { session_id: NOBODY.into() }).await.unwrap().into_inner();
    assert_eq!((unknown.open, unknown.roles.len()), (false, 0));
}

async fn a_role_is_granted_once(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let grant = || GrantRoleRequest { user_id: person.id().to_string(), role: "vendor".into() };
    let (mut a, mut b, mut c) = (client(&p), client(&p), client(&p));
    let (a, b, c) = tokio::join!(biased; a.grant_role(grant()), b.grant_role(grant()), c.grant_role(grant()));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let told = UserRoleChanged { user_id: person.id(), roles: vec!["customer".into(), "vendor".into()] };
    assert_eq!(published::<UserRoleChanged>(&p).await, [told]);
    assert_eq!(check(&p, person.session()).await.roles, ["customer", "vendor"]);
    let unknown = client(&p).grant_role(GrantRoleRequest { user_id: NOBODY.into(), role: "vendor".into() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

async fn rights_over_others_are_not_granted(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    for role in ["admin", "support", "service"] {
        let refused = client(&p).grant_role(GrantRoleRequest { user_id: person.id().to_string(), role: role.into() }).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    assert_eq!(check(&p, person.session()).await.roles, ["customer"]);
}

async fn an_account_is_ensured_once(engine: Engine) {
    let p = start(engine).await;
    let made = client(&p).ensure_user(ensure("Salma@example.com", &["vendor"])).await.unwrap().into_inner();
    assert!(made.created);
    let mut again = ensure("SALMA@example.com", &["support"]);
    again.password = "quite another password".into();
    let found = client(&p).ensure_user(again).await.unwrap().into_inner();
    assert_eq!((found.created, &found.user_id), (false, &made.user_id));
    let r = login(&p, "salma@example.com", PASSWORD).await.expect(200);
    assert_eq!(r.body["user"]["roles"], serde_json::json!(["customer", "vendor", "support"]));
    assert_eq!(published::<UserRegistered>(&p).await.len(), 1);
    let told: Vec<_> = published::<UserRoleChanged>(&p).await.into_iter().map(|e| e.roles.len()).collect();
    assert_eq!(told, [2, 3]);
    admin(&p).await;
}

async fn of_many_that_ensure_one_account_one_makes_it(engine: Engine) {
    let p = start(engine).await;
    let one = || async { client(&p).ensure_user(ensure("salma@example.com", &["vendor"])).await.unwrap().into_inner() };
    let answers = tokio::join!(biased; one(), one(), one(), one());
    let answers = [answers.0, answers.1, answers.2, answers.3];
    assert_eq!(answers.iter().filter(|a| a.created).count(), 1);
    assert!(answers.iter().all(|a| a.user_id == answers[0].user_id));
    assert_eq!(published::<UserRegistered>(&p).await.len(), 1);
}

async fn malformed_requests_are_invalid_arguments(engine: Engine) {
    let p = start(engine).await;
    let mut c = client(&p);
    let short = EnsureUserRequest { password: "short".into(), ..ensure("a@example.com", &[]) };
    let answers = [
        c.get_user(GetUserRequest { user_id: "x".into() }).await.map(drop),
        c.check_session(CheckSessionRequest { session_id: String::new() }).await.map(drop),
        c.grant_role(GrantRoleRequest { user_id: NOBODY.into(), role: "king".into() }).await.map(drop),
        c.grant_role(GrantRoleRequest { user_id: "x".into(), role: "vendor".into() }).await.map(drop),
        c.ensure_user(ensure("nobody", &[])).await.map(drop),
        c.ensure_user(ensure("a@example.com", &["king"])).await.map(drop),
        c.ensure_user(short).await.map(drop),
    ];
    for (i, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument, "{i}");
    }
}
