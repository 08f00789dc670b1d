//! Two stores with goods, an administrator, and what clients do there.

use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::Env;
use serde_json::{Value as Json, json};

use crate::nodes::{Layout, Nodes};
use crate::outside::{Answer, Outside, Visitor};

const PASSWORD: &str = "correct horse battery";

/// A running platform with two stores.
pub struct Market {
    pub outside: Outside,
    pub admin: Visitor,
    /// The owner of each store.
    pub sellers: [Visitor; 2],
    nodes: Nodes,
}

/// What can be bought.
#[derive(Clone, Debug)]
pub struct Good {
    pub product: String,
    pub variant: String,
    pub price: i64,
}

/// What a store has of a good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub reserved: i64,
}

impl Market {
    pub async fn open(layout: Layout) -> Market {
        Market::open_with(layout, "").await
    }

    /// With more in the configuration than what every market has.
    pub async fn open_with(layout: Layout, more: &str) -> Market {
        let nodes = Nodes::start(layout, more).await;
        let outside = Outside::of(&nodes.url);
        let console = nodes.nodes.iter().find_map(|n| n.running.console().ok()).expect("the console runs on one of them");
        account(console, "admin@journey.test", "admin").await;
        for (email, slug) in [("looms@journey.test", "dhaka-looms"), ("teas@journey.test", "sylhet-teas")] {
            let owner_id = account(console, email, "vendor").await;
            let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id };
            VendorsClient::new(console.channel("vendors").unwrap()).ensure_store(request).await.unwrap();
        }
        let admin = sign_in(&outside, "admin@journey.test", &Visitor::default()).await;
        let looms = sign_in(&outside, "looms@journey.test", &Visitor::default()).await;
        let teas = sign_in(&outside, "teas@journey.test", &Visitor::default()).await;
        Market { outside, admin, sellers: [looms, teas], nodes }
    }

    /// Somebody new, signed in.
    pub async fn register(&self, email: &str) -> Visitor {
        let body = json!({"email": email, "password": PASSWORD, "firstName": "Ayesha", "lastName": "Rahman"});
        let answer = self.outside.send(&Visitor::default(), "POST", "/auth/register", Some(body), &[]).await.expect(201);
        Visitor { access: Some(text(&answer.body["accessToken"])), cart: None }
    }

    /// Signs in somebody who is registered, on a device that may have a guest's cart.
    pub async fn sign_in(&self, email: &str, device: &Visitor) -> Visitor {
        sign_in(&self.outside, email, device).await
    }

    /// A physical good of a store.
    pub async fn good(&self, seller: &Visitor, price: i64, on_hand: i64) -> Good {
        let body = json!({"title": format!("Good for {price}"), "kind": "physical", "variants": [
            {"sku": "S", "price": {"amount": price, "currency": "BDT"}, "stock": [{"onHand": on_hand}]}]});
        let made = self.send(seller, "POST", "/products", Some(body)).await.expect(201).body;
        Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]), price }
    }

    /// A product that never runs out: digital goods, or a course.
    pub async fn endless(&self, seller: &Visitor, kind: &str, price: i64) -> Good {
        let variants = json!([{"sku": "S", "price": {"amount": price, "currency": "BDT"}}]);
        let body = json!({"title": format!("A {kind} for {price}"), "kind": kind, "variants": variants});
        let made = self.send(seller, "POST", "/products", Some(body)).await.expect(201).body;
        Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]), price }
    }

    pub async fn stock(&self, good: &Good) -> Stock {
        let levels = self.get(&self.admin, &format!("/inventory/{}", good.product)).await;
        let sum = |member: &str| levels["data"].as_array().unwrap().iter().map(|l| l[member].as_i64().unwrap()).sum();
        Stock { on_hand: sum("onHand"), reserved: sum("reserved") }
    }

    /// Waits until so much is there.
    pub async fn stock_comes_to(&self, good: &Good, on_hand: i64, reserved: i64) {
        let wanted = Stock { on_hand, reserved };
        testing::eventually(&format!("stock of {good:?} is {wanted:?}"), || async { self.stock(good).await == wanted }).await;
    }

    /// The first process.
    pub fn platform(&self) -> &kit::Platform {
        &self.nodes.nodes[0].running.platform
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.nodes.url
    }

    pub async fn send(&self, who: &Visitor, method: &str, path: &str, body: Option<Json>) -> Answer {
        self.outside.send(who, method, path, body, &[]).await
    }

    pub async fn get(&self, who: &Visitor, path: &str) -> Json {
        self.send(who, "GET", path, None).await.expect(200).body
    }

    pub async fn put_into_cart(&self, who: &Visitor, good: &Good, quantity: i64) -> Answer {
        let body = json!({"variantId": good.variant, "quantity": quantity});
        self.send(who, "POST", "/cart/items", Some(body)).await.expect(201)
    }

    /// The lines of a cart: variant and quantity.
    pub async fn cart(&self, who: &Visitor) -> Vec<(String, i64)> {
        let cart = self.get(who, "/cart").await;
        let line = |l: &Json| (text(&l["variantId"]), l["quantity"].as_i64().unwrap());
        cart["items"].as_array().unwrap().iter().map(line).collect()
    }

    pub async fn post_order(&self, who: &Visitor, key: &str, body: &Json) -> Answer {
        self.outside.send(who, "POST", "/orders", Some(body.clone()), &[("idempotency-key", key)]).await
    }

    /// Orders goods without a cart.
    pub async fn order(&self, who: &Visitor, lines: &[(&Good, i64)]) -> Json {
        let key = lines.iter().map(|(good, quantity)| format!("{} {quantity} ", good.variant)).collect::<String>();
        self.post_order(who, key.trim(), &order_of(lines)).await.expect(201).body
    }

    /// Answers the payment page.
    pub async fn pay(&self, order: &Json, answer: &str) {
        let url = text(&order["payment"]["action"]["url"]);
        self.outside.send_to(&Visitor::default(), "POST", &format!("{url}/{answer}"), None, &[]).await.expect(200);
    }

    /// The order as it is now.
    pub async fn order_now(&self, who: &Visitor, order: &Json) -> Json {
        self.get(who, &format!("/orders/{}", text(&order["id"]))).await
    }

    /// Waits until the order is `status`.
    pub async fn order_comes_to(&self, who: &Visitor, order: &Json, status: &str) {
        let what = format!("the order is {status}");
        testing::eventually(&what, || async { self.order_now(who, order).await["status"] == status }).await;
    }

    /// Orders, pays, and waits for the confirmation.
    pub async fn sale(&self, who: &Visitor, lines: &[(&Good, i64)]) -> Json {
        let order = self.order(who, lines).await;
        self.pay(&order, "approve").await;
        self.order_comes_to(who, &order, "confirmed").await;
        order
    }

    pub async fn payment(&self, who: &Visitor, order: &Json) -> Json {
        self.get(who, &format!("/payments/{}", text(&order["payment"]["id"]))).await
    }

    pub async fn payment_comes_to(&self, who: &Visitor, order: &Json, status: &str) {
        let what = format!("the payment is {status}");
        testing::eventually(&what, || async { self.payment(who, order).await["status"] == status }).await;
    }

    /// The provider's own record of an order's payment.
    pub async fn charge(&self, order: &Json) -> Option<Json> {
        let url = format!("{}/sandbox/charges", self.nodes.url);
        let charges = self.outside.send_to(&Visitor::default(), "GET", &url, None, &[]).await.expect(200).body;
        charges["data"].as_array().unwrap().iter().find(|c| c["paymentId"] == order["payment"]["id"]).cloned()
    }

    /// Types of the order's events; their sequence has no holes.
    pub async fn history(&self, who: &Visitor, order: &Json) -> Vec<String> {
        let events = self.get(who, &format!("/orders/{}/events", text(&order["id"]))).await;
        let events = events["data"].as_array().unwrap();
        for (i, event) in events.iter().enumerate() {
            assert_eq!(event["sequence"], i as i64 + 1, "{event}");
        }
        events.iter().map(|e| text(&e["type"])).collect()
    }

    /// The order's entries in the ledger: kind of account (what stands before a colon), and debit less credit.
    pub async fn entries(&self, order: &Json) -> Vec<(String, i64)> {
        let path = format!("/ledger/entries?orderId={}&limit=100", text(&order["id"]));
        let entries = self.get(&self.admin, &path).await;
        let entry = |e: &Json| {
            let account = text(&e["account"]);
            let kind = account.split(':').next().unwrap_or_default().to_owned();
            (kind, e["debit"].as_i64().unwrap() - e["credit"].as_i64().unwrap())
        };
        entries["data"].as_array().unwrap().iter().map(entry).collect()
    }

    /// The saga of an order, of the kind `kind`, once it has ended.
    pub async fn ended_saga(&self, order: &Json, kind: &str) -> Json {
        let path = format!("/sagas?type={kind}&limit=100");
        let find = || async {
            let sagas = self.get(&self.admin, &path).await;
            let of_order = |s: &&Json| s["subject"] == order["id"] && (s["status"] == "completed" || s["status"] == "compensated");
            sagas["data"].as_array().unwrap().iter().find(of_order).cloned()
        };
        testing::eventually(&format!("{kind} has ended"), || async { find().await.is_some() }).await;
        find().await.unwrap()
    }

    /// What must hold after every journey: accounts that balance, nothing undeliverable, nothing stuck.
    pub async fn close(self) {
        let balance = self.get(&self.admin, "/ledger/trial-balance").await;
        for difference in balance["difference"].as_array().unwrap() {
            assert_eq!(difference["amount"], 0, "{balance}");
        }
        let letters = self.get(&self.admin, "/dead-letters").await;
        assert_eq!(letters["data"], json!([]));
        let stuck = self.get(&self.admin, "/sagas?status=stuck").await;
        assert_eq!(stuck["data"], json!([]));
    }
}

