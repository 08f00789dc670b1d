//! The use cases of stores.

use contracts::{UserId, VendorId};
use kit::Db;

use crate::domain::{Store, is_slug};
use crate::error::Error;
use crate::store;

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub default_rate: i64,
}

impl App {
    /// Stores by id; unknown ones are absent.
    pub async fn stores(&self, ids: Vec<VendorId>) -> Result<Vec<Store>, Error> {
        self.db.read(move |q| Ok(store::by_ids(q, &ids)?)).await
    }

    /// The stores that a user may act for.
    pub async fn stores_of(&self, user: UserId) -> Result<Vec<Store>, Error> {
        self.db.read(move |q| Ok(store::of_owner(q, user)?)).await
    }

    /// The store with a slug, opened where it is missing.
    pub async fn ensure(&self, slug: String, name: String, owner: Option<UserId>) -> Result<Store, Error> {
        if !is_slug(&slug) {
            return Err(Error::InvalidSlug);
        }
        self.db
            .write(move |tx| {
                if let Some(found) = store::by_slug(tx, &slug)? {
                    return Ok(found);
                }
                store::insert(tx, &slug, if name.is_empty() { &slug } else { &name }, owner)?;
                store::by_slug(tx, &slug)?.ok_or(Error::NoStore)
            })
            .await
    }

    /// The commission rate of each line's store, in basis points, in order.
    pub async fn commission_rates(&self, vendors: Vec<VendorId>) -> Result<Vec<i64>, Error> {
        let stores = self.stores(vendors.clone()).await?;
        let rate = |id: &VendorId| stores.iter().find(|s| s.id == *id).and_then(|s| s.commission_basis_points);
        Ok(vendors.iter().map(|id| rate(id).unwrap_or(self.default_rate)).collect())
    }
}
