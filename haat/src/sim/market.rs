//! The market before anybody comes: three stores, one of them with an owner, six products with little
//! stock, and two that never run out.

use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::Env;
use serde_json::json;

use super::world::{ADMIN, PASSWORD, World};

/// What is for sale.
pub struct Market {
    /// Products and the stock per variant of each.
    pub products: Vec<(String, i64)>,
    /// Products without stock: digital goods and a course.
    pub endless: Vec<String>,
    /// The stores that have an owner.
    pub owned: Vec<String>,
}

/// What the first stores have besides: the kinds of what never runs out.
const ENDLESS: [&str; 2] = ["digital", "course"];

/// Fills the market, with few enough of everything that it sells out in some runs.
pub async fn stock_up(world: &World, console: &Env) -> anyhow::Result<Market> {
    user(console, ADMIN, "admin").await?;
    let mut market = Market { products: Vec::new(), endless: Vec::new(), owned: Vec::new() };
    for (n, slug) in ["one", "two", "three"].into_iter().enumerate() {
        let owner_id = if n == 0 { user(console, "owner@sim.test", "vendor").await? } else { String::new() };
        let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id };
        let store = VendorsClient::new(console.channel("vendors")?).ensure_store(request).await?.into_inner();
        if n == 0 {
            market.owned.push(store.vendor_id.clone());
        }
        let stock = 3 + world.dice(20) as i64;
        let product = |i: usize| {
            json!({"handle": format!("p{n}{i}"), "title": format!("p{n}{i}"), "variants": [
                {"sku": "A", "price": {"amount": 1_001 + 777 * i + 13 * n, "currency": "BDT"}, "stock": [{"onHand": stock}]}]})
        };
        let endless = ENDLESS.get(n).map(|kind| {
            json!({"handle": kind, "title": kind, "kind": kind, "variants": [{"sku": "A", "price": {"amount": 2_003 + 500 * n, "currency": "BDT"}}]})
        });
        let bodies = (0..2).map(product).chain(endless).map(|body| body.to_string()).collect();
        let request = ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products: bodies, check_only: false };
        CatalogClient::new(console.channel("catalog")?).import_products(request).await?;
        let list = world.get("/api/v1/products?limit=100", &[]).await?;
        for product in list["data"].as_array().into_iter().flatten() {
            let id = product["id"].as_str().unwrap_or_default().to_owned();
            let is_known = market.endless.contains(&id) || market.products.iter().any(|(known, _)| *known == id);
            match product["kind"].as_str() {
                _ if is_known => {}
                Some("physical") => market.products.push((id, stock)),
                _ => market.endless.push(id),
            }
        }
    }
    Ok(market)
}

/// Makes an account, and gives its id.
async fn user(console: &Env, email: &str, role: &str) -> anyhow::Result<String> {
    let request = EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: "A".into(),
        last_name: "B".into(),
        roles: vec!["customer".into(), role.into()],
    };
    Ok(IdentityClient::new(console.channel("identity")?).ensure_user(request).await?.into_inner().user_id)
}
