//! The read model: which orders a shopper has, which parts a store has and which of them a carrier. It is made of the events
//! alone.

use std::collections::BTreeMap;

use contracts::events::orders::{OrderCreated, OrderImported};
use contracts::{EventSet as _, OrderId, Time, UserId, VendorId, VendorOrderId};
use kit::Value;
use kit::db::{DbError, Query, Row, Tx, placeholders, portions, value_rows};
use kit::events::{Kept, ReadModel, Table};
use kit::http::After;
use kit::params;
use uuid::Uuid;

use super::{parcels, returns};
use crate::domain::{OrderEvent, PartStatus, ReturnStatus};

/// Whose orders.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    User(UserId),
    /// By the hash of the cart token.
    Guest(String),
}

/// The lists, which are kept up in the transaction of each event and can be built anew from the log.
pub(crate) const READ_MODEL: ReadModel = ReadModel {
    name: "orders",
    kinds: &[],
    kept: Kept::AtOnce {
        // In the order in which transactions touch them.
        tables: &[
            Table { name: "orders", key: "id", stream: "id" },
            Table { name: "returns", key: "id", stream: "order_id" },
            Table { name: "vendor_orders", key: "id", stream: "order_id" },
            Table { name: "parcels", key: "id", stream: "order_id" },
        ],
    },
    apply: |tx, e| {
        let event = OrderEvent::decode(&e.kind, e.schema_version, &e.data);
        project(tx, &event.map_err(|reason| DbError::Internal(format!("event {} of the log: {reason}", e.position)))?)
    },
};

/// Takes an event into the lists; harmless when repeated.
pub(crate) fn project(tx: &mut Tx, event: &OrderEvent) -> Result<(), DbError> {
    match event {
        OrderEvent::Created(e) => created(tx, e),
        OrderEvent::Imported(e) => imported(tx, e),
        OrderEvent::PaymentRequested(e) => all_parts(tx, e.order_id, PartStatus::AwaitingPayment),
        OrderEvent::Confirmed(e) => show_as_sold(tx, e.order_id),
        OrderEvent::Failed(e) => all_parts(tx, e.order_id, PartStatus::Failed),
        OrderEvent::Cancelled(e) => all_parts(tx, e.order_id, PartStatus::Cancelled),
        OrderEvent::PartsCancelled(e) => {
            e.parts.iter().try_for_each(|p| part_stands(tx, p.vendor_order_id, PartStatus::Cancelled.as_str()))
        }
        OrderEvent::StatusChanged(e) => {
            part_stands(tx, e.vendor_order_id, &e.status)?;
            parcels::carried(tx, e)
        }
        OrderEvent::ReturnRequested(e) => {
            returns::requested(tx, e)?;
            part_stands(tx, e.vendor_order_id, PartStatus::ReturnRequested.as_str())
        }
        OrderEvent::ReturnApproved(e) => returns::moved(tx, e.return_id, ReturnStatus::Approved),
        OrderEvent::ReturnRejected(e) => {
            returns::moved(tx, e.return_id, ReturnStatus::Rejected)?;
            part_stands(tx, e.vendor_order_id, &e.part_status)
        }
        OrderEvent::Returned(e) => {
            if let Some(id) = e.return_id {
                returns::moved(tx, id, ReturnStatus::Received)?;
            }
            part_stands(tx, e.vendor_order_id, &e.part_status)
        }
        OrderEvent::ReturnRefunded(e) => returns::moved(tx, e.return_id, ReturnStatus::Refunded),
        OrderEvent::Paid(_) | OrderEvent::Refunded(_) => Ok(()),
        OrderEvent::Updated(_) | OrderEvent::Shipped(_) | OrderEvent::Delivered(_) | OrderEvent::Completed(_) => Ok(()),
    }
}

fn part_stands(tx: &mut Tx, part: VendorOrderId, status: &str) -> Result<(), DbError> {
    tx.execute("UPDATE orders.vendor_orders SET status = $2 WHERE id = $1", params![part.0, status]).map(drop)
}

fn created(tx: &mut Tx, e: &OrderCreated) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO orders.orders (id, number, user_id, guest, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
        params![e.order_id.0, &e.number, e.user_id.map(|u| u.0), e.guest.as_deref(), e.at],
    )?;
    let mut values: Vec<Value> = Vec::with_capacity(e.parts.len() * 5);
    for part in &e.parts {
        values.extend_from_slice(params![part.vendor_order_id.0, e.order_id.0, part.vendor_id.0, PartStatus::Created.as_str(), e.at]);
    }
    let sql = format!(
        "INSERT INTO orders.vendor_orders (id, order_id, vendor_id, status, created_at) VALUES {} ON CONFLICT (id) DO UPDATE SET status = excluded.status",
        value_rows(e.parts.len(), 5)
    );
    tx.execute(&sql, &values).map(drop)
}

