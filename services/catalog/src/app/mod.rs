//! The use cases of the catalog, one transaction each.

mod products;
mod reservations;
mod stock;

use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::Db;
use kit::channel::Channel;

use crate::domain::Product;
use crate::error::Error;
use crate::store;

pub(crate) use products::{Created, Store, Upserted, answer};
pub(crate) use stock::{Adjustment, Level};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub vendors: VendorsClient<Channel>,
}

impl App {
    /// Published products, newest first; one more than the limit where there are more.
    pub async fn list(&self, filter: store::Filter, page: kit::http::PageRequest) -> Result<Vec<Product>, Error> {
        self.db.read_stale(move |q| Ok(store::list(q, &filter, page.after, page.limit)?)).await
    }

    /// A published product by id or slug.
    pub async fn product(&self, id_or_slug: String) -> Result<Product, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>(store::product(q, &id_or_slug)?)).await?;
        found.filter(|p| p.status == crate::domain::Status::Published).ok_or(Error::NoProduct)
    }

    /// Facts of variants for other services, by variant or by product.
    pub async fn variants(&self, products: Vec<uuid::Uuid>, variants: Vec<uuid::Uuid>) -> Result<Vec<store::VariantRow>, Error> {
        self.db.read(move |q| Ok(store::variants(q, &products, &variants)?)).await
    }
}
