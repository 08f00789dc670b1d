//! How the routes of identity answer.

use kit::Caller;
use serde_json::{Value as Json, json};
use testing::{Engine, Response, redact};

use crate::people::{PASSWORD, Person, admin, registration, start};

testing::both_engines!(every_route_answers_in_its_form);

/// Without what is drawn anew for everybody.
fn without_tokens(mut body: Json) -> Json {
    for name in ["accessToken", "refreshToken"] {
        if let Some(token) = body.get_mut(name) {
            *token = json!("[token]");
        }
    }
    body
}

async fn every_route_answers_in_its_form(engine: Engine) {
    let p = start(engine).await;
    let root = admin(&p).await.caller;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": without_tokens(answer.body.clone())}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, p) = (who.clone(), format!("/api/v1{path}"), &p);
        async move { p.send(method, &path, &who, body, &[]).await }
    };
    let nobody = Caller::default();
    let email = "rahima@haat.test";
    let registered = note("POST /auth/register", send(&nobody, "POST", "/auth/register", Some(registration(email))).await);
    note("POST /auth/register again", send(&nobody, "POST", "/auth/register", Some(registration(email))).await);
    note("POST /auth/login", send(&nobody, "POST", "/auth/login", Some(json!({"email": email, "password": PASSWORD}))).await);
    note("POST /auth/login, wrong", send(&nobody, "POST", "/auth/login", Some(json!({"email": email, "password": "wrong horse"}))).await);
    let refreshed = json!({"refreshToken": registered.body["refreshToken"]});
    note("POST /auth/refresh", send(&nobody, "POST", "/auth/refresh", Some(refreshed)).await);
    note("POST /auth/forgot-password", send(&nobody, "POST", "/auth/forgot-password", Some(json!({"email": email}))).await);
    let me = Person::of(&registered.body).caller;
    note("GET /users/profile", send(&me, "GET", "/users/profile", None).await);
    note("PUT /users/profile", send(&me, "PUT", "/users/profile", Some(json!({"firstName": "Ayesha"}))).await);
    note("GET /auth/sessions", send(&me, "GET", "/auth/sessions", None).await);
    let home = json!({"label": "home", "name": "A B", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207", "country": "BD"});
    let made = note("POST /users/addresses", send(&me, "POST", "/users/addresses", Some(home.clone())).await);
    let one = format!("/users/addresses/{}", made.body["id"].as_str().unwrap());
    note("GET /users/addresses", send(&me, "GET", "/users/addresses", None).await);
    note("PUT /users/addresses/{id} by somebody else", send(&root, "PUT", &one, Some(home)).await);
    note("DELETE /users/addresses/{id}", send(&me, "DELETE", &one, None).await);
    let user = format!("/users/{}", me.user().unwrap().id);
    note("GET /users by a customer", send(&me, "GET", "/users", None).await);
    note("GET /users", send(&root, "GET", "/users", None).await);
    note("PUT /users/{id}/roles", send(&root, "PUT", &format!("{user}/roles"), Some(json!({"roles": ["customer", "vendor"]}))).await);
    note("PUT /users/{id} by its owner", send(&me, "PUT", &user, Some(json!({"lastName": "Begum"}))).await);
    let body = json!({"heightMm": 1_650});
    note("PUT /users/{id}/measurements", send(&me, "PUT", &format!("{user}/measurements"), Some(body)).await);
    note("GET /users/{id}/measurements", send(&me, "GET", &format!("{user}/measurements"), None).await);
    note("PUT /users/{id}/preferences, unknown", send(&me, "PUT", &format!("{user}/preferences"), Some(json!({"currency": "X"}))).await);
    note("GET /users/{id}/preferences", send(&me, "GET", &format!("{user}/preferences"), None).await);
    let (picture, one) = ([("content-type", "image/png")], format!("/api/v1{user}/photo"));
    note("PUT /users/{id}/photo", p.send_bytes("PUT", &one, &me, crate::photos::png(64, 48), &picture).await);
    note("PUT /users/{id}/photo, none", p.send_bytes("PUT", &one, &me, b"<svg/>".to_vec(), &picture).await);
    note("PUT /users/{id}/photo, JSON", p.send_bytes("PUT", &one, &me, b"{}".to_vec(), &[("content-type", "application/json")]).await);
    note("GET /users/{id} with a picture", send(&me, "GET", &user, None).await);
    note("DELETE /users/{id}/photo", send(&me, "DELETE", &format!("{user}/photo"), None).await);
    note("GET /users/{id}/photo, none", send(&me, "GET", &format!("{user}/photo"), None).await);
    note("GET /roles by a customer", send(&me, "GET", "/roles", None).await);
    note("GET /roles", send(&root, "GET", "/roles", None).await);
    let role = json!({"name": "people-reader", "description": "Finds accounts", "permissions": ["GET /api/v1/users"]});
    note("POST /roles", send(&root, "POST", "/roles", Some(role.clone())).await);
    note("POST /roles again", send(&root, "POST", "/roles", Some(role)).await);
    let role = json!({"name": "admin", "permissions": ["POST /api/v1/roles", "GET /api/v1/users/{id}", "GET /users"]});
    note("POST /roles, wrong", send(&root, "POST", "/roles", Some(role)).await);
    note("GET /roles/{name}", send(&root, "GET", "/roles/people-reader", None).await);
    note("PUT /roles/{name}", send(&root, "PUT", "/roles/people-reader", Some(json!({"permissions": []}))).await);
    note("PUT /roles/{name}, built in", send(&root, "PUT", "/roles/support", Some(json!({"permissions": []}))).await);
    let given = json!({"roles": ["people-reader"]});
    note("PUT /users/{id}/roles to one of the marketplace's own", send(&root, "PUT", &format!("{user}/roles"), Some(given)).await);
    note("DELETE /roles/{name}, in use", send(&root, "DELETE", "/roles/people-reader", None).await);
    note("PUT /users/{id}/roles", send(&root, "PUT", &format!("{user}/roles"), Some(json!({"roles": []}))).await);
    note("DELETE /roles/{name}", send(&root, "DELETE", "/roles/people-reader", None).await);
    note("POST /users/{id}/deactivate", send(&root, "POST", &format!("{user}/deactivate"), None).await);
    note("POST /auth/login, deactivated", send(&nobody, "POST", "/auth/login", Some(json!({"email": email, "password": PASSWORD}))).await);
    insta::assert_compact_json_snapshot!("every_route", redact(&json!(seen)));
}
