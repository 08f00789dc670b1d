//! Files of products that stores send.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

use super::{SERVICES, product, store, text};

testing::both_engines!(
    a_sheet_is_brought_in_and_its_bad_rows_are_named,
    a_dry_run_says_what_would_be_done_and_changes_nothing,
    lines_of_json_are_brought_in_once,
    stock_is_put_where_the_file_says_another_number,
    a_file_goes_on_after_a_restart,
    files_belong_to_their_store,
    what_is_no_file_of_products_is_refused,
);

const BULK: &str = "/api/v1/products/bulk";
const CSV: &str = "text/csv; charset=utf-8";
const LINES: &str = "application/x-ndjson";

async fn send(p: &TestPlatform, who: &Caller, kind: &str, body: &str, key: Option<&str>) -> Response {
    let mut headers = vec![("content-type", kind)];
    headers.extend(key.map(|k| ("idempotency-key", k)));
    p.send_bytes("POST", BULK, who, body.as_bytes().to_vec(), &headers).await
}

/// Sends a file, and waits until it is done: the job.
async fn done(p: &TestPlatform, who: &Caller, kind: &str, body: &str) -> Json {
    let sent = send(p, who, kind, body, None).await.expect(202);
    let path = sent.header("location").to_owned();
    assert_eq!(path, format!("{BULK}/{}", text(&sent.body["id"])));
    p.settle().await;
    p.send("GET", &path, who, None, &[]).await.expect(200).body
}

fn counts(job: &Json) -> [i64; 6] {
    ["total", "done", "created", "updated", "unchanged", "failed"].map(|name| job[name].as_i64().unwrap())
}

async fn titles(p: &TestPlatform) -> Vec<String> {
    let list = p.send("GET", "/api/v1/products?limit=100", &testing::guest(), None, &[]).await.expect(200).body;
    list["data"].as_array().unwrap().iter().map(|x| text(&x["title"]).to_owned()).collect()
}

