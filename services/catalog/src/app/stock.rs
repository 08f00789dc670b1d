//! How much there is, where, and why.

use std::collections::BTreeMap;

use contracts::events::catalog::InventoryUpdated;
use contracts::{ProductId, ReservationId, VariantId, VendorId, WarehouseId};
use kit::http::PageRequest;
use kit::idempotency::{Answer, Given, Key, once};
use kit::{DbError, Query, Tx};

use super::watch::watch;
use super::{App, Inventory, Seller, StockMovement};
use crate::domain::{Change, Kind, Product, Status, VariantInput};
use crate::error::Error;
use crate::store::{self, Movement, MovementFilter};

/// A change of what is on hand that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct Adjustment {
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    pub delta: i64,
    pub reason: String,
}

/// What stands behind a change of stock, for the ledger.
pub(super) struct Why {
    kind: &'static str,
    reservation_id: Option<ReservationId>,
    reason: String,
    actor: Option<String>,
}

impl Why {
    fn of_order(kind: &'static str, id: ReservationId) -> Why {
        Why { kind, reservation_id: Some(id), reason: kind.to_owned(), actor: None }
    }

    /// Goods of an order leave.
    pub fn shipped(id: ReservationId) -> Why {
        Why::of_order("shipped", id)
    }

    /// Goods of an order come back.
    pub fn restocked(id: ReservationId) -> Why {
        Why::of_order("restocked", id)
    }

    /// An order does not need its stock any more; nothing on hand changes.
    pub fn released(id: ReservationId) -> Why {
        Why::of_order("released", id)
    }
}

impl App {
    /// A product's stock: by warehouse for those who sell it, in sum for everybody else.
    pub async fn inventory(&self, seller: Option<Seller>, product: ProductId) -> Result<Inventory, Error> {
        self.db
            .read(move |q| {
                let found = store::product(q, &product.to_string())?.ok_or(Error::NoProduct)?;
                let is_seller = seller.as_ref().is_some_and(|s| s.acts_for(found.vendor_id));
                if is_seller && found.kind == Kind::Physical {
                    return Ok(Inventory::by_warehouse(store::levels(q, product.0)?));
                }
                // What never runs out lies in no warehouse.
                if is_seller || found.status == Status::Published { Ok(Inventory::in_sum(&found)) } else { Err(Error::NoProduct) }
            })
            .await
    }

    /// Why there is as much as there is, newest first; one more than the limit where there are more.
    pub async fn movements(&self, seller: Seller, filter: MovementFilter, page: PageRequest) -> Result<Vec<StockMovement>, Error> {
        self.db
            .read(move |q| {
                owned(q, &seller, filter.product_id)?;
                let found = store::movements(q, &filter, page.after, page.limit)?;
                Ok(found.into_iter().map(StockMovement::from).collect())
            })
            .await
    }

    /// Adds to (or takes from) what is on hand, with a reason that the ledger keeps.
    pub async fn adjust(&self, seller: Seller, product: ProductId, wanted: Adjustment, key: Option<Key>) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let known = owned(tx, &seller, product)?;
                    adjust(tx, &known, &wanted, &seller)?;
                    let now = Inventory::by_warehouse(store::levels(tx, product.0)?);
                    Ok(Answer::new(200, None, &now))
                })
            })
            .await
    }
}

/// A product of one of the seller's stores, whatever its status.
pub(super) fn owned(q: &mut Query, seller: &Seller, product: ProductId) -> Result<Product, Error> {
    let found = store::product(q, &product.to_string())?;
    found.filter(|p| seller.acts_for(p.vendor_id)).ok_or(Error::NoProduct)
}

fn adjust(tx: &mut Tx, known: &Product, wanted: &Adjustment, seller: &Seller) -> Result<(), Error> {
    let (variant_id, warehouse_id) = (wanted.variant_id, wanted.warehouse_id);
    if !known.variants.iter().any(|v| v.id == variant_id) {
        return Err(Error::NoVariant);
    }
    if known.kind != Kind::Physical {
        return Err(Error::NoStock);
    }
    if !store::warehouses(tx, Some(&[known.vendor_id]))?.iter().any(|w| w.id == warehouse_id) {
        return Err(Error::NoWarehouse);
    }
    store::open_stock(tx, &[(variant_id, warehouse_id, 0)])?;
    let change = Change { variant_id, warehouse_id, on_hand: wanted.delta, reserved: 0 };
    let (reason, actor) = (wanted.reason.clone(), Some(seller.actor.clone()));
    move_stock(tx, &[change], &Why { kind: "adjusted", reservation_id: None, reason, actor })
}

/// Changes stock and, where what is on hand changes, writes down why and tells the others. Places are touched in one order.
pub(super) fn move_stock(tx: &mut Tx, changes: &[Change], why: &Why) -> Result<(), Error> {
    let mut sorted = changes.to_vec();
    sorted.sort_by_key(|c| (c.variant_id, c.warehouse_id));
    let moved: Vec<VariantId> = sorted.iter().filter(|c| c.on_hand != 0).map(|c| c.variant_id).collect();
    let products = store::products_of(tx, &moved)?;
    let mut movements = Vec::with_capacity(moved.len());
    for change in &sorted {
        let Some(on_hand) = store::change(tx, change)? else {
            return Err(if why.reservation_id.is_some() { unbalanced(change) } else { Error::BelowReserved });
        };
        if change.on_hand == 0 {
            continue;
        }
        let product_id = products.get(&change.variant_id).copied().ok_or(Error::NoVariant)?;
        movements.push(movement(product_id, change, on_hand, why));
        tx.publish(InventoryUpdated {
            product_id,
            variant_id: change.variant_id,
            warehouse_id: change.warehouse_id,
            delta: change.on_hand,
            on_hand,
            reason: why.reason.clone(),
        })?;
    }
    store::insert_movements(tx, &movements)?;
    let mut watched: Vec<VariantId> = sorted.iter().filter(|c| c.on_hand != c.reserved).map(|c| c.variant_id).collect();
    watched.dedup();
    watch(tx, &watched)
}

