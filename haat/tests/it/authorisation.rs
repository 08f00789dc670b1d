//! Every route of the description, called by those who must not: who nobody knows, who lacks the role, and who has the
//! role but wants what is somebody else's. A route with an id that says nothing here is a failure.

use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Good, Market, order_of, text};
use crate::nodes::Layout;
use crate::outside::Visitor;
use crate::rubbish::{Operation, operations, sample};

/// Nobody's.
const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

/// Things of a shopper and of the first store, which others ask for.
struct Things {
    ids: Vec<(&'static str, String)>,
}

/// Routes with an id of something that anybody may act on.
const OPEN: &[&str] = &["POST /api/v1/products/{id}/back-in-stock"];

#[test]
fn nobody_gets_at_what_is_not_theirs() {
    testing::run(async {
        let market = Market::open(Layout::Together(Engine::Sqlite)).await;
        let url = market.url().to_owned();
        let spec = market.outside.send_to(&Visitor::default(), "GET", &format!("{url}/openapi.json"), None, &[]).await.expect(200).body;
        let things = Things::make(&market).await;
        let stranger = market.register("stranger@journey.test").await;
        let (nobody, rival) = (Visitor::default(), market.sellers[1].clone());
        let mut wrong = Vec::new();
        for operation in operations(&spec).iter().filter(|o| o.who != json!("public")) {
            let Some(path) = things.fill(&operation.path) else {
                wrong.push(format!("{} {} has an id, and no expectation of whose", operation.method, operation.path));
                continue;
            };
            for (name, visitor) in [("nobody", &nobody), ("a stranger", &stranger), ("a rival", &rival)] {
                let Some(expected) = expected(operation, name) else { continue };
                let body = operation.body.as_ref().map(|schema| body_of(operation).unwrap_or_else(|| sample(schema)));
                let bytes = body.map(|b| b.to_string().into());
                let answer = market.outside.send_bytes(visitor, &operation.method.to_uppercase(), &format!("{url}{path}"), bytes).await;
                let status = answer.as_ref().map_or(0, |a| a.status);
                if !expected.contains(&status) {
                    let said = answer.map(|a| String::from_utf8_lossy(&a.bytes).into_owned()).unwrap_or_default();
                    wrong.push(format!("{} {path} by {name}: {status}, expected one of {expected:?}: {said}", operation.method));
                }
            }
        }
        assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
        market.close().await;
    });
}

/// What somebody may be answered with; `None` where they may.
fn expected(operation: &Operation, who: &str) -> Option<Vec<u16>> {
    let has_id = operation.path.contains('{');
    let is_open = OPEN.contains(&format!("{} {}", operation.method.to_uppercase(), operation.path).as_str());
    let roles: Vec<&str> = operation.who.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    // Where the body is a guess, it may be refused before anybody looks whose the thing is.
    let mut hidden = vec![404];
    if operation.body.is_some() && body_of(operation).is_none() {
        hidden.extend([400, 422]);
    }
    match (operation.who.as_str(), who) {
        (Some("guest"), "nobody") => has_id.then(|| vec![401, 404]),
        (_, "nobody") => Some(vec![401]),
        (Some(_), _) => (has_id && !is_open).then_some(hidden),
        (None, "a rival") if roles.contains(&"vendor") => (has_id && !is_open).then_some(hidden),
        (None, _) => Some(vec![403]),
    }
}

/// A body that is right, so that only whose it is can be wrong with the request.
fn body_of(operation: &Operation) -> Option<Json> {
    let route = format!("{} {}", operation.method, operation.path);
    Some(match route.as_str() {
        "put /api/v1/cart/items/{itemId}" => json!({"quantity": 3}),
        "put /api/v1/users/addresses/{id}" => address(),
        "put /api/v1/users/{id}" => json!({"firstName": "Mine"}),
        "put /api/v1/users/{id}/measurements" | "put /api/v1/users/{id}/preferences" => json!({}),
        "put /api/v1/orders/{id}/cancel" => json!({"reason": "curious"}),
        "put /api/v1/vendor/orders/{id}/status" | "put /api/v1/orders/{id}/status" => json!({"status": "processing"}),
        "post /api/v1/payments/{id}/refund" => json!({"amount": {"amount": 1, "currency": "BDT"}, "reason": "mine"}),
        "put /api/v1/inventory/{productId}" => json!({"variantId": NOTHING, "warehouseId": NOTHING, "adjust": 1, "reason": "mine"}),
        "put /api/v1/vendors/{id}" => json!({"name": "Mine"}),
        "put /api/v1/webhooks/{id}" => json!({"description": "mine"}),
        "post /api/v1/webhooks/{id}/redeliver" => json!({"deliveryId": NOTHING}),
        _ => return None,
    })
}

fn address() -> Json {
    json!({"name": "A B", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207", "country": "BD"})
}

/// Asks to send back what was bought and delivered; the return's id.
async fn returned(market: &Market, owner: &Visitor, good: &Good) -> String {
    let sold = market.sale(owner, &[(good, 1)]).await;
    let sold_part = format!("/vendor/orders/{}/status", text(&sold["vendorOrders"][0]["id"]));
    for status in ["processing", "shipped", "delivered"] {
        market.send(&market.sellers[0], "PUT", &sold_part, Some(json!({"status": status}))).await.expect(200);
    }
    let back = json!({"items": [{"variantId": good.variant, "quantity": 1}], "reason": "too small"});
    let path = format!("/orders/{}/return", text(&sold["id"]));
    text(&market.send(owner, "POST", &path, Some(back)).await.expect(201).body["id"])
}

/// Sends a file of products; the job's id.
async fn uploaded(market: &Market) -> String {
    let file = json!({"title": "A good", "handle": "good", "variants": [{"sku": "S", "price": {"amount": 1, "currency": "BDT"}}]});
    let lines = &[("content-type", "application/x-ndjson")];
    text(&market.outside.send(&market.sellers[0], "POST", "/products/bulk", Some(file), lines).await.expect(202).body["id"])
}

/// Sends something to somebody, as one of many; the job's id.
async fn announced(market: &Market, user: &str) -> String {
    let words = json!({"template": "announcement", "recipients": [{"userId": user}], "variables": {"subject": "News", "text": "None"}});
    text(&market.send(&market.admin, "POST", "/notifications/bulk", Some(words)).await.expect(201).body["id"])
}

impl Things {
    async fn make(market: &Market) -> Things {
        let good = market.good(&market.sellers[0], 10_000, 50).await;
        let owner = market.register("owner@journey.test").await;
        let order = market.post_order(&owner, "things", &order_of(&[(&good, 1)])).await.expect(201).body;
        market.pay(&order, "approve").await;
        market.order_comes_to(&owner, &order, "confirmed").await;
        let cart = market.put_into_cart(&owner, &good, 1).await.body;
        let address = market.send(&owner, "POST", "/users/addresses", Some(address())).await.expect(201).body;
        let user = text(&market.get(&owner, "/users/profile").await["id"]);
        let session = text(&market.get(&owner, "/auth/sessions").await["data"][0]["id"]);
        let store = text(&market.get(&market.sellers[0], "/vendors/store").await["id"]);
        let webhook = json!({"url": "https://8.8.8.8/", "enabled": false});
        let webhook = market.send(&market.sellers[0], "POST", "/webhooks", Some(webhook)).await.expect(201).body;
        let warehouse =
            market.send(&market.sellers[0], "POST", "/warehouses", Some(json!({"code": "w9", "name": "Ninth"}))).await.expect(201).body;
        testing::eventually("the shopper is told", || async {
            market.get(&owner, "/notifications").await["data"].as_array().is_some_and(|all| !all.is_empty())
        })
        .await;
        let notification = text(&market.get(&owner, "/notifications").await["data"][0]["id"]);
        let (order_id, payment) = (text(&order["id"]), text(&order["payment"]["id"]));
        let part = text(&order["vendorOrders"][0]["id"]);
        let warehouse = warehouse["id"].as_str().unwrap_or(NOTHING).to_owned();
        let back = returned(market, &owner, &good).await;
        let saga = text(&market.get(&market.admin, "/sagas?limit=1").await["data"][0]["id"]);
        let upload = uploaded(market).await;
        let told = announced(market, &user).await;
        let invited = json!({"userId": user});
        market.send(&market.sellers[0], "POST", "/vendors/store/staff", Some(invited)).await.expect(201);
        let device = json!({"token": "device-1", "platform": "web"});
        let push_token = text(&market.send(&owner, "POST", "/notifications/push-tokens", Some(device)).await.expect(201).body["id"]);
        let nothing = || NOTHING.to_owned();
        // The first that a path begins with counts.
        let ids = vec![
            ("/orders/", order_id.clone()),
            ("/api/v1/auth/sessions/", session),
            ("/api/v1/cart/items/", text(&cart["items"][0]["id"])),
            ("/api/v1/categories/", nothing()),
            ("/api/v1/dead-jobs/", nothing()),
            ("/api/v1/dead-letters/", nothing()),
            ("/api/v1/inventory/", good.product.clone()),
            ("/api/v1/notifications/bulk/", told),
            ("/api/v1/ledger/statements/", store.clone()),
            ("/api/v1/notifications/deliveries/", nothing()),
            ("/api/v1/notifications/push-tokens/", push_token),
            ("/api/v1/notifications/templates/", "order.confirmed".to_owned()),
            ("/api/v1/notifications/user/", user.clone()),
            ("/api/v1/notifications/", notification),
            ("/api/v1/orders/user/", user.clone()),
            ("/api/v1/orders/", order_id.clone()),
            ("/api/v1/payments/webhooks/", nothing()),
            ("/api/v1/payments/order/", order_id),
            ("/api/v1/payments/", payment),
            ("/api/v1/products/bulk/", upload),
            ("/api/v1/products/", good.product),
            ("/api/v1/replays/", nothing()),
            ("/api/v1/returns/", back),
            ("/api/v1/roles/", "support".to_owned()),
            ("/api/v1/sagas/", saga),
            ("/api/v1/shipping/webhooks/", nothing()),
            ("/api/v1/users/addresses/", text(&address["id"])),
            ("/api/v1/users/", user.clone()),
            ("/api/v1/vendor/orders/", part),
            ("/api/v1/vendors/staff/invitations/", store.clone()),
            ("/api/v1/vendors/store/staff/", user),
            ("/api/v1/vendors/", store),
            ("/api/v1/warehouses/", warehouse),
            ("/api/v1/webhooks/", text(&webhook["id"])),
        ];
        Things { ids }
    }

    /// The path with the id of the thing that it is about; `None` where nobody said which.
    fn fill(&self, template: &str) -> Option<String> {
        let Some(begin) = template.find('{') else { return Some(template.to_owned()) };
        let (_, id) = self.ids.iter().find(|(prefix, _)| template.starts_with(prefix) && prefix.len() == begin)?;
        let mut first = true;
        let parts = template.split('/').map(|part| match part.starts_with('{') {
            true if std::mem::take(&mut first) => id.as_str(),
            true => NOTHING,
            false => part,
        });
        Some(parts.collect::<Vec<_>>().join("/"))
    }
}
