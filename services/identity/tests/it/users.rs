use contracts::events::identity::{SessionEnded, UserActivated, UserDeactivated, UserProfileUpdated, UserRoleChanged};
use kit::{Caller, Role};
use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::people::{PASSWORD, Person, admin, check, login, published, refresh, register, start};

testing::both_engines!(
    a_profile_is_changed_field_by_field,
    a_stale_profile_is_not_overwritten,
    an_account_is_seen_by_its_owner_and_by_support,
    an_account_is_changed_by_its_owner_and_by_administrators,
    only_administrators_list_and_change_accounts,
    accounts_are_found_by_address_and_name,
    a_list_of_accounts_goes_on_where_it_stopped,
    roles_are_given_and_taken,
    administrators_cannot_lock_themselves_out,
    administrators_cannot_lock_each_other_out,
    a_deactivated_account_cannot_sign_in,
    an_activated_account_can_sign_in_again,
);

async fn send(p: &TestPlatform, method: &str, path: &str, caller: &Caller, body: Option<Value>) -> testing::Response {
    p.send(method, &format!("/api/v1{path}"), caller, body, &[]).await
}

async fn a_profile_is_changed_field_by_field(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let steps = [
        (
            json!({"phone": "+880 1712-345678"}),
            json!({"firstName": "Rahima", "lastName": "Khatun", "phone": "+8801712345678", "locale": "en", "photoUrl": null}),
        ),
        (
            json!({"firstName": " Rahi ", "locale": "BN-bd"}),
            json!({"firstName": "Rahi", "lastName": "Khatun", "phone": "+8801712345678", "locale": "bn-BD", "photoUrl": null}),
        ),
        (
            json!({"lastName": "", "phone": null}),
            json!({"firstName": "Rahi", "lastName": "", "phone": null, "locale": "bn-BD", "photoUrl": null}),
        ),
        (json!({}), json!({"firstName": "Rahi", "lastName": "", "phone": null, "locale": "bn-BD", "photoUrl": null})),
    ];
    for (change, expected) in steps {
        let r = send(&p, "PUT", "/users/profile", &person.caller, Some(change)).await.expect(200);
        assert_eq!(r.body["profile"], expected);
        let seen = send(&p, "GET", "/users/profile", &person.caller, None).await.expect(200);
        assert_eq!(seen.body, r.body);
        assert_eq!(seen.header("etag"), r.header("etag"));
    }
    let updated = UserProfileUpdated { user_id: person.id() };
    assert_eq!(published::<UserProfileUpdated>(&p).await, vec![updated; 3], "a change of nothing is no news");
}

async fn a_stale_profile_is_not_overwritten(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let tag = send(&p, "GET", "/users/profile", &person.caller, None).await.expect(200).header("etag").to_owned();
    let put = |name: &'static str, tag: String| {
        let (p, caller) = (&p, &person.caller);
        async move { p.send("PUT", "/api/v1/users/profile", caller, Some(json!({"firstName": name})), &[("if-match", &tag)]).await }
    };
    put("A", tag.clone()).await.expect(200);
    assert_eq!(put("B", tag).await.expect(412).code(), "stale");
    put("C", "*".into()).await.expect(200);
    let seen = send(&p, "GET", "/users/profile", &person.caller, None).await.expect(200);
    assert_eq!(seen.body["profile"]["firstName"], "C");
}

async fn an_account_is_seen_by_its_owner_and_by_support(engine: Engine) {
    let p = start(engine).await;
    let (rahima, karim) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    let path = format!("/users/{}", rahima.id());
    assert_eq!(send(&p, "GET", &path, &rahima.caller, None).await.expect(200).body["email"], "rahima@example.com");
    send(&p, "GET", &path, &karim.caller, None).await.expect(404);
    send(&p, "GET", &path, &testing::user_with(&[Role::Vendor]), None).await.expect(404);
    send(&p, "GET", &path, &testing::user_with(&[Role::Support]), None).await.expect(200);
    send(&p, "GET", &path, &Caller::default(), None).await.expect(401);
    let nobody = testing::user_with(&[Role::Admin]);
    send(&p, "GET", &format!("/users/{}", nobody.user().unwrap().id), &nobody, None).await.expect(404);
}

