use contracts::events::identity::{UserRegistered, UserSignedIn};
use kit::auth::{KeySet, check_access};
use kit::{Caller, Clock, DbError};
use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::people::{PASSWORD, Person, log, login, login_as, published, register, registration, start, start_with};

testing::both_engines!(
    registering_signs_in,
    signing_in_gives_tokens_that_the_published_keys_verify,
    an_address_has_one_account_in_any_case,
    of_many_registrations_of_one_address_one_wins,
    a_registration_is_repeated_by_its_key_only,
    unknown_accounts_and_wrong_passwords_look_the_same,
    attempts_on_an_account_are_limited,
    a_stranger_does_not_lock_somebody_out,
    attempts_from_an_address_are_limited,
    many_attempts_at_once_are_all_counted,
    a_guests_cart_is_named_in_the_event,
    a_stored_hash_of_another_cost_is_replaced_at_sign_in,
    events_hold_no_contact_details,
);

async fn registering_signs_in(engine: Engine) {
    let p = start(engine).await;
    let r = p.send("POST", "/api/v1/auth/register", &Caller::default(), Some(registration(" Rahima@Example.com ")), &[]).await.expect(201);
    assert_eq!(r.header("cache-control"), "no-store");
    assert_eq!((r.body["tokenType"].as_str(), r.body["expiresIn"].as_i64()), (Some("Bearer"), Some(900)));
    let user = &r.body["user"];
    assert_eq!(user["email"], "Rahima@Example.com");
    assert_eq!(user["roles"], json!(["customer"]));
    assert_eq!(user["profile"], json!({"firstName": "Rahima", "lastName": "Khatun", "phone": null, "locale": "en", "photoUrl": null}));
    assert!(user["createdAt"].is_string() && user["updatedAt"].is_string());
    let person = Person::of(&r.body);
    assert_eq!(user["id"], json!(person.id()));
    assert_eq!(published::<UserRegistered>(&p).await, [UserRegistered { user_id: person.id() }]);
    let signed_in = UserSignedIn { user_id: person.id(), session_id: person.session(), guest: None };
    assert_eq!(published::<UserSignedIn>(&p).await, [signed_in]);
}

async fn signing_in_gives_tokens_that_the_published_keys_verify(engine: Engine) {
    let p = start(engine).await;
    let registered = register(&p, "rahima@example.com").await;
    let r = login(&p, "RAHIMA@example.com", PASSWORD).await.expect(200);
    let person = Person::of(&r.body);
    assert_eq!(person.id(), registered.id());
    assert_ne!(person.session(), registered.session());

    let keys = p.send("GET", "/.well-known/jwks.json", &Caller::default(), None, &[]).await.expect(200);
    let keys = KeySet::parse(std::str::from_utf8(&keys.bytes).unwrap()).unwrap();
    let now = Clock::system().now();
    let access = check_access(&person.access_token, &keys, "http://haat.test", now).unwrap();
    assert_eq!(Some(access.user), person.caller.user);
    for at in [5, person.access_token.len() / 2, person.access_token.len() - 5] {
        let mut tampered = person.access_token.clone().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        assert!(check_access(std::str::from_utf8(&tampered).unwrap(), &keys, "http://haat.test", now).is_err(), "byte {at}");
    }
}

async fn an_address_has_one_account_in_any_case(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let r = p.send("POST", "/api/v1/auth/register", &Caller::default(), Some(registration("RAHIMA@Example.COM")), &[]).await.expect(409);
    assert_eq!(r.code(), "email_taken");
    assert_eq!(published::<UserRegistered>(&p).await.len(), 1);
}

async fn of_many_registrations_of_one_address_one_wins(engine: Engine) {
    let p = start(engine).await;
    let caller = Caller::default();
    let one = || p.send("POST", "/api/v1/auth/register", &caller, Some(registration("a@example.com")), &[]);
    let answers = tokio::join!(biased; one(), one(), one(), one(), one(), one());
    let mut statuses = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5].map(|r| r.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    assert_eq!(published::<UserRegistered>(&p).await.len(), 1);
}

