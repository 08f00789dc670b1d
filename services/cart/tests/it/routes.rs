//! How the routes of the cart answer.

use kit::Caller;
use kit::http::Who;
use serde_json::{Value as Json, json};
use testing::{Engine, Response, redact};

use crate::shop::{Shop, text};

testing::both_engines!(every_route_answers_in_its_form);

#[test]
fn who_may_call_what() {
    let (routes, _) = (cart::SERVICE.describe)();
    let who = |who: Who| match who {
        Who::Public => "public".to_owned(),
        Who::Guest => "guest".to_owned(),
        Who::User => "user".to_owned(),
        Who::Roles(roles) => format!("{roles:?}"),
    };
    let routes: Vec<_> = routes.iter().map(|r| format!("{} {} {}", r.method, r.path, who(r.who))).collect();
    insta::assert_snapshot!("who_may_call_what", routes.join("\n"));
}

async fn every_route_answers_in_its_form(engine: Engine) {
    let shop = Shop::open(engine).await;
    let mut seen: Vec<Json> = Vec::new();
    let mut note = |what: &str, answer: Response| {
        let token = !answer.header("x-cart-token").is_empty();
        seen.push(json!({"request": what, "status": answer.status, "token": token, "body": answer.body}));
        answer
    };
    let send = |who: &Caller, method: &'static str, path: &str, body: Option<Json>| {
        let (who, path, shop) = (who.clone(), format!("/api/v1/cart{path}"), &shop);
        async move { shop.p.send(method, &path, &who, body, &[]).await }
    };
    let new = Caller::default();
    let begun = note("GET /cart", send(&new, "GET", "", None).await);
    let guest = Caller { cart_token: Some(begun.header("x-cart-token").to_owned()), ..Caller::default() };
    let added = note("POST /cart/items", send(&guest, "POST", "/items", Some(json!({"variantId": shop.variants[0], "quantity": 9}))).await);
    let item = format!("/items/{}", text(&added.body["items"][0]["id"]));
    note("POST /cart/items, too many", send(&guest, "POST", "/items", Some(json!({"variantId": shop.variants[0], "quantity": 991}))).await);
    note("PUT /cart/items/{itemId}", send(&guest, "PUT", &item, Some(json!({"quantity": 1}))).await);
    note("PUT /cart/items/{itemId} of somebody else", send(&testing::user(), "PUT", &item, Some(json!({"quantity": 1}))).await);
    note("POST /cart/merge by a guest", send(&guest, "POST", "/merge", None).await);
    note("POST /cart/merge without a token", send(&testing::user(), "POST", "/merge", None).await);
    let both = Caller { cart_token: guest.cart_token.clone(), ..testing::user() };
    let merged = note("POST /cart/merge", send(&both, "POST", "/merge", None).await);
    let item = format!("/items/{}", text(&merged.body["items"][0]["id"]));
    note("DELETE /cart/items/{itemId}", send(&both, "DELETE", &item, None).await);
    note("DELETE /cart", send(&both, "DELETE", "", None).await);
    insta::assert_compact_json_snapshot!("every_route", redact(&json!(seen)));
}
