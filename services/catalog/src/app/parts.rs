//! Variants and pictures of products, one at a time.

use contracts::VariantId;
use kit::Tx;
use kit::idempotency::{Answer, Given, Key, once};
use kit::problem::FieldError;
use uuid::Uuid;

use super::App;
use super::changes::{Edit, changed, held};
use super::stock::{misplaced, put_stock};
use crate::domain::{MEDIA_MAX, Media, MediaInput, Product, VARIANTS_MAX, Variant, VariantInput, media_errors, variant_errors};
use crate::error::Error;
use crate::store;

impl App {
    /// Adds a variant.
    pub async fn add_variant(&self, edit: Edit, input: VariantInput, key: Option<Key>) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let (there, _) = held(tx, &edit)?;
                    if there.variants.len() >= VARIANTS_MAX {
                        return Err(Error::TooMany("a product has at most 100 variants"));
                    }
                    fits(tx, &there, &input)?;
                    if there.variants.iter().any(|v| v.sku == input.sku.trim()) {
                        return Err(Error::SkuTaken);
                    }
                    let place = store::next_place(tx, there.id)?;
                    let made = store::put_variants(tx, there.id, std::slice::from_ref(&input), place)?;
                    put_stock(tx, there.id, std::slice::from_ref(&input), &made)?;
                    let variant = one(changed(tx, &there)?, *made.first().ok_or(Error::NoVariant)?)?;
                    Ok(Answer::new(201, Some(format!("/api/v1/products/{}/variants", there.id)), &variant))
                })
            })
            .await
    }

    /// Replaces a variant.
    pub async fn change_variant(&self, edit: Edit, variant: VariantId, input: VariantInput) -> Result<(Variant, i64), Error> {
        self.db
            .write(move |tx| {
                let (there, _) = held(tx, &edit)?;
                there.variants.iter().find(|v| v.id == variant).ok_or(Error::UnknownVariant)?;
                // The only variant sets the product's currency.
                let others = Product { variants: there.variants.iter().filter(|v| v.id != variant).cloned().collect(), ..there.clone() };
                fits(tx, &others, &input)?;
                if !store::update_variant(tx, there.id, variant, &input)? {
                    return Err(Error::SkuTaken);
                }
                put_stock(tx, there.id, std::slice::from_ref(&input), &[variant])?;
                let now = changed(tx, &there)?;
                let version = now.version;
                Ok((one(now, variant)?, version))
            })
            .await
    }

    /// Takes a variant from sale; the last one stays, since a product is what can be bought of it.
    pub async fn remove_variant(&self, edit: Edit, variant: VariantId) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let (there, _) = held(tx, &edit)?;
                there.variants.iter().find(|v| v.id == variant).ok_or(Error::UnknownVariant)?;
                if there.variants.len() == 1 {
                    return Err(Error::LastVariant);
                }
                store::remove_variant(tx, variant)?;
                changed(tx, &there).map(drop)
            })
            .await
    }

    /// Adds a picture behind the others.
    pub async fn add_picture(&self, edit: Edit, input: MediaInput, key: Option<Key>) -> Result<Given, Error> {
        let (public_url, input) = (self.public_url.clone(), input.kept(&self.public_url));
        let errors = media_errors(std::slice::from_ref(&input));
        if !errors.is_empty() {
            return Err(Error::Invalid(errors.into_iter().map(unnumbered).collect()));
        }
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let (there, _) = held(tx, &edit)?;
                    if there.media.len() >= MEDIA_MAX {
                        return Err(Error::TooMany("a product has at most 50 pictures"));
                    }
                    let picture = Media { id: tx.id(), url: input.url.clone(), alt: input.alt.clone() };
                    let all: Vec<Media> = there.media.iter().cloned().chain([picture.clone()]).collect();
                    store::set_media(tx, there.id, &all)?;
                    changed(tx, &there)?;
                    Ok(Answer::new(201, Some(format!("/api/v1/products/{}", there.id)), &picture.located(&public_url)))
                })
            })
            .await
    }

    /// Takes a picture away.
    pub async fn remove_picture(&self, edit: Edit, picture: Uuid) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let (there, _) = held(tx, &edit)?;
                let left: Vec<Media> = there.media.iter().filter(|m| m.id != picture).cloned().collect();
                if left.len() == there.media.len() {
                    return Err(Error::NoPicture);
                }
                store::set_media(tx, there.id, &left)?;
                changed(tx, &there).map(drop)
            })
            .await
    }

    /// Puts the pictures in another order; all of them are named.
    pub async fn order_pictures(&self, edit: Edit, ids: Vec<Uuid>) -> Result<Product, Error> {
        let public_url = self.public_url.clone();
        self.db
            .write(move |tx| {
                let (there, _) = held(tx, &edit)?;
                let found = |id: &Uuid| there.media.iter().find(|m| m.id == *id).cloned();
                let ordered: Vec<Media> = ids.iter().filter_map(found).collect();
                let mut named = ids.clone();
                named.sort();
                named.dedup();
                if ordered.len() != there.media.len() || named.len() != ids.len() || ids.len() != there.media.len() {
                    let detail = "name each picture of the product once, and no other".into();
                    return Err(Error::Invalid(vec![FieldError { pointer: "/ids".into(), code: "not_the_pictures", detail }]));
                }
                store::set_media(tx, there.id, &ordered)?;
                Ok(changed(tx, &there)?.located(&public_url))
            })
            .await
    }
}

fn one(product: Product, variant: VariantId) -> Result<Variant, Error> {
    product.variants.into_iter().find(|v| v.id == variant).ok_or(Error::NoVariant)
}

/// Whether a variant fits its product: the others' currency, and warehouses that the store has.
fn fits(tx: &mut Tx, there: &Product, input: &VariantInput) -> Result<(), Error> {
    let currency = there.variants.iter().map(|v| v.price.currency).next().unwrap_or(input.price.currency);
    let errors = variant_errors(input, there.kind, Some(currency));
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    misplaced(tx, there.vendor_id, std::slice::from_ref(input))?.map_or(Ok(()), Err)
}

/// The pointer into the only element of a list as one into that element.
fn unnumbered(e: FieldError) -> FieldError {
    FieldError { pointer: e.pointer.trim_start_matches("/0").to_owned(), ..e }
}
