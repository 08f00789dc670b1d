//! Older spellings of routes, each beside what it is called now.

use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, order_of, text};
use crate::nodes::Layout;
use crate::outside::{Answer, Visitor};

/// What is called, by whom, and what is expected of it.
struct Case<'a> {
    who: &'a Visitor,
    method: &'a str,
    path: String,
    body: Option<Json>,
    status: u16,
}

async fn send(market: &Market, case: &Case<'_>) -> Answer {
    let url = format!("{}{}", market.url(), case.path);
    market.outside.send_to(case.who, case.method, &url, case.body.clone(), &[("idempotency-key", "aliases")]).await
}

#[test]
fn older_spellings_do_what_the_new_ones_do() {
    testing::run(async {
        let market = Market::open(Layout::Together(Engine::Sqlite)).await;
        let good = market.good(&market.sellers[0], 10_000, 50).await;
        let (her, nobody) = (market.register("older@journey.test").await, Visitor::default());
        let me = text(&market.get(&her, "/users/profile").await["id"]);
        let store = text(&market.get(&market.sellers[0], "/vendors/store").await["id"]);
        let other = text(&market.get(&market.sellers[1], "/vendors/store").await["id"]);
        let item = text(&market.put_into_cart(&her, &good, 2).await.body["items"][0]["id"]);
        let paid = market.post_order(&her, "paid", &order_of(&[(&good, 1)])).await.expect(201).body;
        market.pay(&paid, "approve").await;
        market.order_comes_to(&her, &paid, "confirmed").await;
        let open = market.post_order(&her, "open", &order_of(&[(&good, 1)])).await.expect(201).body;
        let (payment, order) = (text(&paid["payment"]["id"]), text(&open["id"]));
        let refund = json!({"paymentId": payment, "amount": {"amount": 1_000, "currency": "BDT"}, "reason": "older"});
        let product =
            json!({"title": "Older", "kind": "physical", "variants": [{"sku": "OLD", "price": {"amount": 1, "currency": "BDT"}}]});
        let account = json!({"email": "older2@journey.test", "password": "correct horse battery", "firstName": "A", "lastName": "B"});
        let sign_in = json!({"email": "older2@journey.test", "password": "correct horse battery"});
        let news = json!({"template": "announcement", "userId": me, "variables": {"subject": "s", "text": "t"}});
        let quiet = json!({"quietHours": null});
        let seller = &market.sellers[0];
        let case =
            |who, method, path: &str, body: Option<&Json>, status| Case { who, method, path: path.to_owned(), body: body.cloned(), status };
        let cases = [
            case(&nobody, "POST", "/api/users/register", Some(&account), 201),
            case(&nobody, "POST", "/api/users/login", Some(&sign_in), 200),
            case(&her, "GET", &format!("/api/users/{me}"), None, 200),
            case(&nobody, "GET", "/api/products?limit=1", None, 200),
            case(&her, "GET", &format!("/api/cart/{me}"), None, 200),
            case(&her, "POST", &format!("/api/cart/{me}/items"), Some(&json!({"variantId": good.variant, "quantity": 1})), 201),
            case(&her, "PUT", &format!("/api/cart/{me}/items/{item}"), Some(&json!({"quantity": 5})), 200),
            case(&her, "DELETE", &format!("/api/cart/{me}/items/{item}"), None, 200),
            case(&her, "DELETE", &format!("/api/cart/{me}"), None, 204),
            case(seller, "GET", &format!("/api/cart/{me}"), None, 404),
            case(&nobody, "GET", &format!("/api/cart/{me}"), None, 401),
            case(&her, "POST", "/api/payments/verify", Some(&json!({"paymentId": payment})), 200),
            case(&market.admin, "POST", "/api/payments/refund", Some(&refund), 201),
            case(&market.admin, "POST", "/api/payments/refund", Some(&json!({"reason": "whose?"})), 400),
            case(&nobody, "POST", "/api/payments/webhook", Some(&json!({})), 401),
            case(&her, "POST", "/api/payments/create-order", Some(&json!({"orderId": order})), 200),
            case(&market.admin, "GET", "/api/internal/bus-stats", None, 200),
            case(&market.admin, "GET", "/api/internal/kafka-stats", None, 200),
            case(&her, "GET", "/api/internal/bus-stats", None, 403),
            case(&her, "POST", &format!("/api/orders/{order}/cancel"), Some(&json!({"reason": "older"})), 200),
            case(seller, "POST", &format!("/api/vendors/{store}/products"), Some(&product), 201),
            case(seller, "POST", &format!("/api/vendors/{other}/products"), Some(&product), 404),
            case(seller, "GET", &format!("/api/vendors/{store}/orders?status=confirmed"), None, 200),
            case(seller, "GET", &format!("/api/vendors/{other}/orders"), None, 404),
            case(&her, "GET", &format!("/api/notifications/user/{me}"), None, 200),
            case(&her, "PUT", &format!("/api/notifications/user/{me}/preferences"), Some(&quiet), 200),
            case(&market.admin, "POST", "/api/notifications", Some(&news), 201),
        ];
        let mut answers = Vec::new();
        for case in &cases {
            let answer = send(&market, case).await;
            let said = String::from_utf8_lossy(&answer.bytes).into_owned();
            assert_eq!(answer.status, case.status, "{} {}: {said}", case.method, case.path);
            answers.push((case.path.as_str(), answer));
        }
        let body = |path: &str| answers.iter().rev().find(|(p, _)| *p == path).map(|(_, a)| a.body.clone()).unwrap();
        assert_eq!(body(&format!("/api/cart/{me}/items/{item}"))["items"], json!([]));
        assert_eq!(body(&format!("/api/orders/{order}/cancel"))["status"], "cancelled");
        let made = answers.iter().find(|(p, a)| p.ends_with("/products") && a.status == 201).unwrap();
        assert_eq!(made.1.body["vendorId"], store.as_str());
        let listed = answers.iter().find(|(p, _)| p.contains("/orders?status=confirmed")).unwrap();
        assert!(listed.1.body["data"].as_array().unwrap().iter().all(|o| o["vendorId"] == store.as_str() && o["status"] == "confirmed"));
        let refunded = answers.iter().find(|(p, a)| *p == "/api/payments/refund" && a.status == 201).unwrap();
        assert_eq!(refunded.1.body["paymentId"], payment.as_str());
        market.close().await;
    });
}

#[test]
fn a_version_is_chosen_by_path_or_type() {
    testing::run(async {
        let market = Market::open(Layout::Together(Engine::Sqlite)).await;
        let get = async |path: &str, accept: &str| {
            let url = format!("{}{path}", market.url());
            market.outside.send_to(&Visitor::default(), "GET", &url, None, &[("accept", accept)]).await
        };
        for path in ["/api/products?limit=1", "/api/v1/products?limit=1"] {
            assert_eq!(get(path, "application/vnd.haat.v1+json").await.status, 200, "{path}");
            let refused = get(path, "application/vnd.haat.v2+json").await;
            assert_eq!((refused.status, refused.code()), (406, "unknown_version"), "{path}");
        }
        assert_eq!(get("/api/v2/products", "*/*").await.status, 404);
        market.close().await;
    });
}
