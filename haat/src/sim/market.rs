//! The market before anybody comes: three stores, six products, little stock.

use contracts::proto::catalog::ImportProductsRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::Env;
use serde_json::json;

use super::world::{ADMIN, PASSWORD, World};

/// Fills the market, with few enough of everything that it sells out in some runs. Gives the stock per variant of each product.
pub async fn stock_up(world: &World, console: &Env) -> anyhow::Result<Vec<(String, i64)>> {
    let admin = EnsureUserRequest {
        email: ADMIN.into(),
        password: PASSWORD.into(),
        first_name: "A".into(),
        last_name: "B".into(),
        roles: vec!["customer".into(), "admin".into()],
    };
    IdentityClient::new(console.channel("identity")?).ensure_user(admin).await?;
    let mut products: Vec<(String, i64)> = Vec::new();
    for (n, slug) in ["one", "two", "three"].into_iter().enumerate() {
        let request = EnsureStoreRequest { slug: slug.into(), name: slug.into(), owner_id: String::new() };
        let store = VendorsClient::new(console.channel("vendors")?).ensure_store(request).await?.into_inner();
        let stock = 3 + world.dice(20) as i64;
        let product = |i: usize| {
            json!({"handle": format!("p{n}{i}"), "title": format!("p{n}{i}"), "variants": [
                {"sku": "A", "price": {"amount": 1_001 + 777 * i + 13 * n, "currency": "BDT"}, "stock": [{"onHand": stock}]}]})
        };
        let bodies = (0..2).map(|i| product(i).to_string()).collect();
        let request = ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products: bodies };
        CatalogClient::new(console.channel("catalog")?).import_products(request).await?;
        let list = world.get("/api/v1/products?limit=100", &[]).await?;
        for product in list["data"].as_array().into_iter().flatten() {
            let id = product["id"].as_str().unwrap_or_default().to_owned();
            if products.iter().all(|(known, _)| *known != id) {
                products.push((id, stock));
            }
        }
    }
    Ok(products)
}
