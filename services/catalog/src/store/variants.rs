use contracts::{CategoryId, Money, ProductId, VariantId, VendorId};
use kit::db::{DbError, Query, Row, Tx, placeholders, value_rows};
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use super::listing::stored;
use crate::domain::{Kind, Status, Variant, VariantInput, option_title};

/// A variant with what others ask about it.
pub(crate) struct VariantRow {
    pub product_id: ProductId,
    pub removed: bool,
    pub variant: Variant,
    pub kind: Kind,
    pub published: bool,
    pub vendor_id: VendorId,
    pub product_title: String,
    pub category_ids: Vec<CategoryId>,
}

/// The variants of products, and variants by their own ids, in the products' order.
pub(crate) fn variants(q: &mut Query, products: &[Uuid], variants: &[Uuid]) -> Result<Vec<VariantRow>, DbError> {
    if products.is_empty() && variants.is_empty() {
        return Ok(Vec::new());
    }
    let mut clauses = Vec::new();
    if !products.is_empty() {
        clauses.push(format!("v.product_id IN ({})", placeholders(1, products.len())));
    }
    if !variants.is_empty() {
        clauses.push(format!("v.id IN ({})", placeholders(products.len() + 1, variants.len())));
    }
    let sql = format!(
        "SELECT {VARIANT}, v.removed, p.kind, p.status, p.vendor_id, p.title, p.category_ids \
         FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE {} ORDER BY v.product_id, v.place, v.id",
        clauses.join(" OR ")
    );
    let values: Vec<Value> = products.iter().chain(variants).map(|id| Value::from(*id)).collect();
    q.rows(&sql, &values)?.iter().map(read_variant_row).collect()
}

/// The variants on sale of products of these kinds, in the products' order.
pub(super) fn variants_of(q: &mut Query, products: &[(ProductId, Kind)]) -> Result<Vec<(ProductId, Variant)>, DbError> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {VARIANT} FROM catalog.variants v WHERE v.removed = $1 AND v.product_id IN ({}) ORDER BY v.product_id, v.place, v.id",
        placeholders(2, products.len())
    );
    let values: Vec<Value> = [false.into()].into_iter().chain(products.iter().map(|(id, _)| id.0.into())).collect();
    let read = |row: &Row| {
        let id = ProductId(row.get(1)?);
        let kind = products.iter().find(|(product, _)| *product == id).map_or(Kind::Physical, |(_, kind)| *kind);
        Ok((id, read_variant(row, kind)?))
    };
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// The columns of [`read_variant`].
const VARIANT: &str = "v.id, v.product_id, v.sku, v.title, v.options, v.price, v.currency, v.compare_at_price, v.weight_grams, \
  CAST((SELECT COALESCE(SUM(s.on_hand - s.reserved), 0) FROM catalog.stock s WHERE s.variant_id = v.id) AS bigint)";

fn read_variant(row: &Row, kind: Kind) -> Result<Variant, DbError> {
    let currency: String = row.get(6)?;
    let currency = currency.parse().map_err(|e| DbError::Internal(format!("variant: {e}")))?;
    Ok(Variant {
        id: VariantId(row.get(0)?),
        sku: row.get(2)?,
        title: row.get(3)?,
        options: stored(row, 4)?,
        price: Money::new(row.get(5)?, currency),
        compare_at_price: row.get::<Option<i64>>(7)?.map(|amount| Money::new(amount, currency)),
        weight_grams: row.get(8)?,
        available: if kind == Kind::Physical { Some(row.get(9)?) } else { None },
    })
}

fn read_variant_row(row: &Row) -> Result<VariantRow, DbError> {
    let kind = Kind::parse(&row.get::<String>(11)?).unwrap_or(Kind::Physical);
    Ok(VariantRow {
        product_id: ProductId(row.get(1)?),
        removed: row.get(10)?,
        variant: read_variant(row, kind)?,
        kind,
        published: row.get::<String>(12)? == Status::Published.as_str(),
        vendor_id: VendorId(row.get(13)?),
        product_title: row.get(14)?,
        category_ids: stored(row, 15)?,
    })
}

