//! Roles that a marketplace makes itself.

use contracts::RoleId;
use contracts::events::identity::{RoleChanged, UserRoleChanged};
use contracts::proto::identity::GrantRoleRequest;
use kit::{Caller, Role};
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};

use crate::people::{PASSWORD, Person, admin, check, claims, client, login, published, register, start};

testing::both_engines!(
    a_role_is_made_changed_and_deleted,
    a_role_is_made_once_per_key,
    what_may_not_be_granted_is_refused_by_its_place,
    only_stored_administrators_write_and_give_roles,
    a_role_is_given_beside_built_in_ones,
    sessions_are_told_what_their_roles_open_now,
    a_role_that_somebody_has_stays,
    a_role_is_not_given_while_it_is_deleted,
    services_that_give_roles_take_none,
    a_change_of_what_a_role_opens_is_told,
);

const USERS: &str = "GET /api/v1/users";

async fn send(p: &TestPlatform, method: &str, path: &str, caller: &Caller, body: Option<Value>) -> Response {
    p.send(method, &format!("/api/v1{path}"), caller, body, &[]).await
}

async fn make(p: &TestPlatform, caller: &Caller, name: &str, permissions: &[&str]) -> Response {
    send(p, "POST", "/roles", caller, Some(json!({"name": name, "permissions": permissions}))).await
}

async fn give(p: &TestPlatform, caller: &Caller, person: &Person, roles: &[&str]) -> Response {
    send(p, "PUT", &format!("/users/{}/roles", person.id()), caller, Some(json!({"roles": roles}))).await
}

fn pointers(refused: &Response) -> Vec<(&str, &str)> {
    let errors = refused.body["errors"].as_array().unwrap();
    errors.iter().map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
}

async fn a_role_is_made_changed_and_deleted(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let body = json!({"name": "people-reader", "description": " Finds accounts ", "permissions": [USERS, USERS]});
    let made = send(&p, "POST", "/roles", &root, Some(body)).await.expect(201);
    assert_eq!(made.header("location"), "/api/v1/roles/people-reader");
    assert_eq!(
        (&made.body["name"], &made.body["description"], &made.body["permissions"], &made.body["builtIn"]),
        (&json!("people-reader"), &json!("Finds accounts"), &json!([USERS]), &json!(false))
    );
    let seen = send(&p, "GET", "/roles/people-reader", &root, None).await.expect(200);
    assert_eq!((&seen.body, seen.header("etag")), (&made.body, "\"1\""));
    let listed = send(&p, "GET", "/roles", &root, None).await.expect(200).body;
    let listed = listed["data"].as_array().unwrap();
    assert_eq!((listed.len(), listed.last().unwrap()), (9, &made.body));
    assert_eq!(make(&p, &root, "people-reader", &[]).await.expect(409).code(), "role_exists");

    let put =
        async |tag: &str| p.send("PUT", "/api/v1/roles/people-reader", &root, Some(json!({"permissions": []})), &[("if-match", tag)]).await;
    assert_eq!(put("\"2\"").await.expect(412).code(), "stale");
    let changed = put("\"1\"").await.expect(200);
    assert_eq!((&changed.body["permissions"], &changed.body["description"], changed.header("etag")), (&json!([]), &json!(""), "\"2\""));
    assert_eq!(put("\"2\"").await.expect(200).header("etag"), "\"2\"", "the same again is no change");

    p.send("DELETE", "/api/v1/roles/people-reader", &root, None, &[("if-match", "\"1\"")]).await.expect(412);
    send(&p, "DELETE", "/roles/people-reader", &root, None).await.expect(204);
    for method in ["GET", "DELETE"] {
        send(&p, method, "/roles/people-reader", &root, None).await.expect(404);
    }
    send(&p, "PUT", "/roles/people-reader", &root, Some(json!({"permissions": []}))).await.expect(404);
    for built_in in Role::all().map(Role::as_str) {
        let path = format!("/roles/{built_in}");
        assert_eq!(send(&p, "GET", &path, &root, None).await.expect(200).body["builtIn"], true);
        assert_eq!(send(&p, "PUT", &path, &root, Some(json!({"permissions": []}))).await.expect(409).code(), "role_built_in");
        assert_eq!(send(&p, "DELETE", &path, &root, None).await.expect(409).code(), "role_built_in");
        assert_eq!(pointers(&make(&p, &root, built_in, &[]).await.expect(422)), [("/name", "reserved_name")]);
    }
}

async fn a_role_is_made_once_per_key(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let post = async |body: Value| p.send("POST", "/api/v1/roles", &root, Some(body), &[("idempotency-key", "k")]).await;
    let first = post(json!({"name": "reader", "permissions": [USERS]})).await.expect(201);
    let again = post(json!({"name": "reader", "permissions": [USERS]})).await.expect(201);
    assert_eq!((&again.bytes, again.header("idempotent-replayed")), (&first.bytes, "true"));
    post(json!({"name": "reader", "permissions": []})).await.expect(422);
    assert_eq!(published::<RoleChanged>(&p).await.len(), 1);
}

