//! Loads the demo marketplace: accounts, stores and goods. Loading it twice changes nothing.

mod catalogue;
mod categories;
mod store;

use anyhow::{Context, bail};
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::catalog::{EnsureWarehouseRequest, ImportProductsRequest};
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::EnsureStoreRequest;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::Env;

pub use catalogue::{DemoStore, STORES};

/// The password of every demo account.
pub const PASSWORD: &str = "demo-haat-1234";
/// The accounts that are named in the welcome.
pub const ACCOUNTS: [(&str, &str, &[&str]); 2] =
    [("shopper@demo.haat.test", "Demo Shopper", &["customer"]), ("admin@demo.haat.test", "Demo Admin", &["customer", "admin"])];

/// Loads what is missing; `progress` is told after each store how many are done.
pub async fn load(console: &Env, mut progress: impl FnMut(usize, usize)) -> anyhow::Result<()> {
    if store::is_loaded(&console.db).await? {
        return Ok(());
    }
    for (email, name, roles) in ACCOUNTS {
        account(console, email, name, roles).await?;
    }
    let second = EnsureWarehouseRequest { code: "chattogram".into(), name: "Chattogram warehouse".into() };
    let mut catalog = CatalogClient::new(console.channel("catalog")?);
    let second = catalog.ensure_warehouse(second).await?.into_inner().warehouse_id;
    let shelves = categories::Shelves::build(catalog).await?;
    for (i, store) in STORES.iter().enumerate() {
        let email = if i == 0 { "vendor@demo.haat.test".to_owned() } else { format!("vendor{}@demo.haat.test", i + 1) };
        let owner = account(console, &email, store.name, &["customer", "vendor"]).await?;
        fill(console, store, owner, &second, &shelves).await.with_context(|| format!("store {}", store.slug))?;
        progress(i + 1, STORES.len());
    }
    store::mark_loaded(&console.db).await.map_err(anyhow::Error::from)
}

async fn account(console: &Env, email: &str, name: &str, roles: &[&str]) -> anyhow::Result<String> {
    let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
    let request = EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: first_name.into(),
        last_name: last_name.into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
    };
    let answer = IdentityClient::new(console.channel("identity")?).ensure_user(request).await?;
    Ok(answer.into_inner().user_id)
}

async fn fill(console: &Env, store: &DemoStore, owner_id: String, second: &str, shelves: &categories::Shelves) -> anyhow::Result<()> {
    let request = EnsureStoreRequest { slug: store.slug.into(), name: store.name.into(), owner_id };
    let opened = VendorsClient::new(console.channel("vendors")?).ensure_store(request).await?.into_inner();
    let products = store.products(second, shelves).iter().map(ToString::to_string).collect();
    let request = ImportProductsRequest { vendor_id: opened.vendor_id, vendor_name: opened.name, products };
    let done = CatalogClient::new(console.channel("catalog")?).import_products(request).await?.into_inner();
    match done.results.into_iter().find(|r| r.outcome == "refused") {
        Some(refused) => bail!("a demo product was refused: {:?}", refused.errors),
        None => Ok(()),
    }
}
