use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

use super::{SERVICES, made, product, store, text};

testing::both_engines!(
    everybody_sees_the_sum_and_the_store_each_warehouse,
    every_change_of_what_is_on_hand_is_in_the_ledger,
    a_repeated_adjustment_with_a_key_counts_once,
    what_never_runs_out_is_not_counted,
);

async fn everybody_sees_the_sum_and_the_store_each_warehouse(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs, admin) =
        (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    store(&p, "mine", &mine).await;
    store(&p, "theirs", &theirs).await;
    made(&p, &theirs, product("hat", 1)).await;
    let second = p.send("POST", "/api/v1/warehouses", &admin, Some(json!({"code": "b", "name": "B"})), &[]).await.expect(201).body;
    let mut shirt = product("shirt", 5);
    shirt["variants"][0]["stock"].as_array_mut().unwrap().push(json!({"warehouseId": second["id"], "onHand": 7}));
    let shirt = made(&p, &mine, shirt).await;
    assert_eq!(shirt["variants"][0]["available"], 12);
    let path = format!("/api/v1/inventory/{}", text(&shirt["id"]));
    let seen = async |who| p.send("GET", &path, who, None, &[]).await.expect(200).body["data"].clone();
    let sum = json!([{"variantId": shirt["variants"][0]["id"], "available": 12}]);
    let (guest, user) = (testing::guest(), testing::user());
    for who in [&guest, &user, &theirs] {
        assert_eq!(seen(who).await, sum);
    }
    for who in [&mine, &admin] {
        let levels: Vec<_> = seen(who).await.as_array().unwrap().iter().map(|l| (l["onHand"].clone(), l["available"].clone())).collect();
        assert_eq!(levels, [(json!(5), json!(5)), (json!(7), json!(7))]);
    }
    let mut draft = product("draft", 1);
    draft["status"] = json!("draft");
    let draft = made(&p, &mine, draft).await;
    let path = format!("/api/v1/inventory/{}", text(&draft["id"]));
    p.send("GET", &path, &mine, None, &[]).await.expect(200);
    assert_eq!(p.send("GET", &path, &theirs, None, &[]).await.status, 404);
    let twice = json!([{"onHand": 1}, {"onHand": 2}]);
    let mut odd = product("odd", 1);
    odd["variants"][0]["stock"] = twice;
    let odd = p.send("POST", "/api/v1/products", &mine, Some(odd), &[]).await.expect(422).body;
    assert_eq!(odd["errors"][0]["pointer"], "/variants/0/stock/1/warehouseId");
}

async fn every_change_of_what_is_on_hand_is_in_the_ledger(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    store(&p, "mine", &mine).await;
    store(&p, "theirs", &theirs).await;
    let shirt = made(&p, &mine, product("shirt", 5)).await;
    let path = format!("/api/v1/inventory/{}", text(&shirt["id"]));
    let place = p.send("GET", &path, &mine, None, &[]).await.expect(200).body["data"][0].clone();
    for (n, reason) in [(3, "found"), (-2, "broken"), (-9, "impossible")] {
        let change = json!({"variantId": place["variantId"], "warehouseId": place["warehouseId"], "adjust": n, "reason": reason});
        p.send("PUT", &path, &mine, Some(change), &[]).await;
    }
    let ledger = format!("{path}/movements");
    let list = p.send("GET", &ledger, &mine, None, &[]).await.expect(200).body;
    let line = |m: &Json| (text(&m["kind"]).to_owned(), m["delta"].as_i64(), m["onHand"].as_i64(), text(&m["reason"]).to_owned());
    let lines: Vec<_> = list["data"].as_array().unwrap().iter().map(line).collect();
    let expected = [("adjusted", -2, 6, "broken"), ("adjusted", 3, 8, "found"), ("received", 5, 5, "opening stock")];
    assert_eq!(lines, expected.map(|(k, d, h, r)| (k.to_owned(), Some(d), Some(h), r.to_owned())));
    assert_eq!(text(&list["data"][0]["actor"]), format!("user:{}", mine.user.as_ref().unwrap().id));

    let first = p.send("GET", &format!("{ledger}?limit=2"), &mine, None, &[]).await.expect(200).body;
    let next = format!("{ledger}?limit=2&cursor={}", text(&first["nextCursor"]));
    let rest = p.send("GET", &next, &mine, None, &[]).await.expect(200).body;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["nextCursor"]), (1, &Json::Null));
    let narrowed = format!("{next}&warehouseId={}", text(&place["warehouseId"]));
    assert_eq!(p.send("GET", &narrowed, &mine, None, &[]).await.code(), "invalid_cursor");
    let elsewhere = format!("{ledger}?warehouseId={}", text(&shirt["id"]));
    assert_eq!(p.send("GET", &elsewhere, &mine, None, &[]).await.expect(200).body["data"], json!([]));
    assert_eq!(p.send("GET", &ledger, &theirs, None, &[]).await.status, 404);
    p.send("GET", &ledger, &testing::user_with(&[Role::Admin]), None, &[]).await.expect(200);
}

async fn a_repeated_adjustment_with_a_key_counts_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 5)).await;
    let path = format!("/api/v1/inventory/{}", text(&shirt["id"]));
    let place = p.send("GET", &path, &mine, None, &[]).await.expect(200).body["data"][0].clone();
    let change = json!({"variantId": place["variantId"], "warehouseId": place["warehouseId"], "adjust": 4, "reason": "counted"});
    for _ in 0..3 {
        let now = p.send("PUT", &path, &mine, Some(change.clone()), &[("idempotency-key", "k")]).await.expect(200).body;
        assert_eq!(now["data"][0]["onHand"], 9);
    }
}

async fn what_never_runs_out_is_not_counted(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    made(&p, &mine, product("shirt", 5)).await;
    let main = p.send("GET", "/api/v1/warehouses", &mine, None, &[]).await.expect(200).body["data"][0]["id"].clone();
    let mut font = product("font", 1);
    (font["kind"], font["variants"][0]["stock"]) = (json!("digital"), json!([]));
    let font = made(&p, &mine, font).await;
    let path = format!("/api/v1/inventory/{}", text(&font["id"]));
    for who in [&testing::guest(), &mine] {
        let seen = p.send("GET", &path, who, None, &[]).await.expect(200).body;
        assert_eq!(seen["data"], json!([{"variantId": font["variants"][0]["id"], "available": null}]));
    }
    let counted = json!([{"onHand": 3}]);
    let mut course = product("course", 1);
    (course["kind"], course["variants"][0]["stock"]) = (json!("course"), counted.clone());
    let mut bold = json!({"sku": "B", "price": {"amount": 1500, "currency": "BDT"}});
    bold["stock"] = counted;
    let variants = format!("/api/v1/products/{}/variants", text(&font["id"]));
    for (path, body, pointer) in [("/api/v1/products", course, "/variants/0/stock"), (&variants, bold, "/stock")] {
        let refused = p.send("POST", path, &mine, Some(body), &[]).await.expect(422).body;
        assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!(pointer), &json!("no_stock")));
    }
    let change = json!({"variantId": font["variants"][0]["id"], "warehouseId": main, "adjust": 4, "reason": "counted"});
    assert_eq!(p.send("PUT", &path, &mine, Some(change), &[]).await.code(), "no_stock");
}
