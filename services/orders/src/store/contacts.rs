//! What is known of people, apart from the events so that it can be erased.

use contracts::OrderId;
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};
use serde_json::Value as Json;

use crate::domain::Contact;

/// Keeps the contact of a new order.
pub(crate) fn insert_contact(tx: &mut Tx, order: OrderId, contact: &Contact) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO orders.contacts (order_id, email, address, note) VALUES ($1, $2, $3, $4)",
        params![order.0, contact.email.as_deref(), address(contact)?, contact.note.as_deref()],
    )
    .map(drop)
}

/// Keeps where an order goes and its note, as they are now. What was erased stays so.
pub(crate) fn update_contact(tx: &mut Tx, order: OrderId, contact: &Contact) -> Result<(), DbError> {
    tx.execute(
        "UPDATE orders.contacts SET address = $2, note = $3 WHERE order_id = $1",
        params![order.0, address(contact)?, contact.note.as_deref()],
    )
    .map(drop)
}

fn address(contact: &Contact) -> Result<Option<Json>, DbError> {
    contact.address.as_ref().map(serde_json::to_value).transpose().map_err(|e| DbError::Internal(e.to_string()))
}

/// The contact of an order; empty where it was erased.
pub(crate) fn contact(q: &mut Query, order: OrderId) -> Result<Contact, DbError> {
    let row = q.row("SELECT email, address, note FROM orders.contacts WHERE order_id = $1", params![order.0])?;
    row.map_or(Ok(Contact::default()), |r| read(&r))
}

/// The contacts of several orders, at the places of `orders`.
pub(crate) fn contacts(q: &mut Query, orders: &[OrderId]) -> Result<Vec<Contact>, DbError> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT email, address, note, order_id FROM orders.contacts WHERE order_id IN ({}) ORDER BY order_id",
        placeholders(1, orders.len())
    );
    let values: Vec<Value> = orders.iter().map(|id| Value::from(id.0)).collect();
    let mut all = vec![Contact::default(); orders.len()];
    for row in q.rows(&sql, &values)? {
        let (order, contact) = (OrderId(row.get(3)?), read(&row)?);
        for (place, _) in orders.iter().enumerate().filter(|(_, id)| **id == order) {
            all[place] = contact.clone();
        }
    }
    Ok(all)
}

fn read(row: &Row) -> Result<Contact, DbError> {
    let address: Option<Json> = row.get(1)?;
    let address = address.map(serde_json::from_value).transpose().map_err(|e| DbError::Internal(e.to_string()))?;
    Ok(Contact { email: row.get(0)?, address, note: row.get(2)? })
}
