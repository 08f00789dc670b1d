//! Every SQL statement about carts.

use contracts::{CartId, CartItemId, Money, OrderId, VariantId};
use kit::db::{DbError, Query, Tx};
use kit::{Value, params};

use crate::domain::Line;

/// The lines of a cart, in the order in which they were put in.
pub(crate) fn lines(q: &mut Query, cart: CartId) -> Result<Vec<Line>, DbError> {
    let sql = "SELECT id, variant_id, quantity, seen_price, seen_currency FROM cart.items WHERE cart_id = $1 ORDER BY added_at, id";
    let rows = q.rows(sql, params![cart.0])?;
    rows.iter()
        .map(|r| {
            let currency = r.get::<String>(4)?.parse().map_err(|e| DbError::Internal(format!("cart line: {e}")))?;
            let seen_price = Money::new(r.get(3)?, currency);
            Ok(Line { id: CartItemId(r.get(0)?), variant_id: VariantId(r.get(1)?), quantity: r.get(2)?, seen_price })
        })
        .collect()
}

/// Adds to a line, or makes it; returns how many are in it then.
pub(crate) fn add(tx: &mut Tx, cart: CartId, variant: VariantId, quantity: i64, price: Money) -> Result<i64, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let row = tx.row(
        "INSERT INTO cart.items AS i (id, cart_id, variant_id, quantity, seen_price, seen_currency, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = i.quantity + excluded.quantity, seen_price = excluded.seen_price RETURNING quantity",
        params![id, cart.0, variant.0, quantity, price.amount, price.currency.code(), now],
    )?;
    row.map_or(Err(DbError::Internal("no line after adding one".into())), |r| r.get(0))
}

/// Sets how many are in a line; the variant, or none where the cart has no such line.
pub(crate) fn set_quantity(tx: &mut Tx, cart: CartId, item: CartItemId, quantity: i64) -> Result<Option<VariantId>, DbError> {
    let sql = "UPDATE cart.items SET quantity = $3 WHERE id = $1 AND cart_id = $2 RETURNING variant_id";
    tx.row(sql, params![item.0, cart.0, quantity])?.map(|r| Ok(VariantId(r.get(0)?))).transpose()
}

/// Takes a line out; its variant, or none where the cart has no such line.
pub(crate) fn remove(tx: &mut Tx, cart: CartId, item: CartItemId) -> Result<Option<VariantId>, DbError> {
    let sql = "DELETE FROM cart.items WHERE id = $1 AND cart_id = $2 RETURNING variant_id";
    tx.row(sql, params![item.0, cart.0])?.map(|r| Ok(VariantId(r.get(0)?))).transpose()
}

/// Takes all lines out.
pub(crate) fn clear(tx: &mut Tx, cart: CartId) -> Result<(), DbError> {
    tx.execute("DELETE FROM cart.items WHERE cart_id = $1", params![cart.0]).map(drop)
}

/// Remembers that the cart became the order; false where that is known.
pub(crate) fn insert_checkout(tx: &mut Tx, cart: CartId, order: OrderId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = "INSERT INTO cart.checkouts (cart_id, order_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (cart_id, order_id) DO NOTHING";
    Ok(tx.execute(sql, params![cart.0, order.0, now])? == 1)
}

/// Takes the lines out that hold no more than what was ordered; returns how many.
pub(crate) fn remove_ordered(tx: &mut Tx, cart: CartId, ordered: &[(VariantId, i64)]) -> Result<u64, DbError> {
    let mut values: Vec<Value> = vec![cart.0.into()];
    let mut clauses = Vec::with_capacity(ordered.len());
    for (variant, quantity) in ordered {
        clauses.push(format!("(variant_id = ${} AND quantity <= ${})", values.len() + 1, values.len() + 2));
        values.extend([variant.0.into(), (*quantity).into()]);
    }
    let sql = format!("DELETE FROM cart.items WHERE cart_id = $1 AND ({})", clauses.join(" OR "));
    tx.execute(&sql, &values)
}

/// Takes what was ordered off a line that holds more.
pub(crate) fn reduce(tx: &mut Tx, cart: CartId, variant: VariantId, quantity: i64) -> Result<(), DbError> {
    let sql = "UPDATE cart.items SET quantity = quantity - $3 WHERE cart_id = $1 AND variant_id = $2 AND quantity > $3";
    tx.execute(sql, params![cart.0, variant.0, quantity]).map(drop)
}
