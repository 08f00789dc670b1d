//! Who is told of stock: a store when few are left, shoppers when what they waited for is back.

use contracts::events::catalog::{InventoryLow, ProductBackInStock};
use contracts::{ProductId, UserId, VariantId};
use kit::Tx;
use kit::idempotency::{Answer, Given, Key, once};
use kit::jobs::{self, Job, JobOutcome};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use crate::domain::{Product, Status};
use crate::error::Error;
use crate::store;

/// The kind of the job that tells those who wait; its payload names the variant.
pub(crate) const BACK_IN_STOCK: &str = "back_in_stock";

/// How many are told in one transaction.
const TOLD_AT_ONCE: i64 = 200;

/// That somebody waits for a variant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StockWait {
    /// The product.
    product_id: ProductId,
    /// The variant.
    variant_id: VariantId,
}

impl App {
    /// Somebody wants to know when a variant can be bought again; without a variant, the product's only one.
    pub async fn wait_for_stock(
        &self,
        user: UserId,
        product: ProductId,
        variant: Option<VariantId>,
        key: Option<Key>,
    ) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let found = store::product(tx, &product.to_string())?.filter(|p| p.status == Status::Published);
                    let variant_id = chosen(&found.ok_or(Error::NoProduct)?, variant)?;
                    if has_stock(tx, variant_id)? {
                        return Err(Error::InStock);
                    }
                    store::wait_for(tx, variant_id, user)?;
                    let location = format!("/api/v1/products/{product}/back-in-stock");
                    Ok(Answer::new(201, Some(location), &StockWait { product_id: product, variant_id }))
                })
            })
            .await
    }

    /// Tells those who wait for the variant that it is back, as long as it is.
    pub async fn run_back_in_stock(&self, job: Job) -> JobOutcome {
        let Some(variant) = job.payload["variantId"].as_str().and_then(|v| v.parse().ok()) else {
            return JobOutcome::Failed("a payload without a variant".into());
        };
        self.tell_who_waits(variant).await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
    }

    async fn tell_who_waits(&self, variant: VariantId) -> Result<(), Error> {
        loop {
            let told = self.db.write_behind(move |tx| tell_some(tx, variant)).await?;
            if (told as i64) < TOLD_AT_ONCE {
                return Ok(());
            }
        }
    }
}

fn tell_some(tx: &mut Tx, variant: VariantId) -> Result<usize, Error> {
    let Some(found) = store::watched(tx, &[variant])?.pop().filter(|w| w.buyable && w.available > 0) else { return Ok(0) };
    let users = store::take_waiting(tx, variant, TOLD_AT_ONCE)?;
    for user_id in &users {
        tx.publish(ProductBackInStock {
            product_id: found.product_id,
            variant_id: variant,
            vendor_id: found.vendor_id,
            user_id: *user_id,
            title: found.title.clone(),
            slug: found.slug.clone(),
        })?;
    }
    Ok(users.len())
}

fn chosen(product: &Product, named: Option<VariantId>) -> Result<VariantId, Error> {
    let variant = match (named, product.variants.as_slice()) {
        (None, [only]) => only,
        (None, _) => return Err(Error::VariantNeeded),
        (Some(id), variants) => variants.iter().find(|v| v.id == id).ok_or(Error::NoVariant)?,
    };
    if variant.available.is_none() { Err(Error::InStock) } else { Ok(variant.id) }
}

/// Whether there is some, with the rows held: who adds stock at this moment waits, and then finds who waits for it.
fn has_stock(tx: &mut Tx, variant: VariantId) -> Result<bool, Error> {
    store::ensure_main_warehouse(tx)?;
    store::open_stock(tx, &[(variant, store::MAIN_WAREHOUSE, 0)])?;
    let places = store::stock_of(tx, &[variant])?;
    Ok(places.values().map(|(on_hand, reserved)| on_hand - reserved).sum::<i64>() > 0)
}

/// Looks at variants whose stock has changed in this transaction, and tells who is to be told.
pub(super) fn watch(tx: &mut Tx, variants: &[VariantId]) -> Result<(), Error> {
    for w in store::watched(tx, variants)? {
        let is_low = w.available <= w.low_stock_at;
        if is_low && !w.is_low && store::note_low(tx, w.variant_id)? {
            let (product_id, variant_id, vendor_id) = (w.product_id, w.variant_id, w.vendor_id);
            let (available, low_stock_at) = (w.available, w.low_stock_at);
            tx.publish(InventoryLow { product_id, variant_id, vendor_id, title: w.title, available, low_stock_at })?;
        } else if !is_low && w.is_low {
            store::forget_low(tx, w.variant_id)?;
        }
        if w.awaited && w.buyable && w.available > 0 {
            // A key of its own: a job that ends at this moment may have looked before.
            let (key, now) = (format!("{} {}", w.variant_id, tx.id()), tx.now());
            jobs::queue(tx, BACK_IN_STOCK, &key, json!({ "variantId": w.variant_id }), now)?;
        }
    }
    Ok(())
}
