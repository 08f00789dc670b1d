//! The use cases of the catalog, one transaction each.

mod products;
mod reservations;

use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::{ProductId, VariantId, WarehouseId, events};
use kit::Db;
use kit::channel::Channel;

use crate::domain::Product;
use crate::error::Error;
use crate::store;

pub(crate) use products::{Created, Store, Upserted, answer};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub vendors: VendorsClient<Channel>,
}

/// A product's stock in one warehouse.
pub(crate) struct Level {
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    pub on_hand: i64,
    pub reserved: i64,
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

    /// The product's own store, and its stock by warehouse.
    pub async fn levels(&self, product: ProductId) -> Result<(Product, Vec<Level>), Error> {
        self.db
            .read(move |q| {
                let found = store::product(q, &product.to_string())?.ok_or(Error::NoProduct)?;
                let levels = store::levels(q, product.0)?;
                let levels = levels.into_iter().map(|l| Level {
                    variant_id: l.variant_id,
                    warehouse_id: l.warehouse_id,
                    on_hand: l.on_hand,
                    reserved: l.reserved,
                });
                Ok((found, levels.collect()))
            })
            .await
    }

    /// Adds to (or takes from) what is on hand, with a reason that the log keeps.
    pub async fn adjust(&self, product: ProductId, change: Adjustment) -> Result<i64, Error> {
        self.db
            .write(move |tx| {
                let known = store::product(tx, &product.to_string())?.ok_or(Error::NoProduct)?;
                if !known.variants.iter().any(|v| v.id == change.variant_id) {
                    return Err(Error::NoVariant);
                }
                if !store::warehouses(tx)?.iter().any(|(id, _, _)| *id == change.warehouse_id) {
                    return Err(Error::NoWarehouse);
                }
                let on_hand = store::adjust(tx, change.variant_id, change.warehouse_id, change.delta)?.ok_or(Error::BelowReserved)?;
                tx.publish(events::catalog::InventoryUpdated {
                    product_id: product,
                    variant_id: change.variant_id,
                    warehouse_id: change.warehouse_id,
                    delta: change.delta,
                    on_hand,
                    reason: change.reason.clone(),
                })?;
                Ok(on_hand)
            })
            .await
    }

    /// Id, code and name of every warehouse.
    pub async fn warehouses(&self) -> Result<Vec<(WarehouseId, String, String)>, Error> {
        self.db.read(|q| Ok(store::warehouses(q)?)).await
    }
}

/// A change of what is on hand.
#[derive(Clone, Debug)]
pub(crate) struct Adjustment {
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    pub delta: i64,
    pub reason: String,
}
