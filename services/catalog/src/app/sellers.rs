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

/// A store that somebody acts for.
#[derive(Clone, Debug)]
pub(crate) struct Workplace {
    pub store: Store,
    /// Whether it is theirs.
    pub is_own: bool,
}

/// The store that is meant: the one named, the only one, or the only one of their own.
pub(crate) fn meant(mut places: Vec<Workplace>, named: Option<VendorId>) -> Result<Store, Error> {
    places.retain(|p| named.is_none_or(|id| p.store.id == id));
    if places.len() > 1 && places.iter().filter(|p| p.is_own).count() == 1 {
        places.retain(|p| p.is_own);
    }
    if places.len() > 1 {
        return Err(Error::StoreNeeded);
    }
    places.pop().map(|p| p.store).ok_or(Error::NoStore)
}

/// Somebody who sells.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    /// The stores they act for; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    /// The one of them that is meant where none is named.
    pub usual: Option<VendorId>,
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
    pub async fn stores_of(&self, user: UserId) -> Result<Vec<Workplace>, Error> {
        let request = api::StoresOfUserRequest { user_id: user.to_string() };
        let answer = self.vendors.clone().stores_of_user(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        let place = |s: api::Store| Some(Workplace { is_own: s.owner_id == user.to_string(), store: read_store(s)? });
        Ok(answer.into_inner().stores.into_iter().filter_map(place).collect())
    }

    /// The store that a user may write for.
    pub async fn store_of_user(&self, user: UserId, named: Option<VendorId>) -> Result<Store, Error> {
        meant(self.stores_of(user).await?, named)
    }

    /// Any store, for those who may write for all.
    pub async fn store(&self, id: VendorId) -> Result<Store, Error> {
        read_store(self.found_store(id).await?).ok_or(Error::NoStore)
    }

    /// Whether a store is there and sells.
    pub async fn is_open(&self, id: VendorId) -> Result<bool, Error> {
        match self.found_store(id).await {
            Ok(found) => Ok(found.status == "active"),
            Err(Error::NoStore) => Ok(false),
            Err(e) => Err(e),
        }
    }

    async fn found_store(&self, id: VendorId) -> Result<api::Store, Error> {
        let request = api::GetStoresRequest { vendor_ids: vec![id.to_string()], slugs: Vec::new() };
        let answer = self.vendors.clone().get_stores(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        answer.into_inner().stores.into_iter().next().ok_or(Error::NoStore)
    }
}

fn read_store(s: api::Store) -> Option<Store> {
    Some(Store { id: s.vendor_id.parse().ok()?, name: s.name })
}
