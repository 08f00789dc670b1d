//! The use cases of the catalog, one transaction each.

mod categories;
mod changes;
mod counts;
mod export;
mod import;
mod kept;
mod parts;
mod paths;
mod products;
mod repair;
mod reservations;
mod sellers;
mod stock;
mod uploads;
mod view;
mod warehouses;
mod watch;

use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::channel::Channel;
use kit::{Clock, Db};

use crate::domain::Product;
use crate::error::Error;
use crate::store;

pub(crate) use categories::CategoryPage;
pub(crate) use changes::Edit;
pub(crate) use counts::Counted;
pub(crate) use import::Upserted;
pub(crate) use kept::{Kept, Listed};
pub(crate) use paths::Standing;
pub(crate) use sellers::{Seller, Store, meant};
pub(crate) use stock::Adjustment;
pub(crate) use uploads::UPLOAD_JOB;
pub(crate) use view::{Inventory, StockMovement};
pub(crate) use watch::{BACK_IN_STOCK, StockWait};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub counted: Counted,
    /// Without a slash at the end.
    pub public_url: String,
    pub vendors: VendorsClient<Channel>,
    pub kept: Kept,
}

impl App {
    /// Products in the filter's order; one more than the limit where there are more.
    pub async fn list(&self, filter: store::Filter, page: kit::http::PageRequest) -> Result<Vec<Listed>, Error> {
        let (shelf, public_url) = (self.kept.shelf(filter.status), self.public_url.clone());
        let listed = self.db.read_stale(move |q| {
            let places = store::list(q, &filter, page.after, page.limit)?;
            shelf.fill(&places, |missing| store::products(q, missing), |p| p.located(&public_url))
        });
        Ok(listed.await?)
    }

    /// A product by id, slug or a slug that it had, whatever its status.
    pub async fn product(&self, id_or_slug: String) -> Result<Product, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>(store::product(q, &id_or_slug)?)).await?.ok_or(Error::NoProduct)?;
        Ok(found.located(&self.public_url))
    }

    /// Facts of variants for other services, by variant or by product.
    pub async fn variants(&self, products: Vec<uuid::Uuid>, variants: Vec<uuid::Uuid>) -> Result<Vec<store::VariantRow>, Error> {
        self.db.read(move |q| Ok(store::variants(q, &products, &variants)?)).await
    }
}
