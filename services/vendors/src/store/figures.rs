//! Sales, returns and earnings of stores, as the events of orders and payments tell them: one row each, so that an event
//! that comes twice changes nothing, and sums that are always right. Moments are in microseconds since 1970: days and
//! durations are worked out of them in the same way on both engines.

use std::collections::BTreeMap;

use contracts::events::orders::{CancelledPart, ImportedPart, OrderImported, ReturnedLine, VendorPart};
use contracts::{Currency, Money, OrderId, ReturnId, Time, VendorId, VendorOrderId};
use kit::db::{DbError, Query, Row, Tx, portions, value_rows};
use kit::http::Period;
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::figures::{DaySales, Metrics, Moved, OrderCounts, PieceCounts, ReturnCounts, ShipTime, Sums, basis_points};

/// Notes what an order would sell.
pub(crate) fn insert_sales(tx: &mut Tx, order: OrderId, parts: &[VendorPart]) -> Result<(), DbError> {
    let row = |part: &VendorPart| -> [Value; 6] {
        let (total, pieces) = (part.totals.total, part.lines.iter().map(|l| l.quantity).sum::<i64>());
        let id = part.vendor_order_id.0;
        [id.into(), order.0.into(), part.vendor_id.0.into(), total.currency.code().into(), total.amount.into(), pieces.into()]
    };
    let values: Vec<Value> = parts.iter().flat_map(row).collect();
    let sql = format!(
        "INSERT INTO vendors.sales (part_id, order_id, vendor_id, currency, total, pieces) VALUES {} ON CONFLICT (part_id) DO NOTHING",
        value_rows(parts.len(), 6)
    );
    tx.execute(&sql, &values).map(drop)
}

/// Notes what an order sold elsewhere, in place of what was noted of it before. Its money never was here. Some shops say that
/// goods left before they were ordered: then they left at once.
pub(crate) fn put_imported(tx: &mut Tx, e: &OrderImported) -> Result<(), DbError> {
    tx.execute("DELETE FROM vendors.sales WHERE order_id = $1", params![e.order_id.0])?;
    let us = |at: Option<Time>| Value::from(at.map(|at| at.0));
    let row = |part: &ImportedPart| -> [Value; 11] {
        let (sold, placed) = (&part.sold, e.placed_at);
        let (total, pieces) = (sold.totals.total, sold.lines.iter().map(|l| l.quantity).sum::<i64>());
        let ended = |status: &str| us(Some(placed).filter(|_| part.status == status));
        [
            sold.vendor_order_id.0.into(),
            e.order_id.0.into(),
            sold.vendor_id.0.into(),
            total.currency.code().into(),
            total.amount.into(),
            pieces.into(),
            placed.0.into(),
            us(part.shipped_at.map(|at| at.max(placed))),
            us(part.delivered_at.map(|at| at.max(placed))),
            ended("returned"),
            ended("cancelled"),
        ]
    };
    for portion in portions(&e.parts) {
        let values: Vec<Value> = portion.iter().flat_map(row).collect();
        let sql = format!(
            "INSERT INTO vendors.sales (part_id, order_id, vendor_id, currency, total, pieces, confirmed_us, shipped_us, delivered_us, refused_us, cancelled_us) VALUES {}",
            value_rows(portion.len(), 11)
        );
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// The order was sold.
pub(crate) fn confirm(tx: &mut Tx, order: OrderId, at: Time) -> Result<(), DbError> {
    let sql = "UPDATE vendors.sales SET confirmed_us = $2 WHERE order_id = $1 AND confirmed_us IS NULL";
    tx.execute(sql, params![order.0, at.0]).map(drop)
}

/// The order was called off, or failed: what was not sold is forgotten.
pub(crate) fn end(tx: &mut Tx, order: OrderId, at: Time) -> Result<(), DbError> {
    tx.execute("DELETE FROM vendors.sales WHERE order_id = $1 AND confirmed_us IS NULL", params![order.0])?;
    let sql = "UPDATE vendors.sales SET cancelled_us = $2 WHERE order_id = $1 AND cancelled_us IS NULL";
    tx.execute(sql, params![order.0, at.0]).map(drop)
}

/// Some parts of a sold order were called off.
pub(crate) fn end_parts(tx: &mut Tx, parts: &[CancelledPart], at: Time) -> Result<(), DbError> {
    for part in parts {
        let sql = "UPDATE vendors.sales SET cancelled_us = $2 WHERE part_id = $1 AND cancelled_us IS NULL";
        tx.execute(sql, params![part.vendor_order_id.0, at.0])?;
    }
    Ok(())
}

/// Where a store's part has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reached {
    Shipped,
    Delivered,
    Refused,
}

/// A store's part has come further.
pub(crate) fn advance(tx: &mut Tx, part: VendorOrderId, reached: Reached, at: Time) -> Result<(), DbError> {
    let column = match reached {
        Reached::Shipped => "shipped_us",
        Reached::Delivered => "delivered_us",
        Reached::Refused => "refused_us",
    };
    let sql = format!("UPDATE vendors.sales SET {column} = $2 WHERE part_id = $1 AND {column} IS NULL");
    tx.execute(&sql, params![part.0, at.0]).map(drop)
}

/// Notes a return that was asked for.
pub(crate) fn insert_return(tx: &mut Tx, id: ReturnId, part: VendorOrderId, lines: &[ReturnedLine]) -> Result<(), DbError> {
    let pieces: i64 = lines.iter().map(|l| l.quantity).sum();
    tx.execute(
        "INSERT INTO vendors.returns (id, part_id, pieces) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        params![id.0, part.0, pieces],
    )
    .map(drop)
}

/// The goods of a return are with the store.
pub(crate) fn receive_return(tx: &mut Tx, id: ReturnId, at: Time) -> Result<(), DbError> {
    tx.execute("UPDATE vendors.returns SET received_us = $2 WHERE id = $1 AND received_us IS NULL", params![id.0, at.0]).map(drop)
}

/// The store does not take a return back, or it never came.
pub(crate) fn reject_return(tx: &mut Tx, id: ReturnId, at: Time) -> Result<(), DbError> {
    tx.execute("UPDATE vendors.returns SET rejected_us = $2 WHERE id = $1 AND rejected_us IS NULL", params![id.0, at.0]).map(drop)
}

/// Why money moved.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// It was captured, or taken in cash.
    Sale,
    /// It goes back.
    Refund,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Cause::Sale => "sale",
            Cause::Refund => "refund",
        }
    }
}

