use std::collections::BTreeMap;

use contracts::{ProductId, ReservationId, VariantId, WarehouseId};
use kit::Value;
use kit::db::{DbError, Query, Tx, placeholders, value_rows};

/// Rows of one statement: both engines limit the parameters.
const ROWS_MAX: usize = 500;

/// A change of what is on hand, as the ledger keeps it.
pub(crate) struct Movement {
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    /// `received`, `adjusted`, `shipped` or `restocked`.
    pub kind: &'static str,
    pub delta: i64,
    /// On hand after it.
    pub on_hand: i64,
    /// The order for which it was.
    pub reservation_id: Option<ReservationId>,
    pub reason: String,
    pub actor: Option<String>,
}

/// Writes down changes of what is on hand, in the transaction of the changes.
pub(crate) fn insert_movements(tx: &mut Tx, movements: &[Movement]) -> Result<(), DbError> {
    movements.chunks(ROWS_MAX).try_for_each(|chunk| insert_chunk(tx, chunk))
}

fn insert_chunk(tx: &mut Tx, movements: &[Movement]) -> Result<(), DbError> {
    let now = tx.now();
    let mut values: Vec<Value> = Vec::with_capacity(movements.len() * 11);
    for m in movements {
        values.extend([
            tx.id().into(),
            m.product_id.0.into(),
            m.variant_id.0.into(),
            m.warehouse_id.0.into(),
            m.kind.into(),
            m.delta.into(),
            m.on_hand.into(),
            m.reservation_id.map(|r| r.0).into(),
            m.reason.as_str().into(),
            m.actor.clone().into(),
            now.into(),
        ]);
    }
    let sql = format!(
        "INSERT INTO catalog.stock_movements (id, product_id, variant_id, warehouse_id, kind, delta, on_hand, reservation_id, reason, actor, created_at) VALUES {}",
        value_rows(movements.len(), 11)
    );
    tx.execute(&sql, &values).map(drop)
}

/// The products that variants are of.
pub(crate) fn products_of(q: &mut Query, variants: &[VariantId]) -> Result<BTreeMap<VariantId, ProductId>, DbError> {
    if variants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!("SELECT id, product_id FROM catalog.variants WHERE id IN ({}) ORDER BY id", placeholders(1, variants.len()));
    let values: Vec<Value> = variants.iter().map(|v| v.0.into()).collect();
    q.rows(&sql, &values)?.iter().map(|r| Ok((VariantId(r.get(0)?), ProductId(r.get(1)?)))).collect()
}