/// Writes variants by sku, in one statement, from a place in the product's order on; ids of those that are there already
/// stay. Returns the ids in order.
pub(crate) fn put_variants(tx: &mut Tx, product: ProductId, list: &[VariantInput], first: i64) -> Result<Vec<VariantId>, DbError> {
    let mut values: Vec<Value> = Vec::with_capacity(list.len() * 12);
    for (place, v) in list.iter().enumerate() {
        values.extend(variant_row(tx, product, v, first + place as i64).1);
    }
    let sql = format!(
        "INSERT INTO catalog.variants AS v ({VARIANT_COLUMNS}) VALUES {} \
         ON CONFLICT (product_id, sku) DO UPDATE SET place = excluded.place, title = excluded.title, options = excluded.options, price = excluded.price, \
         currency = excluded.currency, compare_at_price = excluded.compare_at_price, weight_grams = excluded.weight_grams, removed = excluded.removed, low_stock_at = COALESCE(excluded.low_stock_at, v.low_stock_at) \
         RETURNING id, place",
        value_rows(list.len(), 12)
    );
    let mut ids =
        tx.rows(&sql, &values)?.iter().map(|r| Ok((r.get::<i64>(1)?, VariantId(r.get(0)?)))).collect::<Result<Vec<_>, DbError>>()?;
    ids.sort();
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}

/// What [`variant_row`] gives, in its order.
pub(super) const VARIANT_COLUMNS: &str =
    "id, product_id, place, sku, title, options, price, currency, compare_at_price, weight_grams, removed, low_stock_at";

/// A new variant's id, and its row.
pub(super) fn variant_row(tx: &mut Tx, product: ProductId, v: &VariantInput, place: i64) -> (VariantId, [Value; 12]) {
    let id = VariantId(tx.id());
    let title = v.title.clone().unwrap_or_else(|| option_title(&v.options));
    let row = [
        id.0.into(),
        product.0.into(),
        place.into(),
        v.sku.trim().into(),
        title.into(),
        Json::Object(v.options.clone()).into(),
        v.price.amount.into(),
        v.price.currency.code().into(),
        v.compare_at_price.map(|p| p.amount).into(),
        v.weight_grams.into(),
        false.into(),
        v.low_stock_at.into(),
    ];
    (id, row)
}

/// Takes all variants of a product from sale; those that are written after it are back.
pub(crate) fn remove_variants(tx: &mut Tx, product: ProductId) -> Result<(), DbError> {
    tx.execute("UPDATE catalog.variants SET removed = $2 WHERE product_id = $1", params![product.0, true]).map(drop)
}

/// Takes one variant from sale.
pub(crate) fn remove_variant(tx: &mut Tx, variant: VariantId) -> Result<(), DbError> {
    tx.execute("UPDATE catalog.variants SET removed = $2 WHERE id = $1", params![variant.0, true]).map(drop)
}

/// Replaces one variant; false where another of its product has the sku.
pub(crate) fn update_variant(tx: &mut Tx, product: ProductId, variant: VariantId, new: &VariantInput) -> Result<bool, DbError> {
    let title = new.title.clone().unwrap_or_else(|| option_title(&new.options));
    let changed = tx.execute(
        "UPDATE catalog.variants SET sku = $3, title = $4, options = $5, price = $6, currency = $7, compare_at_price = $8, weight_grams = $9, \
         low_stock_at = COALESCE($10, low_stock_at) WHERE id = $2 AND product_id = $1 \
         AND NOT EXISTS (SELECT 1 FROM catalog.variants o WHERE o.product_id = $1 AND o.sku = $3 AND o.id <> $2)",
        params![
            product.0,
            variant.0,
            new.sku.trim(),
            title,
            Json::Object(new.options.clone()),
            new.price.amount,
            new.price.currency.code(),
            new.compare_at_price.map(|p| p.amount),
            new.weight_grams,
            new.low_stock_at
        ],
    )?;
    Ok(changed == 1)
}

/// The place behind the last variant of a product.
pub(crate) fn next_place(q: &mut Query, product: ProductId) -> Result<i64, DbError> {
    let row =
        q.row("SELECT CAST(COALESCE(MAX(place), -1) AS bigint) + 1 FROM catalog.variants WHERE product_id = $1", params![product.0])?;
    row.map_or(Ok(0), |r| r.get(0))
}
