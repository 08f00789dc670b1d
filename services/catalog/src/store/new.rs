//! Products that are not there yet: one or many, with statements for all of them.

use std::collections::BTreeMap;

use contracts::{ProductId, VariantId, VendorId};
use kit::Value;
use kit::db::{DbError, Query, Tx, placeholders, portions, value_rows};
use kit::params;
use serde_json::Value as Json;

use super::MAIN_WAREHOUSE;
use super::products::{media, slug_of, stock_text, to_json};
use super::variants::{VARIANT_COLUMNS, variant_row};
use crate::domain::NewProduct;

/// A product that is there already, as an import compares it.
#[derive(Clone, Debug)]
pub(crate) struct StoredProduct {
    pub id: ProductId,
    pub source_hash: Vec<u8>,
}

/// A product that was added, with its variants in their order.
pub(crate) struct Made {
    pub id: ProductId,
    pub variants: Vec<VariantId>,
}

/// Those of a store's products that have one of these handles.
pub(crate) fn find_by_handles(q: &mut Query, vendor: VendorId, handles: &[&str]) -> Result<BTreeMap<String, StoredProduct>, DbError> {
    let mut found = BTreeMap::new();
    for portion in portions(handles) {
        let sql = format!(
            "SELECT handle, id, source_hash FROM catalog.products WHERE vendor_id = $1 AND handle IN ({}) ORDER BY handle",
            placeholders(2, portion.len())
        );
        let values: Vec<Value> = std::iter::once(vendor.0.into()).chain(portion.iter().map(|h| Value::from(*h))).collect();
        for row in q.rows(&sql, &values)? {
            found.insert(row.get(0)?, StoredProduct { id: ProductId(row.get(1)?), source_hash: row.get(2)? });
        }
    }
    Ok(found)
}

/// Adds products with their variants, in their order; `None` where the store has one with such a handle: the transaction
/// must then be undone where it was to add several.
pub(crate) fn insert(tx: &mut Tx, vendor: (VendorId, &str), list: &[(&NewProduct, Vec<u8>)]) -> Result<Option<Vec<Made>>, DbError> {
    let mut made = Vec::with_capacity(list.len());
    for portion in portions(list) {
        let mut values = Vec::with_capacity(portion.len() * PRODUCT_COLUMNS);
        for (new, hash) in portion {
            let id = ProductId(tx.id());
            values.extend(product_row(tx, id, vendor, new, hash));
            made.push(Made { id, variants: Vec::with_capacity(new.input.variants.len()) });
        }
        let sql = format!(
            "INSERT INTO catalog.products (id, vendor_id, vendor_name, handle, slug, kind, status, title, description, brand, category_ids, attributes, media, source_hash, created_at, updated_at, lowest_price, highest_price, file_stock) \
             VALUES {} ON CONFLICT (vendor_id, handle) DO NOTHING",
            value_rows(portion.len(), PRODUCT_COLUMNS)
        );
        if tx.execute(&sql, &values)? != portion.len() as u64 {
            return Ok(None);
        }
    }
    file_new(tx, list, &made)?;
    insert_variants(tx, list, &mut made)?;
    Ok(Some(made))
}

const PRODUCT_COLUMNS: usize = 19;

fn product_row(tx: &mut Tx, id: ProductId, vendor: (VendorId, &str), new: &NewProduct, hash: &[u8]) -> [Value; PRODUCT_COLUMNS] {
    let (now, input) = (tx.now(), &new.input);
    let media = media(tx, &input.media, &[]);
    let prices = || input.variants.iter().map(|v| v.price.amount);
    let (lowest, highest) = (prices().min().unwrap_or(0), prices().max().unwrap_or(0));
    [
        id.0.into(),
        vendor.0.0.into(),
        vendor.1.into(),
        (&new.handle).into(),
        slug_of(id, &new.handle).into(),
        new.kind.as_str().into(),
        new.status.as_str().into(),
        input.title.trim().into(),
        (&input.description).into(),
        input.brand.clone().into(),
        to_json(&input.category_ids).into(),
        Json::Object(input.attributes.clone()).into(),
        to_json(&media).into(),
        hash.into(),
        now.into(),
        now.into(),
        lowest.into(),
        highest.into(),
        stock_text(&new.stock(MAIN_WAREHOUSE)).into(),
    ]
}

fn file_new(tx: &mut Tx, list: &[(&NewProduct, Vec<u8>)], made: &[Made]) -> Result<(), DbError> {
    let filed = |((new, _), made): (&(&NewProduct, Vec<u8>), &Made)| {
        let id = made.id;
        new.input.category_ids.iter().map(move |c| (*c, id)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = list.iter().zip(made).flat_map(filed).collect();
    for portion in portions(&rows) {
        let values: Vec<Value> = portion.iter().flat_map(|(c, p)| params![c.0, p.0].to_vec()).collect();
        let sql = format!("INSERT INTO catalog.product_categories (category_id, product_id) VALUES {}", value_rows(portion.len(), 2));
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

fn insert_variants(tx: &mut Tx, list: &[(&NewProduct, Vec<u8>)], made: &mut [Made]) -> Result<(), DbError> {
    let mut rows = Vec::new();
    for ((new, _), made) in list.iter().zip(made) {
        for (place, variant) in new.input.variants.iter().enumerate() {
            let row = variant_row(tx, made.id, variant, place as i64);
            made.variants.push(row.0);
            rows.push(row.1);
        }
    }
    for portion in portions(&rows) {
        let values: Vec<Value> = portion.iter().flatten().cloned().collect();
        let sql = format!("INSERT INTO catalog.variants ({VARIANT_COLUMNS}) VALUES {}", value_rows(portion.len(), 12));
        tx.execute(&sql, &values)?;
    }
    Ok(())
}
