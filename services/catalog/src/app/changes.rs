//! What a store does with its products once they are there.

use contracts::events::catalog::{ProductArchived, ProductPriceChanged, ProductPublished, ProductUpdated};
use contracts::{CategoryId, ProductId, VariantId, VendorId};
use kit::http::{Ifs, etag};
use kit::problem::FieldError;
use kit::{DbError, Tx};

use super::categories::misfiled_in;
use super::products::unfit;
use super::stock::put_stock;
use super::watch::watch;
use super::{App, Seller};
use crate::domain::{self, NewProduct, Product, ProductInput, ProductPatch, Status};
use crate::error::Error;
use crate::store;

/// A product that somebody wants to change, as they read it.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// Who.
    pub seller: Seller,
    /// What.
    pub product: ProductId,
    /// What they read before.
    pub ifs: Ifs,
}

impl App {
    /// Replaces all that a caller says of a product. Variants keep their ids by sku; those that are left out are gone.
    pub async fn replace(&self, edit: Edit, input: ProductInput) -> Result<Product, Error> {
        let (public_url, input) = (self.public_url.clone(), input.kept(&self.public_url));
        self.db
            .write(move |tx| {
                let (there, handle) = held(tx, &edit)?;
                let mut input = input.clone();
                stays(&there, &input)?;
                input.status.get_or_insert(there.status);
                input.handle.get_or_insert(handle);
                input.kind = Some(there.kind);
                let new = domain::check(input).map_err(Error::Invalid)?;
                may_become(there.status, new.status)?;
                if let Some(refusal) = unfit(tx, there.vendor_id, &new)? {
                    return Err(refusal);
                }
                Ok(take_over(tx, &there, &new)?.located(&public_url))
            })
            .await
    }

    /// Changes some of what is said of a product.
    pub async fn patch(&self, edit: Edit, patch: ProductPatch) -> Result<Product, Error> {
        let public_url = self.public_url.clone();
        self.db
            .write(move |tx| {
                let (there, handle) = held(tx, &edit)?;
                let input = patch.apply(&there, &handle).map_err(Error::Invalid)?;
                let status = input.status.unwrap_or(there.status);
                may_become(there.status, status)?;
                if let Some(refusal) = misfiled_in(tx, &input, status)? {
                    return Err(refusal);
                }
                let handle = input.handle.as_deref().unwrap_or(&handle);
                if !store::update_words(tx, &there, handle, status, &input)? {
                    return Err(Error::HandleTaken);
                }
                Ok(changed(tx, &there)?.located(&public_url))
            })
            .await
    }

    /// Takes a product from sale for good. What was sold of it stays known.
    pub async fn archive(&self, edit: Edit) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let (there, _) = held(tx, &edit)?;
                if there.status != Status::Archived {
                    store::set_status(tx, there.id, Status::Archived)?;
                    changed(tx, &there)?;
                }
                Ok(())
            })
            .await
    }
}

/// The product that is to be changed, held until the end of the transaction, and its handle.
pub(super) fn held(tx: &mut Tx, edit: &Edit) -> Result<(Product, String), Error> {
    let handle = store::hold_product(tx, edit.product)?.ok_or(Error::NoProduct)?;
    let there = super::stock::owned(tx, &edit.seller, edit.product)?;
    edit.ifs.check(&etag(there.version)).map_err(Error::Stale)?;
    Ok((there, handle))
}

/// A product stays with its store, and is delivered as it always was.
fn stays(there: &Product, input: &ProductInput) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut fixed = |pointer: &str, detail: &str| {
        errors.push(FieldError { pointer: pointer.into(), code: "fixed", detail: detail.into() });
    };
    if input.vendor_id.is_some_and(|v| v != there.vendor_id) {
        fixed("/vendorId", "a product stays with its store");
    }
    if input.kind.is_some_and(|k| k != there.kind) {
        fixed("/kind", "a product is delivered as it always was");
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

fn may_become(from: Status, to: Status) -> Result<(), Error> {
    if from == to || from.next().contains(&to) { Ok(()) } else { Err(Error::IllegalStatus { from, to }) }
}

/// Makes a product what `new` says: words, pictures, variants and stock.
pub(super) fn take_over(tx: &mut Tx, there: &Product, new: &NewProduct) -> Result<Product, Error> {
    if !store::update_words(tx, there, &new.handle, new.status, &new.input)? {
        return Err(Error::HandleTaken);
    }
    let variants = store::replace_parts(tx, there, new)?;
    put_stock(tx, there.id, &new.input.variants, &variants)?;
    changed(tx, there)
}

/// A product was changed in this transaction: it gets its new version, and the others are told what is new.
pub(super) fn changed(tx: &mut Tx, before: &Product) -> Result<Product, Error> {
    store::touch(tx, before.id)?;
    let now = store::product(tx, &before.id.to_string())?.ok_or(Error::NoProduct)?;
    tx.publish(ProductUpdated {
        product_id: now.id,
        vendor_id: now.vendor_id,
        title: now.title.clone(),
        status: now.status.as_str().into(),
    })?;
    for variant in &now.variants {
        let old = before.variants.iter().find(|v| v.id == variant.id).map(|v| v.price);
        if let Some(old_price) = old.filter(|p| *p != variant.price) {
            let (product_id, variant_id, new_price) = (now.id, variant.id, variant.price);
            tx.publish(ProductPriceChanged { product_id, variant_id, old_price, new_price })?;
        }
    }
    told_of_status(tx, before.status, &now)?;
    let variants: Vec<VariantId> = now.variants.iter().map(|v| v.id).collect();
    watch(tx, &variants)?;
    Ok(now)
}

/// Says that a product is for sale, or no longer.
fn told_of_status(tx: &mut Tx, before: Status, now: &Product) -> Result<(), Error> {
    if before == now.status {
        return Ok(());
    }
    Ok(tell_status(tx, now.status, (now.id, now.vendor_id), now.title.clone(), &now.category_ids)?)
}

/// Says where a product is in its life now; of a draft nobody need know.
pub(super) fn tell_status(
    tx: &mut Tx,
    status: Status,
    (product_id, vendor_id): (ProductId, VendorId),
    title: String,
    category_ids: &[CategoryId],
) -> Result<(), DbError> {
    match status {
        Status::Published => tx.publish(ProductPublished { product_id, vendor_id, title, category_ids: category_ids.to_vec() }),
        Status::Archived => tx.publish(ProductArchived { product_id, vendor_id, title }),
        Status::Draft => Ok(()),
    }
}
