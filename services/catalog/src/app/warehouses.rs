//! Places that hold stock: the marketplace's, and stores' own.

use contracts::WarehouseId;
use kit::Tx;
use kit::http::{Ifs, etag};
use kit::idempotency::{Answer, Given, Key, once};

use super::{App, Seller};
use crate::domain::{MAIN_CODE, Warehouse, WarehouseInput};
use crate::error::Error;
use crate::store;

/// How many warehouses a store, or the marketplace, can have.
const WAREHOUSES_MAX: usize = 50;

impl App {
    /// The marketplace's warehouses and the seller's own.
    pub async fn warehouses(&self, seller: Seller) -> Result<Vec<Warehouse>, Error> {
        self.db.read(move |q| Ok(store::warehouses(q, seller.stores.as_deref())?)).await
    }

    /// Adds a warehouse; only who acts for all stores adds one of the marketplace.
    pub async fn add_warehouse(&self, seller: Seller, input: WarehouseInput, key: Option<Key>) -> Result<Given, Error> {
        let new = WarehouseInput { vendor_id: owner(&seller, &input)?, ..input.check().map_err(Error::Invalid)? };
        if new.code == MAIN_CODE {
            return Err(Error::CodeTaken);
        }
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let there = store::warehouses(tx, new.vendor_id.as_ref().map(std::slice::from_ref))?;
                    if there.iter().filter(|w| w.vendor_id == new.vendor_id).count() >= WAREHOUSES_MAX {
                        return Err(Error::TooMany("a store has at most 50 warehouses, and so has the marketplace"));
                    }
                    let made = store::insert_warehouse(tx, &new)?.ok_or(Error::CodeTaken)?;
                    Ok(Answer::new(201, Some(format!("/api/v1/warehouses/{}", made.id)), &made))
                })
            })
            .await
    }

    /// Gives a warehouse another code and name. Whose it is stays.
    pub async fn change_warehouse(&self, seller: Seller, id: WarehouseId, input: WarehouseInput, ifs: Ifs) -> Result<Warehouse, Error> {
        let new = input.check().map_err(Error::Invalid)?;
        self.db
            .write(move |tx| {
                let found = store::warehouse(tx, id)?.ok_or(Error::UnknownWarehouse)?;
                match found.vendor_id {
                    None if seller.stores.is_some() => return Err(Error::NotYours("the marketplace's warehouses are its own to change")),
                    Some(vendor) if !seller.acts_for(vendor) => return Err(Error::UnknownWarehouse),
                    _ => {}
                }
                if new.vendor_id.is_some() && new.vendor_id != found.vendor_id {
                    return Err(Error::NotYours("a warehouse stays with its store"));
                }
                ifs.check(&etag(found.version)).map_err(Error::Stale)?;
                if new.code == MAIN_CODE && found.code != MAIN_CODE && id != store::MAIN_WAREHOUSE {
                    return Err(Error::CodeTaken);
                }
                store::rename_warehouse(tx, id, &new)?.ok_or(Error::CodeTaken)
            })
            .await
    }

    /// The marketplace's warehouse with a code, made where it is not there.
    pub async fn ensure_warehouse(&self, code: String, name: String) -> Result<Warehouse, Error> {
        let new = WarehouseInput { code, name, vendor_id: None }.check().map_err(Error::Invalid)?;
        self.db.write(move |tx| ensure(tx, &new)).await
    }
}

fn ensure(tx: &mut Tx, new: &WarehouseInput) -> Result<Warehouse, Error> {
    store::ensure_main_warehouse(tx)?;
    if new.code == MAIN_CODE {
        return store::warehouse(tx, store::MAIN_WAREHOUSE)?.ok_or(Error::UnknownWarehouse);
    }
    if let Some(found) = store::warehouse_by_code(tx, &new.code)? {
        return Ok(found);
    }
    match store::insert_warehouse(tx, new)? {
        Some(made) => Ok(made),
        None => Err(tx.lost_race().into()),
    }
}

fn owner(seller: &Seller, input: &WarehouseInput) -> Result<Option<contracts::VendorId>, Error> {
    match (&seller.stores, input.vendor_id) {
        (None, named) => Ok(named),
        (Some(stores), Some(named)) if stores.contains(&named) => Ok(Some(named)),
        (Some(stores), None) if !stores.is_empty() => seller.usual.map(Some).ok_or(Error::StoreNeeded),
        (Some(_), _) => Err(Error::NoStore),
    }
}
