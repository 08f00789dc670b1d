use std::collections::BTreeMap;

use contracts::{ProductId, ReservationId, Time, VariantId, WarehouseId};
use kit::Value;
use kit::db::{DbError, Query, Row, Tx, placeholders, portions, value_rows};
use kit::http::After;
use uuid::Uuid;

/// A change of what is on hand, as the ledger keeps it.
pub(crate) struct Movement {
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub warehouse_id: WarehouseId,
    /// `received`, `adjusted`, `shipped`, `restocked` or `repaired`.
    pub kind: String,
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
    portions(movements).try_for_each(|chunk| insert_chunk(tx, chunk))
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
            m.kind.as_str().into(),
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

/// What a list of movements is narrowed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MovementFilter {
    pub product_id: ProductId,
    pub variant_id: Option<VariantId>,
    pub warehouse_id: Option<WarehouseId>,
}

/// A line of the ledger.
pub(crate) struct StoredMovement {
    pub id: Uuid,
    pub movement: Movement,
    pub created_at: Time,
}

/// Movements, newest first; one more than `limit` where there are more.
pub(crate) fn movements(q: &mut Query, filter: &MovementFilter, after: Option<After>, limit: i64) -> Result<Vec<StoredMovement>, DbError> {
    let mut sql = "SELECT id, product_id, variant_id, warehouse_id, kind, delta, on_hand, reservation_id, reason, actor, created_at \
                   FROM catalog.stock_movements WHERE product_id = $1"
        .to_owned();
    let mut values: Vec<Value> = vec![filter.product_id.0.into()];
    let narrowed = [("variant_id", filter.variant_id.map(|v| v.0)), ("warehouse_id", filter.warehouse_id.map(|w| w.0))];
    for (column, id) in narrowed {
        if let Some(id) = id {
            values.push(id.into());
            sql.push_str(&format!(" AND {column} = ${}", values.len()));
        }
    }
    if let Some(After { time, id }) = after {
        values.extend([time.into(), id.into()]);
        sql.push_str(&format!(" AND (created_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    values.push((limit + 1).into());
    sql.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT ${}", values.len()));
    q.rows(&sql, &values)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<StoredMovement, DbError> {
    let movement = Movement {
        product_id: ProductId(row.get(1)?),
        variant_id: VariantId(row.get(2)?),
        warehouse_id: WarehouseId(row.get(3)?),
        kind: row.get(4)?,
        delta: row.get(5)?,
        on_hand: row.get(6)?,
        reservation_id: row.get::<Option<Uuid>>(7)?.map(ReservationId),
        reason: row.get(8)?,
        actor: row.get(9)?,
    };
    Ok(StoredMovement { id: row.get(0)?, movement, created_at: row.get(10)? })
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
