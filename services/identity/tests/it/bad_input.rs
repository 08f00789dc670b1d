use kit::Caller;
use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::people::{PASSWORD, admin, start};

testing::both_engines!(
    every_body_that_does_not_fit_is_refused_on_every_route,
    every_id_that_is_none_is_not_found_on_every_route,
    every_query_that_does_not_fit_is_refused,
    every_route_but_the_public_ones_needs_a_user,
    invalid_fields_are_named_with_pointers,
);

const ID: &str = "01890000-0000-7000-8000-000000000000";

/// Method and path of every route of the service, with an id in the place of parameters.
fn routes(p: &TestPlatform, id: &str) -> Vec<(String, String)> {
    let routes = p.platform().directory.routes().into_iter().filter(|r| r.service == "identity");
    let routes: Vec<_> = routes.map(|r| (r.method.to_string(), r.path.replace("{id}", id).replace("{name}", "nothing"))).collect();
    assert!(routes.len() >= 20, "{}", routes.len());
    routes
}

async fn administrator(p: &TestPlatform) -> Caller {
    admin(p).await.caller
}

async fn every_body_that_does_not_fit_is_refused_on_every_route(engine: Engine) {
    let p = start(engine).await;
    let caller = administrator(&p).await;
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"unknown\": 1}",
        b"\xff\xfe",
        b"{\"email\": {}, \"roles\": 1, \"name\": [], \"phone\": 1}",
        deep.as_bytes(),
    ];
    let with_body: Vec<_> = routes(&p, ID).into_iter().filter(|(m, path)| takes_body(m, path)).collect();
    assert_eq!(with_body.len(), 15);
    for (method, path) in with_body {
        for body in bodies {
            let headers = [("content-type", "application/json")];
            let r = p.send_bytes(&method, &path, &caller, body.to_vec(), &headers).await;
            let text = String::from_utf8_lossy(&body[..body.len().min(40)]);
            // An empty object changes nothing; everything else here is no profile.
            assert_eq!(r.status, 400, "{method} {path} {text}: {:?}", r.body);
            assert!(!r.code().is_empty() && r.body["detail"].is_string());
        }
        p.send_bytes(&method, &path, &caller, b"{}".to_vec(), &[("content-type", "text/plain")]).await.expect(415);
        p.send_bytes(&method, &path, &caller, b"{}".to_vec(), &[]).await.expect(415);
    }
}

fn takes_body(method: &str, path: &str) -> bool {
    let has_none = ["/logout", "/activate", "/deactivate"].iter().any(|end| path.ends_with(end));
    matches!(method, "POST" | "PUT") && !has_none && !is_page(path) && !is_photo(path)
}

/// What is sent there is a picture.
fn is_photo(path: &str) -> bool {
    path.ends_with("/photo")
}

/// What pages take is a form.
fn is_page(path: &str) -> bool {
    ["/reset-password", "/verify-email"].contains(&path)
}

async fn every_id_that_is_none_is_not_found_on_every_route(engine: Engine) {
    let p = start(engine).await;
    let caller = administrator(&p).await;
    let address = json!({"name": "R", "phone": "+8801712345678", "line1": "1", "city": "D", "country": "BD"});
    for id in ["x", "0", "%00", "%FF", "01890000-0000-7000-8000-00000000000g", ID] {
        for (method, path) in routes(&p, id).into_iter().filter(|(_, path)| path.contains(id)) {
            let body = match () {
                () if path.ends_with("/roles") => json!({"roles": []}),
                () if path.contains("/addresses/") => address.clone(),
                () => json!({}),
            };
            if is_photo(&path) {
                p.send_bytes(&method, &path, &caller, crate::photos::png(1, 1), &[("content-type", "image/png")]).await.expect(404);
                continue;
            }
            let body = takes_body(&method, &path).then_some(body);
            p.send(&method, &path, &caller, body, &[]).await.expect(404);
        }
    }
}

async fn every_query_that_does_not_fit_is_refused(engine: Engine) {
    let p = start(engine).await;
    let caller = administrator(&p).await;
    let lists = ["/api/v1/auth/sessions", "/api/v1/users/addresses", "/api/v1/users"];
    let queries = [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
        "cursor=x",
        "cursor=%00",
        "unknown=1",
        "limit=1&limit=2",
    ];
    for list in lists {
        for query in queries {
            let r = p.send("GET", &format!("{list}?{query}"), &caller, None, &[]).await;
            assert_eq!(r.status, 400, "{list}?{query}: {:?}", r.body);
        }
    }
    for query in ["query=%00".to_owned(), format!("query={}", "x".repeat(201))] {
        p.send("GET", &format!("/api/v1/users?{query}"), &caller, None, &[]).await.expect(400);
    }
    for query in ["all=maybe", "all=1", "unknown=1"] {
        p.send("POST", &format!("/api/v1/auth/logout?{query}"), &caller, None, &[]).await.expect(400);
    }
}

