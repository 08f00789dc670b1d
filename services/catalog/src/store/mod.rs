//! Every SQL statement of the catalog.

mod products;
mod reservations;
mod stock;

pub(crate) use products::{Filter, VariantRow, find_by_handle, insert, list, product, replace, variants};
pub(crate) use reservations::{ReservedPart, due, insert_reservation, reopen, reservation, set_parts, set_state};
pub(crate) use stock::{
    MAIN_WAREHOUSE, adjust, ensure_main_warehouse, free, levels, put_stock, release, reserve_in_one_place, reserve_part, ship, warehouses,
};