/// Notes money that moved for some stores; `id` is that of the payment, the collection or the refund.
pub(crate) fn insert_earnings(
    tx: &mut Tx,
    (id, cause): (Uuid, Cause),
    currency: Currency,
    stores: &BTreeMap<VendorId, Moved>,
    at: Time,
) -> Result<(), DbError> {
    if stores.is_empty() {
        return Ok(());
    }
    let row = |(vendor, m): (&VendorId, &Moved)| -> [Value; 8] {
        let (kind, code) = (cause.as_str().into(), currency.code().into());
        [id.into(), kind, vendor.0.into(), code, m.earned.into(), m.commission.into(), m.tax.into(), at.0.into()]
    };
    let values: Vec<Value> = stores.iter().flat_map(row).collect();
    let sql = format!(
        "INSERT INTO vendors.earnings (id, kind, vendor_id, currency, earned, commission, tax, at_us) VALUES {} ON CONFLICT (id, kind, vendor_id) DO NOTHING",
        value_rows(stores.len(), 8)
    );
    tx.execute(&sql, &values).map(drop)
}

/// A refund failed: what was set aside for it is the stores' again.
pub(crate) fn take_refund_back(tx: &mut Tx, refund: Uuid, at: Time) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO vendors.earnings (id, kind, vendor_id, currency, earned, commission, tax, at_us) \
         SELECT id, 'refund_failed', vendor_id, currency, -earned, -commission, -tax, CAST($2 AS bigint) FROM vendors.earnings \
         WHERE id = $1 AND kind = 'refund' ON CONFLICT (id, kind, vendor_id) DO NOTHING",
        params![refund, at.0],
    )
    .map(drop)
}

const SUMS: &str = "currency, CAST(SUM(CASE WHEN kind = 'sale' THEN earned + commission + tax ELSE 0 END) AS bigint), \
     CAST(SUM(earned) AS bigint), CAST(SUM(commission) AS bigint), CAST(SUM(tax) AS bigint) \
     FROM vendors.earnings WHERE vendor_id = $1 AND at_us >= $2 AND at_us < $3";

/// What moved for a store in a period, by currency.
pub(crate) fn earnings(q: &mut Query, vendor: VendorId, period: Period) -> Result<Vec<Sums>, DbError> {
    let sql = format!("SELECT {SUMS} GROUP BY currency ORDER BY currency");
    q.rows(&sql, &within(vendor, period))?.iter().map(|r| sums(r, 0)).collect()
}

/// As [`earnings`], by day.
pub(crate) fn earnings_by_day(q: &mut Query, vendor: VendorId, period: Period) -> Result<Vec<(i64, Sums)>, DbError> {
    let sql = format!("SELECT at_us / 86400000000, {SUMS} GROUP BY at_us / 86400000000, currency ORDER BY at_us / 86400000000, currency");
    q.rows(&sql, &within(vendor, period))?.iter().map(|r| Ok((r.get(0)?, sums(r, 1)?))).collect()
}

