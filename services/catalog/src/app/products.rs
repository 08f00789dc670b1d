//! Making and importing products.

use contracts::events::catalog::{ProductCreated, ProductUpdated};
use contracts::proto::vendors as api;
use contracts::{ProductId, UserId, VendorId};
use kit::Tx;
use kit::idempotency::{self, Answer, Key, Seen};
use sha2::{Digest, Sha256};

use super::App;
use super::stock::put_stock;
use crate::domain::{self, NewProduct, Product, ProductInput};
use crate::error::Error;
use crate::store;

/// A store as far as the catalog cares.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub id: VendorId,
    pub name: String,
}

/// What an import did with one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upserted {
    Created,
    Updated,
    Unchanged,
}

impl App {
    /// The store that a user may write for: the one named, or the only one.
    pub async fn store_of_user(&self, user: UserId, named: Option<VendorId>) -> Result<Store, Error> {
        let request = api::StoresOfUserRequest { user_id: user.to_string() };
        let answer = self.vendors.clone().stores_of_user(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        let mut stores = answer.into_inner().stores.into_iter().filter(|s| named.is_none_or(|id| s.vendor_id == id.to_string()));
        stores.next().and_then(read_store).ok_or(Error::NoStore)
    }

    /// Any store, for those who may write for all.
    pub async fn store(&self, id: VendorId) -> Result<Store, Error> {
        let request = api::GetStoresRequest { vendor_ids: vec![id.to_string()] };
        let answer = self.vendors.clone().get_stores(request).await.map_err(|_| Error::Unreachable("vendors"))?;
        answer.into_inner().stores.into_iter().next().and_then(read_store).ok_or(Error::NoStore)
    }

    /// Adds a product to a store. With a key, a repeat answers with the product of the first time.
    pub async fn create(&self, owner: Store, input: ProductInput, key: Option<Key>) -> Result<Created, Error> {
        let new = domain::check(input).map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                if let Some(key) = &key {
                    match idempotency::look_up(tx, key)? {
                        Seen::New => {}
                        Seen::Answered(answer) => return Ok(Created::Before(answer)),
                        Seen::Claimed(_) => return Ok(Created::Running),
                        Seen::Mismatch => return Ok(Created::Mismatch),
                    }
                }
                let id = add(tx, &owner, &new)?.ok_or(Error::HandleTaken)?;
                let product = store::product(tx, &id.to_string())?.ok_or(Error::NoProduct)?;
                if let Some(key) = &key {
                    idempotency::remember(tx, key, &answer(&product))?;
                }
                Ok(Created::Now(Box::new(product)))
            })
            .await
    }

    /// Adds or changes products of a store by handle, each wholly or not at all. Each answer stands at its product's place.
    pub async fn import(&self, owner: Store, inputs: Vec<ProductInput>) -> Result<Vec<Result<Upserted, Error>>, Error> {
        let checked: Vec<_> = inputs.into_iter().map(domain::check).collect();
        let good: Vec<_> = checked.iter().filter_map(|c| c.as_ref().ok().cloned()).collect();
        let done =
            self.db.write_behind(move |tx| good.iter().map(|new| upsert(tx, &owner, new)).collect::<Result<Vec<_>, Error>>()).await?;
        let mut done = done.into_iter();
        Ok(checked.into_iter().map(|c| c.map_err(Error::Invalid).and_then(|_| done.next().ok_or(Error::NoProduct))).collect())
    }
}

/// How a product came to be.
pub(crate) enum Created {
    Now(Box<Product>),
    Before(Answer),
    Running,
    Mismatch,
}

/// The answer to `POST /products`.
pub(crate) fn answer(product: &Product) -> Answer {
    let body = serde_json::to_vec(product).expect("a product always makes JSON");
    Answer { status: 201, location: Some(format!("/api/v1/products/{}", product.id)), body }
}

fn upsert(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Upserted, Error> {
    let Some(stored) = store::find_by_handle(tx, owner.id, &new.handle)? else {
        add(tx, owner, new)?.ok_or(Error::HandleTaken)?;
        return Ok(Upserted::Created);
    };
    let hash = hash(new);
    if stored.source_hash == hash {
        return Ok(Upserted::Unchanged);
    }
    let variants = store::replace(tx, stored.id, new, &hash)?;
    put_stock(tx, stored.id, new, &variants)?;
    tx.publish(ProductUpdated {
        product_id: stored.id,
        vendor_id: owner.id,
        title: new.input.title.clone(),
        status: new.input.status.as_str().into(),
    })?;
    Ok(Upserted::Updated)
}

fn add(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Option<ProductId>, Error> {
    let Some((id, variants)) = store::insert(tx, (owner.id, &owner.name), new, &hash(new))? else { return Ok(None) };
    put_stock(tx, id, new, &variants)?;
    tx.publish(ProductCreated {
        product_id: id,
        vendor_id: owner.id,
        title: new.input.title.clone(),
        status: new.input.status.as_str().into(),
    })?;
    Ok(Some(id))
}

fn hash(new: &NewProduct) -> Vec<u8> {
    Sha256::digest(serde_json::to_vec(new).expect("a product always makes JSON")).to_vec()
}

fn read_store(s: api::Store) -> Option<Store> {
    Some(Store { id: s.vendor_id.parse().ok()?, name: s.name })
}
