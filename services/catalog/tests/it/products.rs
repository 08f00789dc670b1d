use contracts::proto::catalog::ImportProductsRequest;
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform, redact};

use super::{SERVICES, client, import, made, product, store, text, told};

testing::both_engines!(
    an_import_is_idempotent_by_handle,
    an_import_of_many_is_as_one_by_one,
    an_import_that_only_looks_says_what_it_would_do,
    lists_are_paged_newest_first_without_gaps,
    a_seller_writes_only_for_their_own_store,
    stock_never_falls_below_what_is_reserved,
    bad_input_is_named,
    a_link_in_a_mail_shows_the_product,
    a_link_in_a_mail_to_a_store_says_how_to_see_its_stock,
);

async fn an_import_is_idempotent_by_handle(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let looms = store(&p, "looms", &testing::guest()).await;
    let mut shirt = product("shirt", 5);
    assert_eq!(import(&p, &looms, &[shirt.clone(), product("hat", 2)]).await, ["created", "created"]);
    assert_eq!(import(&p, &looms, &[shirt.clone(), product("hat", 2)]).await, ["unchanged", "unchanged"]);
    let before = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200);
    shirt["variants"][0]["price"]["amount"] = json!(1600);
    shirt["variants"].as_array_mut().unwrap().push(json!({"sku": "B", "price": {"amount": 1, "currency": "BDT"}}));
    assert_eq!(import(&p, &looms, &[shirt, json!({"title": "no variants", "variants": []})]).await, ["updated", "refused"]);
    let after = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200);
    let find = |r: &testing::Response| r.body["data"].as_array().unwrap().iter().find(|x| x["title"] == "shirt").cloned().unwrap();
    let (old, new) = (find(&before), find(&after));
    assert_eq!(new["variants"][0]["id"], old["variants"][0]["id"], "a variant keeps its id");
    assert_eq!(new["variants"][0]["price"]["amount"], 1600);
    assert_eq!(new["variants"].as_array().unwrap().len(), 2);
}

