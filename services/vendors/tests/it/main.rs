//! Stores on real databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod figures;
mod identity;
mod routes;
mod shipping;

use contracts::UserId;
use contracts::events::vendors::VendorStaffInvited;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, SaleLine, SaleTermsRequest, Store};
use kit::Role;
use serde_json::json;
use testing::{Engine, TestPlatform};

testing::both_engines!(
    a_store_is_opened_once,
    a_seller_sees_their_own_store,
    a_store_changes_what_it_says_of_itself,
    staff_work_in_a_store_until_they_are_sent_away,
    nobody_is_drafted_into_a_store,
    nobody_is_invited_again_and_again,
    rates_follow_the_configuration,
    rates_follow_the_rules,
);

async fn ensure(p: &TestPlatform, slug: &str, owner_id: String) -> Store {
    let request = EnsureStoreRequest { slug: slug.into(), name: "Looms".into(), owner_id };
    VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner()
}

/// The commission rates of lines.
async fn rates(p: &TestPlatform, lines: Vec<SaleLine>) -> Vec<i64> {
    let request = SaleTermsRequest { lines, destination: None };
    let terms = VendorsClient::new(p.channel("vendors")).sale_terms(request).await.unwrap().into_inner();
    assert_eq!(terms.offers, [], "nothing ships to nowhere");
    terms.commission_basis_points
}

async fn a_store_is_opened_once(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let calls = (0..8).map(|_| ensure(&p, "looms", String::new()));
    let ids: std::collections::BTreeSet<_> = futures::future::join_all(calls).await.into_iter().map(|s| s.vendor_id).collect();
    assert_eq!(ids.len(), 1);
    let request = EnsureStoreRequest { slug: "No Slug".into(), ..Default::default() };
    let refused = VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

async fn a_seller_sees_their_own_store(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let (seller, other) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let store = ensure(&p, "looms", seller.user.as_ref().unwrap().id.to_string()).await;
    let mine = p.send("GET", "/api/v1/vendors/store", &seller, None, &[]).await.expect(200).body;
    assert_eq!((mine["id"].as_str(), mine["slug"].as_str()), (Some(store.vendor_id.as_str()), Some("looms")));
    p.send("GET", "/api/v1/vendors/store", &other, None, &[]).await.expect(404);
    let path = format!("/api/v1/vendors/{}", store.vendor_id);
    let public = p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200).body;
    assert!(public.get("ownerId").is_none(), "who owns a store is nobody's business: {public}");
}

async fn rates_follow_the_configuration(engine: Engine) {
    let p = TestPlatform::start_with(engine, &[vendors::SERVICE], json!({"vendors": {"commission_basis_points": 750}})).await;
    let store = ensure(&p, "looms", String::new()).await;
    let line = SaleLine { vendor_id: store.vendor_id, amount: 100, currency: "BDT".into(), ..SaleLine::default() };
    assert_eq!(rates(&p, vec![line.clone(), line]).await, [750, 750]);
}

async fn a_store_changes_what_it_says_of_itself(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let (seller, other, admin) =
        (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let store = ensure(&p, "looms", seller.user.as_ref().unwrap().id.to_string()).await;
    let path = format!("/api/v1/vendors/{}", store.vendor_id);
    let change = json!({"name": " Dhaka Looms ", "description": "Handwoven", "supportEmail": "help@looms.test"});
    let changed = p.send("PUT", "/api/v1/vendors/store", &seller, Some(change), &[("if-match", "\"1\"")]).await.expect(200);
    assert_eq!((changed.body["name"].as_str(), changed.header("etag")), (Some("Dhaka Looms"), "\"2\""));
    let shown = p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200);
    assert_eq!(shown.body, changed.body);
    p.send("PUT", &path, &seller, Some(json!({"name": "Late"})), &[("if-match", "\"1\"")]).await.expect(412);
    p.send("PUT", &path, &other, Some(json!({"name": "Mine now"})), &[]).await.expect(404);
    let cleared = p.send("PUT", &path, &admin, Some(json!({"description": null})), &[]).await.expect(200);
    assert_eq!((&cleared.body["description"], cleared.body["name"].as_str()), (&json!(null), Some("Dhaka Looms")));
    let wrong = p.send("PUT", &path, &seller, Some(json!({"name": "", "supportPhone": "0171"})), &[]).await.expect(422);
    assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2);
    p.send("PUT", &path, &seller, Some(json!({"slug": "other"})), &[]).await.expect(400);
}

