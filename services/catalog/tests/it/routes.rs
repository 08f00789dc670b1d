//! How the main routes of the catalog answer.

use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform, redact};

use super::{SERVICES, product, store, text};

testing::both_engines!(every_main_route_answers_in_its_form);

async fn every_main_route_answers_in_its_form(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (admin, mine) = (testing::user_with(&[Role::Admin]), testing::user_with(&[Role::Vendor]));
    let (other, guest) = (testing::user_with(&[Role::Vendor]), testing::guest());
    let looms = store(&p, "looms", &mine).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        seen.push(json!({"request": what, "status": answer.status, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, p) = (who.clone(), format!("/api/v1{path}"), &p);
        async move { p.send(method, &path, &who, body, &[]).await }
    };
    let asked = json!([{"name": "fabric", "type": "text", "required": true}]);
    let clothes =
        note("POST /categories", send(&admin, "POST", "/categories", Some(json!({"name": "Clothes", "attributes": asked}))).await);
    let mut shirt = product("shirt", 3);
    shirt["categoryIds"] = json!([clothes.body["id"]]);
    note("POST /products without an attribute", send(&mine, "POST", "/products", Some(shirt.clone())).await);
    shirt["attributes"] = json!({"fabric": "cotton"});
    shirt["media"] = json!([{"url": "/media/shirt.png", "alt": "A shirt"}]);
    let made = note("POST /products", send(&mine, "POST", "/products", Some(shirt)).await);
    let one = format!("/products/{}", text(&made.body["id"]));
    note("GET /products", send(&guest, "GET", "/products?limit=1", None).await);
    note("GET /vendors/{id}/products", send(&guest, "GET", &format!("/vendors/{}/products", looms.vendor_id), None).await);
    note("GET /products, with a cursor of another list", send(&guest, "GET", "/products?cursor=AAAA", None).await);
    note("GET /products/{id}/variants", send(&guest, "GET", &format!("{one}/variants"), None).await);
    note("GET /categories", send(&guest, "GET", "/categories", None).await);
    note("GET /categories/{id}", send(&guest, "GET", "/categories/clothes", None).await);
    note("PATCH /products/{id}", send(&mine, "PATCH", &one, Some(json!({"brand": "Looms"}))).await);
    note("PATCH /products/{id} by another store", send(&other, "PATCH", &one, Some(json!({"brand": "Looms"}))).await);
    let inventory = format!("/inventory/{}", text(&made.body["id"]));
    note("GET /inventory/{productId} by a guest", send(&guest, "GET", &inventory, None).await);
    let places = note("GET /inventory/{productId}", send(&mine, "GET", &inventory, None).await);
    let place = &places.body["data"][0];
    let adjust = |n: i64| json!({"variantId": place["variantId"], "warehouseId": place["warehouseId"], "adjust": n, "reason": "counted"});
    note("PUT /inventory/{productId}", send(&mine, "PUT", &inventory, Some(adjust(-1))).await);
    note("PUT /inventory/{productId}, too few", send(&mine, "PUT", &inventory, Some(adjust(-9))).await);
    note("GET /inventory/{productId}/movements", send(&mine, "GET", &format!("{inventory}/movements"), None).await);
    note("POST /warehouses", send(&mine, "POST", "/warehouses", Some(json!({"code": "w1", "name": "First"}))).await);
    note("POST /products/{id}/back-in-stock", send(&testing::user(), "POST", &format!("{one}/back-in-stock"), Some(json!({}))).await);
    let file = product("hat", 1).to_string().into_bytes();
    let sent = p.send_bytes("POST", "/api/v1/products/bulk", &mine, file, &[("content-type", "application/x-ndjson")]).await;
    note("POST /products/bulk", sent);
    note("DELETE /products/{id}", send(&mine, "DELETE", &one, None).await);
    note("GET /products/{id}, archived", send(&guest, "GET", &one, None).await);
    insta::assert_compact_json_snapshot!("every_main_route", redact(&json!(seen)));
}