async fn an_import_of_many_is_as_one_by_one(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let looms = store(&p, "looms", &testing::guest()).await;
    let many: Vec<_> = (0..200)
        .map(|n| {
            let variant = |size: &str| json!({"sku": size, "options": {"size": size}, "price": {"amount": 100 + n, "currency": "BDT"}, "stock": [{"onHand": n}]});
            json!({"handle": format!("p{n}"), "title": format!(" P{n} "), "media": [{"url": "/p.svg"}], "variants": [variant("S"), variant("M")]})
        })
        .collect();
    assert_eq!(import(&p, &looms, &many).await, vec!["created"; 200]);
    assert_eq!(import(&p, &looms, &many).await, vec!["unchanged"; 200]);
    let (made, published) = (told(&p, "product.created").await, told(&p, "product.published").await);
    assert_eq!((made.len(), published.len()), (200, 200));
    let id_of = |title: &str| text(&made.iter().find(|e| e["title"] == title).unwrap()["productId"]);
    let id = id_of("P7");
    let seen = p.send("GET", &format!("/api/v1/products/{id}"), &testing::guest(), None, &[]).await.expect(200).body;
    let told: Vec<_> = seen["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (text(&v["title"]), v["price"]["amount"].as_i64(), v["available"].as_i64()))
        .collect();
    assert_eq!((text(&seen["title"]), told), ("P7", vec![("S", Some(107), Some(7)), ("M", Some(107), Some(7))]));
    let unproved = p.db("catalog").read(|q| {
        let sql = "SELECT COUNT(*) FROM catalog.stock s WHERE s.on_hand <> (SELECT COALESCE(SUM(m.delta), 0) FROM catalog.stock_movements m \
                   WHERE m.variant_id = s.variant_id AND m.warehouse_id = s.warehouse_id)";
        q.row(sql, &[])?.map_or(Ok(-1), |r| r.get::<i64>(0))
    });
    assert_eq!(unproved.await.unwrap_or_else(|e: kit::DbError| panic!("{e}")), 0);
    // The same handle twice in one request: the later one is what counts.
    let mut again = product("p3", 9);
    again["title"] = json!("Last");
    assert_eq!(
        import(&p, &looms, &[product("new", 1), product("p3", 1), again, product("new", 1)]).await,
        ["created", "updated", "updated", "unchanged"]
    );
    let id = id_of("P3");
    assert_eq!(p.send("GET", &format!("/api/v1/products/{id}"), &testing::guest(), None, &[]).await.expect(200).body["title"], "Last");
}

async fn an_import_that_only_looks_says_what_it_would_do(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let looms = store(&p, "looms", &testing::guest()).await;
    import(&p, &looms, &[product("shirt", 5), product("hat", 5)]).await;
    let before = told(&p, "product.created").await.len();
    let strange = json!({"handle": "odd", "title": "Odd", "categoryIds": [looms.vendor_id], "variants": product("x", 1)["variants"]});
    let list =
        [product("shirt", 5), product("hat", 6), product("cap", 1), product("cap", 2), strange, json!({"title": "", "variants": []})];
    let products = list.iter().map(ToString::to_string).collect();
    let request = ImportProductsRequest { vendor_id: looms.vendor_id, vendor_name: looms.name, products, check_only: true };
    let answer = client(&p).import_products(request).await.unwrap().into_inner();
    let outcomes: Vec<_> = answer.results.iter().map(|r| r.outcome.as_str()).collect();
    assert_eq!(outcomes, ["unchanged", "updated", "created", "updated", "refused", "refused"]);
    assert_eq!(answer.results[4].errors[0].pointer, "/categoryIds");
    assert_eq!(told(&p, "product.created").await.len(), before);
}

async fn lists_are_paged_newest_first_without_gaps(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let looms = store(&p, "looms", &testing::guest()).await;
    let goods: Vec<_> = (0..7).map(|n| product(&format!("p{n}"), n)).collect();
    import(&p, &looms, &goods).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/products?limit=3{cursor}");
        let page = p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200).body;
        seen.extend(page["data"].as_array().unwrap().iter().map(|x| x["title"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
    let other = p.send("GET", &format!("/api/v1/products?kind=digital{cursor}"), &testing::guest(), None, &[]).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"));
}

async fn a_seller_writes_only_for_their_own_store(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, theirs) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let my_store = store(&p, "mine", &mine).await;
    store(&p, "theirs", &theirs).await;
    let key = [("idempotency-key", "k1")];
    let first = p.send("POST", "/api/v1/products", &mine, Some(product("shirt", 5)), &key).await.expect(201);
    assert_eq!(first.body["vendorId"].as_str(), Some(my_store.vendor_id.as_str()));
    let again = p.send("POST", "/api/v1/products", &mine, Some(product("shirt", 5)), &key).await.expect(201);
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let reused = p.send("POST", "/api/v1/products", &mine, Some(product("hat", 5)), &key).await;
    assert_eq!((reused.status, reused.code()), (422, "idempotency_key_reused"));
    let taken = p.send("POST", "/api/v1/products", &mine, Some(product("shirt", 5)), &[]).await;
    assert_eq!((taken.status, taken.code()), (409, "handle_taken"));
    let mut stolen = product("stolen", 1);
    stolen["vendorId"] = json!(my_store.vendor_id);
    p.send("POST", "/api/v1/products", &theirs, Some(stolen), &[]).await.expect(404);
    let path = format!("/api/v1/inventory/{}", first.body["id"].as_str().unwrap());
    let change = json!({"variantId": first.body["variants"][0]["id"], "warehouseId": first.body["id"], "adjust": 1, "reason": "x"});
    p.send("PUT", &path, &theirs, Some(change), &[]).await.expect(404);
    let seen = p.send("GET", &path, &theirs, None, &[]).await.expect(200).body;
    assert!(seen["data"][0].get("onHand").is_none(), "others see only what is available: {seen}");
}

async fn stock_never_falls_below_what_is_reserved(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let seller = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &seller).await;
    let made = p.send("POST", "/api/v1/products", &seller, Some(product("shirt", 5)), &[]).await.expect(201).body;
    let path = format!("/api/v1/inventory/{}", made["id"].as_str().unwrap());
    let level = p.send("GET", &path, &seller, None, &[]).await.expect(200).body["data"][0].clone();
    let change = |n: i64| json!({"variantId": level["variantId"], "warehouseId": level["warehouseId"], "adjust": n, "reason": "counted"});
    let more = p.send("PUT", &path, &seller, Some(change(3)), &[]).await.expect(200);
    assert_eq!(more.body["data"][0]["onHand"], 8);
    let less = p.send("PUT", &path, &seller, Some(change(-9)), &[]).await;
    assert_eq!((less.status, less.code()), (409, "below_reserved"));
}

async fn bad_input_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let seller = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &seller).await;
    let cases = [
        (json!({"title": "x", "variants": [], "colour": "red"}), 400, "invalid_body"),
        (json!({"title": "x", "variants": []}), 422, "invalid"),
        (json!({"title": "x", "variants": [{"sku": "A", "price": {"amount": 1.5, "currency": "BDT"}}]}), 400, "invalid_body"),
        (json!({"title": "x", "variants": [{"sku": "A", "price": {"amount": i64::MAX, "currency": "BDT"}}]}), 422, "invalid"),
        (json!({"title": "x", "variants": [{"sku": "A", "price": {"amount": 1, "currency": "bdt"}}]}), 400, "invalid_body"),
        (json!([1]), 400, "invalid_body"),
    ];
    for (body, status, code) in cases {
        let r = p.send("POST", "/api/v1/products", &seller, Some(body.clone()), &[]).await;
        assert_eq!((r.status, r.code()), (status, code), "{body}");
    }
    for path in ["/api/v1/products/nothing", "/api/v1/inventory/not-an-id"] {
        assert_eq!(p.send("GET", path, &seller, None, &[]).await.status, 404, "{path}");
    }
    for (path, code) in
        [("limit=0", "invalid_limit"), ("limit=x", "invalid_query"), ("colour=red", "invalid_query"), ("cursor=zz", "invalid_cursor")]
    {
        let r = p.send("GET", &format!("/api/v1/products?{path}"), &seller, None, &[]).await;
        assert_eq!((r.status, r.code()), (400, code), "{path}");
    }
}

