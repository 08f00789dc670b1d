//! What is sold, and what becomes of the stock that is held for an order. No I/O, no clock, no SQL.

mod category;
mod export;
mod import;
mod input;
mod product;
mod reservation;
mod shape;
#[cfg(test)]
mod tests;
mod upload;
mod warehouse;

pub use category::{
    Attribute, AttributeType, CATEGORIES_MAX, Category, CategoryInput, CategoryNode, DEPTH_MAX, NewCategory, attribute_errors, tree,
};
pub use export::{ExportedProduct, ExportedStock, ExportedVariant};
pub use import::{Imported, imported, typed};
pub use input::{
    FILED_MAX, FileStock, MEDIA_MAX, MediaInput, NewProduct, ProductInput, ProductPatch, STOCK_MAX, VARIANTS_MAX, VariantInput, check,
    media_errors, variant_errors,
};
pub use product::{Kind, Media, Product, Rating, Status, Variant, numbered_slug, option_title, slug};
pub use reservation::{Change, Part, Refused, Reservation, State, take};
pub use shape::{Placed, Shape, Way};
pub use upload::{Format, UPLOAD_BYTES_MAX, Unreadable, Upload, UploadJob, read_upload};
pub use warehouse::{LOW_STOCK_AT, MAIN_CODE, Warehouse, WarehouseInput};
