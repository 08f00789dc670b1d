//! Stock beside what it follows from: its movements and the reservations.

use std::collections::BTreeMap;

use contracts::{VariantId, WarehouseId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use uuid::Uuid;

use super::reservations::read_reservation;
use super::stock::Places;
use crate::domain::Reservation;

/// Variants behind `after`, by id.
pub(crate) fn variants_after(q: &mut Query, after: Uuid, limit: i64) -> Result<Vec<VariantId>, DbError> {
    let rows = q.rows("SELECT id FROM catalog.variants WHERE id > $1 ORDER BY id LIMIT $2", params![after, limit])?;
    rows.iter().map(|r| Ok(VariantId(r.get(0)?))).collect()
}

/// Reservations behind `after` under which something may be held, by id.
pub(crate) fn live_reservations(q: &mut Query, after: Uuid, limit: i64) -> Result<Vec<(Uuid, Reservation)>, DbError> {
    let rows = q.rows(
        "SELECT state, lines, returns, id FROM catalog.reservations WHERE id > $1 AND state IN ('held', 'committed') ORDER BY id LIMIT $2",
        params![after, limit],
    )?;
    rows.iter().map(|r| Ok((r.get(3)?, read_reservation(r)?))).collect()
}

/// Reservations under which something of these variants may be held.
pub(crate) fn reservations_of(q: &mut Query, variants: &[VariantId]) -> Result<Vec<Reservation>, DbError> {
    let named = (1..=variants.len()).map(|n| format!("CAST(lines AS text) LIKE ${n}")).collect::<Vec<_>>().join(" OR ");
    let values: Vec<Value> = variants.iter().map(|v| format!("%{v}%").into()).collect();
    let sql =
        format!("SELECT state, lines, returns FROM catalog.reservations WHERE state IN ('held', 'committed') AND ({named}) ORDER BY id");
    q.rows(&sql, &values)?.iter().map(read_reservation).collect()
}

/// What all movements of variants come to, by place.
pub(crate) fn moved(q: &mut Query, variants: &[VariantId]) -> Result<BTreeMap<(VariantId, WarehouseId), i64>, DbError> {
    let sql = format!(
        "SELECT variant_id, warehouse_id, CAST(SUM(delta) AS bigint) FROM catalog.stock_movements WHERE variant_id IN ({}) \
         GROUP BY variant_id, warehouse_id ORDER BY variant_id, warehouse_id",
        placeholders(1, variants.len())
    );
    q.rows(&sql, &ids(variants))?.iter().map(|r| Ok((place(r)?, r.get(2)?))).collect()
}

/// Stock of variants as it is now; nothing is held.
pub(crate) fn stock_seen(q: &mut Query, variants: &[VariantId]) -> Result<Places, DbError> {
    let sql = format!(
        "SELECT variant_id, warehouse_id, on_hand, reserved FROM catalog.stock WHERE variant_id IN ({}) ORDER BY variant_id, warehouse_id",
        placeholders(1, variants.len())
    );
    q.rows(&sql, &ids(variants))?.iter().map(|r| Ok((place(r)?, (r.get(2)?, r.get(3)?)))).collect()
}

/// Stock of a variant in a warehouse, whatever it was.
pub(crate) fn set_stock(tx: &mut Tx, (variant, warehouse): (VariantId, WarehouseId), on_hand: i64, reserved: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO catalog.stock (variant_id, warehouse_id, on_hand, reserved) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (variant_id, warehouse_id) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved";
    tx.execute(sql, params![variant.0, warehouse.0, on_hand, reserved]).map(drop)
}

fn ids(variants: &[VariantId]) -> Vec<Value> {
    variants.iter().map(|v| v.0.into()).collect()
}

fn place(row: &Row) -> Result<(VariantId, WarehouseId), DbError> {
    Ok((VariantId(row.get(0)?), WarehouseId(row.get(1)?)))
}
