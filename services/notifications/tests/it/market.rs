//! A marketplace with one store, a product and people with addresses.

use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::{Event, OrderId, VendorOrderId};
use kit::{Caller, DbError, Role, ServiceDef};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

pub const SERVICES: &[ServiceDef] = &[
    identity::SERVICE,
    vendors::SERVICE,
    catalog::SERVICE,
    cart::SERVICE,
    sandbox::SERVICE,
    payments::SERVICE,
    orders::SERVICE,
    notifications::SERVICE,
];

pub const PASSWORD: &str = "correct horse battery";

pub struct Market {
    pub p: TestPlatform,
    pub seller: Caller,
    variant: String,
}

impl Market {
    pub async fn open(engine: Engine) -> Market {
        Market::open_with(engine, json!({})).await
    }

    /// With a section of the configuration.
    pub async fn open_with(engine: Engine, notifications: Json) -> Market {
        let cheap = json!({"password": {"memory_kib": 8, "passes": 1}});
        let quiet = json!({"chaos": {"twice": false, "early": false, "out_of_order": false}});
        let config = json!({"identity": cheap, "sandbox": quiet, "notifications": notifications});
        let p = TestPlatform::start_with(engine, SERVICES, config).await;
        let seller = account(&p, "seller@looms.test", "Rahim", &[Role::Vendor]).await;
        let owner_id = id_of(&seller);
        let request = EnsureStoreRequest { slug: "looms".into(), name: "Dhaka Looms".into(), owner_id };
        VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap();
        let body = json!({"title": "Gamcha <red>", "handle": "gamcha", "kind": "physical",
            "variants": [{"sku": "G1", "price": {"amount": 129900, "currency": "BDT"}, "stock": [{"onHand": 50}]}]});
        let made = p.send("POST", "/api/v1/products", &seller, Some(body), &[]).await.expect(201).body;
        let variant = text(&made["variants"][0]["id"]);
        p.settle().await;
        Market { p, seller, variant }
    }

    /// Somebody with a store that sells nothing yet.
    pub async fn another_seller(&self, email: &str, slug: &str) -> Caller {
        let seller = account(&self.p, email, "Karim", &[Role::Vendor]).await;
        let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id: id_of(&seller) };
        VendorsClient::new(self.p.channel("vendors")).ensure_store(request).await.unwrap();
        seller
    }

    /// Somebody who registers.
    pub async fn person(&self, email: &str, name: &str) -> Caller {
        let body = json!({"email": email, "password": PASSWORD, "firstName": name, "lastName": ""});
        let made = self.p.send("POST", "/api/v1/auth/register", &testing::guest(), Some(body), &[]).await.expect(201).body;
        self.p.settle().await;
        caller(&text(&made["user"]["id"]), &[])
    }

    /// Places an order, and waits until nothing is left to do.
    pub async fn order(&self, who: &Caller, key: &str) -> Json {
        self.place(who, key, json!([{"variantId": self.variant, "quantity": 2}])).await
    }

    /// As `order`, with one of another variant beside it.
    pub async fn order_also(&self, who: &Caller, key: &str, variant: &str) -> Json {
        self.place(who, key, json!([{"variantId": self.variant, "quantity": 2}, {"variantId": variant, "quantity": 1}])).await
    }

    async fn place(&self, who: &Caller, key: &str, items: Json) -> Json {
        let mut body = json!({"items": items, "paymentMethod": "sandbox", "shippingAddress":
            {"name": "Ayesha Rahman", "phone": "+8801712345678", "line1": "House 7", "city": "Dhaka", "postalCode": "1207", "country": "BD"}});
        if who.user.is_none() {
            body["email"] = json!("guest@elsewhere.test");
        }
        let order = self.p.send("POST", "/api/v1/orders", who, Some(body), &[("idempotency-key", key)]).await.expect(201).body;
        self.p.settle().await;
        order
    }

    /// Answers the payment page of an order.
    pub async fn pay(&self, order: &Json, answer: &str) {
        let url = text(&order["payment"]["action"]["url"]);
        let path = url.strip_prefix("http://haat.test").unwrap();
        self.p.send("POST", &format!("{path}/{answer}"), &testing::guest(), None, &[]).await.expect(200);
        self.p.settle().await;
    }

    /// Places an order and pays it.
    pub async fn sale(&self, who: &Caller, key: &str) -> Json {
        let order = self.order(who, key).await;
        self.pay(&order, "approve").await;
        order
    }

    /// The store moves its part of an order.
    pub async fn advance(&self, order: &Json, status: &str) {
        let path = format!("/api/v1/vendor/orders/{}/status", text(&order["vendorOrders"][0]["id"]));
        let mut body = json!({"status": status});
        if status == "shipped" {
            body["tracking"] = json!({"carrier": "Pathao", "number": "P-17"});
        }
        self.p.send("PUT", &path, &self.seller, Some(body), &[]).await.expect(200);
        self.p.settle().await;
    }

    /// Says an event in the name of its service, and waits until it has had its effect.
    pub async fn say<E: Event + Clone>(&self, event: &E) {
        let event = event.clone();
        let said = self.p.db(E::SOURCE).write(move |tx| tx.publish(event.clone())).await;
        said.unwrap_or_else(|e: DbError| panic!("{e}"));
        self.p.settle().await;
    }

    /// A page of somebody's list.
    pub async fn list(&self, who: &Caller, path: &str) -> Vec<Json> {
        let page = self.p.send("GET", &format!("/api/v1/notifications{path}"), who, None, &[]).await.expect(200).body;
        page["data"].as_array().unwrap().clone()
    }

    /// The kinds in somebody's list, oldest first.
    pub async fn kinds(&self, who: &Caller) -> Vec<String> {
        self.list(who, "").await.iter().rev().map(|n| text(&n["kind"])).collect()
    }

    /// What went to an address, oldest first.
    pub async fn mails(&self, address: &str) -> Vec<Json> {
        let page = self.p.send("GET", "/dev/mailbox/messages", &testing::guest(), None, &[]).await.expect(200).body;
        let mails = page["data"].as_array().unwrap().iter().rev();
        mails.filter(|m| m["to"] == address).cloned().collect()
    }

    /// The subjects of what went to an address, oldest first.
    pub async fn subjects(&self, address: &str) -> Vec<String> {
        self.mails(address).await.iter().map(|m| text(&m["subject"])).collect()
    }
}

/// An account that is made from inside.
async fn account(p: &TestPlatform, email: &str, name: &str, roles: &[Role]) -> Caller {
    let request = EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: name.into(),
        last_name: String::new(),
        roles: roles.iter().map(|r| r.as_str().to_owned()).collect(),
    };
    let made = IdentityClient::new(p.channel("identity")).ensure_user(request).await.unwrap().into_inner();
    caller(&made.user_id, roles)
}

fn caller(id: &str, roles: &[Role]) -> Caller {
    let mut caller = testing::user_with(&[roles, &[Role::Customer]].concat());
    if let Some(user) = &mut caller.user {
        user.id = id.parse().unwrap();
    }
    caller
}

pub fn id_of(who: &Caller) -> String {
    who.user.as_ref().unwrap().id.to_string()
}

pub fn order_id(order: &Json) -> OrderId {
    text(&order["id"]).parse().unwrap()
}

pub fn part_id(order: &Json) -> VendorOrderId {
    text(&order["vendorOrders"][0]["id"]).parse().unwrap()
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("expected text, found {json}")).to_owned()
}
