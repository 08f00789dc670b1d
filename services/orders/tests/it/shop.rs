//! A marketplace with one store and a product, to order from.

use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, Store};
use kit::{Caller, Role};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};

/// Every service that a sale needs.
const SERVICES: &[kit::ServiceDef] =
    &[vendors::SERVICE, catalog::SERVICE, cart::SERVICE, sandbox::SERVICE, payments::SERVICE, orders::SERVICE];

pub struct Shop {
    pub p: TestPlatform,
    pub seller: Caller,
    pub store: String,
}

/// What can be bought.
#[derive(Clone, Debug)]
pub struct Good {
    pub product: String,
    pub variant: String,
}

impl Shop {
    pub async fn open(engine: Engine) -> Shop {
        Shop::open_with(engine, json!({})).await
    }

    /// With sections of the configuration.
    pub async fn open_with(engine: Engine, config: Json) -> Shop {
        let p = TestPlatform::start_with(engine, SERVICES, config).await;
        let seller = testing::user_with(&[Role::Vendor]);
        let store = open_store(&p, "dhaka-looms", &seller).await.vendor_id;
        Shop { p, seller, store }
    }

    /// The same shop, once the platform runs with other sections of the configuration.
    pub async fn reopened_with(self, config: Json) -> Shop {
        let data = self.p.data();
        drop(self.p);
        Shop { p: TestPlatform::start_on(data, SERVICES, config).await, seller: self.seller, store: self.store }
    }

    /// Opens a second store with another owner.
    pub async fn another_store(&self) -> (Caller, String) {
        let seller = testing::user_with(&[Role::Vendor]);
        let store = open_store(&self.p, "sylhet-teas", &seller).await.vendor_id;
        (seller, store)
    }

    /// Settles until nothing is left that failed for now and is tried again a little later.
    pub async fn rest(&self) {
        self.p.settle().await;
        for _ in 0..20 {
            let mut left = 0;
            for service in ["orders", "payments", "catalog", "sandbox"] {
                let sql = "SELECT COUNT(*) FROM own.jobs WHERE state = 'queued' AND attempts > 0 AND key <> 'regular'";
                let count = self.p.db(service).read(move |q| q.row(sql, &[])?.map_or(Ok(0_i64), |r| r.get(0))).await;
                left += count.unwrap_or_else(|e: kit::DbError| panic!("{e}"));
            }
            if left == 0 {
                return;
            }
            self.p.advance_seconds(30);
            self.p.settle().await;
        }
        panic!("something fails again and again");
    }

    /// Opens a second store of the same owner.
    pub async fn another_store_of(&self, seller: &Caller) -> String {
        open_store(&self.p, "rajshahi-silk", seller).await.vendor_id
    }

    /// A physical product with so many on hand.
    pub async fn good(&self, price: i64, on_hand: i64) -> Good {
        self.good_of(&self.seller, "physical", price, on_hand).await
    }

    /// Of the seller's only store.
    pub async fn good_of(&self, seller: &Caller, kind: &str, price: i64, on_hand: i64) -> Good {
        self.made(seller, json!({}), kind, price, on_hand).await
    }

    /// Of one of the seller's stores.
    pub async fn good_in(&self, store: &str, seller: &Caller, kind: &str, price: i64, on_hand: i64) -> Good {
        self.made(seller, json!({ "vendorId": store }), kind, price, on_hand).await
    }

