//! Prices that are held for a while.

use contracts::{QuoteId, Time};
use kit::db::{DbError, Query, Tx};
use kit::params;
use serde_json::Value as Json;

use super::Filter;
use crate::domain::Quote;

/// Quotes that are forgotten in one statement.
const PRUNED_AT_ONCE: i64 = 500;

/// Keeps a quote for its owner.
pub(crate) fn insert_quote(tx: &mut Tx, owner: &Filter, id: QuoteId, quote: &Quote, expires_at: Time) -> Result<(), DbError> {
    let (user, guest) = owner_of(owner);
    let quote = serde_json::to_value(quote).map_err(|e| DbError::Internal(e.to_string()))?;
    let sql = "INSERT INTO orders.quotes (id, user_id, guest, quote, expires_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, params![id.0, user, guest, quote, expires_at]).map(drop)
}

/// The owner's quote, while it holds.
pub(crate) fn quote(q: &mut Query, owner: &Filter, id: QuoteId, now: Time) -> Result<Option<Quote>, DbError> {
    let (user, guest) = owner_of(owner);
    let sql = "SELECT quote FROM orders.quotes WHERE id = $1 AND expires_at > $2 AND (user_id = $3 OR guest = $4)";
    let row = q.row(sql, params![id.0, now, user, guest])?;
    let quote = row.map(|r| r.get::<Json>(0)).transpose()?;
    quote.map(serde_json::from_value).transpose().map_err(|e| DbError::Internal(format!("stored quote: {e}")))
}

/// Uses a quote up; false where somebody did before.
pub(crate) fn use_quote(tx: &mut Tx, id: QuoteId) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM orders.quotes WHERE id = $1", params![id.0])? == 1)
}

/// Forgets some quotes that no longer hold; how many.
pub(crate) fn prune_quotes(tx: &mut Tx, now: Time) -> Result<u64, DbError> {
    let sql = "DELETE FROM orders.quotes WHERE id IN (SELECT o.id FROM orders.quotes o WHERE o.expires_at <= $1 ORDER BY o.expires_at, o.id LIMIT $2)";
    tx.execute(sql, params![now, PRUNED_AT_ONCE])
}

fn owner_of(owner: &Filter) -> (Option<uuid::Uuid>, Option<&str>) {
    match owner {
        Filter::User(id) => (Some(id.0), None),
        Filter::Guest(hash) => (None, Some(hash)),
    }
}
