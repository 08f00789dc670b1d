//! Pictures of people. Every statement names the owner.

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;

use super::known;
use crate::domain::{ImageKind, Photo};

/// A picture as it is stored, without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPhoto {
    /// What it is.
    pub kind: ImageKind,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// How long it is.
    pub size_bytes: i64,
    /// SHA-256 of its bytes.
    pub hash: Vec<u8>,
    /// When it was sent.
    pub updated_at: Time,
}

/// What is known of a user's picture; `None` where there is none.
pub fn find(q: &mut Query, user: UserId) -> Result<Option<StoredPhoto>, DbError> {
    let sql = "SELECT media_type, width, height, CAST(LENGTH(content) AS bigint), hash, updated_at FROM identity.photos WHERE user_id = $1";
    q.row(sql, params![user.0])?.as_ref().map(stored).transpose()
}

/// The bytes of a user's picture.
pub fn content(q: &mut Query, user: UserId) -> Result<Option<Vec<u8>>, DbError> {
    q.row("SELECT content FROM identity.photos WHERE user_id = $1", params![user.0])?.map(|row| row.get(0)).transpose()
}

/// Puts a picture in place of the one before.
pub fn save(tx: &mut Tx, user: UserId, photo: &Photo, hash: &[u8]) -> Result<StoredPhoto, DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO identity.photos (user_id, media_type, width, height, hash, content, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (user_id) DO UPDATE SET media_type = excluded.media_type, width = excluded.width, height = excluded.height, \
         hash = excluded.hash, content = excluded.content, updated_at = excluded.updated_at",
        params![user.0, photo.kind.as_str(), photo.width, photo.height, hash, photo.content.clone(), now],
    )?;
    let (width, height) = (photo.width.into(), photo.height.into());
    Ok(StoredPhoto { kind: photo.kind, width, height, size_bytes: photo.content.len() as i64, hash: hash.to_vec(), updated_at: now })
}

/// Takes a user's picture away.
pub fn delete(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    tx.execute("DELETE FROM identity.photos WHERE user_id = $1", params![user.0]).map(drop)
}

fn stored(row: &Row) -> Result<StoredPhoto, DbError> {
    let kind: String = row.get(0)?;
    Ok(StoredPhoto {
        kind: known(ImageKind::parse(&kind), "picture", &kind)?,
        width: row.get(1)?,
        height: row.get(2)?,
        size_bytes: row.get(3)?,
        hash: row.get(4)?,
        updated_at: row.get(5)?,
    })
}