/// What a reservation holds is always there: the database says so with every change. Anything else is a fault to be seen.
fn unbalanced(change: &Change) -> Error {
    DbError::Internal(format!("stock does not bear {change:?}")).into()
}

fn movement(product_id: ProductId, change: &Change, on_hand: i64, why: &Why) -> Movement {
    Movement {
        product_id,
        variant_id: change.variant_id,
        warehouse_id: change.warehouse_id,
        kind: why.kind.to_owned(),
        delta: change.on_hand,
        on_hand,
        reservation_id: why.reservation_id,
        reason: why.reason.clone(),
        actor: why.actor.clone(),
    }
}

/// Sets what is on hand to what a product says, never below what is reserved. What it does not mention stays.
pub(super) fn put_stock(tx: &mut Tx, product: ProductId, inputs: &[VariantInput], variants: &[VariantId]) -> Result<(), Error> {
    let wanted = wanted_stock(inputs, variants);
    if wanted.is_empty() {
        return Ok(());
    }
    store::ensure_main_warehouse(tx)?;
    let mut named: Vec<VariantId> = wanted.keys().map(|(variant, _)| *variant).collect();
    named.dedup();
    let there = store::stock_of(tx, &named)?;
    let (mut opened, mut movements, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    let received = Why { kind: "received", reservation_id: None, reason: "opening stock".into(), actor: None };
    for ((variant_id, warehouse_id), count) in wanted {
        match there.get(&(variant_id, warehouse_id)) {
            Some((on_hand, reserved)) => {
                let delta = count.max(*reserved) - on_hand;
                if delta != 0 {
                    changes.push(Change { variant_id, warehouse_id, on_hand: delta, reserved: 0 });
                }
            }
            None => {
                opened.push((variant_id, warehouse_id, count));
                let change = Change { variant_id, warehouse_id, on_hand: count, reserved: 0 };
                if count > 0 {
                    movements.push(movement(product, &change, count, &received));
                }
            }
        }
    }
    if !store::open_stock(tx, &opened)? {
        return Err(tx.lost_race().into());
    }
    store::insert_movements(tx, &movements)?;
    let counted = Why { kind: "adjusted", reservation_id: None, reason: "product changed".into(), actor: None };
    move_stock(tx, &changes, &counted)
}

/// Puts the stock with which new products begin, where it says.
pub(super) fn open_stock(tx: &mut Tx, products: &[(ProductId, &[VariantInput], &[VariantId])]) -> Result<(), Error> {
    let received = Why { kind: "received", reservation_id: None, reason: "opening stock".into(), actor: None };
    let (mut opened, mut movements) = (Vec::new(), Vec::new());
    for (product, inputs, variants) in products {
        for ((variant_id, warehouse_id), count) in wanted_stock(inputs, variants) {
            opened.push((variant_id, warehouse_id, count));
            if count > 0 {
                let change = Change { variant_id, warehouse_id, on_hand: count, reserved: 0 };
                movements.push(movement(*product, &change, count, &received));
            }
        }
    }
    if opened.is_empty() {
        return Ok(());
    }
    store::ensure_main_warehouse(tx)?;
    if !store::open_stock(tx, &opened)? {
        return Err(tx.lost_race().into());
    }
    Ok(store::insert_movements(tx, &movements)?)
}

/// Stock in a warehouse that the product's store does not have.
pub(super) fn misplaced(q: &mut Query, owner: VendorId, variants: &[VariantInput]) -> Result<Option<Error>, DbError> {
    if places(variants).all(|w| w == store::MAIN_WAREHOUSE) {
        return Ok(None);
    }
    let known = warehouses_of(q, owner)?;
    let strange = places(variants).any(|w| !known.contains(&w));
    Ok(strange.then_some(Error::NoWarehouse))
}

/// Where a store can have stock.
pub(super) fn warehouses_of(q: &mut Query, owner: VendorId) -> Result<Vec<WarehouseId>, DbError> {
    let there = store::warehouses(q, Some(&[owner]))?.into_iter().map(|w| w.id);
    Ok(there.chain([store::MAIN_WAREHOUSE]).collect())
}

/// The warehouses that variants name.
pub(super) fn places(variants: &[VariantInput]) -> impl Iterator<Item = WarehouseId> {
    variants.iter().flat_map(|v| &v.stock).filter_map(|s| s.warehouse_id)
}

fn wanted_stock(inputs: &[VariantInput], variants: &[VariantId]) -> BTreeMap<(VariantId, WarehouseId), i64> {
    let lines = inputs.iter().zip(variants).flat_map(|(input, id)| input.stock.iter().map(move |s| (*id, s)));
    lines.map(|(id, s)| ((id, s.warehouse_id.unwrap_or(store::MAIN_WAREHOUSE)), s.on_hand)).collect()
}
