//! Making and importing products.

use contracts::ProductId;
use contracts::events::catalog::{ProductCreated, ProductUpdated};
use kit::Tx;
use kit::idempotency::Key;
use sha2::{Digest, Sha256};

use super::stock::put_stock;
use super::watch::watch;
use super::{App, Given, Store, created, once};
use crate::domain::{self, NewProduct, ProductInput};
use crate::error::Error;
use crate::store;

/// What an import did with one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upserted {
    Created,
    Updated,
    Unchanged,
}

impl App {
    /// Adds a product to a store. With a key, a repeat answers with the product of the first time.
    pub async fn create(&self, owner: Store, input: ProductInput, key: Option<Key>) -> Result<Given, Error> {
        let new = domain::check(input).map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let id = add(tx, &owner, &new)?.ok_or(Error::HandleTaken)?;
                    let product = store::product(tx, &id.to_string())?.ok_or(Error::NoProduct)?;
                    Ok(created(format!("/api/v1/products/{id}"), &product))
                })
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
    put_stock(tx, owner.id, stored.id, new, &variants)?;
    watch(tx, &variants)?;
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
    put_stock(tx, owner.id, id, new, &variants)?;
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
