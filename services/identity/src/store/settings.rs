//! What people say of themselves beyond their profile. Every statement names the owner.

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use serde_json::Value as Json;

use crate::domain::Setting;

/// A setting as it is stored.
pub struct StoredSetting {
    /// What its kind holds.
    pub data: Json,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Time,
}

/// A setting of a user; `None` where nothing was said.
pub fn find(q: &mut Query, user: UserId, kind: Setting) -> Result<Option<StoredSetting>, DbError> {
    let sql = "SELECT data, version, updated_at FROM identity.settings WHERE user_id = $1 AND kind = $2";
    q.row(sql, params![user.0, kind.as_str()])?.as_ref().map(stored).transpose()
}

/// Puts a setting in place of what was said before.
pub fn save(tx: &mut Tx, user: UserId, kind: Setting, data: Json) -> Result<StoredSetting, DbError> {
    let now = tx.now();
    let sql = "INSERT INTO identity.settings AS s (user_id, kind, data, version, updated_at) VALUES ($1, $2, $3, 1, $4) \
               ON CONFLICT (user_id, kind) DO UPDATE SET data = excluded.data, version = s.version + 1, updated_at = excluded.updated_at \
               RETURNING data, version, updated_at";
    let row = tx.row(sql, params![user.0, kind.as_str(), data, now])?;
    row.map_or(Err(DbError::Internal("no setting was stored".into())), |r| stored(&r))
}

fn stored(row: &Row) -> Result<StoredSetting, DbError> {
    Ok(StoredSetting { data: row.get(0)?, version: row.get(1)?, updated_at: row.get(2)? })
}
