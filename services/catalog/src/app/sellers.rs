//! Who sells: whose products and stock somebody may touch.

use contracts::proto::vendors as api;
use contracts::{UserId, VendorId};

use super::App;
use crate::error::Error;

/// A store as far as the catalog cares.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub id: VendorId,
    pub name: String,
}

/// Somebody who sells.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    /// The stores they act for; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    /// As ledgers name them.
    pub actor: String,
}

impl Seller {
    /// Whether they act for this store.
    pub fn acts_for(&self, vendor: VendorId) -> bool {
        self.stores.as_ref().is_none_or(|stores| stores.contains(&vendor))
    }
}

impl App {
    /// The stores that a user acts for.
    pub async fn stores_of(&self, user: UserId) -> Result<Vec<Store>, Error> {
        let request = api::StoresOfUserRequest { user_id: user.to_string() };
        let answer = self.vendors.clone().stores_of_user(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        Ok(answer.into_inner().stores.into_iter().filter_map(read_store).collect())
    }

    /// The store that a user may write for: the one named, or the only one.
    pub async fn store_of_user(&self, user: UserId, named: Option<VendorId>) -> Result<Store, Error> {
        let mut stores = self.stores_of(user).await?.into_iter().filter(|s| named.is_none_or(|id| s.id == id));
        stores.next().ok_or(Error::NoStore)
    }

    /// Any store, for those who may write for all.
    pub async fn store(&self, id: VendorId) -> Result<Store, Error> {
        let request = api::GetStoresRequest { vendor_ids: vec![id.to_string()] };
        let answer = self.vendors.clone().get_stores(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        answer.into_inner().stores.into_iter().next().and_then(read_store).ok_or(Error::NoStore)
    }
}

fn read_store(s: api::Store) -> Option<Store> {
    Some(Store { id: s.vendor_id.parse().ok()?, name: s.name })
}
