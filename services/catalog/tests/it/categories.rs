use contracts::proto::catalog::{CategoryPath, EnsureCategoryRequest};
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

use super::{SERVICES, client, import, made, product, store, text};

testing::both_engines!(
    the_tree_counts_what_lies_below,
    counts_follow_what_becomes_of_products,
    a_category_moves_with_all_below_it,
    the_tree_has_no_circles_and_is_not_too_deep,
    what_is_wrong_with_a_category_is_named,
    a_product_has_what_its_categories_ask_for,
    a_path_of_categories_is_made_once,
    paths_with_one_slug_are_categories_of_their_own,
    what_keeps_a_path_from_being_made_is_known_before,
);

async fn post(p: &TestPlatform, who: &Caller, body: Json) -> Response {
    p.send("POST", "/api/v1/categories", who, Some(body), &[]).await
}

/// The id of a new category.
async fn category(p: &TestPlatform, name: &str, parent: Option<&str>) -> String {
    let admin = testing::user_with(&[Role::Admin]);
    let made = post(p, &admin, json!({"name": name, "parentId": parent})).await.expect(201);
    text(&made.body["id"]).to_owned()
}

async fn get(p: &TestPlatform, path: &str) -> Json {
    p.send("GET", &format!("/api/v1/{path}"), &testing::guest(), None, &[]).await.expect(200).body
}

fn filed(handle: &str, categories: &[&str]) -> Json {
    let mut body = product(handle, 3);
    body["categoryIds"] = json!(categories);
    body
}

/// Titles of the products listed in a category.
async fn titles(p: &TestPlatform, category: &str) -> Vec<String> {
    let list = get(p, &format!("categories/{category}/products")).await;
    list["data"].as_array().unwrap().iter().map(|x| text(&x["title"]).to_owned()).collect()
}

/// The tree, once counts of a moment ago have gone.
async fn tree(p: &TestPlatform) -> Json {
    p.advance_seconds(1);
    get(p, "categories").await["data"].clone()
}

/// Slugs and counts of a tree, parents first.
fn counts(nodes: &Json) -> Vec<(String, i64)> {
    let node = |n: &Json| {
        let mut all = vec![(text(&n["slug"]).to_owned(), n["productCount"].as_i64().unwrap())];
        all.extend(counts(&n["children"]));
        all
    };
    nodes.as_array().unwrap().iter().flat_map(node).collect()
}

fn counted<const N: usize>(expected: [(&str, i64); N]) -> Vec<(String, i64)> {
    expected.map(|(s, n)| (s.to_owned(), n)).to_vec()
}

async fn the_tree_counts_what_lies_below(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let fashion = category(&p, "Fashion", None).await;
    let women = category(&p, "Women", Some(&fashion)).await;
    let (sarees, kurtis) = (category(&p, "Sarees", Some(&women)).await, category(&p, "Kurtis", Some(&women)).await);
    category(&p, "Books", None).await;
    made(&p, &mine, filed("silk", &[&sarees])).await;
    made(&p, &mine, filed("both", &[&sarees, &kurtis])).await;
    made(&p, &mine, filed("women", &[&women])).await;
    made(&p, &mine, product("nowhere", 1)).await;
    let mut draft = filed("draft", &[&sarees]);
    draft["status"] = json!("draft");
    made(&p, &mine, draft).await;
    let tree = tree(&p).await;
    let expected = counted([("books", 0), ("fashion", 3), ("women", 3), ("kurtis", 1), ("sarees", 2)]);
    assert_eq!(counts(&tree), expected, "each product once, drafts not at all");
    assert_eq!(titles(&p, &fashion).await, ["women", "both", "silk"]);
    assert_eq!(titles(&p, "sarees").await, ["both", "silk"]);
    assert_eq!(titles(&p, "books").await, Vec::<String>::new());
    let page = get(&p, "categories/sarees").await;
    assert_eq!((text(&page["id"]), &page["productCount"]), (sarees.as_str(), &json!(2)));
    let path: Vec<_> = page["path"].as_array().unwrap().iter().map(|c| text(&c["slug"])).collect();
    assert_eq!(path, ["fashion", "women"]);
    let first = get(&p, &format!("categories/{fashion}/products?limit=1")).await;
    let cursor = text(&first["nextCursor"]);
    let other = p.send("GET", &format!("/api/v1/categories/{women}/products?limit=1&cursor={cursor}"), &mine, None, &[]).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"));
    for path in ["categories/none", "categories/none/products", "categories/01900000-0000-7000-8000-00000000dead/products"] {
        assert_eq!(p.send("GET", &format!("/api/v1/{path}"), &mine, None, &[]).await.status, 404, "{path}");
    }
}

