//! Stock that is not what its movements and reservations say: found, and put right.
//!
//! What is on hand is the sum of a place's movements; what is reserved is what live reservations hold there. Who looks
//! through everything holds nothing meanwhile; what seems wrong is looked at again with its rows held.

use std::collections::BTreeMap;

use contracts::events::catalog::InventoryUpdated;
use contracts::{VariantId, WarehouseId};
use kit::Tx;
use uuid::Uuid;

use super::App;
use super::watch::watch;
use crate::error::Error;
use crate::store::{self, Movement, Places};

/// How many rows are looked at in one go.
const LOOKED_AT_ONCE: i64 = 500;
/// How many variants are put right in one transaction.
const MENDED_AT_ONCE: usize = 20;

type Place = (VariantId, WarehouseId);

/// What a place has, and what it should have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    pub on_hand: i64,
    pub on_hand_right: i64,
    pub reserved: i64,
    pub reserved_right: i64,
    /// What its movements come to.
    moved: i64,
}

impl App {
    /// Looks through all stock and, but for a dry run, puts right what differs; each difference as it was found.
    pub async fn repair_stock(&self, dry_run: bool) -> Result<Vec<Difference>, Error> {
        let mut found = Vec::new();
        for variants in self.suspects().await?.chunks(MENDED_AT_ONCE) {
            let variants = variants.to_vec();
            found.extend(self.db.write_behind(move |tx| mend(tx, &variants, dry_run)).await?);
        }
        Ok(found)
    }

    /// Variants whose stock seems wrong.
    async fn suspects(&self) -> Result<Vec<VariantId>, Error> {
        let mut held = self.held().await?;
        let (mut suspects, mut after) = (Vec::new(), Uuid::nil());
        loop {
            let (variants, stock, moved) = self
                .db
                .read(move |q| {
                    let variants = store::variants_after(q, after, LOOKED_AT_ONCE)?;
                    if variants.is_empty() {
                        return Ok::<_, Error>(Default::default());
                    }
                    let (stock, moved) = (store::stock_seen(q, &variants)?, store::moved(q, &variants)?);
                    Ok((variants, stock, moved))
                })
                .await?;
            let Some(last) = variants.last().copied() else { return Ok(suspects) };
            let rest = held.split_off(&(last, WarehouseId(Uuid::max())));
            let of_these = std::mem::replace(&mut held, rest);
            suspects.extend(differences(&stock, &moved, &of_these).into_iter().map(|d| d.variant_id));
            suspects.dedup();
            after = last.0;
        }
    }

    /// What is held by all reservations, by place.
    async fn held(&self) -> Result<BTreeMap<Place, i64>, Error> {
        let (mut held, mut after) = (BTreeMap::new(), Uuid::nil());
        loop {
            let page = self.db.read(move |q| Ok::<_, Error>(store::live_reservations(q, after, LOOKED_AT_ONCE)?)).await?;
            let Some((last, _)) = page.last() else { return Ok(held) };
            after = *last;
            for (place, quantity) in page.iter().flat_map(|(_, r)| r.held()) {
                *held.entry(place).or_insert(0) += quantity;
            }
        }
    }
}

/// Puts the stock of some variants right; what was wrong with it.
fn mend(tx: &mut Tx, variants: &[VariantId], dry_run: bool) -> Result<Vec<Difference>, Error> {
    let stock = store::stock_of(tx, variants)?;
    let moved = store::moved(tx, variants)?;
    let mut held = BTreeMap::new();
    for (place, quantity) in store::reservations_of(tx, variants)?.iter().flat_map(|r| r.held()) {
        if variants.contains(&place.0) {
            *held.entry(place).or_insert(0) += quantity;
        }
    }
    let found = differences(&stock, &moved, &held);
    if dry_run || found.is_empty() {
        return Ok(found);
    }
    let products = store::products_of(tx, variants)?;
    let mut movements = Vec::with_capacity(found.len());
    for d in &found {
        let product_id = products.get(&d.variant_id).copied().ok_or(Error::NoVariant)?;
        store::set_stock(tx, (d.variant_id, d.warehouse_id), d.on_hand_right, d.reserved_right)?;
        let reason = format!("there were {} on hand and {} reserved", d.on_hand, d.reserved);
        if d.on_hand != d.on_hand_right {
            let (variant_id, warehouse_id, on_hand) = (d.variant_id, d.warehouse_id, d.on_hand_right);
            let delta = d.on_hand_right - d.on_hand;
            tx.publish(InventoryUpdated { product_id, variant_id, warehouse_id, delta, on_hand, reason: reason.clone() })?;
        }
        movements.push(Movement {
            product_id,
            variant_id: d.variant_id,
            warehouse_id: d.warehouse_id,
            kind: "repaired".into(),
            // Movements come to what is on hand: mostly they do so already.
            delta: d.on_hand_right - d.moved,
            on_hand: d.on_hand_right,
            reservation_id: None,
            reason,
            actor: None,
        });
    }
    store::insert_movements(tx, &movements)?;
    watch(tx, variants)?;
    Ok(found)
}

/// Where stock is not what movements and reservations say. What is reserved lies there, whatever the movements say.
fn differences(stock: &Places, moved: &BTreeMap<Place, i64>, held: &BTreeMap<Place, i64>) -> Vec<Difference> {
    let mut places: Vec<Place> = stock.keys().chain(moved.keys()).chain(held.keys()).copied().collect();
    places.sort();
    places.dedup();
    let difference = |place: Place| {
        let (on_hand, reserved) = stock.get(&place).copied().unwrap_or_default();
        let (moved, reserved_right) = (moved.get(&place).copied().unwrap_or(0), held.get(&place).copied().unwrap_or(0));
        let on_hand_right = moved.max(reserved_right);
        let (variant_id, warehouse_id) = place;
        Difference { variant_id, warehouse_id, on_hand, on_hand_right, reserved, reserved_right, moved }
    };
    let wrong = |d: &Difference| d.on_hand != d.on_hand_right || d.reserved != d.reserved_right || d.moved != d.on_hand_right;
    places.into_iter().map(difference).filter(wrong).collect()
}
