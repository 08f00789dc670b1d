use std::collections::BTreeMap;

use contracts::{VariantId, WarehouseId};
use kit::db::{DbError, Query, Row, Tx, placeholders, portions, value_rows};
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::{Change, LOW_STOCK_AT};

/// A variant in a warehouse: on hand and reserved.
pub(crate) struct Level {
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    pub on_hand: i64,
    pub reserved: i64,
}

/// Where the variants of a product are.
pub(crate) fn levels(q: &mut Query, product: Uuid) -> Result<Vec<Level>, DbError> {
    let rows = q.rows(
        "SELECT s.variant_id, s.warehouse_id, s.on_hand, s.reserved FROM catalog.stock s JOIN catalog.variants v ON v.id = s.variant_id \
         WHERE v.product_id = $1 ORDER BY v.place, s.variant_id, s.warehouse_id",
        params![product],
    )?;
    rows.iter()
        .map(|r| {
            Ok(Level { variant_id: VariantId(r.get(0)?), warehouse_id: WarehouseId(r.get(1)?), on_hand: r.get(2)?, reserved: r.get(3)? })
        })
        .collect()
}

/// On hand and reserved, by variant and place.
pub(crate) type Places = BTreeMap<(VariantId, WarehouseId), (i64, i64)>;

/// Stock of variants. The rows are held until the end of the transaction.
pub(crate) fn stock_of(tx: &mut Tx, variants: &[VariantId]) -> Result<Places, DbError> {
    if variants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lock = tx.lock_clause();
    let sql = format!(
        "SELECT variant_id, warehouse_id, on_hand, reserved FROM catalog.stock WHERE variant_id IN ({}) ORDER BY variant_id, warehouse_id{lock}",
        placeholders(1, variants.len())
    );
    let values: Vec<Value> = variants.iter().map(|v| v.0.into()).collect();
    let place = |r: &Row| Ok(((VariantId(r.get(0)?), WarehouseId(r.get(1)?)), (r.get(2)?, r.get(3)?)));
    tx.rows(&sql, &values)?.iter().map(place).collect()
}

/// Puts stock where there was none; false where somebody else was faster.
pub(crate) fn open_stock(tx: &mut Tx, stock: &[(VariantId, WarehouseId, i64)]) -> Result<bool, DbError> {
    let mut opened = 0;
    for chunk in portions(stock) {
        opened += open_chunk(tx, chunk)?;
    }
    Ok(opened == stock.len() as u64)
}

fn open_chunk(tx: &mut Tx, stock: &[(VariantId, WarehouseId, i64)]) -> Result<u64, DbError> {
    let values: Vec<Value> = stock.iter().flat_map(|(v, w, n)| [v.0.into(), w.0.into(), (*n).into(), 0i64.into()]).collect();
    let sql = format!(
        "INSERT INTO catalog.stock (variant_id, warehouse_id, on_hand, reserved) VALUES {} ON CONFLICT (variant_id, warehouse_id) DO NOTHING",
        value_rows(stock.len(), 4)
    );
    tx.execute(&sql, &values)
}

/// Changes stock in one place; `None` where less would be on hand than is reserved, or there is no such stock.
/// Returns what is on hand then.
pub(crate) fn change(tx: &mut Tx, change: &Change) -> Result<Option<i64>, DbError> {
    let row = tx.row(
        "UPDATE catalog.stock SET on_hand = on_hand + $3, reserved = reserved + $4 WHERE variant_id = $1 AND warehouse_id = $2 \
         AND reserved + $4 >= 0 AND on_hand + $3 >= reserved + $4 RETURNING on_hand",
        params![change.variant_id.0, change.warehouse_id.0, change.on_hand, change.reserved],
    )?;
    row.map(|r| r.get(0)).transpose()
}

/// Where all of a line was reserved, and what is left.
pub(crate) struct Taken {
    pub warehouse_id: WarehouseId,
    /// Free in this place.
    pub left: i64,
    /// At how many left the store wants to know.
    pub low_stock_at: i64,
}

/// Reserves all of a line in the first warehouse that has enough; `None` where none has.
pub(crate) fn reserve_in_one_place(tx: &mut Tx, variant: VariantId, quantity: i64) -> Result<Option<Taken>, DbError> {
    let row = tx.row(
        "UPDATE catalog.stock SET reserved = reserved + $2 WHERE variant_id = $1 AND on_hand - reserved >= $2 AND warehouse_id = \
         (SELECT s.warehouse_id FROM catalog.stock s WHERE s.variant_id = $1 AND s.on_hand - s.reserved >= $2 ORDER BY s.warehouse_id LIMIT 1) \
         RETURNING warehouse_id, on_hand - reserved, (SELECT COALESCE(v.low_stock_at, $3) FROM catalog.variants v WHERE v.id = $1)",
        params![variant.0, quantity, LOW_STOCK_AT],
    )?;
    row.map(|r| Ok(Taken { warehouse_id: WarehouseId(r.get(0)?), left: r.get(1)?, low_stock_at: r.get(2)? })).transpose()
}

/// What is free of a variant in each warehouse; the rows are held until the end of the transaction.
pub(crate) fn free(tx: &mut Tx, variant: VariantId) -> Result<Vec<(WarehouseId, i64)>, DbError> {
    let lock = tx.lock_clause();
    let sql = format!("SELECT warehouse_id, on_hand - reserved FROM catalog.stock WHERE variant_id = $1 ORDER BY warehouse_id{lock}");
    tx.rows(&sql, params![variant.0])?.iter().map(|r| Ok((WarehouseId(r.get(0)?), r.get(1)?))).collect()
}

/// Reserves part of a line; false where it is gone.
pub(crate) fn reserve_part(tx: &mut Tx, variant: VariantId, warehouse: WarehouseId, quantity: i64) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE catalog.stock SET reserved = reserved + $3 WHERE variant_id = $1 AND warehouse_id = $2 AND on_hand - reserved >= $3",
        params![variant.0, warehouse.0, quantity],
    )?;
    Ok(changed == 1)
}
