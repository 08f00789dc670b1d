//! Every SQL statement of the catalog.

mod categories;
mod export;
mod listing;
mod movements;
mod new;
mod products;
mod repair;
mod reservations;
mod stock;
mod uploads;
mod variants;
mod warehouses;
mod watch;

pub(crate) use categories::{
    Counts, asked_of, categories, categories_along, category, category_by_slug, category_counts, delete_category, file, height, hold_tree,
    insert_category, placed, rehang, update_category, upwards,
};
pub(crate) use export::{Unshown, after, category_names, unshown};
pub(crate) use listing::{Filter, Place, Sort, list, product, products};
pub(crate) use movements::{Movement, MovementFilter, StoredMovement, insert_movements, movements, products_of};
pub(crate) use new::{StoredProduct, find_by_handles, insert};
pub(crate) use products::{file_stock, hold_product, name_store, replace_parts, set_media, set_source, set_status, touch, update_words};
pub(crate) use repair::{live_reservations, moved, reservations_of, set_stock, stock_seen, variants_after};
pub(crate) use reservations::{due, insert_reservation, reopen, reservation, save_reservation, set_state};
pub(crate) use stock::{Level, Places, change, free, levels, open_stock, reserve_in_one_place, reserve_part, stock_of};
pub(crate) use uploads::{
    Mistake, Outcome, StoredUpload, Waiting, advance_upload, count_upload, insert_mistakes, insert_upload, mistakes, prune_upload, upload,
    waiting,
};
pub(crate) use variants::{VariantRow, next_place, put_variants, remove_variant, remove_variants, update_variant, variants};
pub(crate) use warehouses::{
    MAIN_WAREHOUSE, ensure_main_warehouse, insert_warehouse, rename_warehouse, warehouse, warehouse_by_code, warehouses,
};
pub(crate) use watch::{FIGURES, forget_low, note_low, take_waiting, wait_for, watched};