async fn what_may_not_be_granted_is_refused_by_its_place(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let listed = send(&p, "GET", "/roles", &root, None).await.expect(200).body;
    let grantable: Vec<&str> = listed["grantable"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
    // Of identity's own routes there is one whose holder cannot make an administrator of themselves.
    assert_eq!(grantable, [USERS]);
    for route in p.platform().directory.routes() {
        let sent = [USERS, &route.name()].map(str::to_owned);
        for (method, path) in [("POST", "/roles"), ("PUT", "/roles/reader")] {
            let mut body = json!({"permissions": sent});
            if method == "POST" {
                body["name"] = json!("reader");
            }
            let answer = send(&p, method, path, &root, Some(body)).await;
            if grantable.contains(&sent[1].as_str()) {
                assert!(answer.status < 300, "{sent:?}: {:?}", answer.body);
            } else {
                assert_eq!((answer.status, pointers(&answer)), (422, vec![("/permissions/1", "not_grantable")]), "{sent:?}");
            }
        }
    }
    let odd = [
        "",
        "*",
        "GET",
        "GET /api/v1/*",
        "get /api/v1/users",
        "GET  /api/v1/users",
        "GET /api/v1/users/",
        "HEAD /api/v1/users",
        "GET /api/users",
    ];
    let refused = make(&p, &root, "odd", &odd).await.expect(422);
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), odd.len());
    assert!(pointers(&refused).iter().all(|(_, code)| *code == "unknown_route"), "{:?}", refused.body);
}

async fn only_stored_administrators_write_and_give_roles(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let her = register(&p, "rahima@example.com").await;
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    // As somebody would come who is let in as an administrator without being one.
    let mut lifted = her.caller.clone();
    lifted.user.as_mut().unwrap().roles.push(Role::Admin);
    for (who, expected) in [(&Caller::default(), 401), (&her.caller, 403), (&testing::user_with(&[Role::Support]), 403), (&lifted, 403)] {
        make(&p, who, "mine", &[USERS]).await.expect(expected);
        send(&p, "PUT", "/roles/reader", who, Some(json!({"permissions": []}))).await.expect(expected);
        send(&p, "DELETE", "/roles/reader", who, None).await.expect(expected);
        for roles in [&["admin"][..], &["reader"]] {
            give(&p, who, &her, roles).await.expect(expected);
        }
    }
    for path in ["/roles", "/roles/reader", "/roles/admin"] {
        send(&p, "GET", path, &her.caller, None).await.expect(403);
    }
    assert_eq!(check(&p, her.session()).await.roles, ["customer"]);
    assert_eq!(send(&p, "GET", "/roles/reader", &root, None).await.expect(200).header("etag"), "\"1\"");
    // An administrator who was closed out is none.
    let other = register(&p, "other@example.com").await;
    give(&p, &root, &other, &["admin"]).await.expect(200);
    let mut closed = other.caller.clone();
    closed.user.as_mut().unwrap().roles.push(Role::Admin);
    make(&p, &closed, "theirs", &[]).await.expect(201);
    send(&p, "POST", &format!("/users/{}/deactivate", other.id()), &root, None).await.expect(200);
    make(&p, &closed, "late", &[]).await.expect(403);
}

async fn a_role_is_given_beside_built_in_ones(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let her = register(&p, "rahima@example.com").await;
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    make(&p, &root, "editor", &[]).await.expect(201);
    let before = published::<UserRoleChanged>(&p).await.len();
    let steps: [(&[&str], Value); 5] = [
        (&["reader"], json!(["customer", "reader"])),
        (&["reader", "vendor", "editor", "reader"], json!(["customer", "vendor", "editor", "reader"])),
        (&["editor", "vendor", "reader"], json!(["customer", "vendor", "editor", "reader"])),
        (&["vendor"], json!(["customer", "vendor"])),
        (&[], json!(["customer"])),
    ];
    for (roles, expected) in steps {
        let given = give(&p, &root, &her, roles).await.expect(200);
        assert_eq!(given.body["roles"], expected);
        let seen = send(&p, "GET", "/users/profile", &her.caller, None).await.expect(200);
        assert_eq!((&seen.body["roles"], seen.header("etag")), (&expected, given.header("etag")));
        // A token names built-in roles only: whoever verifies it knows no others.
        let token = login(&p, "rahima@example.com", PASSWORD).await.expect(200).body;
        let built_in: Vec<&Value> = expected.as_array().unwrap().iter().filter(|r| Role::parse(r.as_str().unwrap()).is_some()).collect();
        assert_eq!(claims(token["accessToken"].as_str().unwrap())["roles"], json!(built_in));
        assert_eq!(token["user"]["roles"], expected);
    }
    let told: Vec<_> = published::<UserRoleChanged>(&p).await.into_iter().skip(before).map(|e| e.roles).collect();
    let expected = json!([["customer", "reader"], ["customer", "vendor", "editor", "reader"], ["customer", "vendor"], ["customer"]]);
    assert_eq!(json!(told), expected);
    let unknown = give(&p, &root, &her, &["root", "reader", "service", "Reader", "reader "]).await.expect(422);
    let places = ["/roles/0", "/roles/2", "/roles/3", "/roles/4"];
    assert_eq!(pointers(&unknown), places.map(|place| (place, "unknown_role")));
}