    /// A physical product of which one weighs so much.
    pub async fn weighing(&self, seller: &Caller, price: i64, weight_grams: i64) -> Good {
        let variant =
            json!({"sku": "S1", "price": {"amount": price, "currency": "BDT"}, "stock": [{"onHand": 100}], "weightGrams": weight_grams});
        let body = json!({"title": "A good", "handle": format!("{price}-{weight_grams}"), "variants": [variant]});
        let made = self.p.send("POST", "/api/v1/products", seller, Some(body), &[]).await.expect(201).body;
        Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]) }
    }

    async fn made(&self, seller: &Caller, mut body: Json, kind: &str, price: i64, on_hand: i64) -> Good {
        let mut variant = json!({"sku": "S1", "price": {"amount": price, "currency": "BDT"}});
        if kind == "physical" {
            variant["stock"] = json!([{"onHand": on_hand}]);
        }
        body["title"] = json!(format!("A {kind} good"));
        body["handle"] = json!(format!("{kind}-{price}-{on_hand}"));
        body["kind"] = json!(kind);
        body["variants"] = json!([variant]);
        let made = self.p.send("POST", "/api/v1/products", seller, Some(body), &[]).await.expect(201).body;
        Good { product: text(&made["id"]), variant: text(&made["variants"][0]["id"]) }
    }

    /// What shoppers can still buy of a good.
    pub async fn available(&self, good: &Good) -> i64 {
        let path = format!("/api/v1/products/{}", good.product);
        let product = self.p.send("GET", &path, &testing::guest(), None, &[]).await.expect(200).body;
        product["variants"][0]["available"].as_i64().expect("a physical good has stock")
    }

    /// What the store has of a good.
    pub async fn levels(&self, good: &Good) -> Json {
        let path = format!("/api/v1/inventory/{}", good.product);
        let levels = self.p.send("GET", &path, &self.seller, None, &[]).await.expect(200).body;
        let level = |l: &Json| json!({"onHand": l["onHand"], "reserved": l["reserved"]});
        levels["data"].as_array().into_iter().flatten().map(level).collect()
    }

    pub async fn put_into_cart(&self, who: &Caller, good: &Good, quantity: i64) {
        let body = json!({"variantId": good.variant, "quantity": quantity});
        self.p.send("POST", "/api/v1/cart/items", who, Some(body), &[]).await.expect(201);
    }

    pub async fn post(&self, who: &Caller, key: &str, body: Json) -> Response {
        self.p.send("POST", "/api/v1/orders", who, Some(body), &[("idempotency-key", key)]).await
    }

    /// Orders a good, without a cart.
    pub async fn order(&self, who: &Caller, good: &Good, quantity: i64) -> Json {
        let key = format!("key {} {quantity}", good.variant);
        self.post(who, &key, order_of(good, quantity)).await.expect(201).body
    }

    /// Orders and pays, until nothing is left to do.
    pub async fn sale(&self, who: &Caller, good: &Good, quantity: i64) -> Json {
        let placed = self.order(who, good, quantity).await;
        self.pay(&placed, "approve").await.expect(200);
        self.p.settle().await;
        let order = self.get(who, &placed).await;
        assert_eq!(order["status"], "confirmed", "{order}");
        order
    }

    /// Answers the payment page of an order.
    pub async fn pay(&self, order: &Json, answer: &str) -> Response {
        let url = text(&order["payment"]["action"]["url"]);
        let path = url.strip_prefix("http://haat.test").expect("the page is below the public address");
        self.p.send("POST", &format!("{path}/{answer}"), &testing::guest(), None, &[]).await
    }

    /// The order as it is now.
    pub async fn get(&self, who: &Caller, order: &Json) -> Json {
        self.p.send("GET", &format!("/api/v1/orders/{}", text(&order["id"])), who, None, &[]).await.expect(200).body
    }

    pub async fn cancel(&self, who: &Caller, order: &Json) -> Response {
        let path = format!("/api/v1/orders/{}/cancel", text(&order["id"]));
        self.p.send("PUT", &path, who, Some(json!({"reason": "changed my mind"})), &[]).await
    }

    /// A store moves its part of an order.
    pub async fn advance(&self, seller: &Caller, part: &Json, status: &str) -> Response {
        let path = format!("/api/v1/vendor/orders/{}/status", text(&part["id"]));
        self.p.send("PUT", &path, seller, Some(json!({"status": status})), &[]).await
    }

    /// As [`Shop::advance`], with more to say.
    pub async fn advance_with(&self, seller: &Caller, part: &Json, body: Json) -> Response {
        let path = format!("/api/v1/vendor/orders/{}/status", text(&part["id"]));
        self.p.send("PUT", &path, seller, Some(body), &[]).await
    }

    /// Takes every part of an order to its shopper.
    pub async fn deliver(&self, seller: &Caller, order: &Json) {
        for part in order["vendorOrders"].as_array().unwrap() {
            for status in ["processing", "shipped", "delivered"] {
                self.advance(seller, part, status).await.expect(200);
            }
        }
        self.p.settle().await;
    }

    /// Asks to send pieces of an order's only line back.
    pub async fn ask_back(&self, who: &Caller, order: &Json, quantity: i64) -> Response {
        let line = &order["vendorOrders"][0]["items"][0]["id"];
        let body = json!({"items": [{"lineId": line, "quantity": quantity}], "reason": "too small"});
        self.p.send("POST", &format!("/api/v1/orders/{}/return", text(&order["id"])), who, Some(body), &[]).await
    }

    /// A store answers a return: `approve`, `reject` or `receive`.
    pub async fn say(&self, seller: &Caller, back: &Json, word: &str) -> Response {
        let body = (word == "reject").then(|| json!({"reason": "it was worn"}));
        self.p.send("POST", &format!("/api/v1/returns/{}/{word}", text(&back["id"])), seller, body, &[]).await
    }

    /// The journals of an order's payment, by kind; each of them sums to zero.
    pub async fn journals(&self, order: &Json) -> Vec<String> {
        let admin = testing::user_with(&[Role::Admin]);
        let balance = self.p.send("GET", "/api/v1/ledger/trial-balance", &admin, None, &[]).await.expect(200).body;
        assert!(balance["difference"].as_array().unwrap().iter().all(|d| d["amount"] == 0), "{balance}");
        let order = text(&order["id"]).parse::<uuid::Uuid>().unwrap();
        let rows = self.p.db("payments").read(move |q| {
            let sql = "SELECT kind FROM payments.journals WHERE order_id = $1 ORDER BY created_at, id";
            q.rows(sql, kit::params![order])?.iter().map(|r| r.get::<String>(0)).collect::<Result<Vec<_>, kit::DbError>>()
        });
        rows.await.unwrap()
    }

    /// The payment of an order, as payments knows it.
    pub async fn payment(&self, who: &Caller, order: &Json) -> Json {
        self.p.send("GET", &format!("/api/v1/payments/{}", text(&order["payment"]["id"])), who, None, &[]).await.expect(200).body
    }

    /// The types of an order's events; their sequence has no holes.
    pub async fn history(&self, who: &Caller, order: &Json) -> Vec<String> {
        let path = format!("/api/v1/orders/{}/events", text(&order["id"]));
        let events = self.p.send("GET", &path, who, None, &[]).await.expect(200).body["data"].as_array().cloned().unwrap_or_default();
        for (i, event) in events.iter().enumerate() {
            assert_eq!(event["sequence"], i as i64 + 1);
        }
        events.iter().map(|e| text(&e["type"])).collect()
    }

    /// How many rows of a table of a service there are.
    pub async fn count(&self, service: &'static str, table: &'static str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {service}.{table}");
        let row = self.p.db(service).read(move |q| q.row(&sql, &[])).await.expect("the table is there");
        row.expect("a count has a row").get(0).expect("a count is a number")
    }
}

async fn open_store(p: &TestPlatform, slug: &str, owner: &Caller) -> Store {
    let owner_id = owner.user.as_ref().expect("a seller is signed in").id.to_string();
    let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id };
    VendorsClient::new(p.channel("vendors")).ensure_store(request).await.expect("a store opens").into_inner()
}

/// Where the tests' goods go.
pub fn address() -> Json {
    json!({"name": "Ayesha Rahman", "phone": "+8801712345678", "line1": "House 7, Road 3", "city": "Dhaka", "postalCode": "1207", "country": "BD"})
}

/// The body that orders one good.
pub fn order_of(good: &Good, quantity: i64) -> Json {
    json!({"items": [{"variantId": good.variant, "quantity": quantity}], "shippingAddress": address(), "paymentMethod": "sandbox"})
}

/// The body that orders the cart.
pub fn order_cart() -> Json {
    json!({"shippingAddress": address(), "shippingMethod": "standard", "paymentMethod": "sandbox"})
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("expected text, found {json}")).to_owned()
}
