//! Products by their store, under its name, and as files bring them in.

use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

use super::{SERVICES, import, made, product, store, text};

testing::both_engines!(
    a_store_lists_its_products,
    products_come_into_ones_own_store_where_none_is_named,
    a_renamed_store_is_called_so_on_its_products,
    a_name_that_comes_late_does_not_win,
    files_name_categories_and_bring_back_what_was_shown,
);

async fn a_store_lists_its_products(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, other) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let (looms, _) = (store(&p, "looms", &mine).await, store(&p, "teas", &other).await);
    for handle in ["one", "two", "three"] {
        made(&p, &mine, product(handle, 1)).await;
    }
    made(&p, &other, product("tea", 1)).await;
    let mut draft = product("draft", 1);
    draft["status"] = json!("draft");
    made(&p, &mine, draft).await;
    let path = format!("/api/v1/vendors/{}/products", looms.vendor_id);
    let get = async |path: String| p.send("GET", &path, &testing::guest(), None, &[]).await;
    let all = get(path.clone()).await.expect(200).body;
    let same = get(format!("/api/v1/products?vendorId={}", looms.vendor_id)).await.expect(200).body;
    assert_eq!(all, same);
    let titles: Vec<_> = all["data"].as_array().unwrap().iter().map(|x| text(&x["title"])).collect();
    assert_eq!(titles, ["three", "two", "one"]);
    let first = get(format!("{path}?limit=2&sort=price")).await.expect(200).body;
    let rest = get(format!("{path}?limit=2&sort=price&cursor={}", text(&first["nextCursor"]))).await.expect(200).body;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["nextCursor"]), (1, &json!(null)));
    assert_eq!(get(format!("{path}?vendorId=01900000-0000-7000-8000-00000000dead")).await.code(), "invalid_query");
    assert_eq!(get("/api/v1/vendors/01900000-0000-7000-8000-00000000dead/products".into()).await.status, 404);
    let close = |tx: &mut kit::Tx| tx.execute("UPDATE vendors.stores SET status = 'suspended'", &[]);
    p.db("vendors").write(close).await.unwrap();
    assert_eq!(get(path).await.status, 404, "a closed store shows nothing");
}

async fn a_renamed_store_is_called_so_on_its_products(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, other) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let looms = store(&p, "looms", &mine).await;
    store(&p, "teas", &other).await;
    let shirt = made(&p, &mine, product("shirt", 1)).await;
    made(&p, &other, product("tea", 1)).await;
    let names = async || {
        p.settle().await;
        let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
        list["data"].as_array().unwrap().iter().map(|x| text(&x["vendorName"]).to_owned()).collect::<Vec<_>>()
    };
    for name in ["Dhaka Looms", "Looms of Dhaka"] {
        p.send("PUT", "/api/v1/vendors/store", &mine, Some(json!({"name": name})), &[]).await.expect(200);
        assert_eq!(names().await, ["teas", name]);
    }
    made(&p, &mine, product("hat", 1)).await;
    // Whoever brings products in may still know the old name.
    assert_eq!(import(&p, &looms, &[product("old", 1)]).await, ["created"]);
    assert_eq!(names().await, ["Looms of Dhaka", "Looms of Dhaka", "teas", "Looms of Dhaka"]);
    let path = format!("/api/v1/products/{}", text(&shirt["id"]));
    let read = p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200);
    assert_eq!((text(&read.body["vendorName"]), read.header("etag")), ("Looms of Dhaka", "\"1\""));
}

