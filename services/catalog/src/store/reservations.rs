use contracts::{ReservationId, Time};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{Part, Reservation, State};

/// Adds a reservation; false where there is one with this id.
pub(crate) fn insert_reservation(tx: &mut Tx, id: ReservationId, reservation: &Reservation, expires_at: Time) -> Result<bool, DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO catalog.reservations (id, state, lines, expires_at, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
        params![id.0, reservation.state.as_str(), json(&reservation.parts), expires_at, now],
    )?;
    Ok(inserted == 1)
}

/// A reservation, held until the end of the transaction.
pub(crate) fn reservation(q: &mut Query, id: ReservationId) -> Result<Option<Reservation>, DbError> {
    let lock = q.lock_clause();
    let row = q.row(&format!("SELECT state, lines, returns FROM catalog.reservations WHERE id = $1{lock}"), params![id.0])?;
    row.as_ref().map(read_reservation).transpose()
}

/// A row that begins with state, lines and returns.
pub(super) fn read_reservation(r: &Row) -> Result<Reservation, DbError> {
    let state: String = r.get(0)?;
    let parts: Vec<Part> = serde_json::from_value(r.get(1)?).map_err(|e| DbError::Internal(e.to_string()))?;
    let returns = serde_json::from_value(r.get(2)?).map_err(|e| DbError::Internal(e.to_string()))?;
    let state = State::parse(&state).ok_or_else(|| DbError::Internal(format!("a reservation that is {state}")))?;
    Ok(Reservation { state, parts, returns })
}

/// Moves a reservation from one state to another; false where it is not in that state.
pub(crate) fn set_state(tx: &mut Tx, id: ReservationId, from: State, to: State) -> Result<bool, DbError> {
    let sql = "UPDATE catalog.reservations SET state = $3 WHERE id = $1 AND state = $2";
    Ok(tx.execute(sql, params![id.0, from.as_str(), to.as_str()])? == 1)
}

/// Stores a reservation that is held by this transaction.
pub(crate) fn save_reservation(tx: &mut Tx, id: ReservationId, reservation: &Reservation) -> Result<(), DbError> {
    tx.execute(
        "UPDATE catalog.reservations SET state = $2, lines = $3, returns = $4 WHERE id = $1",
        params![id.0, reservation.state.as_str(), json(&reservation.parts), json(&reservation.returns)],
    )
    .map(drop)
}

/// As [`save_reservation`], with a new time after which it is given back.
pub(crate) fn reopen(tx: &mut Tx, id: ReservationId, reservation: &Reservation, expires_at: Time) -> Result<(), DbError> {
    save_reservation(tx, id, reservation)?;
    tx.execute("UPDATE catalog.reservations SET expires_at = $2 WHERE id = $1", params![id.0, expires_at]).map(drop)
}

/// Reservations that nobody committed in time; at most 100.
pub(crate) fn due(q: &mut Query, now: Time) -> Result<Vec<ReservationId>, DbError> {
    let rows = q.rows(
        "SELECT id FROM catalog.reservations WHERE state = 'held' AND expires_at <= $1 ORDER BY expires_at, id LIMIT 100",
        params![now],
    )?;
    rows.iter().map(|r| Ok(ReservationId(r.get(0)?))).collect()
}

fn json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).expect("ids and numbers always make JSON")
}
