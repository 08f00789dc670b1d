//! Every SQL statement of the catalog.

mod categories;
mod listing;
mod movements;
mod products;
mod reservations;
mod stock;
mod variants;
mod warehouses;
mod watch;

pub(crate) use categories::{
    asked_of, categories, category, category_by_slug, delete_category, file, height, hold_tree, insert_category, rehang, update_category,
    upwards,
};
pub(crate) use listing::{Filter, Sort, list, product};
pub(crate) use movements::{Movement, MovementFilter, StoredMovement, insert_movements, movements, products_of};
pub(crate) use products::{find_by_handle, hold_product, insert, replace_parts, set_media, set_source, set_status, touch, update_words};
pub(crate) use reservations::{due, insert_reservation, reopen, reservation, save_reservation, set_state};
pub(crate) use stock::{Level, change, free, levels, open_stock, reserve_in_one_place, reserve_part, stock_of};
pub(crate) use variants::{VariantRow, next_place, put_variants, remove_variant, remove_variants, update_variant, variants};
pub(crate) use warehouses::{
    MAIN_WAREHOUSE, ensure_main_warehouse, insert_warehouse, rename_warehouse, warehouse, warehouse_by_code, warehouses,
};
pub(crate) use watch::{forget_low, note_low, take_waiting, wait_for, watched};