const SOLD: &str = "vendor_id = $1 AND confirmed_us >= $2 AND confirmed_us < $3";
const KEPT: &str = "CASE WHEN cancelled_us IS NULL AND refused_us IS NULL THEN total ELSE 0 END";

/// What a store sold in a period, by day.
pub(crate) fn sales_by_day(q: &mut Query, vendor: VendorId, period: Period) -> Result<Vec<DaySales>, DbError> {
    let sql = format!(
        "SELECT confirmed_us / 86400000000, currency, COUNT(*), CAST(SUM(pieces) AS bigint), CAST(SUM({KEPT}) AS bigint) FROM vendors.sales \
         WHERE {SOLD} GROUP BY confirmed_us / 86400000000, currency ORDER BY confirmed_us / 86400000000, currency"
    );
    let day = |r: &Row| Ok(DaySales { day: r.get(0)?, currency: currency(r, 1)?, orders: r.get(2)?, pieces: r.get(3)?, value: r.get(4)? });
    q.rows(&sql, &within(vendor, period))?.iter().map(day).collect()
}

/// How a store's sales of a period have gone on.
pub(crate) fn metrics(q: &mut Query, vendor: VendorId, period: Period) -> Result<Metrics, DbError> {
    let mut found = counts(q, vendor, period)?;
    let values =
        format!("SELECT currency, CAST(SUM({KEPT}) AS bigint) FROM vendors.sales WHERE {SOLD} GROUP BY currency ORDER BY currency");
    let money = |r: &Row| Ok(Money::new(r.get(1)?, currency(r, 0)?));
    found.value = q.rows(&values, &within(vendor, period))?.iter().map(money).collect::<Result<_, DbError>>()?;
    let returns = "SELECT COUNT(*), COUNT(r.received_us), COUNT(r.rejected_us), \
         CAST(COALESCE(SUM(CASE WHEN r.received_us IS NULL THEN 0 ELSE r.pieces END), 0) AS bigint) FROM vendors.sales s \
         JOIN vendors.returns r ON r.part_id = s.part_id \
         WHERE s.vendor_id = $1 AND s.confirmed_us >= $2 AND s.confirmed_us < $3";
    if let Some(r) = q.row(returns, &within(vendor, period))? {
        found.returns = ReturnCounts { requested: r.get(0)?, received: r.get(1)?, rejected: r.get(2)? };
        found.pieces.returned = r.get(3)?;
    }
    found.return_rate_basis_points = basis_points(found.pieces.returned, found.pieces.delivered);
    Ok(found)
}

fn counts(q: &mut Query, vendor: VendorId, period: Period) -> Result<Metrics, DbError> {
    let sql = format!(
        "SELECT COUNT(*), COUNT(cancelled_us), COUNT(shipped_us), COUNT(delivered_us), COUNT(refused_us), CAST(COALESCE(SUM(pieces), 0) AS bigint), \
         CAST(COALESCE(SUM(CASE WHEN delivered_us IS NULL THEN 0 ELSE pieces END), 0) AS bigint), \
         CAST(SUM(shipped_us - confirmed_us) AS bigint), MAX(shipped_us - confirmed_us) FROM vendors.sales WHERE {SOLD}"
    );
    let Some(r) = q.row(&sql, &within(vendor, period))? else { return Ok(Metrics::default()) };
    let orders = OrderCounts { confirmed: r.get(0)?, cancelled: r.get(1)?, shipped: r.get(2)?, delivered: r.get(3)?, refused: r.get(4)? };
    let (all_us, longest_us): (Option<i64>, Option<i64>) = (r.get(7)?, r.get(8)?);
    let ship_time = all_us
        .zip(longest_us)
        .map(|(all, longest)| ShipTime { average_seconds: all / orders.shipped.max(1) / 1_000_000, longest_seconds: longest / 1_000_000 });
    Ok(Metrics {
        pieces: PieceCounts { sold: r.get(5)?, delivered: r.get(6)?, returned: 0 },
        cancellation_rate_basis_points: basis_points(orders.cancelled, orders.confirmed),
        ship_time,
        orders,
        ..Metrics::default()
    })
}

fn within(vendor: VendorId, period: Period) -> [Value; 3] {
    [vendor.0.into(), period.begin().0.into(), period.end().0.into()]
}

fn sums(r: &Row, first: usize) -> Result<Sums, DbError> {
    let moved = Moved { earned: r.get(first + 2)?, commission: r.get(first + 3)?, tax: r.get(first + 4)? };
    Ok(Sums { currency: currency(r, first)?, sales: r.get(first + 1)?, moved })
}

fn currency(r: &Row, column: usize) -> Result<Currency, DbError> {
    r.get::<String>(column)?.parse().map_err(|e: contracts::MoneyError| DbError::Internal(e.to_string()))
}