async fn a_registration_is_repeated_by_its_key_only(engine: Engine) {
    let p = start(engine).await;
    let send = |body: Value, key: &'static str| {
        let p = &p;
        async move { p.send("POST", "/api/v1/auth/register", &Caller::default(), Some(body), &[("idempotency-key", key)]).await }
    };
    let first = send(registration("a@example.com"), "k1").await.expect(201);
    let again = send(registration("a@example.com"), "k1").await.expect(201);
    assert_eq!(again.bytes, first.bytes, "the first answer, byte for byte");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(published::<UserSignedIn>(&p).await.len(), 1);

    let mut other = registration("a@example.com");
    other["password"] = json!("another password");
    assert_eq!(send(other, "k1").await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(send(registration("a@example.com"), "k2").await.expect(409).code(), "email_taken");
    send(registration("b@example.com"), "k1").await.expect(201);

    let stored = rows(&p, "SELECT body FROM own.idempotency ORDER BY scope, key").await;
    let refresh = first.body["refreshToken"].as_str().unwrap().as_bytes();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|b| !b.windows(refresh.len()).any(|w| w == refresh)), "tokens are stored sealed");
}

async fn rows(p: &TestPlatform, sql: &'static str) -> Vec<Vec<u8>> {
    let read = p.db("identity").read(move |q| q.rows(sql, &[])?.iter().map(|r| r.get(0)).collect::<Result<_, DbError>>());
    read.await.unwrap()
}

async fn unknown_accounts_and_wrong_passwords_look_the_same(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let mut wrong = login(&p, "rahima@example.com", "wrong horse battery").await.expect(401);
    let mut unknown = login(&p, "karim@example.com", PASSWORD).await.expect(401);
    assert_eq!(wrong.code(), "invalid_credentials");
    (wrong.body["requestId"], unknown.body["requestId"]) = (Value::Null, Value::Null);
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(login(&p, "rahima@example.com", "short").await.expect(401).code(), "invalid_credentials");
}

async fn attempts_on_an_account_are_limited(engine: Engine) {
    let p = start_with(engine, json!({"attempts": {"per_account": 3, "window_seconds": 600}})).await;
    register(&p, "rahima@example.com").await;
    for email in ["rahima@example.com", "unknown@example.com"] {
        for _ in 0..3 {
            login(&p, email, "wrong horse battery").await.expect(401);
        }
        let r = login(&p, email, PASSWORD).await.expect(429);
        assert_eq!(r.code(), "too_many_attempts");
        let seconds: i64 = r.header("retry-after").parse().unwrap();
        assert!((590..=600).contains(&seconds), "{seconds}");
    }
    p.advance_seconds(601);
    for _ in 0..2 {
        login(&p, "rahima@example.com", "wrong horse battery").await.expect(401);
        login(&p, "rahima@example.com", "wrong horse battery").await.expect(401);
        login(&p, "rahima@example.com", PASSWORD).await.expect(200);
    }
}

async fn a_stranger_does_not_lock_somebody_out(engine: Engine) {
    let attempts = json!({"attempts": {"per_account": 3, "per_account_anywhere": 7, "per_address": 100}});
    let p = start_with(engine, attempts).await;
    register(&p, "rahima@example.com").await;
    let from = |text: &str| Caller { address: Some(text.parse().unwrap()), ..Caller::default() };
    let (home, wrong) = (from("198.51.100.1"), "wrong horse battery");
    for (stranger, status) in [("203.0.113.1", 401), ("203.0.113.2", 401), ("203.0.113.3", 401), ("203.0.113.4", 429)] {
        login_as(&p, &from(stranger), "rahima@example.com", wrong).await.expect(status);
    }
    login_as(&p, &home, "rahima@example.com", PASSWORD).await.expect(200);
    for stranger in ["2001:db8:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2::1"] {
        login_as(&p, &from(stranger), "rahima@example.com", wrong).await.expect(401);
    }
    login_as(&p, &from("2001:db8:3::1"), "rahima@example.com", wrong).await.expect(429);
    let refused = login_as(&p, &home, "rahima@example.com", PASSWORD).await.expect(429);
    assert_eq!(refused.code(), "too_many_attempts", "whoever has many networks is not let guess on");
}

