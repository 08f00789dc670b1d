//! The catalog on real databases.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod categories;
mod inventory;
mod lifecycle;
mod products;
mod repair;
mod reservations;
mod routes;
mod rubbish;
mod stores;
mod uploads;
mod warehouses;
mod watch;

use contracts::VariantId;
use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, Store};
use kit::channel::Channel;
use kit::{Caller, ServiceDef};
use serde_json::{Value as Json, json};
use testing::TestPlatform;

const SERVICES: &[ServiceDef] = &[catalog::SERVICE, vendors::SERVICE];

fn client(p: &TestPlatform) -> CatalogClient<Channel> {
    CatalogClient::new(p.channel("catalog"))
}

/// The store `slug`, owned by `owner`.
async fn store(p: &TestPlatform, slug: &str, owner: &Caller) -> Store {
    let owner_id = owner.user.as_ref().map(|u| u.id.to_string()).unwrap_or_default();
    let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id };
    VendorsClient::new(p.channel("vendors")).ensure_store(request).await.unwrap().into_inner()
}

fn product(handle: &str, stock: i64) -> Json {
    json!({"handle": handle, "title": handle, "variants": [
        {"sku": "A", "price": {"amount": 1500, "currency": "BDT"}, "stock": [{"onHand": stock}]}]})
}

/// Outcomes of an import of `products` into `store`.
async fn import(p: &TestPlatform, store: &Store, products: &[Json]) -> Vec<String> {
    let products = products.iter().map(ToString::to_string).collect();
    let request =
        ImportProductsRequest { vendor_id: store.vendor_id.clone(), vendor_name: store.name.clone(), products, check_only: false };
    let answer = client(p).import_products(request).await.unwrap().into_inner();
    answer.results.into_iter().map(|r| r.outcome).collect()
}

/// Type and data of what the catalog has told, oldest first.
async fn told(p: &TestPlatform, kind: &'static str) -> Vec<Json> {
    let events = p.db("catalog").read(|q| kit::events::after(q, 0, 10_000)).await.unwrap();
    events.into_iter().filter(|e| e.kind == kind).map(|e| e.json()).collect()
}

/// A product of a seller's store, as answered.
async fn made(p: &TestPlatform, seller: &Caller, body: Json) -> Json {
    p.send("POST", "/api/v1/products", seller, Some(body), &[]).await.expect(201).body
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("expected text, found {json}"))
}

/// A variant with `stock` on hand in a store of its own.
async fn variant(p: &TestPlatform, stock: i64) -> VariantId {
    let store = store(p, "looms", &testing::guest()).await;
    assert_eq!(import(p, &store, &[product(&format!("p{stock}"), stock)]).await, ["created"]);
    let list = p.send("GET", "/api/v1/products?limit=1", &testing::guest(), None, &[]).await.expect(200);
    list.body["data"][0]["variants"][0]["id"].as_str().unwrap().parse().unwrap()
}
