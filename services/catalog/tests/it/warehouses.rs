use contracts::proto::catalog::EnsureWarehouseRequest;
use kit::Role;
use serde_json::json;
use testing::{Engine, TestPlatform};

use super::{SERVICES, client, import, made, product, store, text};

testing::both_engines!(
    a_store_has_warehouses_of_its_own_beside_the_marketplaces,
    a_warehouse_is_changed_by_its_owner_who_has_read_it,
    what_is_wrong_with_a_warehouse_is_named,
    the_main_warehouse_may_have_another_code,
    nobody_takes_the_code_of_the_main_warehouse,
);

/// As everybody finds it.
const MAIN: &str = "/api/v1/warehouses/01900000-0000-7000-8000-000000000001";

async fn a_store_has_warehouses_of_its_own_beside_the_marketplaces(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs, admin) =
        (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let my_store = store(&p, "mine", &mine).await.vendor_id;
    store(&p, "theirs", &theirs).await;
    let shirt = made(&p, &mine, product("shirt", 5)).await;
    let post = |who, body| p.send("POST", "/api/v1/warehouses", who, Some(body), &[]);
    let own = post(&mine, json!({"code": "attic", "name": "Attic"})).await.expect(201).body;
    assert_eq!(own["vendorId"], json!(my_store));
    let shared = post(&admin, json!({"code": "chattogram", "name": "Chattogram"})).await.expect(201).body;
    assert_eq!(shared["vendorId"], json!(null));
    let stolen = json!({"code": "cellar", "name": "Cellar", "vendorId": my_store});
    post(&theirs, stolen).await.expect(404);
    let codes = async |who| {
        let list = p.send("GET", "/api/v1/warehouses", who, None, &[]).await.expect(200).body;
        list["data"].as_array().unwrap().iter().map(|w| text(&w["code"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&mine).await, ["attic", "chattogram", "main"]);
    assert_eq!(codes(&theirs).await, ["chattogram", "main"]);
    assert_eq!(codes(&admin).await, ["attic", "chattogram", "main"]);

    let path = format!("/api/v1/inventory/{}", text(&shirt["id"]));
    let put = |w: &serde_json::Value, n: i64| json!({"variantId": shirt["variants"][0]["id"], "warehouseId": w["id"], "adjust": n, "reason": "moved"});
    p.send("PUT", &path, &mine, Some(put(&own, 2)), &[]).await.expect(200);
    let levels = p.send("PUT", &path, &mine, Some(put(&shared, 3)), &[]).await.expect(200).body;
    assert_eq!(levels["data"].as_array().unwrap().len(), 3);
    let hat = made(&p, &theirs, product("hat", 1)).await;
    let foreign = json!({"variantId": hat["variants"][0]["id"], "warehouseId": own["id"], "adjust": 1, "reason": "x"});
    let path = format!("/api/v1/inventory/{}", text(&hat["id"]));
    let refused = p.send("PUT", &path, &theirs, Some(foreign), &[]).await;
    assert_eq!((refused.status, refused.code()), (422, "unknown_warehouse"), "another store's warehouse is none of theirs");
}

async fn a_warehouse_is_changed_by_its_owner_who_has_read_it(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs, admin) =
        (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    store(&p, "mine", &mine).await;
    store(&p, "theirs", &theirs).await;
    let own = p.send("POST", "/api/v1/warehouses", &mine, Some(json!({"code": "a", "name": "A"})), &[]).await.expect(201).body;
    let shared = p.send("POST", "/api/v1/warehouses", &admin, Some(json!({"code": "b", "name": "B"})), &[]).await.expect(201).body;
    let (own, shared) = (format!("/api/v1/warehouses/{}", text(&own["id"])), format!("/api/v1/warehouses/{}", text(&shared["id"])));
    let put = |who, path, code: &'static str, tag: &'static str| {
        let headers: &'static [(&str, &str)] = vec![("if-match", tag)].leak();
        p.send("PUT", path, who, Some(json!({"code": code, "name": "New name"})), headers)
    };
    assert_eq!(put(&theirs, &own, "c", "*").await.status, 404);
    assert_eq!(put(&mine, &shared, "c", "*").await.status, 403);
    let changed = put(&mine, &own, "c", "\"1\"").await.expect(200);
    assert_eq!((text(&changed.body["name"]), changed.header("etag")), ("New name", "\"2\""));
    let stale = put(&mine, &own, "d", "\"1\"").await;
    assert_eq!((stale.status, stale.code()), (412, "stale"));
    let taken = put(&mine, &own, "b", "*").await;
    assert_eq!((taken.status, taken.code()), (409, "code_taken"));
    put(&admin, &shared, "b", "*").await.expect(200);
}

async fn what_is_wrong_with_a_warehouse_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let post = |who, body| p.send("POST", "/api/v1/warehouses", who, Some(body), &[]);
    assert_eq!(post(&mine, json!({"code": "a", "name": "A"})).await.status, 404, "a seller without a store");
    let bad = post(&admin, json!({"code": "A b", "name": " "})).await.expect(422).body;
    let pointers: Vec<_> = bad["errors"].as_array().unwrap().iter().map(|e| text(&e["pointer"])).collect();
    assert_eq!(pointers, ["/code", "/name"]);
    assert_eq!(post(&admin, json!({"code": "a", "name": "A", "colour": 1})).await.status, 400);
    post(&admin, json!({"code": "a", "name": "A"})).await.expect(201);
    assert_eq!(post(&admin, json!({"code": "a", "name": "B"})).await.code(), "code_taken");
}

async fn the_main_warehouse_may_have_another_code(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let vendor = store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 5)).await;
    p.send("PUT", MAIN, &admin, Some(json!({"code": "dhaka", "name": "Dhaka"})), &[]).await.expect(200);
    let hat = made(&p, &mine, product("hat", 0)).await;
    let waits = format!("/api/v1/products/{}/back-in-stock", text(&hat["id"]));
    p.send("POST", &waits, &testing::user(), Some(json!({})), &[]).await.expect(201);
    let more = json!({"sku": "B", "title": "B", "price": {"amount": 1, "currency": "BDT"}, "stock": [{"onHand": 3}]});
    let path = format!("/api/v1/products/{}/variants", text(&shirt["id"]));
    p.send("POST", &path, &mine, Some(more), &[]).await.expect(201);
    assert_eq!(import(&p, &vendor, &[product("scarf", 2)]).await, ["created"]);
    let ensured = EnsureWarehouseRequest { code: "main".into(), name: "Main".into() };
    let main = client(&p).ensure_warehouse(ensured).await.unwrap().into_inner();
    assert!(MAIN.ends_with(&main.warehouse_id));
    let stolen = p.send("POST", "/api/v1/warehouses", &mine, Some(json!({"code": "main", "name": "Mine"})), &[]).await;
    assert_eq!((stolen.status, stolen.code()), (409, "code_taken"), "it may be called so again");
    p.send("PUT", MAIN, &admin, Some(json!({"code": "main", "name": "Main warehouse"})), &[]).await.expect(200);
}

async fn nobody_takes_the_code_of_the_main_warehouse(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    store(&p, "mine", &mine).await;
    let body = json!({"code": "main", "name": "Mine"});
    for who in [&mine, &admin] {
        let refused = p.send("POST", "/api/v1/warehouses", who, Some(body.clone()), &[]).await;
        assert_eq!((refused.status, refused.code()), (409, "code_taken"), "before there is a main warehouse");
    }
    let own = p.send("POST", "/api/v1/warehouses", &mine, Some(json!({"code": "attic", "name": "Attic"})), &[]).await.expect(201).body;
    let path = format!("/api/v1/warehouses/{}", text(&own["id"]));
    assert_eq!(p.send("PUT", &path, &mine, Some(body), &[]).await.code(), "code_taken");
    // As it could be taken once.
    let taken = "UPDATE catalog.warehouses SET code = 'main'";
    p.db("catalog").write(move |tx| tx.execute(taken, &[]).map(drop)).await.unwrap();
    made(&p, &mine, product("shirt", 5)).await;
    p.send("PUT", &path, &mine, Some(json!({"code": "main", "name": "As it is"})), &[]).await.expect(200);
}
