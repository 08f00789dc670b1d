//! Links that prove that an address is somebody's. Their tokens are never stored, only hashes.

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use uuid::Uuid;

use crate::domain::Purpose;

/// A link that has no token yet.
pub fn insert(tx: &mut Tx, user: UserId, purpose: Purpose, expires_at: Time) -> Result<Uuid, DbError> {
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        "INSERT INTO identity.links (id, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        params![id, purpose.as_str(), user.0, now, expires_at],
    )?;
    Ok(id)
}

/// Gives an open link a token, in place of the one it had. `None` where it was used or has expired.
pub fn set_token(tx: &mut Tx, id: Uuid, hash: &[u8]) -> Result<Option<(UserId, String)>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE identity.links SET token_hash = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $3 RETURNING user_id, purpose",
        params![id, hash, now],
    )?;
    row.map(|r| Ok((UserId(r.get(0)?), r.get(1)?))).transpose()
}

/// Whose open link has this token.
pub fn user_of(q: &mut Query, purpose: Purpose, hash: &[u8], now: Time) -> Result<Option<UserId>, DbError> {
    let row = q.row(
        "SELECT user_id FROM identity.links WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        params![hash, purpose.as_str(), now],
    )?;
    user(row)
}

/// Uses a link up: of many callers with one token, one gets its user.
pub fn spend(tx: &mut Tx, purpose: Purpose, hash: &[u8]) -> Result<Option<UserId>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE identity.links SET used_at = $3 WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 RETURNING user_id",
        params![hash, purpose.as_str(), now],
    )?;
    user(row)
}

/// Uses up all other links of a user that are for the same.
pub fn spend_all(tx: &mut Tx, owner: UserId, purpose: Purpose) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE identity.links SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL",
        params![owner.0, purpose.as_str(), now],
    )
    .map(drop)
}

/// Forgets links that expired before `before`; at most 500. Returns how many.
pub fn prune(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity.links WHERE id IN (SELECT l.id FROM identity.links l WHERE l.expires_at < $1 ORDER BY l.expires_at, l.id LIMIT 500)",
        params![before],
    )
}

fn user(row: Option<Row>) -> Result<Option<UserId>, DbError> {
    row.map(|r| Ok(UserId(r.get(0)?))).transpose()
}
