//! Stores on real databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{CommissionLine, CommissionRatesRequest, EnsureStoreRequest, Store};
use kit::Role;
use serde_json::json;
use testing::{Engine, TestPlatform};

testing::both_engines!(a_store_is_opened_once, a_seller_sees_their_own_store, rates_follow_the_configuration);

async fn ensure(p: &TestPlatform, slug: &str, owner_id: String) -> Store {
    let request = EnsureStoreRequest { slug: slug.into(), name: "Looms".into(), owner_id };
    VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner()
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
    let line = CommissionLine { vendor_id: store.vendor_id, category_ids: Vec::new(), amount: 100, currency: "BDT".into() };
    let request = CommissionRatesRequest { lines: vec![line.clone(), line] };
    let rates = VendorsClient::new(p.channel("vendors")).commission_rates(request).await.unwrap().into_inner();
    assert_eq!(rates.basis_points, [750, 750]);
}