async fn every_route_but_the_public_ones_needs_a_user(engine: Engine) {
    let p = start(engine).await;
    let mut public = Vec::new();
    for (method, path) in routes(&p, ID) {
        let body = takes_body(&method, &path).then(|| json!({"roles": [], "name": "R"}));
        let r = p.send(&method, &path, &testing::guest(), body.clone(), &[]).await;
        if r.status != 401 && r.status != 400 {
            public.push(path);
        }
    }
    public.sort();
    let well_known = ["/.well-known/jwks.json", "/.well-known/openid-configuration"];
    assert_eq!(public, [&well_known[..], &["/reset-password", "/reset-password", "/verify-email", "/verify-email"]].concat());
    let address = json!({"name": "R", "phone": "+8801712345678", "line1": "1", "city": "D", "country": "BD"});
    let bodies = [
        ("PUT", "/api/v1/users/profile".to_owned(), json!({})),
        ("POST", "/api/v1/users/addresses".to_owned(), address.clone()),
        ("PUT", format!("/api/v1/users/addresses/{ID}"), address),
        ("PUT", format!("/api/v1/users/{ID}/roles"), json!({"roles": []})),
        ("PUT", format!("/api/v1/users/{ID}"), json!({})),
        ("PUT", format!("/api/v1/users/{ID}/measurements"), json!({})),
        ("PUT", format!("/api/v1/users/{ID}/preferences"), json!({})),
    ];
    for (method, path, body) in bodies {
        p.send(method, &path, &testing::guest(), Some(body), &[]).await.expect(401);
    }
}

async fn invalid_fields_are_named_with_pointers(engine: Engine) {
    let p = start(engine).await;
    let caller = administrator(&p).await;
    let address = |name: &str, value: Value| {
        let mut body = json!({"name": "R", "phone": "+8801712345678", "line1": "1", "city": "D", "country": "BD"});
        body[name] = value;
        body
    };
    let register = |name: &str, value: Value| {
        let mut body = json!({"email": "new@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B"});
        body[name] = value;
        body
    };
    let (users, auth) = ("/api/v1/users", "/api/v1/auth");
    let cases = [
        ("POST", format!("{auth}/register"), register("email", json!("nobody")), "/email"),
        ("POST", format!("{auth}/register"), register("email", json!("a@b.co\u{1}")), "/email"),
        ("POST", format!("{auth}/register"), register("password", json!("123456789")), "/password"),
        ("POST", format!("{auth}/register"), register("password", json!("x".repeat(201))), "/password"),
        ("POST", format!("{auth}/register"), register("firstName", json!(" ")), "/firstName"),
        ("POST", format!("{auth}/register"), register("lastName", json!("a\u{1}b")), "/lastName"),
        ("POST", format!("{auth}/login"), json!({"email": "", "password": PASSWORD}), "/email"),
        ("POST", format!("{auth}/login"), json!({"email": "a@b.co", "password": "x".repeat(201)}), "/password"),
        ("PUT", format!("{users}/profile"), json!({"firstName": ""}), "/firstName"),
        ("PUT", format!("{users}/profile"), json!({"phone": "01712"}), "/phone"),
        ("PUT", format!("{users}/profile"), json!({"locale": "english"}), "/locale"),
        ("POST", format!("{users}/addresses"), address("phone", json!("x")), "/phone"),
        ("POST", format!("{users}/addresses"), address("country", json!("Bangladesh")), "/country"),
        ("POST", format!("{users}/addresses"), address("line1", json!("x".repeat(201))), "/line1"),
        ("POST", format!("{users}/addresses"), address("postalCode", json!("x".repeat(21))), "/postalCode"),
        ("PUT", format!("{users}/addresses/{ID}"), address("city", json!("\u{7}")), "/city"),
        ("PUT", format!("{users}/{ID}/roles"), json!({"roles": ["customer", "king"]}), "/roles/1"),
        ("PUT", format!("{users}/{ID}/roles"), json!({"roles": vec!["vendor"; 21]}), "/roles"),
        ("POST", "/api/v1/roles".to_owned(), json!({"name": "Editor", "permissions": []}), "/name"),
        ("POST", "/api/v1/roles".to_owned(), json!({"name": "editor", "permissions": ["GET /nowhere"]}), "/permissions/0"),
        ("POST", "/api/v1/roles".to_owned(), json!({"name": "editor", "permissions": [], "description": "x".repeat(301)}), "/description"),
        ("PUT", "/api/v1/roles/editor".to_owned(), json!({"permissions": vec!["GET /api/v1/users"; 501]}), "/permissions"),
    ];
    for (method, path, body, pointer) in cases {
        let r = p.send(method, &path, &caller, Some(body.clone()), &[]).await;
        assert_eq!(r.status, 422, "{method} {path} {body}: {:?}", r.body);
        assert_eq!(r.code(), "invalid");
        let pointers: Vec<_> = r.body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, [pointer], "{method} {path} {body}");
    }
}
