//! The read model of returns. It is made of the events alone.

use contracts::events::orders::OrderReturnRequested;
use contracts::{OrderId, ReturnId, VendorId};
use kit::db::{DbError, Query, Tx};
use kit::http::After;
use kit::params;

use super::lists::of_stores;
use crate::domain::ReturnStatus;

/// Takes a new return into the list; harmless when repeated.
pub(super) fn requested(tx: &mut Tx, e: &OrderReturnRequested) -> Result<(), DbError> {
    let status = ReturnStatus::Requested.as_str();
    tx.execute(
        "INSERT INTO orders.returns (id, order_id, vendor_order_id, vendor_id, status, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        params![e.return_id.0, e.order_id.0, e.vendor_order_id.0, e.vendor_id.0, status, e.at],
    )
    .map(drop)
}

/// Writes where a return stands.
pub(super) fn moved(tx: &mut Tx, id: ReturnId, to: ReturnStatus) -> Result<(), DbError> {
    tx.execute("UPDATE orders.returns SET status = $2 WHERE id = $1", params![id.0, to.as_str()]).map(drop)
}

/// The order that a return belongs to, and the store that it goes to.
pub(crate) fn return_place(q: &mut Query, id: ReturnId) -> Result<Option<(OrderId, VendorId)>, DbError> {
    let row = q.row("SELECT order_id, vendor_id FROM orders.returns WHERE id = $1", params![id.0])?;
    row.map(|r| Ok((OrderId(r.get(0)?), VendorId(r.get(1)?)))).transpose()
}

/// The returns of some stores with their orders, newest first; one more than `limit` where there are more.
pub(crate) fn returns_of(
    q: &mut Query,
    stores: &[VendorId],
    status: Option<ReturnStatus>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<(ReturnId, OrderId)>, DbError> {
    let select = "SELECT id, order_id FROM orders.returns WHERE vendor_id IN";
    let rows = of_stores(q, select, stores, status.map(ReturnStatus::as_str), after, limit)?;
    rows.iter().map(|r| Ok((ReturnId(r.get(0)?), OrderId(r.get(1)?)))).collect()
}
