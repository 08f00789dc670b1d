use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

use super::{SERVICES, made, product, store, text, told};

testing::both_engines!(
    a_product_goes_from_draft_to_published_to_archived,
    a_change_of_what_was_not_read_is_stale,
    somebody_elses_product_is_not_found,
    an_old_address_goes_on_working,
    variants_and_pictures_come_and_go,
    lists_are_narrowed_and_sorted,
);

fn path(product: &Json) -> String {
    format!("/api/v1/products/{}", text(&product["id"]))
}

async fn patch(p: &TestPlatform, who: &Caller, product: &Json, body: Json) -> Response {
    p.send("PATCH", &path(product), who, Some(body), &[]).await
}

async fn a_product_goes_from_draft_to_published_to_archived(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let mut draft = product("shirt", 3);
    draft["status"] = json!("draft");
    let draft = made(&p, &mine, draft).await;
    let seen = async |who: &Caller| p.send("GET", &path(&draft), who, None, &[]).await.status;
    assert_eq!((seen(&testing::guest()).await, seen(&mine).await), (404, 200));
    let drafts = p.send("GET", "/api/v1/products?status=draft", &mine, None, &[]).await.expect(200).body;
    assert_eq!(drafts["data"].as_array().unwrap().len(), 1);
    assert_eq!(p.send("GET", "/api/v1/products?status=draft", &testing::guest(), None, &[]).await.status, 401);
    patch(&p, &mine, &draft, json!({"status": "published"})).await.expect(200);
    assert_eq!(seen(&testing::guest()).await, 200);
    p.send("DELETE", &path(&draft), &mine, None, &[]).await.expect(204);
    p.send("DELETE", &path(&draft), &mine, None, &[]).await.expect(204);
    assert_eq!(seen(&testing::guest()).await, 404);
    let back = patch(&p, &mine, &draft, json!({"status": "published"})).await;
    assert_eq!((back.status, back.code(), &back.body["allowed"]), (409, "illegal_transition", &json!(["draft"])));
    assert_eq!((told(&p, "product.published").await.len(), told(&p, "product.archived").await.len()), (1, 1));
}

async fn a_change_of_what_was_not_read_is_stale(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 3)).await;
    let read = p.send("GET", &path(&shirt), &mine, None, &[]).await.expect(200);
    let tag = [("if-match", read.header("etag"))];
    let mut new = product("shirt", 3);
    (new["title"], new["variants"][0]["price"]["amount"]) = (json!("Better shirt"), json!(1700));
    let now = p.send("PUT", &path(&shirt), &mine, Some(new.clone()), &tag).await.expect(200);
    assert_eq!(now.body["variants"][0]["id"], shirt["variants"][0]["id"]);
    for method in ["PUT", "PATCH", "DELETE"] {
        let body = match method {
            "PUT" => Some(new.clone()),
            "PATCH" => Some(json!({"title": "x"})),
            _ => None,
        };
        let stale = p.send(method, &path(&shirt), &mine, body, &tag).await;
        assert_eq!((stale.status, stale.code()), (412, "stale"), "{method}");
    }
    let price = told(&p, "product.price_changed").await;
    assert_eq!((price.len(), &price[0]["newPrice"]["amount"]), (1, &json!(1700)));
    new["kind"] = json!("digital");
    assert_eq!(p.send("PUT", &path(&shirt), &mine, Some(new), &[]).await.expect(422).body["errors"][0]["pointer"], "/kind");
    let merged = patch(&p, &mine, &shirt, json!({"brand": "Looms", "attributes": {"fabric": "silk"}})).await.expect(200).body;
    assert_eq!(
        (&merged["brand"], &merged["attributes"], &merged["title"]),
        (&json!("Looms"), &json!({"fabric": "silk"}), &json!("Better shirt"))
    );
    let less = patch(&p, &mine, &shirt, json!({"brand": null, "attributes": {"fabric": null}})).await.expect(200).body;
    assert_eq!((&less["brand"], &less["attributes"]), (&Json::Null, &json!({})));
}

async fn somebody_elses_product_is_not_found(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    store(&p, "mine", &mine).await;
    store(&p, "theirs", &theirs).await;
    let shirt = made(&p, &mine, product("shirt", 3)).await;
    let (base, variant) = (path(&shirt), text(&shirt["variants"][0]["id"]).to_owned());
    let one = json!({"sku": "B", "price": {"amount": 1, "currency": "BDT"}});
    let cases = [
        ("PUT", base.clone(), Some(product("shirt", 1))),
        ("PATCH", base.clone(), Some(json!({"title": "stolen"}))),
        ("DELETE", base.clone(), None),
        ("POST", format!("{base}/variants"), Some(one.clone())),
        ("PUT", format!("{base}/variants/{variant}"), Some(one)),
        ("DELETE", format!("{base}/variants/{variant}"), None),
        ("POST", format!("{base}/media"), Some(json!({"url": "/x.png"}))),
        ("DELETE", format!("{base}/media/{variant}"), None),
        ("PUT", format!("{base}/media/order"), Some(json!({"ids": []}))),
    ];
    for (method, path, body) in cases {
        assert_eq!(p.send(method, &path, &theirs, body, &[]).await.status, 404, "{method} {path}");
    }
}

