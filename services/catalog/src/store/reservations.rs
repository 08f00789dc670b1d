use contracts::{ReservationId, Time, VariantId, WarehouseId};
use kit::db::{DbError, Query, Tx};
use kit::params;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What is held, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReservedPart {
    #[serde(rename = "v")]
    pub variant_id: VariantId,
    #[serde(rename = "w")]
    pub warehouse_id: WarehouseId,
    #[serde(rename = "n")]
    pub quantity: i64,
    /// It has left the warehouse.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub shipped: bool,
}

/// A reservation: `held`, `committed`, `released` or `expired`.
pub(crate) struct Reservation {
    pub state: String,
    pub parts: Vec<ReservedPart>,
}

/// Adds a reservation; false where there is one with this id.
pub(crate) fn insert_reservation(
    tx: &mut Tx,
    id: ReservationId,
    state: &str,
    parts: &[ReservedPart],
    expires_at: Time,
) -> Result<bool, DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO catalog.reservations (id, state, lines, expires_at, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
        params![id.0, state, lines(parts), expires_at, now],
    )?;
    Ok(inserted == 1)
}

/// A reservation, held until the end of the transaction.
pub(crate) fn reservation(q: &mut Query, id: ReservationId) -> Result<Option<Reservation>, DbError> {
    let lock = q.lock_clause();
    let row = q.row(&format!("SELECT state, lines FROM catalog.reservations WHERE id = $1{lock}"), params![id.0])?;
    row.map(|r| {
        let parts = serde_json::from_value(r.get(1)?).map_err(|e| DbError::Internal(e.to_string()))?;
        Ok(Reservation { state: r.get(0)?, parts })
    })
    .transpose()
}

/// Moves a reservation from one state to another; false where it is not in that state.
pub(crate) fn set_state(tx: &mut Tx, id: ReservationId, from: &str, to: &str) -> Result<bool, DbError> {
    let changed = tx.execute("UPDATE catalog.reservations SET state = $3 WHERE id = $1 AND state = $2", params![id.0, from, to])?;
    Ok(changed == 1)
}

/// Takes an expired reservation up again, with what is held now.
pub(crate) fn reopen(tx: &mut Tx, id: ReservationId, state: &str, parts: &[ReservedPart], expires_at: Time) -> Result<(), DbError> {
    tx.execute(
        "UPDATE catalog.reservations SET state = $2, lines = $3, expires_at = $4 WHERE id = $1 AND state = 'expired'",
        params![id.0, state, lines(parts), expires_at],
    )
    .map(drop)
}

/// Notes what of a committed reservation has left.
pub(crate) fn set_parts(tx: &mut Tx, id: ReservationId, parts: &[ReservedPart]) -> Result<(), DbError> {
    let sql = "UPDATE catalog.reservations SET lines = $2 WHERE id = $1 AND state = 'committed'";
    tx.execute(sql, params![id.0, lines(parts)]).map(drop)
}

/// Reservations that nobody committed in time; at most 100.
pub(crate) fn due(q: &mut Query, now: Time) -> Result<Vec<ReservationId>, DbError> {
    let rows = q.rows(
        "SELECT id FROM catalog.reservations WHERE state = 'held' AND expires_at <= $1 ORDER BY expires_at, id LIMIT 100",
        params![now],
    )?;
    rows.iter().map(|r| Ok(ReservationId(r.get(0)?))).collect()
}

fn lines(parts: &[ReservedPart]) -> Json {
    serde_json::to_value(parts).expect("ids and numbers always make JSON")
}