async fn staff_work_in_a_store_until_they_are_sent_away(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE, identity::SERVICE]).await;
    let (owner, worker) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    identity::know(id(&worker));
    let store = ensure(&p, "looms", id(&owner).to_string()).await;
    let (staff, body) = ("/api/v1/vendors/store/staff", json!({"userId": id(&worker)}));
    p.send("POST", staff, &owner, Some(json!({"userId": id(&testing::user())})), &[]).await.expect(404);
    for _ in 0..2 {
        let added = p.send("POST", staff, &owner, Some(body.clone()), &[]).await.expect(201).body;
        assert_eq!((added["data"].as_array().unwrap().len(), &added["data"][0]["userId"]), (1, &json!(id(&worker))));
        assert_eq!(added["data"][0]["acceptedAt"], json!(null));
    }
    assert_eq!(identity::given(id(&worker)), Vec::<String>::new(), "nobody is made a vendor by others");
    assert_eq!(invited(&p).await, [id(&worker)], "once");
    p.send("GET", "/api/v1/vendors/store", &worker, None, &[]).await.expect(404);
    let invitations = p.send("GET", INVITATIONS, &worker, None, &[]).await.expect(200).body;
    assert_eq!((&invitations["data"][0]["vendorId"], &invitations["data"][1]), (&json!(store.vendor_id), &json!(null)));
    for _ in 0..2 {
        accept(&p, &worker, &store).await.expect(200);
    }
    assert_eq!(identity::given(id(&worker)), ["vendor", "vendor"]);
    assert_eq!(p.send("GET", INVITATIONS, &worker, None, &[]).await.expect(200).body, json!({"data": []}));
    let seen = p.send("GET", "/api/v1/vendors/store", &worker, None, &[]).await.expect(200).body;
    assert_eq!(seen["id"], json!(store.vendor_id));
    assert_eq!(p.send("POST", staff, &worker, Some(body), &[]).await.expect(403).code(), "forbidden", "only the owner lets people in");
    p.send("PUT", "/api/v1/vendors/store", &worker, Some(json!({"description": "By staff"})), &[]).await.expect(200);
    let one = format!("{staff}/{}", id(&worker));
    p.send("DELETE", &format!("{staff}/{}", id(&owner)), &worker, None, &[]).await.expect(403);
    p.send("DELETE", &one, &owner, None, &[]).await.expect(204);
    p.send("DELETE", &one, &owner, None, &[]).await.expect(404);
    p.send("GET", "/api/v1/vendors/store", &worker, None, &[]).await.expect(404);
}

const INVITATIONS: &str = "/api/v1/vendors/staff/invitations";

fn id(caller: &kit::Caller) -> UserId {
    caller.user.as_ref().unwrap().id
}

/// Who was told of an invitation, oldest first.
async fn invited(p: &TestPlatform) -> Vec<UserId> {
    let log = p.db("vendors").read(|q| kit::events::after(q, 0, 1_000)).await.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
    log.iter().filter_map(|e| e.decode::<VendorStaffInvited>().ok()).map(|e| e.user_id).collect()
}

async fn accept(p: &TestPlatform, who: &kit::Caller, store: &Store) -> testing::Response {
    p.send("POST", &format!("{INVITATIONS}/{}/accept", store.vendor_id), who, None, &[]).await
}

async fn nobody_is_invited_again_and_again(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE, identity::SERVICE]).await;
    let (owner, rival, worker) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]), testing::user());
    identity::know(id(&worker));
    ensure(&p, "looms", id(&owner).to_string()).await;
    ensure(&p, "teas", id(&rival).to_string()).await;
    let (staff, body) = ("/api/v1/vendors/store/staff", json!({"userId": id(&worker)}));
    let invite = async |by: &kit::Caller| p.send("POST", staff, by, Some(body.clone()), &[]).await;
    let remove = async || p.send("DELETE", &format!("{staff}/{}", id(&worker)), &owner, None, &[]).await.expect(204);
    for _ in 0..3 {
        invite(&owner).await.expect(201);
        invite(&owner).await.expect(201);
        remove().await;
    }
    p.advance_seconds(3_600);
    let refused = invite(&owner).await.expect(429);
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.code() == "too_many_invitations" && (82_700..=82_800).contains(&wait), "{wait}");
    assert_eq!(invited(&p).await.len(), 3, "what is refused is not told");
    assert_eq!(p.send("GET", staff, &owner, None, &[]).await.expect(200).body, json!({"data": []}));
    invite(&rival).await.expect(201);
    p.advance_seconds(wait);
    invite(&owner).await.expect(201);
    remove().await;
    invite(&owner).await.expect(201);
    assert_eq!(invited(&p).await.len(), 6);
}