async fn an_old_address_goes_on_working(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let (shirt, _) = (made(&p, &mine, product("shirt", 3)).await, made(&p, &mine, product("hat", 3)).await);
    assert_eq!(patch(&p, &mine, &shirt, json!({"handle": "hat"})).await.code(), "handle_taken");
    let renamed = patch(&p, &mine, &shirt, json!({"handle": "kurta"})).await.expect(200).body;
    assert_ne!(renamed["slug"], shirt["slug"]);
    for slug in [&shirt["slug"], &renamed["slug"]] {
        let found = p.send("GET", &format!("/api/v1/products/{}", text(slug)), &testing::guest(), None, &[]).await.expect(200);
        assert_eq!(found.body["id"], shirt["id"]);
    }
}

async fn variants_and_pictures_come_and_go(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 3)).await;
    let variants = format!("{}/variants", path(&shirt));
    let blue = json!({"sku": "B", "title": "Blue", "price": {"amount": 900, "currency": "BDT"}, "stock": [{"onHand": 4}]});
    let made = p.send("POST", &variants, &mine, Some(blue.clone()), &[]).await.expect(201).body;
    assert_eq!((&made["title"], &made["available"]), (&json!("Blue"), &json!(4)));
    assert_eq!(p.send("POST", &variants, &mine, Some(blue.clone()), &[]).await.code(), "sku_taken");
    let euro = json!({"sku": "C", "price": {"amount": 1, "currency": "EUR"}});
    assert_eq!(p.send("POST", &variants, &mine, Some(euro), &[]).await.expect(422).body["errors"][0]["pointer"], "/price/currency");
    let one = format!("{variants}/{}", text(&made["id"]));
    let dearer = json!({"sku": "B", "title": "Navy", "price": {"amount": 950, "currency": "BDT"}});
    assert_eq!(p.send("PUT", &one, &mine, Some(dearer), &[]).await.expect(200).body["title"], "Navy");
    p.send("DELETE", &one, &mine, None, &[]).await.expect(204);
    assert_eq!(p.send("DELETE", &one, &mine, None, &[]).await.status, 404);
    let last = format!("{variants}/{}", text(&shirt["variants"][0]["id"]));
    assert_eq!(p.send("DELETE", &last, &mine, None, &[]).await.code(), "last_variant");
    let back = p.send("POST", &variants, &mine, Some(blue), &[]).await.expect(201).body;
    assert_eq!(back["id"], made["id"], "a sku brings its variant back");

    let media = format!("{}/media", path(&shirt));
    let mut ids = Vec::new();
    for url in ["https://x.test/1.png", "/2.png"] {
        let picture = p.send("POST", &media, &mine, Some(json!({"url": url, "alt": "a"})), &[]).await.expect(201).body;
        ids.push(text(&picture["id"]).to_owned());
    }
    let bad = p.send("POST", &media, &mine, Some(json!({"url": "javascript:x"})), &[]).await.expect(422).body;
    assert_eq!(bad["errors"][0]["pointer"], "/url");
    let order = format!("{media}/order");
    let turned = p.send("PUT", &order, &mine, Some(json!({"ids": [ids[1], ids[0]]})), &[]).await.expect(200).body;
    assert_eq!(turned["media"][0]["id"], ids[1].as_str());
    p.send("PUT", &order, &mine, Some(json!({"ids": [ids[1], ids[1]]})), &[]).await.expect(422);
    let first = format!("{media}/{}", ids[0]);
    p.send("DELETE", &first, &mine, None, &[]).await.expect(204);
    assert_eq!(p.send("DELETE", &first, &mine, None, &[]).await.status, 404);
}

async fn lists_are_narrowed_and_sorted(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    for (handle, price, stock, brand, fabric) in [
        ("a", 300, 0, "X", json!("cotton")),
        ("b", 100, 5, "Y", json!("silk")),
        ("c", 200, 5, "X", json!("silk")),
        ("d", 200, 1, "Y", json!(7)),
    ] {
        let mut body = product(handle, stock);
        (body["brand"], body["attributes"]) = (json!(brand), json!({ "the fabric": fabric }));
        body["variants"][0]["price"]["amount"] = json!(price);
        made(&p, &mine, body).await;
    }
    let titles = async |query: &str| {
        let list = p.send("GET", &format!("/api/v1/products?{query}"), &testing::guest(), None, &[]).await.expect(200).body;
        list["data"].as_array().unwrap().iter().map(|x| text(&x["title"]).to_owned()).collect::<String>()
    };
    let cases = [
        ("sort=newest", "dcba"),
        ("sort=price", "bcda"),
        ("sort=-price", "adcb"),
        ("minPrice=150&maxPrice=250", "dc"),
        ("brand=X", "ca"),
        ("attr.the%20fabric=silk", "cb"),
        ("attr.the%20fabric=7", "d"),
        ("attr.the%20fabric=silk&brand=Y", "b"),
        ("inStock=true", "dcb"),
        ("inStock=false", "a"),
    ];
    for (query, expected) in cases {
        assert_eq!(titles(query).await, expected, "{query}");
    }
    let (mut seen, mut cursor) = (String::new(), String::new());
    loop {
        let page = p.send("GET", &format!("/api/v1/products?sort=price&limit=1{cursor}"), &mine, None, &[]).await.expect(200).body;
        seen.push_str(text(&page["data"][0]["title"]));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, "bcda");
    let other = p.send("GET", &format!("/api/v1/products?sort=-price&limit=1{cursor}"), &mine, None, &[]).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"));
    for query in ["sort=rating", "sort=popularity", "category=none", "minPrice=2&maxPrice=1"] {
        assert_eq!(p.send("GET", &format!("/api/v1/products?{query}"), &mine, None, &[]).await.status, 400, "{query}");
    }
}