async fn sessions_are_told_what_their_roles_open_now(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let (her, him) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    make(&p, &root, "nothing", &[]).await.expect(201);
    give(&p, &root, &her, &["reader", "nothing"]).await.expect(200);
    let open = check(&p, her.session()).await;
    assert_eq!(
        (open.roles, open.custom_roles, open.permissions),
        (vec!["customer".into()], vec!["nothing".into(), "reader".into()], vec![USERS.to_owned()])
    );
    let others = check(&p, him.session()).await;
    assert!(others.open && others.custom_roles.is_empty() && others.permissions.is_empty(), "{others:?}");
    send(&p, "PUT", "/roles/reader", &root, Some(json!({"permissions": []}))).await.expect(200);
    send(&p, "PUT", "/roles/nothing", &root, Some(json!({"permissions": [USERS]}))).await.expect(200);
    assert_eq!(check(&p, her.session()).await.permissions, [USERS]);
    give(&p, &root, &her, &["reader"]).await.expect(200);
    assert_eq!(check(&p, her.session()).await.permissions, [""; 0]);
    give(&p, &root, &her, &["nothing"]).await.expect(200);
    send(&p, "POST", &format!("/users/{}/deactivate", her.id()), &root, None).await.expect(200);
    let closed = check(&p, her.session()).await;
    assert!(!closed.open && closed.custom_roles.is_empty() && closed.permissions.is_empty(), "{closed:?}");
}

async fn a_role_that_somebody_has_stays(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let (her, him) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    for person in [&her, &him] {
        give(&p, &root, person, &["reader"]).await.expect(200);
    }
    for person in [&her, &him] {
        assert_eq!(send(&p, "DELETE", "/roles/reader", &root, None).await.expect(409).code(), "role_in_use");
        give(&p, &root, person, &[]).await.expect(200);
    }
    send(&p, "DELETE", "/roles/reader", &root, None).await.expect(204);
    // One that is made anew under the name is nobody's.
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    assert_eq!(check(&p, her.session()).await.permissions, [""; 0]);
}

async fn a_role_is_not_given_while_it_is_deleted(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let her = register(&p, "rahima@example.com").await;
    for round in 0..8 {
        let name = format!("role-{round}");
        make(&p, &root, &name, &[USERS]).await.expect(201);
        let (path, roles) = (format!("/roles/{name}"), [name.as_str()]);
        let (given, deleted) = tokio::join!(biased; give(&p, &root, &her, &roles), send(&p, "DELETE", &path, &root, None));
        let has = check(&p, her.session()).await.custom_roles;
        match (given.status, deleted.status) {
            (200, 409) => assert_eq!(has, [name]),
            (422, 204) => assert!(!has.contains(&name), "{has:?}"),
            other => panic!("{other:?}: {:?} {:?}", given.body, deleted.body),
        }
    }
}

async fn services_that_give_roles_take_none(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let her = register(&p, "rahima@example.com").await;
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    give(&p, &root, &her, &["reader"]).await.expect(200);
    client(&p).grant_role(GrantRoleRequest { user_id: her.id().to_string(), role: "vendor".into() }).await.unwrap();
    let open = check(&p, her.session()).await;
    assert_eq!((open.roles, open.custom_roles), (vec!["customer".to_owned(), "vendor".into()], vec!["reader".to_owned()]));
    let refused = client(&p).grant_role(GrantRoleRequest { user_id: her.id().to_string(), role: "reader".into() }).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
}

async fn a_change_of_what_a_role_opens_is_told(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    make(&p, &root, "reader", &[USERS]).await.expect(201);
    let put = async |body: Value| drop(send(&p, "PUT", "/roles/reader", &root, Some(body)).await.expect(200));
    put(json!({"permissions": [USERS], "description": "another text"})).await;
    put(json!({"permissions": []})).await;
    put(json!({"permissions": [USERS]})).await;
    send(&p, "DELETE", "/roles/reader", &root, None).await.expect(204);
    let told = published::<RoleChanged>(&p).await;
    let role_id: RoleId = told[0].role_id;
    let event = |permissions: &[&str]| RoleChanged {
        role_id,
        name: "reader".into(),
        permissions: permissions.iter().map(|p| (*p).to_owned()).collect(),
    };
    assert_eq!(told, [event(&[USERS]), event(&[]), event(&[USERS]), event(&[])]);
}