async fn attempts_from_an_address_are_limited(engine: Engine) {
    let p = start_with(engine, json!({"attempts": {"per_address": 3}})).await;
    register(&p, "rahima@example.com").await;
    let from = |text: &str| Caller { address: Some(text.parse().unwrap()), ..Caller::default() };
    let here = from("2001:db8::1");
    login_as(&p, &here, "a@example.com", PASSWORD).await.expect(401);
    login_as(&p, &here, "rahima@example.com", PASSWORD).await.expect(200);
    p.send("POST", "/api/v1/auth/register", &here, Some(registration("rahima@example.com")), &[]).await.expect(409);
    login_as(&p, &from("2001:db8::2"), "b@example.com", PASSWORD).await.expect(401);
    login_as(&p, &here, "rahima@example.com", PASSWORD).await.expect(429);
    p.send("POST", "/api/v1/auth/register", &here, Some(registration("new@example.com")), &[]).await.expect(429);
    login_as(&p, &from("203.0.113.1"), "rahima@example.com", PASSWORD).await.expect(200);
}

async fn many_attempts_at_once_are_all_counted(engine: Engine) {
    let p = start_with(engine, json!({"attempts": {"per_account": 3}})).await;
    register(&p, "rahima@example.com").await;
    let one = || login(&p, "rahima@example.com", "wrong horse battery");
    let answers = tokio::join!(biased; one(), one(), one(), one(), one(), one());
    let mut statuses = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5].map(|r| r.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429]);
}

async fn a_guests_cart_is_named_in_the_event(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let guest = testing::guest();
    login_as(&p, &guest, "rahima@example.com", PASSWORD).await.expect(200);
    let events = published::<UserSignedIn>(&p).await;
    assert_eq!(events.iter().map(|e| e.guest.clone()).collect::<Vec<_>>(), [None, guest.guest_hash()]);
}

async fn a_stored_hash_of_another_cost_is_replaced_at_sign_in(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let dearer = json!({"identity": {"password": {"memory_kib": 16, "passes": 1}}});
    let p = TestPlatform::start_on(p.data(), &[identity::SERVICE], dearer).await;
    login(&p, "rahima@example.com", "wrong horse battery").await.expect(401);
    assert!(stored_hash(&p).await.contains("m=8,"));
    login(&p, "rahima@example.com", PASSWORD).await.expect(200);
    assert!(stored_hash(&p).await.contains("m=16,"));
    login(&p, "rahima@example.com", PASSWORD).await.expect(200);
}

async fn stored_hash(p: &TestPlatform) -> String {
    let read = p.db("identity").read(|q| q.row("SELECT password_hash FROM identity.users", &[])?.unwrap().get(0));
    read.await.map_err(|e: DbError| e).unwrap()
}

async fn events_hold_no_contact_details(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let change = json!({"phone": "+8801712345678"});
    p.send("PUT", "/api/v1/users/profile", &person.caller, Some(change), &[]).await.expect(200);
    p.send("POST", "/api/v1/auth/logout", &person.caller, None, &[]).await.expect(204);
    let events = log(&p).await;
    assert_eq!(events.len(), 5);
    for event in events {
        let text = event.to_cloud_event().to_string();
        for detail in ["example.com", "Rahima", "Khatun", "+880"] {
            assert!(!text.contains(detail), "{text}");
        }
    }
}