async fn counts_follow_what_becomes_of_products(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let (fashion, books) = (category(&p, "Fashion", None).await, category(&p, "Books", None).await);
    let shirts = category(&p, "Shirts", Some(&fashion)).await;
    let mut draft = filed("shirt", &[&shirts]);
    draft["status"] = json!("draft");
    let shirt = made(&p, &mine, draft).await;
    let path = format!("/api/v1/products/{}", text(&shirt["id"]));
    let seen = async || counts(&tree(&p).await);
    assert_eq!(seen().await, counted([("books", 0), ("fashion", 0), ("shirts", 0)]));
    let steps = [
        (json!({"status": "published"}), [0, 1, 1]),
        (json!({"categoryIds": [fashion]}), [0, 1, 0]),
        (json!({"categoryIds": [books, shirts]}), [1, 1, 1]),
        (json!({"status": "archived"}), [0, 0, 0]),
    ];
    for (patch, [in_books, in_fashion, in_shirts]) in steps {
        p.send("PATCH", &path, &mine, Some(patch.clone()), &[]).await.expect(200);
        let expected = counted([("books", in_books), ("fashion", in_fashion), ("shirts", in_shirts)]);
        assert_eq!(seen().await, expected, "after {patch}");
        assert_eq!(get(&p, "categories/fashion").await["productCount"], in_fashion);
    }
}

async fn a_category_moves_with_all_below_it(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    store(&p, "mine", &mine).await;
    let (one, two) = (category(&p, "One", None).await, category(&p, "Two", None).await);
    let middle = category(&p, "Middle", Some(&one)).await;
    let leaf = category(&p, "Leaf", Some(&middle)).await;
    made(&p, &mine, filed("thing", &[&leaf])).await;
    let path = format!("/api/v1/categories/{middle}");
    let put = |parent: Option<&str>, tag: &'static str| {
        let headers: &'static [(&str, &str)] = vec![("if-match", tag)].leak();
        p.send("PUT", &path, &admin, Some(json!({"name": "Middle", "parentId": parent})), headers)
    };
    let moved = put(Some(&two), "\"1\"").await.expect(200);
    assert_eq!((moved.header("etag"), text(&moved.body["path"][0]["slug"])), ("\"2\"", "two"));
    assert_eq!(counts(&tree(&p).await), counted([("one", 0), ("two", 1), ("middle", 1), ("leaf", 1)]));
    assert_eq!(put(None, "\"1\"").await.code(), "stale");
    put(None, "*").await.expect(200);
    assert_eq!(counts(&tree(&p).await), counted([("middle", 1), ("leaf", 1), ("one", 0), ("two", 0)]));
    let delete = |id: &str| {
        let path = format!("/api/v1/categories/{id}");
        let (p, admin) = (&p, &admin);
        async move { p.send("DELETE", &path, admin, None, &[]).await }
    };
    assert_eq!(delete(&middle).await.code(), "not_empty");
    assert_eq!(delete(&leaf).await.code(), "not_empty");
    delete(&one).await.expect(204);
    assert_eq!(delete(&one).await.status, 404);
}

async fn the_tree_has_no_circles_and_is_not_too_deep(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let admin = testing::user_with(&[Role::Admin]);
    let mut chain = vec![category(&p, "Level 1", None).await];
    for n in 2..=10 {
        let parent = chain.last().cloned();
        chain.push(category(&p, &format!("Level {n}"), parent.as_deref()).await);
    }
    let code = |r: Response| text(&r.expect(422).body["errors"][0]["code"]).to_owned();
    assert_eq!(code(post(&p, &admin, json!({"name": "Level 11", "parentId": chain[9]})).await), "depth");
    assert_eq!(code(post(&p, &admin, json!({"name": "x", "parentId": "01900000-0000-7000-8000-00000000dead"})).await), "unknown_category");
    let put = |n: usize, parent: &str| {
        let (path, body) = (format!("/api/v1/categories/{}", chain[n]), json!({"name": format!("Level {}", n + 1), "parentId": parent}));
        let (p, admin) = (&p, &admin);
        async move { p.send("PUT", &path, admin, Some(body), &[]).await }
    };
    assert_eq!(code(put(0, &chain[0]).await), "cycle");
    assert_eq!(code(put(2, &chain[7]).await), "cycle");
    let other = category(&p, "Other", None).await;
    assert_eq!(code(put(0, &other).await), "depth");
    put(1, &other).await.expect(200);
}

