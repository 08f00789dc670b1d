//! Every SQL statement of the catalog.

mod movements;
mod products;
mod reservations;
mod stock;

pub(crate) use movements::{Movement, insert_movements, products_of};
pub(crate) use products::{Filter, VariantRow, find_by_handle, insert, list, product, replace, variants};
pub(crate) use reservations::{due, insert_reservation, reopen, reservation, save_reservation, set_state};
pub(crate) use stock::{
    MAIN_WAREHOUSE, change, ensure_main_warehouse, free, levels, open_stock, reserve_in_one_place, reserve_part, stock_of, warehouses,
};