/// An account with a role besides that of a customer; its id.
async fn account(console: &Env, email: &str, role: &str) -> String {
    let request = EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: "Rahim".into(),
        last_name: "Uddin".into(),
        roles: vec!["customer".into(), role.into()],
    };
    let made = IdentityClient::new(console.channel("identity").unwrap()).ensure_user(request).await;
    made.unwrap().into_inner().user_id
}

async fn sign_in(outside: &Outside, email: &str, device: &Visitor) -> Visitor {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = outside.send(device, "POST", "/auth/login", Some(body), &[]).await.expect(200);
    Visitor { access: Some(text(&answer.body["accessToken"])), cart: None }
}

/// Where the goods go.
fn address() -> Json {
    json!({"name": "Ayesha Rahman", "phone": "+8801712345678", "line1": "House 7, Road 3", "city": "Dhaka", "postalCode": "1207", "country": "BD"})
}

/// The body that orders the cart.
pub fn order_cart() -> Json {
    json!({"shippingAddress": address(), "shippingMethod": "standard", "paymentMethod": "sandbox"})
}

/// The body that orders these.
pub fn order_of(lines: &[(&Good, i64)]) -> Json {
    let mut body = order_cart();
    body["items"] = lines.iter().map(|(good, quantity)| json!({"variantId": good.variant, "quantity": quantity})).collect();
    body
}

#[track_caller]
pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("expected text, found {json}")).to_owned()
}