async fn what_is_wrong_with_a_category_is_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let admin = testing::user_with(&[Role::Admin]);
    post(&p, &admin, json!({"name": "Books"})).await.expect(201);
    assert_eq!(post(&p, &admin, json!({"name": "Books"})).await.code(), "slug_taken");
    let second = post(&p, &admin, json!({"name": "Books", "slug": "books-2"})).await.expect(201).body;
    let path = format!("/api/v1/categories/{}", text(&second["id"]));
    assert_eq!(p.send("PUT", &path, &admin, Some(json!({"name": "Books"})), &[]).await.code(), "slug_taken");
    assert_eq!(post(&p, &admin, json!({"name": ""})).await.expect(422).body["errors"][0]["pointer"], "/name");
    assert_eq!(post(&p, &admin, json!({"name": "x", "colour": 1})).await.code(), "invalid_body");
    let key = [("idempotency-key", "k")];
    let first = p.send("POST", "/api/v1/categories", &admin, Some(json!({"name": "Toys"})), &key).await.expect(201);
    let again = p.send("POST", "/api/v1/categories", &admin, Some(json!({"name": "Toys"})), &key).await.expect(201);
    assert_eq!(first.bytes, again.bytes);
}

async fn a_product_has_what_its_categories_ask_for(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let looms = store(&p, "mine", &mine).await;
    let asked = json!([{"name": "fabric", "type": "text", "required": true, "allowed": ["cotton", "silk"]}]);
    let fashion = post(&p, &admin, json!({"name": "Fashion", "attributes": asked})).await.expect(201).body;
    let leaf = category(&p, "Sarees", Some(text(&fashion["id"]))).await;
    assert_eq!(get(&p, "categories/sarees").await["inheritedAttributes"], asked);
    let refused = async |body: Json| {
        let answer = p.send("POST", "/api/v1/products", &mine, Some(body), &[]).await.expect(422).body;
        (text(&answer["errors"][0]["pointer"]).to_owned(), text(&answer["errors"][0]["code"]).to_owned())
    };
    let expect = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(refused(filed("a", &[&leaf])).await, expect("/attributes/fabric", "required"));
    let mut wool = filed("a", &[&leaf]);
    wool["attributes"] = json!({"fabric": "wool"});
    assert_eq!(refused(wool.clone()).await, expect("/attributes/fabric", "not_allowed"));
    assert_eq!(refused(filed("a", &["01900000-0000-7000-8000-00000000dead"])).await, expect("/categoryIds", "unknown_category"));
    assert_eq!(refused(filed("a", &[&leaf, &leaf])).await, expect("/categoryIds", "count"));
    let mut draft = filed("draft", &[&leaf]);
    draft["status"] = json!("draft");
    made(&p, &mine, draft).await;
    let mut silk = filed("silk", &[&leaf]);
    silk["attributes"] = json!({"fabric": "silk"});
    let silk = made(&p, &mine, silk).await;
    assert_eq!(silk["categoryIds"], json!([leaf]));
    let mut elsewhere = product("elsewhere", 1);
    elsewhere["variants"][0]["stock"] = json!([{"warehouseId": leaf, "onHand": 1}]);
    let outcomes = import(&p, &looms, &[product("one", 1), wool, elsewhere, product("two", 1)]).await;
    assert_eq!(outcomes, ["created", "refused", "refused", "created"], "what is wrong with one keeps no other out");
}

