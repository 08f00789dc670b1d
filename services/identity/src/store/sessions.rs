//! Sessions and their refresh tokens.

use contracts::{SessionId, Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::http::After;
use kit::params;

use crate::domain::Session;

/// Opens a session with its first refresh token.
pub fn insert(tx: &mut Tx, session: &Session, expires_at_max: Time, token_hash: &[u8]) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity.sessions (id, user_id, device, address, created_at, used_at, expires_at, expires_at_max) \
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
        params![
            session.id.0,
            session.user.0,
            session.device.clone(),
            session.address.clone(),
            session.created_at,
            session.expires_at,
            expires_at_max
        ],
    )?;
    insert_token(tx, session.id, token_hash)
}

/// Gives a session a further refresh token.
pub fn insert_token(tx: &mut Tx, session: SessionId, token_hash: &[u8]) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO identity.refresh_tokens (hash, session_id, issued_at) VALUES ($1, $2, $3)",
        params![token_hash, session.0, now],
    )?;
    Ok(())
}

/// Marks a refresh token as used, if it was not: of many callers with one token, one gets its session.
pub fn use_token(tx: &mut Tx, token_hash: &[u8]) -> Result<Option<SessionId>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE identity.refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL RETURNING session_id",
        params![token_hash, now],
    )?;
    row.map(|r| Ok(SessionId(r.get(0)?))).transpose()
}

/// The session of a refresh token that was used before, with its user.
pub fn of_used_token(q: &mut Query, token_hash: &[u8]) -> Result<Option<(SessionId, UserId)>, DbError> {
    let row = q.row(
        "SELECT s.id, s.user_id FROM identity.refresh_tokens t JOIN identity.sessions s ON s.id = t.session_id \
         WHERE t.hash = $1 AND t.used_at IS NOT NULL",
        params![token_hash],
    )?;
    row.map(|r| Ok((SessionId(r.get(0)?), UserId(r.get(1)?)))).transpose()
}

/// Keeps an open session open until `expires_at`, but not beyond its longest life. `None` where it has ended.
pub fn renew(tx: &mut Tx, id: SessionId, expires_at: Time) -> Result<Option<UserId>, DbError> {
    let now = tx.now();
    let row = tx.row(
        "UPDATE identity.sessions SET used_at = $2, expires_at = CASE WHEN expires_at_max < $3 THEN expires_at_max ELSE $3 END \
         WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING user_id",
        params![id.0, now, expires_at],
    )?;
    row.map(|r| Ok(UserId(r.get(0)?))).transpose()
}

/// Ends one open session of a user; false where there is no such one.
pub fn end(tx: &mut Tx, user: UserId, id: SessionId, reason: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let ended = tx.execute(
        "UPDATE identity.sessions SET ended_at = $3, end_reason = $4 \
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3",
        params![id.0, user.0, now, reason],
    )?;
    Ok(ended == 1)
}

/// Ends all open sessions of a user but the `keep` that were opened last, and says which.
pub fn end_all(tx: &mut Tx, user: UserId, keep: i64, reason: &str) -> Result<Vec<SessionId>, DbError> {
    let now = tx.now();
    let rows = tx.rows(
        "UPDATE identity.sessions SET ended_at = $2, end_reason = $3 WHERE ended_at IS NULL AND user_id = $1 AND id NOT IN \
         (SELECT s.id FROM identity.sessions s WHERE s.user_id = $1 AND s.ended_at IS NULL ORDER BY s.created_at DESC, s.id DESC LIMIT $4) \
         RETURNING id",
        params![user.0, now, reason, keep],
    )?;
    let mut ended = rows.iter().map(|r| Ok(SessionId(r.get(0)?))).collect::<Result<Vec<_>, DbError>>()?;
    ended.sort();
    Ok(ended)
}

/// The open sessions of a user, newest first, with one row more than `limit` where there are more.
pub fn list(q: &mut Query, user: UserId, now: Time, after: After, limit: i64) -> Result<Vec<Session>, DbError> {
    let rows = q.rows(
        "SELECT id, user_id, device, address, created_at, used_at, expires_at FROM identity.sessions \
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND (created_at, id) < ($3, $4) \
         ORDER BY created_at DESC, id DESC LIMIT $5",
        params![user.0, now, after.time, after.id, limit + 1],
    )?;
    rows.iter().map(session).collect()
}

/// Whose session it is, if it is open. Other services ask with nothing but the id that a token names.
pub fn user_of_open(q: &mut Query, id: SessionId, now: Time) -> Result<Option<UserId>, DbError> {
    let row = q.row("SELECT user_id FROM identity.sessions WHERE id = $1 AND ended_at IS NULL AND expires_at > $2", params![id.0, now])?;
    row.map(|r| Ok(UserId(r.get(0)?))).transpose()
}

/// Forgets sessions with their tokens that expired or ended before `before`; at most 500. Returns how many.
pub fn prune(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity.sessions WHERE id IN (SELECT s.id FROM identity.sessions s WHERE s.expires_at < $1 \
         ORDER BY s.expires_at, s.id LIMIT 500)",
        params![before],
    )
}

/// Forgets refresh tokens that were used before `before`; at most 500. Returns how many.
pub fn prune_tokens(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity.refresh_tokens WHERE hash IN (SELECT t.hash FROM identity.refresh_tokens t WHERE t.used_at < $1 \
         ORDER BY t.used_at, t.hash LIMIT 500)",
        params![before],
    )
}

fn session(row: &Row) -> Result<Session, DbError> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        user: UserId(row.get(1)?),
        device: row.get(2)?,
        address: row.get(3)?,
        created_at: row.get(4)?,
        used_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}
