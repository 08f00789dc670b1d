use contracts::proto::catalog::{ReleaseRequest, ReserveLine, ReserveRequest};
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};
use uuid::Uuid;

use super::{SERVICES, client, made, product, store, text, told};

testing::both_engines!(
    a_store_is_told_once_when_few_are_left,
    who_waits_is_told_once_when_it_is_back,
    a_race_between_waiting_and_stock_loses_nobody,
);

async fn reserve(p: &TestPlatform, id: u128, variant: &Json, quantity: i64) {
    let lines = vec![ReserveLine { variant_id: text(variant).to_owned(), quantity }];
    let request = ReserveRequest { reservation_id: Uuid::from_u128(id).to_string(), lines, expires_at: 4_000_000_000_000_000 };
    assert!(client(p).reserve(request).await.unwrap().into_inner().shortages.is_empty());
}

async fn release(p: &TestPlatform, id: u128) {
    let request = ReleaseRequest { reservation_id: Uuid::from_u128(id).to_string(), variant_ids: Vec::new() };
    client(p).release(request).await.unwrap();
}

async fn a_store_is_told_once_when_few_are_left(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let mut shirt = product("shirt", 10);
    shirt["variants"][0]["lowStockAt"] = json!(3);
    let shirt = made(&p, &mine, shirt).await;
    let usual = made(&p, &mine, product("hat", 7)).await;
    let (variant, hat) = (&shirt["variants"][0]["id"], &usual["variants"][0]["id"]);
    // (what happens, how often the store was told by then)
    reserve(&p, 1, variant, 6).await;
    assert_eq!(told(&p, "inventory.low").await.len(), 0, "four are left");
    reserve(&p, 2, variant, 1).await;
    reserve(&p, 3, variant, 3).await;
    let low = told(&p, "inventory.low").await;
    assert_eq!(low.len(), 1);
    let (product_id, vendor_id) = (&shirt["id"], &shirt["vendorId"]);
    let expected =
        json!({"productId": product_id, "variantId": variant, "vendorId": vendor_id, "title": "shirt", "available": 3, "lowStockAt": 3});
    assert_eq!(low[0], expected);
    release(&p, 1).await;
    reserve(&p, 4, variant, 5).await;
    assert_eq!(told(&p, "inventory.low").await.len(), 2, "there were more in between");
    reserve(&p, 5, hat, 2).await;
    assert_eq!(told(&p, "inventory.low").await.len(), 3, "five are few where the store does not say");
}

async fn wait(p: &TestPlatform, who: &Caller, product: &Json, body: Json) -> testing::Response {
    p.send("POST", &format!("/api/v1/products/{}/back-in-stock", text(&product["id"])), who, Some(body), &[]).await
}

async fn who_waits_is_told_once_when_it_is_back(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let mut shirt = product("shirt", 2);
    shirt["variants"].as_array_mut().unwrap().push(json!({"sku": "B", "title": "Blue", "price": {"amount": 1, "currency": "BDT"}}));
    let shirt = made(&p, &mine, shirt).await;
    let (red, blue) = (&shirt["variants"][0]["id"], &shirt["variants"][1]["id"]);
    let (one, two) = (testing::user(), testing::user());
    assert_eq!(wait(&p, &one, &shirt, json!({})).await.code(), "variant_needed");
    assert_eq!(wait(&p, &one, &shirt, json!({"variantId": red})).await.code(), "in_stock");
    assert_eq!(wait(&p, &one, &shirt, json!({"variantId": shirt["id"]})).await.code(), "unknown_variant");
    reserve(&p, 1, red, 2).await;
    for who in [&one, &two, &one] {
        assert_eq!(
            wait(&p, who, &shirt, json!({"variantId": red})).await.expect(201).body,
            json!({"productId": shirt["id"], "variantId": red})
        );
    }
    wait(&p, &one, &shirt, json!({"variantId": blue})).await.expect(201);
    p.settle().await;
    assert_eq!(told(&p, "product.back_in_stock").await, Vec::<Json>::new());
    release(&p, 1).await;
    p.settle().await;
    let back = told(&p, "product.back_in_stock").await;
    let mut users: Vec<_> = back.iter().map(|e| text(&e["userId"]).to_owned()).collect();
    users.sort();
    let mut expected = [&one, &two].map(|c| c.user.as_ref().unwrap().id.to_string());
    expected.sort();
    assert_eq!(users, expected);
    assert!(back.iter().all(|e| e["variantId"] == *red && e["title"] == "shirt (Default)" && e["slug"] == shirt["slug"]), "{back:?}");
    reserve(&p, 2, red, 2).await;
    release(&p, 2).await;
    p.settle().await;
    assert_eq!(told(&p, "product.back_in_stock").await.len(), 2, "nobody has asked again");
}

async fn a_race_between_waiting_and_stock_loses_nobody(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 1)).await;
    let variant = &shirt["variants"][0]["id"];
    let mut waiting = 0;
    for round in 0..10 {
        reserve(&p, round, variant, 1).await;
        let people: Vec<_> = (0..6).map(|_| testing::user()).collect();
        let waits = futures::future::join_all(people.iter().map(|who| wait(&p, who, &shirt, json!({}))));
        let (answers, ()) = tokio::join!(waits, release(&p, round));
        waiting += answers.iter().filter(|a| a.status == 201).count();
        assert!(answers.iter().all(|a| a.status == 201 || a.code() == "in_stock"));
        p.settle().await;
        assert_eq!(told(&p, "product.back_in_stock").await.len(), waiting);
    }
}