async fn files_name_categories_and_bring_back_what_was_shown(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let looms = store(&p, "looms", &mine).await;
    let category = async |body: Json| p.send("POST", "/api/v1/categories", &admin, Some(body), &[]).await.expect(201).body["id"].clone();
    let clothes = category(json!({"name": "Clothes"})).await;
    let asked = json!([{"name": "length", "type": "number", "required": true}]);
    let shirts = category(json!({"name": "Shirts", "slug": "all-shirts", "parentId": clothes, "attributes": asked})).await;
    let filed = |handle: &str, category: &str| {
        let mut body = product(handle, 1);
        body["category"] = json!(category);
        body["attributes"] = json!({"length": "70", "fabric": "7"});
        body
    };
    let bodies = [filed("path", "Clothes > Shirts"), filed("slug", "all-shirts | clothes"), filed("none", "Hats")];
    assert_eq!(import(&p, &looms, &bodies).await, ["created", "created", "refused"]);
    assert_eq!(import(&p, &looms, &bodies).await, ["unchanged", "unchanged", "refused"]);
    let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body["data"].clone();
    let seen = |i: usize| (list[i]["categoryIds"].clone(), list[i]["attributes"].clone());
    assert_eq!(seen(1), (json!([shirts]), json!({"length": 70, "fabric": "7"})));
    assert_eq!(seen(0).0, json!([shirts, clothes]));
    let mut shown = list[1].clone();
    shown["handle"] = json!("path");
    shown["title"] = json!("Another title");
    assert_eq!(import(&p, &looms, &[shown.clone()]).await, ["updated"]);
    assert_eq!(import(&p, &looms, &[shown.clone()]).await, ["unchanged"]);
    let path = format!("/api/v1/products/{}", text(&shown["id"]));
    let now = p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200).body;
    assert_eq!((&now["title"], &now["variants"]), (&json!("Another title"), &shown["variants"]), "stock that is not said stays");
}

async fn products_come_into_ones_own_store_where_none_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let seller = testing::user_with(&[Role::Vendor]);
    let others = store(&p, "looms", &testing::user()).await;
    let own = store(&p, "teas", &seller).await;
    let (worker, other_store) = (seller.user.as_ref().unwrap().id, others.vendor_id.parse::<contracts::VendorId>().unwrap());
    let staff = "INSERT INTO vendors.staff (store_id, user_id, added_at, accepted_at) VALUES ($1, $2, $3, $3)";
    let work = move |tx: &mut kit::Tx| {
        let now = tx.now();
        tx.execute(staff, kit::params![other_store.0, worker.0, now]).map(drop)
    };
    p.db("vendors").write(work).await.unwrap();
    assert_eq!(made(&p, &seller, product("tea", 1)).await["vendorId"], json!(own.vendor_id));
    let attic = p.send("POST", "/api/v1/warehouses", &seller, Some(json!({"code": "attic", "name": "Attic"})), &[]).await.expect(201);
    assert_eq!(attic.body["vendorId"], json!(own.vendor_id));
    let mut shirt = product("shirt", 1);
    shirt["vendorId"] = json!(others.vendor_id);
    assert_eq!(made(&p, &seller, shirt).await["vendorId"], json!(others.vendor_id), "by name, for whom one works");
    store(&p, "pots", &seller).await;
    let unclear = [
        p.send("POST", "/api/v1/products", &seller, Some(product("pot", 1)), &[]).await,
        p.send("POST", "/api/v1/warehouses", &seller, Some(json!({"code": "b", "name": "B"})), &[]).await,
    ];
    assert!(unclear.iter().all(|a| (a.status, a.code()) == (422, "vendor_id_needed")), "{unclear:?}");
}

async fn a_name_that_comes_late_does_not_win(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    made(&p, &mine, product("shirt", 1)).await;
    let names = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"];
    let renamed = names.map(|name| p.send("PUT", "/api/v1/vendors/store", &mine, Some(json!({"name": name})), &[]));
    assert!(futures::future::join_all(renamed).await.iter().all(|a| a.status == 200));
    p.settle().await;
    let last = p.send("GET", "/api/v1/vendors/store", &mine, None, &[]).await.expect(200).body;
    let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
    assert_eq!(list["data"][0]["vendorName"], last["name"], "events of a store come in the order in which it changed");
}