async fn an_account_is_changed_by_its_owner_and_by_administrators(engine: Engine) {
    let p = start(engine).await;
    let (rahima, karim, admin) =
        (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await, testing::user_with(&[Role::Admin]));
    let path = format!("/users/{}", rahima.id());
    let put = async |who: &Caller, name: &str| send(&p, "PUT", &path, who, Some(json!({"firstName": name}))).await;
    put(&karim.caller, "Mine").await.expect(404);
    put(&testing::user_with(&[Role::Support]), "Mine").await.expect(404);
    put(&Caller::default(), "Mine").await.expect(401);
    assert_eq!(put(&rahima.caller, "Rahi").await.expect(200).body["profile"]["firstName"], "Rahi");
    let changed = put(&admin, "Rahima").await.expect(200);
    assert_eq!(send(&p, "GET", &path, &rahima.caller, None).await.expect(200).body, changed.body);
    let stale = [("if-match", "\"1\"")];
    p.send("PUT", &format!("/api/v1{path}"), &admin, Some(json!({"firstName": "Late"})), &stale).await.expect(412);
    assert_eq!(put(&rahima.caller, "").await.expect(422).body["errors"][0]["pointer"], "/firstName");
    let nobody = format!("/users/{}", admin.user().unwrap().id);
    send(&p, "PUT", &nobody, &admin, Some(json!({"firstName": "A"}))).await.expect(404);
}

async fn only_administrators_list_and_change_accounts(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let routes = [
        ("GET", "/users".to_owned(), None),
        ("PUT", format!("/users/{}/roles", person.id()), Some(json!({"roles": ["admin"]}))),
        ("POST", format!("/users/{}/activate", person.id()), None),
        ("POST", format!("/users/{}/deactivate", person.id()), None),
    ];
    for (method, path, body) in routes {
        send(&p, method, &path, &Caller::default(), body.clone()).await.expect(401);
        send(&p, method, &path, &person.caller, body.clone()).await.expect(403);
        send(&p, method, &path, &testing::user_with(&[Role::Support, Role::Vendor]), body).await.expect(403);
    }
    assert!(check(&p, person.session()).await.open);
    assert_eq!(published::<UserRoleChanged>(&p).await, []);
}

