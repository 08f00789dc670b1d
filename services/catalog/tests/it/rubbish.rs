//! What no database can take in is refused, with the place where it stands.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::Role;
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

use super::{SERVICES, import, made, product, store, text};

testing::both_engines!(nul_is_refused_with_its_place, names_that_are_paths_are_refused, cursors_with_impossible_times_are_refused);

async fn nul_is_refused_with_its_place(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (mine, admin) = (testing::user_with(&[Role::Vendor]), testing::user_with(&[Role::Admin]));
    let vendor = store(&p, "mine", &mine).await;
    let shirt = made(&p, &mine, product("shirt", 5)).await;
    let mut spoilt = product("hat", 5);
    spoilt["attributes"] = json!({"fabric": ["cotton", "a\0b"]});
    let stock = json!({"variantId": shirt["variants"][0]["id"], "warehouseId": shirt["id"], "adjust": 1, "reason": "\0"});
    let inventory = format!("/api/v1/inventory/{}", text(&shirt["id"]));
    let asked: Vec<(&str, &str, Option<Json>, &str)> = vec![
        ("GET", "/api/v1/products/a%00b", None, "id: "),
        ("GET", "/api/v1/categories/%00", None, "id: "),
        ("GET", "/api/v1/products?brand=%00", None, "brand: "),
        ("GET", "/api/v1/products?attr.%00=1", None, "attr.\u{fffd}: "),
        ("POST", "/api/v1/products", Some(spoilt.clone()), "/attributes/fabric/1: "),
        ("POST", "/api/v1/categories", Some(json!({"name": "Shirts\0"})), "/name: "),
        ("POST", "/api/v1/warehouses", Some(json!({"code": "a", "name": "A", "b\0": 1})), "/b\u{fffd}: "),
        ("PUT", &inventory, Some(stock), "/reason: "),
    ];
    for (method, path, body, place) in asked {
        let answer = p.send(method, path, &admin, body, &[]).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && detail.contains(place) && detail.contains("NUL"), "{method} {path}: {answer:?}");
    }
    assert_eq!(import(&p, &vendor, &[spoilt]).await, ["refused"]);
}

async fn names_that_are_paths_are_refused(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    let mut shirt = product("shirt", 5);
    shirt["attributes"] = json!({"fibre (%)": "80", "a.b": "x"});
    made(&p, &mine, shirt).await;
    let get = async |name: &str| p.send("GET", &format!("/api/v1/products?attr.{name}"), &mine, None, &[]).await;
    for name in ["$.=1", "$=1", "%5B0%5D=1", "a%22b=1", "a%5Cb=1", "a%0Ab=1", "=1"] {
        let answer = get(name).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_query"), "{name}");
    }
    for name in ["fibre%20(%25)=80", "a.b=x"] {
        assert_eq!(get(name).await.expect(200).body["data"].as_array().unwrap().len(), 1, "{name}");
    }
}

async fn cursors_with_impossible_times_are_refused(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mine = testing::user_with(&[Role::Vendor]);
    store(&p, "mine", &mine).await;
    for handle in ["shirt", "hat"] {
        made(&p, &mine, product(handle, 5)).await;
    }
    let page = p.send("GET", "/api/v1/products?limit=1", &mine, None, &[]).await.expect(200).body;
    for time in [i64::MIN, i64::MAX] {
        let mut bytes = URL_SAFE_NO_PAD.decode(text(&page["nextCursor"])).unwrap();
        bytes[8..16].copy_from_slice(&time.to_be_bytes());
        let path = format!("/api/v1/products?limit=1&cursor={}", URL_SAFE_NO_PAD.encode(bytes));
        let answer = p.send("GET", &path, &mine, None, &[]).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"));
    }
}
