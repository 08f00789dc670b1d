//! How the main routes of stores answer; those about shipping are where prices are looked at.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform, redact};

use super::{ensure, identity};

testing::both_engines!(every_main_route_answers_in_its_form);

async fn every_main_route_answers_in_its_form(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE, identity::SERVICE]).await;
    let (owner, other) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let (admin, worker, nobody) = (testing::user_with(&[Role::Admin]), testing::user(), Caller::default());
    identity::know(worker.user().unwrap().id);
    let store = ensure(&p, "looms", owner.user().unwrap().id.to_string()).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, p) = (who.clone(), format!("/api/v1/vendors{path}"), &p);
        async move { p.send(method, &path, &who, body, &[]).await }
    };
    note("GET /vendors/store", send(&owner, "GET", "/store", None).await);
    note("GET /vendors/store of nobody's", send(&other, "GET", "/store", None).await);
    note(
        "PUT /vendors/store",
        send(&owner, "PUT", "/store", Some(json!({"name": "Dhaka Looms", "supportEmail": "help@looms.test"}))).await,
    );
    note("PUT /vendors/store, malformed", send(&owner, "PUT", "/store", Some(json!({"name": "", "supportPhone": "0171"}))).await);
    let one = format!("/{}", store.vendor_id);
    note("GET /vendors/{id}", send(&nobody, "GET", &one, None).await);
    note("PUT /vendors/{id} by another store", send(&other, "PUT", &one, Some(json!({"name": "Mine"}))).await);
    let member = json!({"userId": worker.user().unwrap().id});
    note("POST /vendors/store/staff", send(&owner, "POST", "/store/staff", Some(member.clone())).await);
    note("POST /vendors/staff/invite", send(&owner, "POST", "/staff/invite", Some(member)).await);
    note("GET /vendors/staff", send(&owner, "GET", "/staff", None).await);
    note("GET /vendors/staff by another store", send(&other, "GET", "/staff", None).await);
    note("GET /vendors/staff/invitations", send(&worker, "GET", "/staff/invitations", None).await);
    let accept = format!("/staff/invitations/{}/accept", store.vendor_id);
    note("POST /vendors/staff/invitations/{vendorId}/accept", send(&worker, "POST", &accept, None).await);
    note("POST /vendors/staff/invitations/{vendorId}/accept, of nobody", send(&other, "POST", &accept, None).await);
    let page = p.send("GET", "/vendor/invitations", &nobody, None, &[]).await.expect(200);
    assert!(String::from_utf8_lossy(&page.bytes).contains("GET /api/v1/vendors/staff/invitations"));
    note("GET /vendors/store/staff", send(&owner, "GET", "/store/staff", None).await);
    let rules = json!({"rules": [{"vendorId": store.vendor_id, "basisPoints": 500}, {"currency": "BDT", "minAmount": 100_000, "basisPoints": 600}]});
    note("PUT /vendors/commission-rules", send(&admin, "PUT", "/commission-rules", Some(rules)).await);
    note(
        "PUT /vendors/commission-rules, wrong",
        send(&admin, "PUT", "/commission-rules", Some(json!({"rules": [{"basisPoints": 10_001}]}))).await,
    );
    let days = "from=2026-01-01&to=2026-01-02";
    for name in ["earnings", "metrics"] {
        note(&format!("GET /vendors/{{id}}/{name}"), send(&owner, "GET", &format!("{one}/{name}?{days}"), None).await);
    }
    insta::assert_compact_json_snapshot!("every_main_route", redact(&json!(seen)));
}
