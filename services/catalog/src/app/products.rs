//! Making and importing products.

use contracts::VendorId;
use contracts::events::catalog::ProductCreated;
use kit::idempotency::Key;
use kit::{DbError, Tx};
use sha2::{Digest, Sha256};

use super::categories::misfiled_in;
use super::changes::{take_over, told_of_status};
use super::stock::{misplaced, put_stock};
use super::{App, Given, Store, created, once};
use crate::domain::{self, NewProduct, Product, ProductInput};
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
        let public_url = self.public_url.clone();
        let new = domain::check(input.kept(&public_url)).map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    if let Some(refusal) = unfit(tx, owner.id, &new)? {
                        return Err(refusal);
                    }
                    let product = add(tx, &owner, &new)?.ok_or(Error::HandleTaken)?.located(&public_url);
                    Ok(created(format!("/api/v1/products/{}", product.id), &product))
                })
            })
            .await
    }

    /// Adds or changes products of a store by handle, each wholly or not at all. Each answer stands at its product's place.
    pub async fn import(&self, owner: Store, inputs: Vec<ProductInput>) -> Result<Vec<Result<Upserted, Error>>, Error> {
        let checked: Vec<_> = inputs.into_iter().map(|input| domain::check(input.kept(&self.public_url))).collect();
        let good: Vec<_> = checked.iter().filter_map(|c| c.as_ref().ok().cloned()).collect();
        let done = self.db.write_behind(move |tx| good.iter().map(|new| upsert(tx, &owner, new)).collect::<Result<Vec<_>, DbError>>());
        let done = done.await.map_err(Error::from)?;
        let mut done = done.into_iter();
        let answer = |c: Result<NewProduct, _>| c.map_err(Error::Invalid).and_then(|_| done.next().ok_or(Error::NoProduct)?);
        Ok(checked.into_iter().map(answer).collect())
    }
}

/// Adds or changes one product; what keeps it out is an answer, so that the others of its transaction come in.
fn upsert(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Result<Upserted, Error>, DbError> {
    if let Some(refusal) = unfit(tx, owner.id, new)? {
        return Ok(Err(refusal));
    }
    match upsert_fitting(tx, owner, new) {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Db(e)) => Err(e),
        Err(other) => Err(DbError::Internal(other.to_string())),
    }
}

/// What keeps a product out that is right in itself. Nothing is written before it is known.
pub(super) fn unfit(tx: &mut Tx, vendor: VendorId, new: &NewProduct) -> Result<Option<Error>, DbError> {
    if let Some(refusal) = misfiled_in(tx, &new.input, new.status)? {
        return Ok(Some(refusal));
    }
    misplaced(tx, vendor, &new.input.variants)
}

fn upsert_fitting(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Upserted, Error> {
    let Some(stored) = store::find_by_handle(tx, owner.id, &new.handle)? else {
        return match add(tx, owner, new)? {
            Some(_) => Ok(Upserted::Created),
            None => Err(tx.lost_race().into()),
        };
    };
    let hash = hash(new);
    if stored.source_hash == hash {
        return Ok(Upserted::Unchanged);
    }
    store::hold_product(tx, stored.id)?;
    let there = store::product(tx, &stored.id.to_string())?.ok_or(Error::NoProduct)?;
    take_over(tx, &there, new)?;
    store::set_source(tx, stored.id, &hash)?;
    Ok(Upserted::Updated)
}

fn add(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Option<Product>, Error> {
    let Some((id, variants)) = store::insert(tx, (owner.id, &owner.name), new, &hash(new))? else { return Ok(None) };
    put_stock(tx, id, &new.input.variants, &variants)?;
    let (vendor_id, title) = (owner.id, new.input.title.clone());
    tx.publish(ProductCreated { product_id: id, vendor_id, title, status: new.status.as_str().into() })?;
    let made = store::product(tx, &id.to_string())?.ok_or(Error::NoProduct)?;
    told_of_status(tx, None, &made)?;
    Ok(Some(made))
}

fn hash(new: &NewProduct) -> Vec<u8> {
    Sha256::digest(serde_json::to_vec(new).expect("a product always makes JSON")).to_vec()
}