async fn a_sheet_is_brought_in_and_its_bad_rows_are_named(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let sheet = "handle,title,category,kind,sku,option1_name,option1_value,price,stock,attr.fabric\n\
                 shirt,Shirt,,,S-M,size,M,1299.50,3,cotton\n\
                 shirt,,,,S-L,,L,1399,0,\n\
                 hat,Hat,,,H,,,ten,1,\n\
                 sock,Socks,,,K,,,5,1,\n\
                 sock,,,,K,,,5,1,\n\
                 tie,Tie,Ties,,T,,,5,1,\n\
                 song,Song,,digital,,,,5,,\n";
    let job = done(&p, &mine, CSV, sheet).await;
    assert_eq!((text(&job["status"]), counts(&job)), ("completed", [5, 5, 2, 0, 0, 3]));
    assert_eq!(titles(&p).await, ["Song", "Shirt"]);
    let path = format!("{BULK}/{}/report", text(&job["id"]));
    let report = p.send("GET", &path, &mine, None, &[]).await.expect(200).body;
    let told: Vec<_> = report["data"].as_array().unwrap().iter().map(|e| (e["line"].as_i64().unwrap(), text(&e["column"]))).collect();
    assert_eq!(told, [(4, "price"), (6, "sku"), (7, "category")]);
    let page = p.send("GET", &format!("{path}?limit=2"), &mine, None, &[]).await.expect(200).body;
    let next = p.send("GET", &format!("{path}?limit=2&cursor={}", text(&page["nextCursor"])), &mine, None, &[]).await.expect(200).body;
    assert_eq!((next["data"][0].clone(), &next["nextCursor"]), (report["data"][2].clone(), &json!(null)));
    let sheet_of = p.send("GET", &path, &mine, None, &[("accept", "text/csv")]).await.expect(200);
    assert_eq!(sheet_of.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<_> = std::str::from_utf8(&sheet_of.bytes).unwrap().lines().map(|l| l.split(',').take(2).collect::<Vec<_>>()).collect();
    assert_eq!(lines, [["line", "column"], ["4", "price"], ["6", "sku"], ["7", "category"]]);
    let mended = sheet.replace("ten", "10").replace("sock,,,,K,", "sock,,,,K2,").replace(",Ties,", ",,");
    assert_eq!(counts(&done(&p, &mine, CSV, &mended).await), [5, 5, 3, 0, 2, 0]);
    let dearer = mended.replace("1299.50", "1300");
    assert_eq!(counts(&done(&p, &mine, CSV, &dearer).await), [5, 5, 0, 1, 4, 0]);
}

async fn a_dry_run_says_what_would_be_done_and_changes_nothing(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let sheet = "handle,title,sku,price,stock\nshirt,Shirt,S,5,1\nsock,Socks,K,5,1\n";
    assert_eq!(counts(&done(&p, &mine, CSV, sheet).await), [2, 2, 2, 0, 0, 0]);
    let other = sheet.replace("Socks,K,5", "Stockings,K,7") + "tie,Tie,T,5,1\nhat,Hat,H,ten,1\n";
    let sent = p.send_bytes("POST", &format!("{BULK}?dryRun=true"), &mine, other.clone().into_bytes(), &[("content-type", CSV)]).await;
    let path = sent.expect(202).header("location").to_owned();
    p.settle().await;
    let job = p.send("GET", &path, &mine, None, &[]).await.expect(200).body;
    assert_eq!((&job["dryRun"], text(&job["status"]), counts(&job)), (&json!(true), "completed", [4, 4, 1, 1, 1, 1]));
    let report = p.send("GET", &format!("{path}/report"), &mine, None, &[]).await.expect(200).body;
    assert_eq!((report["data"][0]["line"].as_i64(), text(&report["data"][0]["column"])), (Some(5), "price"));
    assert_eq!(titles(&p).await, ["Socks", "Shirt"]);
    assert_eq!(counts(&done(&p, &mine, CSV, &other).await), [4, 4, 1, 1, 1, 1], "what was said comes true");
}

async fn lines_of_json_are_brought_in_once(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let lines = format!("{}\n\nnonsense\n{}\n{}\n", product("a", 1), product("b", 1), json!({"title": "c", "variants": []}));
    let sent = send(&p, &mine, LINES, &lines, Some("k")).await.expect(202);
    assert_eq!(counts(&sent.body), [4, 1, 0, 0, 0, 1]);
    p.settle().await;
    let again = send(&p, &mine, LINES, &lines, Some("k")).await.expect(202);
    assert_eq!((&again.bytes, again.header("idempotent-replayed")), (&sent.bytes, "true"));
    assert_eq!(send(&p, &mine, LINES, "{}", Some("k")).await.code(), "idempotency_key_reused");
    let path = format!("{BULK}/{}", text(&sent.body["id"]));
    let job = p.send("GET", &path, &mine, None, &[]).await.expect(200).body;
    assert_eq!((text(&job["status"]), counts(&job)), ("completed", [4, 4, 2, 0, 0, 2]));
    let report = p.send("GET", &format!("{path}/report"), &mine, None, &[]).await.expect(200).body;
    let told: Vec<_> = report["data"].as_array().unwrap().iter().map(|e| (e["line"].as_i64().unwrap(), text(&e["column"]))).collect();
    assert_eq!(told, [(3, ""), (5, "/variants")]);
    // What the marketplace shows of its products can be sent back to it.
    let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
    let shown: Vec<String> = list["data"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(done(&p, &mine, LINES, &shown.join("\n")).await["failed"], 0);
}

async fn stock_is_put_where_the_file_says_another_number(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let sheet = |title: &str, s: &str, m: &str| format!("handle,title,sku,price,stock\nshirt,{title},S,1,{s}\nshirt,,M,1,{m}\n");
    let sent = async |sheet: String| counts(&done(&p, &mine, CSV, &sheet).await)[2..].to_vec();
    assert_eq!(sent(sheet("Shirt", "10", "5")).await, [1, 0, 0, 0]);
    let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
    let product = list["data"][0].clone();
    let path = format!("/api/v1/inventory/{}", text(&product["id"]));
    let levels = async || p.send("GET", &path, &mine, None, &[]).await.expect(200).body["data"].as_array().unwrap().clone();
    let on_hand = async || -> Vec<i64> {
        let levels = levels().await;
        let of = |v: &Json| levels.iter().filter(|l| l["variantId"] == v["id"]).map(|l| l["onHand"].as_i64().unwrap()).sum();
        product["variants"].as_array().unwrap().iter().map(of).collect()
    };
    assert_eq!(on_hand().await, [10, 5]);
    for place in levels().await {
        let sold = json!({"variantId": place["variantId"], "warehouseId": place["warehouseId"], "adjust": -3, "reason": "sold elsewhere"});
        p.send("PUT", &path, &mine, Some(sold), &[]).await.expect(200);
    }
    assert_eq!(sent(sheet("Better shirt", "10", "5")).await, [0, 1, 0, 0]);
    assert_eq!(on_hand().await, [7, 2], "the file changed the title only");
    assert_eq!(sent(sheet("Better shirt", "10", "6")).await, [0, 1, 0, 0]);
    assert_eq!(on_hand().await, [7, 6], "the file counts one of them anew");
    assert_eq!(sent(sheet("Better shirt", "", "6")).await, [0, 1, 0, 0]);
    assert_eq!(sent(sheet("Better shirt", "10", "6")).await, [0, 1, 0, 0]);
    assert_eq!(on_hand().await, [10, 6], "a number that the file did not have before is new");
}

async fn a_file_goes_on_after_a_restart(engine: Engine) {
    let mut p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let lines: Vec<String> = (0..120).map(|n| product(&format!("p{n}"), 1).to_string()).collect();
    let sent = send(&p, &mine, LINES, &lines.join("\n"), None).await.expect(202);
    p.restart().await;
    p.settle().await;
    let job = p.send("GET", &format!("{BULK}/{}", text(&sent.body["id"])), &mine, None, &[]).await.expect(200).body;
    assert_eq!((text(&job["status"]), counts(&job)), ("completed", [120, 120, 120, 0, 0, 0]), "each product once, none twice");
    let left = p.db("catalog").read(|q| q.row("SELECT COUNT(*) FROM catalog.upload_products", &[])?.map_or(Ok(0), |r| r.get::<i64>(0)));
    assert_eq!(left.await.unwrap(), 0, "what was brought in is not kept twice");
}

async fn files_belong_to_their_store(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, other) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Vendor]));
    let admin = testing::user_with(&[Role::Admin]);
    let looms = store(&p, "looms", &mine).await;
    store(&p, "teas", &other).await;
    let line = product("a", 1).to_string();
    let to = async |who: &Caller, query: &str| {
        p.send_bytes("POST", &format!("{BULK}?{query}"), who, line.clone().into_bytes(), &[("content-type", LINES)]).await
    };
    let of_looms = format!("vendorId={}", looms.vendor_id);
    assert_eq!(to(&other, &of_looms).await.status, 404);
    assert_eq!(to(&admin, "").await.status, 404, "an administrator says whose products they are");
    let sent = to(&admin, &of_looms).await.expect(202);
    p.settle().await;
    for (who, status) in [(&mine, 200), (&admin, 200), (&other, 404)] {
        for end in ["", "/report"] {
            let path = format!("{BULK}/{}{end}", text(&sent.body["id"]));
            assert_eq!(p.send("GET", &path, who, None, &[]).await.status, status, "{path}");
        }
    }
    assert_eq!(titles(&p).await, ["a"]);
}

async fn what_is_no_file_of_products_is_refused(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "looms", &mine).await;
    let many = "{}\n".repeat(5_001);
    let large = " ".repeat(8 * 1024 * 1024 + 1);
    let cases = [
        ("application/json", "[]", 415, "unsupported_media_type"),
        (CSV, "", 422, "invalid_file"),
        (CSV, "handle,title\na,A\n", 422, "invalid_file"),
        (CSV, "handle,title,price,prise\na,A,1,2\n", 422, "invalid_file"),
        (CSV, "handle,title,price\n", 422, "empty_file"),
        (LINES, "\n", 422, "empty_file"),
        (LINES, many.as_str(), 422, "too_many_products"),
        (LINES, large.as_str(), 413, "body_too_large"),
    ];
    for (kind, body, status, code) in cases {
        let refused = send(&p, &mine, kind, body, Some("k")).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{kind} {}", &body[..body.len().min(50)]);
    }
    assert_eq!(p.send("GET", &format!("{BULK}/01900000-0000-7000-8000-00000000dead"), &mine, None, &[]).await.status, 404);
}