async fn accounts_are_found_by_address_and_name(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    register(&p, "one_two@example.com").await;
    let karim = register(&p, "KARIM@example.com").await;
    send(&p, "PUT", "/users/profile", &karim.caller, Some(json!({"lastName": "Åström"}))).await.expect(200);
    let cases = [
        ("karim", vec!["KARIM@example.com"]),
        ("KARIM%40EXAMPLE", vec!["KARIM@example.com"]),
        ("%C3%85STR", vec!["KARIM@example.com"]),
        ("rahima", vec!["KARIM@example.com", "one_two@example.com"]),
        ("e_t", vec!["one_two@example.com"]),
        ("%25", vec![]),
        ("%27%20OR%201%3D1", vec![]),
        ("", vec!["KARIM@example.com", "one_two@example.com", "root@haat.test"]),
    ];
    for (query, expected) in cases {
        let r = send(&p, "GET", &format!("/users?query={query}"), &admin.caller, None).await.expect(200);
        let mut found: Vec<_> = r.body["data"].as_array().unwrap().iter().map(|u| u["email"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

async fn a_list_of_accounts_goes_on_where_it_stopped(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    for n in 0..5 {
        register(&p, &format!("u{n}@example.com")).await;
    }
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let r = send(&p, "GET", &format!("/users?limit=2{cursor}"), &admin.caller, None).await.expect(200);
        assert!(r.body["data"].as_array().unwrap().len() <= 2);
        found.extend(r.body["data"].as_array().unwrap().iter().map(|u| u["email"].as_str().unwrap().to_owned()));
        let Some(next) = r.body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected = ["u4@example.com", "u3@example.com", "u2@example.com", "u1@example.com", "u0@example.com", "root@haat.test"];
    assert_eq!(found, expected);
    let wrong = send(&p, "GET", &format!("/users?query=u{cursor}"), &admin.caller, None).await.expect(400);
    assert_eq!(wrong.code(), "invalid_cursor");
}

async fn roles_are_given_and_taken(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    let person = register(&p, "rahima@example.com").await;
    let path = format!("/users/{}/roles", person.id());
    let steps = [
        (json!(["vendor", "vendor"]), json!(["customer", "vendor"])),
        (json!(["vendor", "customer"]), json!(["customer", "vendor"])),
        (json!(["admin"]), json!(["customer", "admin"])),
        (json!([]), json!(["customer"])),
    ];
    let before = published::<UserRoleChanged>(&p).await.len();
    for (roles, expected) in steps {
        let r = send(&p, "PUT", &path, &admin.caller, Some(json!({"roles": roles}))).await.expect(200);
        assert_eq!(r.body["roles"], expected);
        assert_eq!(json!(check(&p, person.session()).await.roles), expected);
        let renewed = login(&p, "rahima@example.com", PASSWORD).await.expect(200);
        assert_eq!(crate::people::claims(renewed.body["accessToken"].as_str().unwrap())["roles"], expected);
    }
    let told: Vec<_> = published::<UserRoleChanged>(&p).await.into_iter().skip(before).map(|e| e.roles).collect();
    assert_eq!(json!(told), json!([["customer", "vendor"], ["customer", "admin"], ["customer"]]));
    let unknown = send(&p, "PUT", &path, &admin.caller, Some(json!({"roles": ["root", "vendor", "service"]}))).await.expect(422);
    let pointers: Vec<_> = unknown.body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/roles/0", "/roles/2"]);
}

async fn administrators_cannot_lock_themselves_out(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    let roles = send(&p, "PUT", &format!("/users/{}/roles", admin.id()), &admin.caller, Some(json!({"roles": []}))).await.expect(409);
    assert_eq!(roles.code(), "not_yourself");
    let close = send(&p, "POST", &format!("/users/{}/deactivate", admin.id()), &admin.caller, None).await.expect(409);
    assert_eq!(close.code(), "not_yourself");
    login(&p, "root@haat.test", PASSWORD).await.expect(200);
}

async fn administrators_cannot_lock_each_other_out(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await;
    for round in 0..8 {
        let mut two = Vec::new();
        for name in ["a", "b"] {
            let person = register(&p, &format!("{name}{round}@example.com")).await;
            let path = format!("/users/{}/roles", person.id());
            send(&p, "PUT", &path, &root.caller, Some(json!({"roles": ["admin"]}))).await.expect(200);
            let id = person.id();
            let mut caller = person.caller;
            caller.user.as_mut().unwrap().roles.push(Role::Admin);
            two.push((caller, id));
        }
        let act = |by: usize, on: usize| {
            let (caller, id) = (two[by].0.clone(), two[on].1);
            let (method, end, body) = match round % 2 {
                0 => ("PUT", "roles", Some(json!({"roles": []}))),
                _ => ("POST", "deactivate", None),
            };
            let p = &p;
            async move { send(p, method, &format!("/users/{id}/{end}"), &caller, body).await.status }
        };
        let mut answers = <[u16; 2]>::from(tokio::join!(act(0, 1), act(1, 0)));
        answers.sort_unstable();
        assert_eq!(answers, [200, 403], "one of them is an administrator still");
    }
}

async fn a_deactivated_account_cannot_sign_in(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    let person = register(&p, "rahima@example.com").await;
    let path = format!("/users/{}/deactivate", person.id());
    for _ in 0..2 {
        let r = send(&p, "POST", &path, &admin.caller, None).await.expect(200);
        assert_eq!(r.body["status"], "deactivated");
    }
    assert!(!check(&p, person.session()).await.open);
    refresh(&p, &person.refresh_token).await.expect(401);
    assert_eq!(login(&p, "rahima@example.com", PASSWORD).await.expect(403).code(), "account_deactivated");
    assert_eq!(login(&p, "rahima@example.com", "wrong horse battery").await.expect(401).code(), "invalid_credentials");
    assert_eq!(published::<UserDeactivated>(&p).await, [UserDeactivated { user_id: person.id() }]);
    let ended = SessionEnded { user_id: person.id(), session_id: person.session(), reason: "deactivated".into() };
    assert_eq!(published::<SessionEnded>(&p).await, [ended]);
}

async fn an_activated_account_can_sign_in_again(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    let person = register(&p, "rahima@example.com").await;
    send(&p, "POST", &format!("/users/{}/deactivate", person.id()), &admin.caller, None).await.expect(200);
    for _ in 0..2 {
        let r = send(&p, "POST", &format!("/users/{}/activate", person.id()), &admin.caller, None).await.expect(200);
        assert_eq!(r.body["status"], "active");
    }
    assert_eq!(published::<UserActivated>(&p).await, [UserActivated { user_id: person.id() }]);
    refresh(&p, &person.refresh_token).await.expect(401);
    let again = Person::of(&login(&p, "rahima@example.com", PASSWORD).await.expect(200).body);
    assert_eq!(again.id(), person.id());
}
