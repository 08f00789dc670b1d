use contracts::proto::payments as api;
use kit::{Caller, Role};
use serde_json::json;
use testing::Engine;

use crate::shop::{Begun, Shop, id};

testing::both_engines!(
    a_payment_is_its_payers_and_nobody_elses,
    a_guest_sees_the_payment_by_its_cart_token,
    the_payments_of_an_order_and_of_a_user_are_listed,
    the_methods_are_public,
    a_payer_who_left_comes_back_to_the_payment_page,
);

async fn a_payment_is_its_payers_and_nobody_elses(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let path = format!("/api/v1/payments/{}", begun.id);
    for (case, caller, status) in [
        ("its payer", shop.payer.clone(), 200),
        ("support", testing::user_with(&[Role::Support]), 200),
        ("an administrator", shop.admin.clone(), 200),
        ("another user", testing::user(), 404),
        ("a store", shop.sellers[0].clone(), 404),
        ("a guest", testing::guest(), 404),
        ("nobody", Caller::default(), 401),
    ] {
        assert_eq!(shop.get(&path, &caller).await.status, status, "{case}");
    }
    let confirm = |caller: Caller| {
        let (p, body) = (&shop.p, json!({"paymentId": begun.id}));
        async move { p.send("POST", "/api/v1/payments/confirm", &caller, Some(body), &[]).await.status }
    };
    assert_eq!(confirm(testing::user()).await, 404);
    assert_eq!(confirm(testing::user_with(&[Role::Support])).await, 404, "support reads, and changes nothing");
    assert_eq!(confirm(Caller::default()).await, 401);
    assert_eq!(confirm(shop.admin.clone()).await, 200);
    shop.get(&format!("/api/v1/payments/{}", id()), &shop.admin).await.expect(404);
    shop.get("/api/v1/payments/x", &shop.admin).await.expect(404);
}

async fn a_guest_sees_the_payment_by_its_cart_token(engine: Engine) {
    let shop = Shop::open(engine).await;
    let guest = testing::guest();
    let request = api::InitiateRequest { user_id: String::new(), guest: guest.guest_hash().unwrap(), ..shop.wanted(500) };
    let payment = shop.initiate(request).await.unwrap();
    let begun = Begun { id: payment.payment_id.parse().unwrap(), order: payment.order_id.parse().unwrap(), url: payment.action_url };
    let shown = shop.get(&format!("/api/v1/payments/{}", begun.id), &guest).await.expect(200).body;
    assert_eq!(shown["action"], json!({"type": "redirect", "url": begun.url}));
    shop.get(&format!("/api/v1/payments/{}", begun.id), &testing::guest()).await.expect(404);
    let listed = shop.get(&format!("/api/v1/payments/order/{}", begun.order), &guest).await.expect(200).body;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    shop.get("/api/v1/payments/history", &guest).await.expect(401);
}

async fn the_payments_of_an_order_and_of_a_user_are_listed(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = [shop.begin(100).await, shop.begin(200).await, shop.begin(300).await];
    let of_order = shop.get(&format!("/api/v1/payments/order/{}", begun[1].order), &shop.payer).await.expect(200).body;
    assert_eq!(of_order["data"][0]["id"], json!(begun[1].id));
    shop.get(&format!("/api/v1/payments/order/{}", begun[1].order), &testing::user()).await.expect(404);
    let first = shop.get("/api/v1/payments/history?limit=2", &shop.payer).await.expect(200).body;
    let amounts: Vec<_> = first["data"].as_array().unwrap().iter().map(|p| p["amount"]["amount"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [300, 200]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = shop.get(&format!("/api/v1/payments/history?limit=2&cursor={cursor}"), &shop.payer).await.expect(200).body;
    assert_eq!((&second["data"][0]["amount"]["amount"], &second["nextCursor"]), (&json!(100), &json!(null)));
    shop.get("/api/v1/payments/history?limit=0", &shop.payer).await.expect(400);
    shop.get("/api/v1/payments/history?cursor=x", &shop.payer).await.expect(400);
    shop.get("/api/v1/payments/history?all=1", &shop.payer).await.expect(400);
}

async fn the_methods_are_public(engine: Engine) {
    let shop = Shop::open(engine).await;
    let methods = shop.get("/api/v1/payments/methods", &Caller::default()).await.expect(200).body;
    let names: Vec<_> = methods["data"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["sandbox", "cod"]);
}

async fn a_payer_who_left_comes_back_to_the_payment_page(engine: Engine) {
    let shop = Shop::open(engine).await;
    let begun = shop.begin(500).await;
    let initiate = |caller: &Caller, order: String| {
        let (p, caller) = (&shop.p, caller.clone());
        async move { p.send("POST", "/api/v1/payments/initiate", &caller, Some(json!({"orderId": order})), &[]).await }
    };
    let order = begun.order.to_string();
    for _ in 0..2 {
        let body = initiate(&shop.payer, order.clone()).await.expect(200).body;
        assert_eq!((&body["id"], &body["action"]), (&json!(begun.id), &json!({"type": "redirect", "url": begun.url})));
    }
    initiate(&testing::user(), order.clone()).await.expect(404);
    initiate(&testing::guest(), order.clone()).await.expect(404);
    initiate(&Caller::default(), order.clone()).await.expect(401);
    initiate(&shop.admin, id().to_string()).await.expect(404);
    shop.answer(&begun, "approve").await.expect(200);
    shop.p.settle().await;
    let paid = initiate(&shop.payer, order).await.expect(200).body;
    assert_eq!((&paid["status"], paid.get("action")), (&json!("completed"), None), "nothing is left to do");
}
