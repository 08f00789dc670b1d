//! Into services of this process: a data directory that nobody else uses now.

use std::collections::BTreeMap;

use anyhow::Context;
use contracts::files::{FileProduct, RowError};
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::catalog::{CategoryPath, EnsureCategoryRequest, ExportProductsRequest, ImportError, ImportProductsRequest};
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{FindUsersRequest, GetUserRequest};
use contracts::proto::orders::orders_client::OrdersClient;
use contracts::proto::orders::{ExportOrdersRequest, ImportOrdersRequest};
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, GetStoresRequest, Store};
use kit::Env;
use kit::channel::Channel;
use serde_json::Value as Json;
use tonic::Code;
use uuid::Uuid;

use super::{Category, Done, FileOrder, How, Rows};

/// The largest answer: a page of exports has about 2 MB and one body more, and what is wrong with a chunk is said in full.
const ANSWER_MAX: usize = 64 << 20;

/// The console's view of the services.
#[derive(Clone)]
pub struct Here(pub Env);

impl Here {
    fn catalog(&self) -> anyhow::Result<CatalogClient<Channel>> {
        Ok(CatalogClient::new(self.0.channel("catalog")?).max_decoding_message_size(ANSWER_MAX))
    }

    fn orders_service(&self) -> anyhow::Result<OrdersClient<Channel>> {
        Ok(OrdersClient::new(self.0.channel("orders")?).max_decoding_message_size(ANSWER_MAX))
    }

    /// The store with a slug, opened where it is missing; and whether it was. When nothing is to be written one stands for it.
    pub async fn store(&self, slug: &str, name: &str, is_dry: bool) -> anyhow::Result<(Store, bool)> {
        if let Some(there) = self.store_there(slug).await? {
            return Ok((there, false));
        }
        if is_dry {
            return Ok((Store { vendor_id: Uuid::nil().to_string(), slug: slug.into(), ..Store::default() }, true));
        }
        let request = EnsureStoreRequest { slug: slug.into(), name: name.into(), owner_id: String::new() };
        let made = VendorsClient::new(self.0.channel("vendors")?).ensure_store(request).await.map_err(said)?;
        Ok((made.into_inner(), true))
    }

    /// The category with a slug, or at the end of names such as `Clothes > Shirts`; made where it is missing. In a dry run it is
    /// not, and those count as made before that are `assumed`. The inner error says why it cannot be made.
    pub async fn open_category(&self, names: &str, assumed: Option<&[String]>) -> anyhow::Result<Result<Category, String>> {
        let path = |names: &str| names.split('>').map(|n| n.trim().to_owned()).collect();
        let before = assumed.unwrap_or_default().iter().map(|names| CategoryPath { names: path(names) }).collect();
        let request = EnsureCategoryRequest { path: path(names), attributes: Vec::new(), check_only: assumed.is_some(), assumed: before };
        match self.catalog()?.ensure_category(request).await.map(tonic::Response::into_inner) {
            Ok(there) if !there.category_id.is_empty() => Ok(Ok(Category::There)),
            Ok(missing) => Ok(Ok(Category::Missing(Some(missing.above_id).filter(|id| !id.is_empty())))),
            Err(status) if matches!(status.code(), Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound) => {
                Ok(Err(status.message().to_owned()))
            }
            Err(status) => Err(said(status)),
        }
    }

    /// The store with a slug, where there is one.
    pub async fn store_there(&self, slug: &str) -> anyhow::Result<Option<Store>> {
        let request = GetStoresRequest { vendor_ids: Vec::new(), slugs: vec![slug.into()] };
        let found = VendorsClient::new(self.0.channel("vendors")?).get_stores(request).await.map_err(said)?.into_inner();
        Ok(found.stores.into_iter().next())
    }

