use contracts::{ProductId, VariantId, VendorId};
use kit::db::{DbError, Tx};
use kit::params;
use serde_json::Value as Json;

use super::{file, put_variants, remove_variants};
use crate::domain::{FileStock, Media, MediaInput, NewProduct, Product, ProductInput, Status, slug};

/// The handle of a product that is held until the end of the transaction.
pub(crate) fn hold_product(tx: &mut Tx, id: ProductId) -> Result<Option<String>, DbError> {
    let lock = tx.lock_clause();
    let row = tx.row(&format!("SELECT handle FROM catalog.products WHERE id = $1{lock}"), params![id.0])?;
    row.map(|r| r.get(0)).transpose()
}

/// Takes over everything that a caller says of a product; variants that are no longer listed are marked removed.
/// Words, version and prices are those of [`update_words`] and [`touch`].
pub(crate) fn replace_parts(tx: &mut Tx, there: &Product, new: &NewProduct) -> Result<Vec<VariantId>, DbError> {
    let pictures = media(tx, &new.input.media, &there.media);
    set_media(tx, there.id, &pictures)?;
    remove_variants(tx, there.id)?;
    put_variants(tx, there.id, &new.input.variants, 0)
}

/// Notes from what an imported product was made.
pub(crate) fn set_source(tx: &mut Tx, id: ProductId, hash: &[u8], stock: &FileStock) -> Result<(), DbError> {
    let sql = "UPDATE catalog.products SET source_hash = $2, file_stock = $3 WHERE id = $1";
    tx.execute(sql, params![id.0, hash.to_vec(), stock_text(stock)]).map(drop)
}

/// The stock that the file named from which a product was made; none where that is not known.
pub(crate) fn file_stock(tx: &mut Tx, id: ProductId) -> Result<FileStock, DbError> {
    let row = tx.row("SELECT file_stock FROM catalog.products WHERE id = $1", params![id.0])?;
    let text: Option<String> = row.map(|r| r.get(0)).transpose()?.flatten();
    text.map_or_else(|| Ok(FileStock::new()), |text| serde_json::from_str(&text).map_err(|e| DbError::Internal(e.to_string())))
}

pub(super) fn stock_text(stock: &FileStock) -> String {
    to_json(stock).to_string()
}

/// Words, filing and state of a product that this transaction holds; false where its store has another with the handle.
/// Another handle is another name in addresses; the old one stays known.
pub(crate) fn update_words(tx: &mut Tx, there: &Product, handle: &str, status: Status, input: &ProductInput) -> Result<bool, DbError> {
    let new_slug = slug_of(there.id, handle);
    let changed = tx.execute(
        "UPDATE catalog.products SET handle = $2, slug = $3, status = $4, title = $5, description = $6, brand = $7, category_ids = $8, attributes = $9 \
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM catalog.products o WHERE o.vendor_id = $10 AND o.handle = $2 AND o.id <> $1)",
        params![
            there.id.0,
            handle,
            &new_slug,
            status.as_str(),
            input.title.trim(),
            &input.description,
            input.brand.clone(),
            to_json(&input.category_ids),
            Json::Object(input.attributes.clone()),
            there.vendor_id.0
        ],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    if new_slug != there.slug {
        tx.execute("DELETE FROM catalog.old_slugs WHERE slug = $1", params![&new_slug])?;
        let sql = "INSERT INTO catalog.old_slugs (slug, product_id) VALUES ($1, $2) ON CONFLICT (slug) DO NOTHING";
        tx.execute(sql, params![&there.slug, there.id.0])?;
    }
    file(tx, there.id, &input.category_ids)?;
    Ok(true)
}

/// What a store is called from now on: one row, however many products it has.
pub(crate) fn name_store(tx: &mut Tx, vendor: VendorId, name: &str) -> Result<(), DbError> {
    let sql =
        "INSERT INTO catalog.store_names (vendor_id, name) VALUES ($1, $2) ON CONFLICT (vendor_id) DO UPDATE SET name = excluded.name";
    tx.execute(sql, params![vendor.0, name]).map(drop)
}

/// Moves a product on in its life.
pub(crate) fn set_status(tx: &mut Tx, id: ProductId, status: Status) -> Result<(), DbError> {
    tx.execute("UPDATE catalog.products SET status = $2 WHERE id = $1", params![id.0, status.as_str()]).map(drop)
}

/// The pictures of a product that this transaction holds.
pub(crate) fn set_media(tx: &mut Tx, id: ProductId, media: &[Media]) -> Result<(), DbError> {
    tx.execute("UPDATE catalog.products SET media = $2 WHERE id = $1", params![id.0, to_json(&media)]).map(drop)
}

/// A change of a product is done: it has another version, and its lists know its prices.
pub(crate) fn touch(tx: &mut Tx, id: ProductId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE catalog.products SET version = version + 1, updated_at = $2, \
         lowest_price = COALESCE((SELECT MIN(v.price) FROM catalog.variants v WHERE v.product_id = $1 AND v.removed = $3), 0), \
         highest_price = COALESCE((SELECT MAX(v.price) FROM catalog.variants v WHERE v.product_id = $1 AND v.removed = $3), 0) WHERE id = $1",
        params![id.0, now, false],
    )
    .map(drop)
}

/// Pictures with ids; one that was there before keeps its id.
pub(super) fn media(tx: &mut Tx, wanted: &[MediaInput], there: &[Media]) -> Vec<Media> {
    let mut list: Vec<Media> = Vec::with_capacity(wanted.len());
    for m in wanted {
        let known = there.iter().find(|t| t.url == m.url && list.iter().all(|l| l.id != t.id)).map(|t| t.id);
        list.push(Media { id: known.unwrap_or_else(|| tx.id()), url: m.url.clone(), alt: m.alt.clone() });
    }
    list
}

/// The handle, and a few characters of the id: handles of two stores can be the same.
pub(super) fn slug_of(id: ProductId, handle: &str) -> String {
    format!("{}-{}", slug(handle), &id.0.simple().to_string()[26..])
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).expect("ids and text always make JSON")
}