async fn a_link_in_a_mail_shows_the_product(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let seller = testing::user_with(&[Role::Vendor]);
    let looms = store(&p, "looms", &seller).await;
    let mut shirt = product("shirt", 0);
    (shirt["title"], shirt["description"]) = (json!("Red <shirt>"), json!("Soft.\n\n\"Warm\" & light."));
    assert_eq!(import(&p, &looms, &[shirt]).await, ["created"]);
    let listed = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body["data"][0].clone();
    let page = p.send("GET", &format!("/products/{}", text(&listed["slug"])), &Caller::default(), None, &[]).await.expect(200);
    assert_eq!((page.header("content-type"), page.header("cache-control")), ("text/html; charset=utf-8", "no-store"));
    let html = String::from_utf8(page.bytes).unwrap();
    let price = "BDT 15.00";
    for part in ["<h1>Red &lt;shirt&gt;</h1>", "<p>Soft.</p><p>&quot;Warm&quot; &amp; light.</p>", ", sold out</td>", price] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    let archive = format!("/api/v1/products/{}", text(&listed["id"]));
    let mut seen = vec![shown(&p, &format!("/products/{}", text(&listed["slug"])), "bn-BD").await];
    p.send("DELETE", &archive, &seller, None, &[]).await.expect(204);
    for path in [&format!("/products/{}", text(&listed["slug"])), "/products/nothing", "/products/%00", "/vendor/products/nothing"] {
        for language in ["en", "bn-BD"] {
            seen.push(shown(&p, path, language).await);
        }
    }
    // It ends in a part of the product's id.
    let seen: Json = serde_json::from_str(&json!(seen).to_string().replace(text(&listed["slug"]), "[slug]")).unwrap();
    insta::assert_json_snapshot!("pages_of_products", redact(&seen));
}

/// What stands on a page.
async fn shown(p: &TestPlatform, path: &str, language: &str) -> Json {
    let page = p.send("GET", path, &Caller::default(), None, &[("accept-language", language)]).await;
    assert_eq!((page.header("content-type"), page.header("cache-control")), ("text/html; charset=utf-8", "no-store"));
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(html.contains(&format!("<html lang=\"{}\">", &language[..2])), "{html}");
    let main = html.split_once("<main>").and_then(|(_, rest)| rest.split_once("</main>")).unwrap().0;
    json!({"page": path, "language": language, "status": page.status, "main": main})
}

async fn a_link_in_a_mail_to_a_store_says_how_to_see_its_stock(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let seller = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &seller).await;
    let known = text(&made(&p, &seller, product("shirt", 3)).await["id"]).to_owned();
    let unknown = "01890000-0000-7000-8000-000000000000";
    for (language, title) in [("en-GB,bn;q=0.1", "<h1>Sign in to see your stock</h1>"), ("bn-BD", "<h1>আপনার মজুদ দেখতে সাইন ইন করুন</h1>")]
    {
        let mut pages = Vec::new();
        for id in [known.as_str(), unknown] {
            let path = format!("/vendor/products/{id}");
            let page = p.send("GET", &path, &Caller::default(), None, &[("accept-language", language)]).await.expect(401);
            assert_eq!((page.header("content-type"), page.header("cache-control")), ("text/html; charset=utf-8", "no-store"));
            let html = String::from_utf8(page.bytes).unwrap();
            for part in [title, "<code>POST /api/v1/auth/login</code>", &format!("<code>GET /api/v1/inventory/{id}</code>")] {
                assert!(html.contains(part), "{part} is not in {html}");
            }
            pages.push(html.replace(id, unknown));
        }
        assert_eq!(pages[0], pages[1], "nobody learns which products there are");
    }
    p.send("GET", &format!("/api/v1/inventory/{known}"), &seller, None, &[]).await.expect(200);
}