/// As it stands elsewhere now; parts that are no longer said are gone.
fn imported(tx: &mut Tx, e: &OrderImported) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO orders.orders (id, number, user_id, guest, created_at) VALUES ($1, $2, $3, NULL, $4) \
         ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, created_at = excluded.created_at",
        params![e.order_id.0, &e.number, e.user_id.map(|u| u.0), e.placed_at],
    )?;
    tx.execute("DELETE FROM orders.vendor_orders WHERE order_id = $1", params![e.order_id.0])?;
    for portion in portions(&e.parts) {
        let mut values: Vec<Value> = Vec::with_capacity(portion.len() * 5);
        for part in portion {
            let (id, vendor) = (part.sold.vendor_order_id.0, part.sold.vendor_id.0);
            values.extend_from_slice(params![id, e.order_id.0, vendor, part.status.as_str(), e.placed_at]);
        }
        let rows = value_rows(portion.len(), 5);
        tx.execute(&format!("INSERT INTO orders.vendor_orders (id, order_id, vendor_id, status, created_at) VALUES {rows}"), &values)?;
    }
    Ok(())
}

/// Every order, by its id; one more than `limit` where there are more.
pub(crate) fn all_orders(q: &mut Query, after: Option<OrderId>, limit: i64) -> Result<Vec<OrderId>, DbError> {
    let sql = "SELECT id FROM orders.orders WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.map_or(Uuid::nil(), |id| id.0);
    q.rows(sql, params![after, limit + 1])?.iter().map(|r| Ok(OrderId(r.get(0)?))).collect()
}

/// When the orders of these numbers were placed, where there are such.
pub(crate) fn placed_at(q: &mut Query, numbers: &[&str]) -> Result<BTreeMap<String, Time>, DbError> {
    let mut found = BTreeMap::new();
    for portion in portions(numbers) {
        let sql =
            format!("SELECT number, created_at FROM orders.orders WHERE number IN ({}) ORDER BY number", placeholders(1, portion.len()));
        let values: Vec<Value> = portion.iter().map(|number| Value::from(*number)).collect();
        for row in q.rows(&sql, &values)? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// A confirmed order, as its stores see it.
pub(crate) fn show_as_sold(tx: &mut Tx, order: OrderId) -> Result<(), DbError> {
    all_parts(tx, order, PartStatus::Confirmed)
}

fn all_parts(tx: &mut Tx, order: OrderId, status: PartStatus) -> Result<(), DbError> {
    tx.execute("UPDATE orders.vendor_orders SET status = $2 WHERE order_id = $1", params![order.0, status.as_str()]).map(drop)
}

/// The ids of somebody's orders, newest first; one more than `limit` where there are more.
pub(crate) fn orders_of(q: &mut Query, owner: &Filter, after: Option<After>, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let (column, owner) = match owner {
        Filter::User(id) => ("user_id", Value::from(id.0)),
        Filter::Guest(hash) => ("guest", Value::from(hash)),
    };
    let mut values = vec![owner, Value::from(limit + 1)];
    let mut sql = format!("SELECT id FROM orders.orders WHERE {column} = $1");
    if let Some(after) = after {
        sql.push_str(" AND (created_at, id) < ($3, $4)");
        values.extend_from_slice(params![after.time, after.id]);
    }
    sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT $2");
    q.rows(&sql, &values)?.iter().map(|r| r.get(0)).collect()
}

/// The parts of some stores with their orders, newest first; one more than `limit` where there are more.
pub(crate) fn parts_of(
    q: &mut Query,
    stores: &[VendorId],
    status: Option<PartStatus>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<(VendorOrderId, OrderId)>, DbError> {
    let select = "SELECT id, order_id FROM orders.vendor_orders WHERE vendor_id IN";
    let rows = of_stores(q, select, stores, status.map(PartStatus::as_str), after, limit)?;
    rows.iter().map(|r| Ok((VendorOrderId(r.get(0)?), OrderId(r.get(1)?)))).collect()
}

/// A page of what belongs to some stores, newest first: `select` ends where the list of stores begins.
pub(super) fn of_stores(
    q: &mut Query,
    select: &str,
    stores: &[VendorId],
    status: Option<&'static str>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    if stores.is_empty() {
        return Ok(Vec::new());
    }
    let mut values: Vec<Value> = stores.iter().map(|s| Value::from(s.0)).collect();
    let mut sql = format!("{select} ({})", placeholders(1, stores.len()));
    if let Some(status) = status {
        values.push(status.into());
        sql.push_str(&format!(" AND status = ${}", values.len()));
    }
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        sql.push_str(&format!(" AND (created_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    values.push((limit + 1).into());
    sql.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT ${}", values.len()));
    q.rows(&sql, &values)
}

/// The order that a part belongs to, if the part is of one of these stores; `None` for `stores` means any.
pub(crate) fn order_of_part(q: &mut Query, stores: Option<&[VendorId]>, part: VendorOrderId) -> Result<Option<OrderId>, DbError> {
    let row = q.row("SELECT order_id, vendor_id FROM orders.vendor_orders WHERE id = $1", params![part.0])?;
    let Some(row) = row else { return Ok(None) };
    let vendor = VendorId(row.get(1)?);
    let order = OrderId(row.get(0)?);
    Ok(stores.is_none_or(|stores| stores.contains(&vendor)).then_some(order))
}
