//! Every SQL statement about carts.

use contracts::{CartId, CartItemId, Money, OrderId, Time, UserId, VariantId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::{Value, params};

use crate::domain::{Kept, Line};

const LINE: &str = "id, variant_id, quantity, seen_price, seen_currency";

/// The lines of a cart, in the order in which they were put in.
pub(crate) fn lines(q: &mut Query, cart: CartId) -> Result<Vec<Line>, DbError> {
    let sql = format!("SELECT {LINE} FROM cart.items WHERE cart_id = $1 ORDER BY added_at, id");
    q.rows(&sql, params![cart.0])?.iter().map(line).collect()
}

/// As [`lines`]; nobody else changes them until this transaction ends.
pub(crate) fn lock_lines(tx: &mut Tx, cart: CartId) -> Result<Vec<Line>, DbError> {
    let sql = format!("SELECT {LINE} FROM cart.items WHERE cart_id = $1 ORDER BY added_at, id{}", tx.lock_clause());
    tx.rows(&sql, params![cart.0])?.iter().map(line).collect()
}

fn line(r: &Row) -> Result<Line, DbError> {
    let currency = r.get::<String>(4)?.parse().map_err(|e| DbError::Internal(format!("cart line: {e}")))?;
    let seen_price = Money::new(r.get(3)?, currency);
    Ok(Line { id: CartItemId(r.get(0)?), variant_id: VariantId(r.get(1)?), quantity: r.get(2)?, seen_price })
}

/// Adds to a line, or makes it; returns how many are in it then.
pub(crate) fn add(tx: &mut Tx, cart: &Kept, variant: VariantId, quantity: i64, price: Money) -> Result<i64, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let user = cart.user_id.map(|u| u.0);
    let row = tx.row(
        "INSERT INTO cart.items AS i (id, cart_id, variant_id, quantity, seen_price, seen_currency, added_at, user_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (cart_id, variant_id) DO UPDATE \
         SET quantity = i.quantity + excluded.quantity, seen_price = excluded.seen_price, user_id = excluded.user_id, expires_at = excluded.expires_at \
         RETURNING quantity",
        params![id, cart.cart_id.0, variant.0, quantity, price.amount, price.currency.code(), now, user, cart.until(now)],
    )?;
    row.map_or(Err(DbError::Internal("no line after adding one".into())), |r| r.get(0))
}

/// Sets how many are in a line; the variant, or none where the cart has no such line.
pub(crate) fn set_quantity(tx: &mut Tx, cart: &Kept, item: CartItemId, quantity: i64) -> Result<Option<VariantId>, DbError> {
    let until = cart.until(tx.now());
    let sql = "UPDATE cart.items SET quantity = $3, expires_at = $4 WHERE id = $1 AND cart_id = $2 RETURNING variant_id";
    tx.row(sql, params![item.0, cart.cart_id.0, quantity, until])?.map(|r| Ok(VariantId(r.get(0)?))).transpose()
}

/// Takes a line out, after which the others are kept anew; its variant, or none where the cart has no such line.
pub(crate) fn remove(tx: &mut Tx, cart: &Kept, item: CartItemId) -> Result<Option<VariantId>, DbError> {
    let until = cart.until(tx.now());
    let sql = "DELETE FROM cart.items WHERE id = $1 AND cart_id = $2 RETURNING variant_id";
    let Some(row) = tx.row(sql, params![item.0, cart.cart_id.0])? else { return Ok(None) };
    tx.execute("UPDATE cart.items SET expires_at = $2 WHERE cart_id = $1", params![cart.cart_id.0, until])?;
    Ok(Some(VariantId(row.get(0)?)))
}

/// Takes these lines out; returns how many there were.
pub(crate) fn remove_all(tx: &mut Tx, cart: CartId, items: &[CartItemId]) -> Result<u64, DbError> {
    let values: Vec<Value> = std::iter::once(cart.0).chain(items.iter().map(|i| i.0)).map(Value::from).collect();
    let sql = format!("DELETE FROM cart.items WHERE cart_id = $1 AND id IN ({})", placeholders(2, items.len()));
    tx.execute(&sql, &values)
}

/// Some carts that nobody has changed for so long that they end. Lines without an end are older than it.
pub(crate) fn expired(q: &mut Query, now: Time, limit: i64) -> Result<Vec<CartId>, DbError> {
    let rows = q.rows(
        "SELECT i.cart_id FROM cart.items i WHERE i.expires_at <= $1 AND NOT EXISTS \
         (SELECT 1 FROM cart.items n WHERE n.cart_id = i.cart_id AND n.expires_at > $1) GROUP BY i.cart_id ORDER BY i.cart_id LIMIT $2",
        params![now, limit],
    )?;
    rows.iter().map(|r| Ok(CartId(r.get(0)?))).collect()
}

/// Takes a cart's lines out whose time has come; with whose they were.
pub(crate) fn take_expired(tx: &mut Tx, cart: CartId, now: Time) -> Result<Vec<(Line, Option<UserId>)>, DbError> {
    let sql = format!("DELETE FROM cart.items WHERE cart_id = $1 AND expires_at <= $2 RETURNING {LINE}, user_id");
    let rows = tx.rows(&sql, params![cart.0, now])?;
    let mut taken =
        rows.iter().map(|r| Ok((line(r)?, r.get::<Option<uuid::Uuid>>(5)?.map(UserId)))).collect::<Result<Vec<_>, DbError>>()?;
    taken.sort_by_key(|(line, _)| line.variant_id);
    Ok(taken)
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

/// Forgets which carts became orders before `before`, at most `limit`; returns how many.
pub(crate) fn prune_checkouts(tx: &mut Tx, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM cart.checkouts WHERE (cart_id, order_id) IN \
         (SELECT cart_id, order_id FROM cart.checkouts WHERE created_at < $1 ORDER BY created_at, cart_id, order_id LIMIT $2)",
        params![before, limit],
    )
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