async fn nobody_is_drafted_into_a_store(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE, identity::SERVICE]).await;
    let (owner, rival) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    identity::know(id(&rival));
    let looms = ensure(&p, "looms", id(&owner).to_string()).await;
    let teas = ensure(&p, "teas", id(&rival).to_string()).await;
    let pots = ensure(&p, "pots", id(&testing::user()).to_string()).await;
    let mine = async |query: &str| p.send("GET", &format!("/api/v1/vendors/store{query}"), &rival, None, &[]).await;
    let invite = async || {
        p.send("POST", "/api/v1/vendors/store/staff", &owner, Some(json!({"userId": id(&rival)})), &[]).await.expect(201);
    };
    accept(&p, &rival, &looms).await.expect(404);
    invite().await;
    assert_eq!(mine("").await.expect(200).body["slug"], "teas");
    let declined = format!("{INVITATIONS}/{}", looms.vendor_id);
    p.send("DELETE", &declined, &rival, None, &[]).await.expect(204);
    p.send("DELETE", &declined, &rival, None, &[]).await.expect(404);
    accept(&p, &rival, &looms).await.expect(404);
    invite().await;
    accept(&p, &rival, &looms).await.expect(200);
    assert_eq!(invited(&p).await, [id(&rival); 2], "who declined is asked anew");
    assert_eq!(mine("").await.expect(200).body["slug"], "teas", "one's own goes first, though it is the younger");
    assert_eq!(mine(&format!("?vendorId={}", looms.vendor_id)).await.expect(200).body["slug"], "looms");
    assert_eq!(mine(&format!("?vendorId={}", pots.vendor_id)).await.status, 404);
    let mut stores = VendorsClient::new(p.channel("vendors"));
    let request = contracts::proto::vendors::StoresOfUserRequest { user_id: id(&rival).to_string() };
    let found = stores.stores_of_user(request).await.unwrap().into_inner().stores;
    assert_eq!(found.iter().map(|s| s.slug.as_str()).collect::<Vec<_>>(), ["teas", "looms"]);

    let give = "UPDATE vendors.stores SET owner_id = (SELECT t.owner_id FROM vendors.stores t WHERE t.slug = 'teas') WHERE slug = 'pots'";
    p.db("vendors").write(move |tx| tx.execute(give, &[]).map(drop)).await.unwrap();
    let unclear = mine("").await;
    assert_eq!((unclear.status, unclear.code()), (422, "vendor_id_needed"));
    let listed: Vec<_> = unclear.body["stores"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect();
    assert_eq!(listed, [json!(teas.vendor_id), json!(pots.vendor_id), json!(looms.vendor_id)]);
    let me = format!("/api/v1/vendors/store/staff/{}", id(&rival));
    p.send("DELETE", &format!("{me}?vendorId={}", teas.vendor_id), &rival, None, &[]).await.expect(404);
    p.send("DELETE", &me, &rival, None, &[]).await.expect(204);
    assert_eq!(mine(&format!("?vendorId={}", looms.vendor_id)).await.status, 404, "staff may leave");
}

async fn rates_follow_the_rules(engine: Engine) {
    let p = TestPlatform::start(engine, &[vendors::SERVICE]).await;
    let admin = testing::user_with(&[Role::Admin]);
    let (looms, teas) = (ensure(&p, "looms", String::new()).await, ensure(&p, "teas", String::new()).await);
    let category = "01890000-0000-7000-8000-000000000001";
    let rules = json!({"rules": [
        {"categoryId": category, "basisPoints": 800},
        {"vendorId": teas.vendor_id, "basisPoints": 500},
        {"currency": "BDT", "minAmount": 100_000, "basisPoints": 600},
    ]});
    let path = "/api/v1/vendors/commission-rules";
    let set = p.send("PUT", path, &admin, Some(rules.clone()), &[]).await.expect(200).body;
    assert_eq!(
        set["data"][1],
        json!({"vendorId": teas.vendor_id, "categoryId": null, "currency": null, "minAmount": null, "maxAmount": null, "basisPoints": 500})
    );
    assert_eq!(p.send("GET", path, &admin, None, &[]).await.expect(200).body, set);
    let line = |vendor: &Store, categories: &[&str], amount| SaleLine {
        vendor_id: vendor.vendor_id.clone(),
        category_ids: categories.iter().map(|c| (*c).to_owned()).collect(),
        amount,
        currency: "BDT".into(),
        grams: None,
    };
    let lines = vec![line(&looms, &[], 1), line(&looms, &[category], 1), line(&looms, &[], 100_000), line(&teas, &[category], 100_000)];
    assert_eq!(rates(&p, lines.clone()).await, [1_000, 800, 600, 500]);
    let wrong = json!({"rules": [{"basisPoints": 10_001}]});
    assert_eq!(p.send("PUT", path, &admin, Some(wrong), &[]).await.expect(422).body["errors"][0]["pointer"], "/rules/0/basisPoints");
    p.send("PUT", path, &admin, Some(json!({"rules": []})), &[]).await.expect(200);
    assert_eq!(rates(&p, lines).await, [1_000; 4]);
}
