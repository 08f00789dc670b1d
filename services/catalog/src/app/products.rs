//! Making products.

use contracts::events::catalog::ProductCreated;
use contracts::{ProductId, VendorId};
use kit::idempotency::{Answer, Given, Key, once};
use kit::{DbError, Tx};
use sha2::{Digest, Sha256};

use super::categories::misfiled_in;
use super::changes::tell_status;
use super::stock::{misplaced, open_stock};
use super::{App, Store};
use crate::domain::{self, NewProduct, Product, ProductInput};
use crate::error::Error;
use crate::store;

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
                    Ok(Answer::new(201, Some(format!("/api/v1/products/{}", product.id)), &product))
                })
            })
            .await
    }
}

/// What keeps a product out that is right in itself. Nothing is written before it is known.
pub(super) fn unfit(tx: &mut Tx, vendor: VendorId, new: &NewProduct) -> Result<Option<Error>, DbError> {
    if let Some(refusal) = misfiled_in(tx, &new.input, new.status)? {
        return Ok(Some(refusal));
    }
    misplaced(tx, vendor, &new.input.variants)
}

/// Adds a product; `None` where the store has one with the handle.
fn add(tx: &mut Tx, owner: &Store, new: &NewProduct) -> Result<Option<Product>, Error> {
    let Some(id) = add_all(tx, owner, &[new])?.and_then(|made| made.first().copied()) else { return Ok(None) };
    Ok(Some(store::product(tx, &id.to_string())?.ok_or(Error::NoProduct)?))
}

/// Adds products with their opening stock, and tells the others; `None` where the store has one with such a handle.
pub(super) fn add_all(tx: &mut Tx, owner: &Store, list: &[&NewProduct]) -> Result<Option<Vec<ProductId>>, Error> {
    let hashed: Vec<_> = list.iter().map(|new| (*new, hash(new))).collect();
    let Some(made) = store::insert(tx, (owner.id, &owner.name), &hashed)? else { return Ok(None) };
    let stocked: Vec<_> =
        list.iter().zip(&made).map(|(new, made)| (made.id, new.input.variants.as_slice(), made.variants.as_slice())).collect();
    open_stock(tx, &stocked)?;
    for (new, made) in list.iter().zip(&made) {
        let (product_id, vendor_id, title) = (made.id, owner.id, new.input.title.trim().to_owned());
        tx.publish(ProductCreated { product_id, vendor_id, title: title.clone(), status: new.status.as_str().into() })?;
        tell_status(tx, new.status, (product_id, vendor_id), title, &new.input.category_ids)?;
    }
    Ok(Some(made.into_iter().map(|m| m.id).collect()))
}

/// What tells whether an import brings anything new: the same for all ways to say the same.
pub(super) fn hash(new: &NewProduct) -> Vec<u8> {
    Sha256::digest(new.content(store::MAIN_WAREHOUSE).to_string()).to_vec()
}
