//! A catalog to fill carts from.

use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::{Caller, Role, ServiceDef};
use serde_json::{Value as Json, json};
use testing::{Engine, TestPlatform};

const SERVICES: &[ServiceDef] = &[cart::SERVICE, catalog::SERVICE, vendors::SERVICE];

pub struct Shop {
    pub p: TestPlatform,
    /// A for 100 with 5 in stock, B for 70 with 50.
    pub variants: Vec<String>,
    product: String,
}

impl Shop {
    pub async fn open(engine: Engine) -> Shop {
        let p = TestPlatform::start(engine, SERVICES).await;
        let request = EnsureStoreRequest { slug: "looms".into(), name: "Looms".into(), owner_id: String::new() };
        let store = VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner();
        let product = json!({"title": "Shirt", "variants": [
            {"sku": "A", "price": {"amount": 100, "currency": "BDT"}, "stock": [{"onHand": 5}]},
            {"sku": "B", "price": {"amount": 70, "currency": "BDT"}, "stock": [{"onHand": 50}]}]});
        let request = ImportProductsRequest {
            vendor_id: store.vendor_id,
            vendor_name: store.name,
            products: vec![product.to_string()],
            check_only: false,
        };
        CatalogClient::new(p.channel("catalog")).import_products(request).await.unwrap();
        let list = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await.expect(200).body;
        let variants = list["data"][0]["variants"].as_array().unwrap().iter().map(|v| text(&v["id"])).collect();
        Shop { p, variants, product: text(&list["data"][0]["id"]) }
    }

    /// Puts some of the n-th variant into a cart.
    pub async fn add(&self, who: &Caller, n: usize, quantity: i64) -> Json {
        let body = json!({"variantId": self.variants[n], "quantity": quantity});
        self.p.send("POST", "/api/v1/cart/items", who, Some(body), &[]).await.expect(201).body
    }

    pub async fn cart(&self, who: &Caller) -> Json {
        self.p.send("GET", "/api/v1/cart", who, None, &[]).await.expect(200).body
    }

    /// Which variants are in a cart, and how many of each.
    pub async fn quantities(&self, who: &Caller) -> Vec<(usize, i64)> {
        let place = |i: &Json| self.variants.iter().position(|v| i["variantId"] == **v).unwrap();
        let mut all: Vec<_> =
            self.cart(who).await["items"].as_array().unwrap().iter().map(|i| (place(i), i["quantity"].as_i64().unwrap())).collect();
        all.sort();
        all
    }

    /// Gives the n-th variant another price.
    pub async fn change_price(&self, n: usize, amount: i64) {
        let path = format!("/api/v1/products/{}/variants/{}", self.product, self.variants[n]);
        let sku = ["A", "B"][n];
        let body = json!({"sku": sku, "price": {"amount": amount, "currency": "BDT"}});
        self.p.send("PUT", &path, &testing::user_with(&[Role::Admin]), Some(body), &[]).await.expect(200);
    }

    /// Takes the product with both variants from sale.
    pub async fn archive(&self) {
        let path = format!("/api/v1/products/{}", self.product);
        self.p.send("DELETE", &path, &testing::user_with(&[Role::Admin]), None, &[]).await.expect(204);
    }

    /// How many lines there are in all carts.
    pub async fn lines(&self) -> i64 {
        let row = self.p.db("cart").read(|q| q.row("SELECT COUNT(*) FROM cart.items", &[])).await.unwrap();
        row.unwrap().get(0).unwrap()
    }

    /// What the cart has told, oldest first.
    pub async fn events(&self) -> Vec<(String, Json)> {
        let log = self.p.db("cart").read(|q| kit::events::after(q, 0, 1_000)).await.unwrap();
        log.into_iter().map(|e| (e.kind.clone(), e.json())).collect()
    }

    /// How many events of a type the cart has told.
    pub async fn told(&self, kind: &str) -> usize {
        self.events().await.iter().filter(|(k, _)| k == kind).count()
    }
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("expected text, found {json}")).to_owned()
}