    /// The accounts that have proved to own these addresses.
    pub async fn users(&self, emails: Vec<String>) -> anyhow::Result<BTreeMap<String, String>> {
        if emails.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = IdentityClient::new(self.0.channel("identity")?).find_users(FindUsersRequest { emails }).await.map_err(said)?;
        Ok(found.into_inner().users.into_iter().map(|u| (u.asked, u.user_id)).collect())
    }

    /// Brings orders in that were placed elsewhere.
    pub async fn put_orders(&self, orders: Vec<FileOrder>, is_dry: bool, opens_stores: bool) -> anyhow::Result<Done> {
        let bodies = orders.iter().map(|o| o.body.to_string()).collect();
        let request = ImportOrdersRequest { orders: bodies, check_only: is_dry, assume_stores: is_dry && opens_stores };
        let answer = self.orders_service()?.import_orders(request).await.map_err(said)?.into_inner();
        let mut done = Done::default();
        for (order, result) in orders.iter().zip(answer.results) {
            done.count(&result.outcome);
            done.errors.extend(result.errors.into_iter().map(|e| order.error(&e.pointer, e.detail)));
        }
        Ok(done)
    }

    /// Orders, as an import takes them; with the address of who has an account.
    pub async fn orders(&self, after: &str, limit: i64) -> anyhow::Result<Rows> {
        let request = ExportOrdersRequest { after: after.into(), limit };
        let page = self.orders_service()?.export_orders(request).await.map_err(said)?.into_inner();
        let mut orders = parsed(&page.orders)?;
        for order in orders.iter_mut().filter(|o| o.get("email").is_none()) {
            let Some(user_id) = order["userId"].as_str().map(str::to_owned) else { continue };
            let found = IdentityClient::new(self.0.channel("identity")?).get_user(GetUserRequest { user_id }).await.map_err(said)?;
            if let Some(user) = found.into_inner().user {
                order["email"] = user.email.into();
            }
        }
        Ok((orders, Some(page.next).filter(|next| !next.is_empty())))
    }

    /// The slug of a store.
    pub async fn slug(&self, vendor_id: &str) -> anyhow::Result<String> {
        let request = GetStoresRequest { vendor_ids: vec![vendor_id.into()], slugs: Vec::new() };
        let found = VendorsClient::new(self.0.channel("vendors")?).get_stores(request).await.map_err(said)?.into_inner();
        Ok(found.stores.into_iter().next().with_context(|| format!("there is no store {vendor_id}"))?.slug)
    }

    /// Products of one store or of all, as an import takes them.
    pub async fn products(&self, vendor: Option<&Store>, after: &str, limit: i64) -> anyhow::Result<Rows> {
        let vendor_id = vendor.map_or_else(String::new, |s| s.vendor_id.clone());
        let request = ExportProductsRequest { vendor_id, after: after.into(), limit };
        let page = self.catalog()?.export_products(request).await.map_err(said)?.into_inner();
        Ok((parsed(&page.products)?, Some(page.next).filter(|next| !next.is_empty())))
    }

    /// Adds or changes products of one store.
    pub async fn put_products(&self, store: Store, products: Vec<FileProduct>, how: How) -> anyhow::Result<Done> {
        let bodies = products.iter().map(|p| p.body.to_string()).collect();
        let request =
            ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products: bodies, check_only: how.is_dry };
        let answer = self.catalog()?.import_products(request).await.map_err(said)?.into_inner();
        let mut done = Done::default();
        for (product, result) in products.iter().zip(answer.results) {
            done.count(&result.outcome);
            let error = |e: ImportError| RowError::new(product.line_of(&e.pointer), (how.column)(&e.pointer), e.detail);
            done.errors.extend(result.errors.into_iter().map(error));
        }
        Ok(done)
    }
}

fn parsed(texts: &[String]) -> anyhow::Result<Vec<Json>> {
    texts.iter().map(|text| Ok(serde_json::from_str(text)?)).collect()
}

/// What a refusal says.
fn said(status: tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{}", status.message())
}
