//! Devices that messages can be pushed to.

use contracts::{SessionId, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use uuid::Uuid;

use crate::domain::{Platform, PushToken};

const TOKEN: &str = "id, platform, created_at, updated_at";

/// Somebody's devices, the one that was said last first.
pub(crate) fn push_tokens(q: &mut Query, user: UserId) -> Result<Vec<PushToken>, DbError> {
    let sql = format!("SELECT {TOKEN} FROM notifications.push_tokens WHERE user_id = $1 ORDER BY updated_at DESC, id DESC");
    q.rows(&sql, params![user.0])?.iter().map(read).collect()
}

/// Notes that a device is somebody's, whoever's it was before. With the same person it keeps its id.
pub(crate) fn put_push_token(tx: &mut Tx, user: UserId, session: SessionId, token: &str, platform: Platform) -> Result<PushToken, DbError> {
    let (id, now) = (tx.id(), tx.now());
    // Another person's device is another one: its old owner's id of it says nothing any more.
    tx.execute("DELETE FROM notifications.push_tokens WHERE token = $1 AND user_id <> $2", params![token, user.0])?;
    let sql = format!(
        "INSERT INTO notifications.push_tokens (id, token, platform, user_id, session_id, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (token) DO UPDATE SET platform = excluded.platform, \
         user_id = excluded.user_id, session_id = excluded.session_id, updated_at = excluded.updated_at RETURNING {TOKEN}"
    );
    let row = tx.row(&sql, params![id, token, platform.as_str(), user.0, session.0, now])?;
    row.map_or_else(|| Err(DbError::Internal("a row that was written is gone".into())), |r| read(&r))
}

/// Leaves somebody the `most` devices that were said last.
pub(crate) fn trim_push_tokens(tx: &mut Tx, user: UserId, most: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM notifications.push_tokens WHERE user_id = $1 AND id NOT IN (SELECT t.id FROM notifications.push_tokens t \
               WHERE t.user_id = $1 ORDER BY t.updated_at DESC, t.id DESC LIMIT $2)";
    tx.execute(sql, params![user.0, most]).map(drop)
}

/// Takes a device of somebody away; false where there is none.
pub(crate) fn delete_push_token(tx: &mut Tx, user: UserId, id: Uuid) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM notifications.push_tokens WHERE user_id = $1 AND id = $2", params![user.0, id])? == 1)
}

/// Takes the devices of a session away.
pub(crate) fn end_push_tokens(tx: &mut Tx, session: SessionId) -> Result<(), DbError> {
    tx.execute("DELETE FROM notifications.push_tokens WHERE session_id = $1", params![session.0]).map(drop)
}

fn read(row: &Row) -> Result<PushToken, DbError> {
    let platform: String = row.get(1)?;
    let platform = Platform::parse(&platform).ok_or_else(|| DbError::Internal(format!("a device of {platform}")))?;
    Ok(PushToken { id: row.get(0)?, platform, created_at: row.get(2)?, updated_at: row.get(3)? })
}