async fn a_path_of_categories_is_made_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let ensure = async |path: &[&str]| {
        let path = path.iter().map(|s| (*s).to_owned()).collect();
        let attributes = vec![json!({"name": "origin", "type": "text"}).to_string()];
        client(&p)
            .ensure_category(EnsureCategoryRequest { path, attributes, ..EnsureCategoryRequest::default() })
            .await
            .unwrap()
            .into_inner()
            .category_id
    };
    let tea = ensure(&["Food", "Tea", "Green"]).await;
    assert_eq!(ensure(&["Food", "Tea", "Green"]).await, tea);
    ensure(&["Food", "Tea", "Black"]).await;
    let tree = get(&p, "categories").await;
    let expected = counted([("food", 0), ("food-tea", 0), ("food-tea-black", 0), ("food-tea-green", 0)]);
    assert_eq!(counts(&tree["data"]), expected);
    assert_eq!(get(&p, "categories/food-tea-green").await["attributes"][0]["name"], "origin");
}

/// The id of the category at the end of a path, made or only looked for; or why it cannot be made.
async fn at(p: &TestPlatform, path: &[&str], check_only: bool) -> Result<String, String> {
    let path = path.iter().map(|s| (*s).to_owned()).collect();
    let request = EnsureCategoryRequest { path, check_only, ..EnsureCategoryRequest::default() };
    client(p).ensure_category(request).await.map(|r| r.into_inner().category_id).map_err(|status| status.message().to_owned())
}

async fn paths_with_one_slug_are_categories_of_their_own(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let looms = store(&p, "looms", &testing::user_with(&[Role::Vendor])).await;
    let (long, cut_between_words) = ("x".repeat(90), format!("{} y", "x".repeat(79)));
    let (long, cut_between_words) = (long.as_str(), cut_between_words.as_str());
    let paths: [&[&str]; 8] = [
        &["A B", "C"],
        &["A", "B C"],
        &["a", "b", "c"],
        &[long],
        &[long, "Tea"],
        &[long, "Tea", "Green"],
        &[long, "Coffee"],
        &[cut_between_words, "Tea"],
    ];
    let mut made = std::collections::BTreeSet::new();
    for path in paths {
        let id = at(&p, path, false).await.unwrap();
        assert_eq!(at(&p, path, false).await.unwrap(), id, "{path:?}");
        assert!(made.insert(id.clone()), "{path:?} is another's");
        let handle = format!("p{}", made.len());
        let mut filed = product(&handle, 1);
        filed["category"] = json!(path.join(" > "));
        assert_eq!(import(&p, &looms, &[filed]).await, ["created"], "{path:?}");
        let listed = get(&p, &format!("categories/{id}/products")).await;
        let handles: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|product| text(&product["title"])).collect();
        assert!(handles.contains(&handle.as_str()), "{path:?}: {handles:?}");
    }
}

async fn what_keeps_a_path_from_being_made_is_known_before(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let tea = at(&p, &["Food", "Tea"], false).await.unwrap();
    for word in [&["food-tea"][..], &[tea.as_str()], &["Food", "Tea"]] {
        assert_eq!(at(&p, word, true).await, Ok(tea.clone()), "{word:?}");
    }
    assert_eq!(at(&p, &["Food", "Coffee"], true).await, Ok(String::new()), "it would be made");
    let deep = ["Food", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    assert_eq!(at(&p, &deep[..10], true).await, Ok(String::new()), "it would be made");
    for path in [&deep[..], &["Food", ""], &["!"], &["01900000-0000-7000-8000-00000000dead"], &[]] {
        let refusal = at(&p, path, true).await.unwrap_err();
        assert_eq!(at(&p, path, false).await, Err(refusal), "{path:?}");
    }
    // What would have been made before counts, with its slugs; the nearest that is there is named.
    let food = get(&p, "categories/food").await["id"].clone();
    for (path, above) in
        [(&["Food", "Coffee"][..], text(&food)), (&["food-coffee"], text(&food)), (&["Toys"], ""), (&["Food", "Tea", "Black"], &tea)]
    {
        let names = |path: &[&str]| path.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let assumed = vec![CategoryPath { names: names(&["Food", "Coffee"]) }];
        let request = EnsureCategoryRequest { path: names(path), check_only: true, assumed, ..EnsureCategoryRequest::default() };
        let found = client(&p).ensure_category(request).await.unwrap().into_inner();
        assert_eq!((found.category_id.as_str(), found.above_id.as_str()), ("", above), "{path:?}");
    }
    let tree = get(&p, "categories").await;
    assert_eq!(counts(&tree["data"]), counted([("food", 0), ("food-tea", 0)]), "nothing was made");
}
