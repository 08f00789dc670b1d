//! Under which number a carrier has a part, and what the carrier told of it. The numbers are of the events alone; what was told
//! is kept apart from them, since it may name people and places.

use std::collections::BTreeMap;

use contracts::events::orders::OrderStatusChanged;
use contracts::{OrderId, Time, VendorOrderId};
use kit::db::{DbError, Query, Tx};
use kit::params;

use crate::domain::{CARRIER_KEY_MAX, CarrierStatus, NUMBER_KEY_MAX, Report, carrier_key, number_key};

/// How many parts one parcel may hold.
const PARTS_MAX: i64 = 50;

/// Something that a carrier told of a part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CarrierStep {
    pub status: CarrierStatus,
    /// By the carrier's clock.
    pub time: Time,
    pub location: Option<String>,
    pub note: Option<String>,
}

/// Takes in who carries a part and under which number, where the event says so; harmless when repeated. What is longer
/// than any carrier's name and number is not kept, and then not found: it would not fit into the index everywhere.
pub(super) fn carried(tx: &mut Tx, e: &OrderStatusChanged) -> Result<(), DbError> {
    if e.carrier.is_none() && e.tracking_number.is_none() {
        return Ok(());
    }
    let carrier = e.carrier.as_deref().map(carrier_key).filter(|key| (1..=CARRIER_KEY_MAX).contains(&key.len()));
    let number = e.tracking_number.as_deref().map(number_key).filter(|key| (1..=NUMBER_KEY_MAX).contains(&key.len()));
    let Some((carrier, number)) = carrier.zip(number) else {
        return tx.execute("DELETE FROM orders.parcels WHERE id = $1", params![e.vendor_order_id.0]).map(drop);
    };
    tx.execute(
        "INSERT INTO orders.parcels (id, order_id, carrier, number) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET carrier = excluded.carrier, number = excluded.number",
        params![e.vendor_order_id.0, e.order_id.0, carrier, number],
    )
    .map(drop)
}

/// The parts that a carrier has under a number, by their orders; of very many those that are with the carrier, then those that
/// will be, the oldest of both first, and then the newest of the others.
pub(crate) fn parcel(q: &mut Query, carrier: &str, number: &str) -> Result<Vec<(OrderId, VendorOrderId)>, DbError> {
    let sql = "SELECT p.order_id, p.id FROM orders.parcels p LEFT JOIN orders.vendor_orders v ON v.id = p.id \
               WHERE p.carrier = $1 AND p.number = $2 \
               ORDER BY CASE WHEN v.status = 'shipped' THEN 0 WHEN v.status IN ('confirmed', 'processing') THEN 1 ELSE 2 END, \
               CASE WHEN v.status IN ('confirmed', 'processing', 'shipped') THEN v.created_at END, v.created_at DESC, p.id LIMIT $3";
    let rows = q.rows(sql, params![carrier, number, PARTS_MAX])?;
    let mut parts = rows.iter().map(|r| Ok((OrderId(r.get(0)?), VendorOrderId(r.get(1)?)))).collect::<Result<Vec<_>, DbError>>()?;
    // As transactions touch them.
    parts.sort_by_key(|(order, part)| (order.0, part.0));
    Ok(parts)
}

/// Which carrier has a part, and under which number, both as they are compared.
pub(crate) fn carrier_of(q: &mut Query, part: VendorOrderId) -> Result<Option<(String, String)>, DbError> {
    let row = q.row("SELECT carrier, number FROM orders.parcels WHERE id = $1", params![part.0])?;
    row.map(|r| Ok((r.get(0)?, r.get(1)?))).transpose()
}

/// How many steps of a part there are from other messages than this one.
pub(crate) fn other_steps(q: &mut Query, part: VendorOrderId, message: &str) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM orders.carrier_steps WHERE vendor_order_id = $1 AND message <> $2";
    q.row(sql, params![part.0, message])?.map_or(Ok(0), |r| r.get(0))
}

/// Adds what a carrier told of a part; once for each of its messages.
pub(crate) fn insert_step(tx: &mut Tx, (order, part): (OrderId, VendorOrderId), message: &str, told: &Report) -> Result<(), DbError> {
    let id = tx.id();
    tx.execute(
        "INSERT INTO orders.carrier_steps (id, order_id, vendor_order_id, message, status, happened_at, location, note) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (vendor_order_id, message) DO NOTHING",
        params![id, order.0, part.0, message, told.status.as_str(), told.time, told.location.as_deref(), told.note.as_deref()],
    )
    .map(drop)
}

/// What carriers told of an order's parts, each oldest first by the carrier's clock.
pub(crate) fn carrier_steps(q: &mut Query, order: OrderId) -> Result<BTreeMap<VendorOrderId, Vec<CarrierStep>>, DbError> {
    let sql = "SELECT vendor_order_id, status, happened_at, location, note FROM orders.carrier_steps \
               WHERE order_id = $1 ORDER BY happened_at, id";
    let mut steps: BTreeMap<VendorOrderId, Vec<CarrierStep>> = BTreeMap::new();
    for row in q.rows(sql, params![order.0])? {
        let status: String = row.get(1)?;
        let status = CarrierStatus::parse(&status).ok_or_else(|| DbError::Internal(format!("status of a carrier's step: {status}")))?;
        let step = CarrierStep { status, time: row.get(2)?, location: row.get(3)?, note: row.get(4)? };
        steps.entry(VendorOrderId(row.get(0)?)).or_default().push(step);
    }
    Ok(steps)
}
